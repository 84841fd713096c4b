//! The short form: what a CI run shows below its logs, as GitHub-flavoured Markdown.

use std::fmt::Write;

use labelproof_artifact::Split;
use labelproof_artifact::findings::{Findings, Ruling};
use labelproof_artifact::wording::capitalized;
use labelproof_metrics::{Estimate, SplitMetrics};

use crate::audited;
use crate::checks::{Remark, Tone};
use crate::facts::Facts;
use crate::format::{Cell, Unit, mean_and_deviation, more};
use crate::judgement::Judgement;
use crate::sections::confusion::confused_pairs;
use crate::{PAGE, Params, page, text};

/// The most pairs of labels that are listed.
const PAIRS_SHOWN: usize = 5;

type Metric = (&'static str, Unit, fn(&SplitMetrics) -> Estimate);

const METRICS: [Metric; 5] = [
    ("Accuracy", Unit::Percent, |metrics| metrics.accuracy),
    ("F1, macro", Unit::Percent, |metrics| metrics.f1_macro),
    ("ROC AUC", Unit::Index, |metrics| metrics.roc_auc),
    ("Loss", Unit::Plain, |metrics| metrics.loss),
    ("Calibration error", Unit::Percent, |metrics| metrics.ece),
];

/// Writes the short form.
pub(crate) fn render(params: &Params, facts: &Facts, judgement: &Judgement, remarks: &[Remark]) -> String {
    let parts = [
        format!("# {}\n", escaped(&text::name(params.heading()))),
        verdict(&facts.findings),
        causes(&facts.findings),
        gap(&facts.findings),
        format!("{}.\n", escaped(&audited::counts(&facts.findings))),
        format!(
            "**{}.** {}\n",
            escaped(&judgement.headline),
            escaped(&judgement.sentences.join(" "))
        ),
        escaped(&page::subtitle(facts)) + "\n",
        warnings(remarks),
        table(facts),
        spreads(facts),
        pairs(facts),
        format!("The whole report is in `{PAGE}`.\n"),
    ];
    let filled: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    // A no-break space would hide the numbers from whoever searches for them.
    filled.join("\n").replace('\u{a0}', " ")
}

fn verdict(findings: &Findings) -> String {
    format!(
        "**{}** {}\n",
        text::sentence(findings.verdict.words()),
        escaped(&text::sentence(&findings.headline))
    )
}

fn causes(findings: &Findings) -> String {
    let mut list = String::new();
    for finding in findings.causes() {
        let mut sentences = vec![text::sentence(&finding.summary)];
        for follower in findings.consequences(&finding.id) {
            sentences.push(format!(
                "Follows from it: {} ({}).",
                text::name(&follower.name),
                text::label(&follower.id)
            ));
        }
        let steps = [
            ("What to do", &finding.fix),
            ("How to make sure", &finding.confirm),
        ];
        for (what, words) in steps {
            if let Some(words) = words {
                sentences.push(format!("{what}: {}", text::sentence(words)));
            }
        }
        sentences.push(format!("More: labelproof explain {}", text::label(&finding.id)));
        writeln!(
            list,
            "{}. **{}** ({}, {}, {}). {}",
            finding.rank.unwrap_or_default(),
            escaped(&capitalized(&text::name(&finding.name))),
            escaped(&text::label(&finding.id)),
            audited::severity(finding),
            escaped(&audited::weight(finding)),
            escaped(&sentences.join(" "))
        )
        .expect("a String takes everything");
    }
    list
}

/// The gap, and what can make it, where chance does not explain it.
fn gap(findings: &Findings) -> String {
    let Some(gap) = findings.gap.as_ref().filter(|gap| gap.significant) else {
        return String::new();
    };
    let of = |ruling: Ruling| -> String {
        let families = findings.families.iter().filter(|family| family.ruling == ruling);
        let titles: Vec<_> = families.map(|family| family.family.title()).collect();
        titles.join("; ")
    };
    let mut sentences = vec![audited::gap(gap)];
    for (words, ruling) in [
        ("What can do this", Ruling::RuledIn),
        ("What cannot", Ruling::RuledOut),
    ] {
        let families = of(ruling);
        if !families.is_empty() {
            sentences.push(format!("{words}: {families}."));
        }
    }
    escaped(&sentences.join(" ")) + "\n"
}

fn warnings(remarks: &[Remark]) -> String {
    let mut list = String::new();
    for remark in remarks.iter().filter(|remark| remark.tone != Tone::Fine) {
        let word = if remark.tone == Tone::Warning {
            "Warning"
        } else {
            "Note"
        };
        let (title, text) = (escaped(&remark.title), escaped(&remark.text));
        writeln!(list, "- **{word}: {title}.** {text}").expect("a String takes everything");
    }
    list
}

fn table(facts: &Facts) -> String {
    let (Some(model), Some(baseline)) = (facts.model(Split::Test), facts.baseline(Split::Test)) else {
        return String::new();
    };
    let mut table = format!(
        "| test | BERT | {} |\n| --- | --- | --- |\n",
        escaped(&facts.baseline_name())
    );
    for (name, unit, read) in METRICS {
        let cell = |metrics| Cell::new(read(metrics), unit).in_line();
        let (model, baseline) = (escaped(&cell(model)), escaped(&cell(baseline)));
        writeln!(table, "| {name} | {model} | {baseline} |").expect("a String takes everything");
    }
    table
}

/// The figures of several models of the same recipe.
fn spreads(facts: &Facts) -> String {
    let mut list = String::new();
    for (name, spreads) in facts.spreads() {
        writeln!(
            list,
            "- {name}: accuracy {}, macro F1 {} (mean ± standard deviation)",
            mean_and_deviation(&spreads.accuracy),
            mean_and_deviation(&spreads.f1_macro)
        )
        .expect("a String takes everything");
    }
    list
}

fn pairs(facts: &Facts) -> String {
    let (pairs, left_out) = confused_pairs(facts, PAIRS_SHOWN);
    let mut list = String::new();
    for pair in pairs {
        writeln!(
            list,
            "- {} of {} {} texts {} called {}",
            pair.count,
            pair.support,
            escaped(&pair.label),
            pair.verb,
            escaped(&pair.predicted)
        )
        .expect("a String takes everything");
    }
    if left_out > 0 {
        writeln!(list, "- and {} of labels", more(left_out, "pair")).expect("a String takes everything");
    }
    list
}

/// Text that Markdown shows as it is. A backslash before any ASCII punctuation is that character
/// (`CommonMark` 2.4).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '@' => {
                out.push('\\');
                out.push(character);
            }
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_shown_and_not_followed() {
        assert_eq!(escaped("a|b\n<i>*x*</i>"), "a\\|b &lt;i&gt;\\*x\\*&lt;/i&gt;");
    }
}
