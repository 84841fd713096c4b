//! What must not stand in one answer: sentences of it that contradict each other.
//!
//! Written down for the tests, which ask it of every audit that they make.

use labelproof_artifact::Split;
use labelproof_artifact::findings::{
    Confidence, Figure, Finding, Findings, Ruling, Severity, Status, Verdict,
};

/// What contradicts what in an answer, a sentence each; empty for an answer that is at one with itself.
pub(crate) fn contradictions(findings: &Findings) -> Vec<String> {
    [
        of_the_verdict(findings),
        of_the_ranks(findings),
        of_the_families(findings),
        of_the_account(findings),
        of_the_causes(findings),
        of_the_effects(findings),
        of_the_words(findings),
    ]
    .concat()
}

fn of_the_verdict(findings: &Findings) -> Vec<String> {
    let mut said = Vec::new();
    let worst = findings
        .of(Status::Found)
        .filter_map(|finding| finding.severity)
        .max();
    let allowed = match worst {
        Some(Severity::Unsound) => findings.verdict == Verdict::Unsound,
        Some(Severity::Caution) => findings.verdict != Verdict::Sound,
        _ => true,
    };
    if !allowed {
        said.push(format!(
            "the verdict is {} beside a finding that is {worst:?}",
            findings.verdict.name()
        ));
    }
    let was_made = |finding: &&Finding| finding.status != Status::NotChecked;
    if findings.verdict == Verdict::Sound && findings.findings.iter().filter(was_made).count() == 0 {
        said.push(String::from("the verdict is sound, and no check was made"));
    }
    let first = findings.causes().next();
    let named = first.is_none_or(|first| {
        let decides = first.severity == Some(Severity::Unsound)
            || findings.verdict == Verdict::Caution && first.severity == Some(Severity::Caution);
        !decides || findings.headline.contains(&format!("({})", first.id))
    });
    if !named {
        said.push(format!(
            "the headline does not name what stands first: {}",
            findings.headline
        ));
    }
    said
}

fn of_the_ranks(findings: &Findings) -> Vec<String> {
    let mut said = Vec::new();
    for (place, cause) in (1_u32..).zip(findings.causes()) {
        if cause.rank != Some(place) || cause.fix.is_none() {
            said.push(format!("{} has rank {:?} in place {place}", cause.id, cause.rank));
        }
    }
    for finding in findings
        .findings
        .iter()
        .filter(|finding| finding.explained_by.is_some())
    {
        let reason = finding.explained_by.as_deref().unwrap_or_default();
        let Some(cause) = findings.causes().find(|cause| cause.id == reason) else {
            said.push(format!("{} follows from {reason}, which is no cause", finding.id));
            continue;
        };
        if finding.severity > cause.severity {
            said.push(format!(
                "{} is graver than {reason}, from which it follows",
                finding.id
            ));
        }
        if finding.rank.is_some() || finding.fix.is_some() || finding.status != Status::Found {
            said.push(format!(
                "{} follows from {reason} and has advice of its own",
                finding.id
            ));
        }
    }
    said
}

fn of_the_families(findings: &Findings) -> Vec<String> {
    let out = findings
        .families
        .iter()
        .filter(|family| family.ruling == Ruling::RuledOut);
    let found = out.flat_map(|family| {
        findings
            .of(Status::Found)
            .filter(move |finding| finding.family == family.family)
    });
    found
        .map(|finding| format!("{} is found, and its family is ruled out", finding.id))
        .collect()
}

fn of_the_account(findings: &Findings) -> Vec<String> {
    let Some(account) = &findings.account else {
        return Vec::new();
    };
    let mut said = Vec::new();
    let steps: f64 = account.steps.iter().map(|step| step.points).sum();
    if (account.validation + steps + account.rest - account.test).abs() > 0.01 {
        said.push(format!("the account does not add up: {account:?}"));
    }
    for step in &account.steps {
        if !findings.causes().any(|cause| cause.id == step.id) {
            said.push(format!("{} is accounted for and no cause", step.id));
        }
    }
    said
}

/// Pairs of numbers of which one says that the other cannot be.
const EXCLUSIVE: [(&str, &str); 9] = [
    // Predictions are mis-paired in one way.
    ("C10", "C11"),
    ("C10", "C12"),
    ("C11", "C12"),
    ("C11", "C13"),
    ("C12", "C13"),
    // Scores of other rows, and scores that another model gave.
    ("C11", "C20"),
    ("C11", "C22"),
    ("C11", "C30"),
    // Predictions that are not those of their own scores may belong to any row.
    ("C61", "C11"),
];

fn of_the_causes(findings: &Findings) -> Vec<String> {
    let is_found = |id: &str| findings.of(Status::Found).any(|finding| finding.id == id);
    let both = EXCLUSIVE
        .iter()
        .filter(|(one, other)| is_found(one) && is_found(other));
    let mut said: Vec<String> = both
        .map(|(one, other)| format!("{one} and {other} exclude each other"))
        .collect();
    let by_the_model = |finding: &Finding| {
        finding
            .evidence
            .get("judge")
            .is_some_and(|judge| judge == "the model")
    };
    let of_test = |finding: &Finding| {
        finding
            .effect
            .is_some_and(|effect| effect.on == Figure::Accuracy(Split::Test))
    };
    let doubted = findings
        .of(Status::Found)
        .any(|finding| finding.id == "C50" && by_the_model(finding) && of_test(finding));
    let failed = findings
        .of(Status::Found)
        .any(|finding| finding.id == "C53" && finding.severity == Some(Severity::Unsound));
    if doubted && failed {
        said.push("labels are doubted by a model that is no better than guessing".to_owned());
    }
    said
}

fn of_the_effects(findings: &Findings) -> Vec<String> {
    let mut said = Vec::new();
    for finding in &findings.findings {
        let Some(effect) = finding.effect else { continue };
        let within = effect
            .interval
            .is_none_or(|(low, high)| low <= effect.points + 1e-6 && high >= effect.points - 1e-6);
        if !within || !effect.points.is_finite() || effect.points.abs() > 100.0 {
            said.push(format!("{} has an effect of {effect:?}", finding.id));
        }
        // A leak in a split that comes out worse for it is none.
        let leaks = ["C40", "C41", "C42"].contains(&finding.id.as_str());
        if leaks && finding.severity == Some(Severity::Unsound) && effect.points < 0.0 {
            said.push(format!("{} is unsound and lowers a figure", finding.id));
        }
        if effect.on == Figure::Logged
            && finding.confidence == Some(Confidence::Certain)
            && effect.points == 0.0
        {
            said.push(format!(
                "{} says that a logged figure is off by nothing",
                finding.id
            ));
        }
    }
    said
}

fn of_the_words(findings: &Findings) -> Vec<String> {
    let mut said = Vec::new();
    for finding in &findings.findings {
        let temperature = finding
            .evidence
            .get("temperature")
            .and_then(serde_json::Value::as_f64);
        if let Some(temperature) = temperature {
            let too_sure = finding.summary.contains("too sure");
            let timid = finding.summary.contains("less sure");
            if too_sure && temperature <= 1.0 || timid && temperature >= 1.0 {
                said.push(format!(
                    "{}: {} at a temperature of {temperature}",
                    finding.id, finding.summary
                ));
            }
            if !(0.1..=10.0).contains(&temperature) {
                said.push(format!(
                    "{}: a temperature of {temperature} is where the search ends",
                    finding.id
                ));
            }
        }
    }
    let find = |id: &str| findings.findings.iter().find(|finding| finding.id == id);
    let lacks_a_class = find("C44")
        .filter(|sorted| sorted.status == Status::Found)
        .is_some_and(|sorted| sorted.summary.contains("has the class"));
    if lacks_a_class
        && find("C16").is_some_and(|spelling| spelling.summary.contains("every split has every class"))
    {
        said.push("every split has every class, and only one of two has a class".to_owned());
    }
    said
}
