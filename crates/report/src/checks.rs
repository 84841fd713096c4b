//! What speaks for and against believing the numbers, each with what it was found by.
//!
//! Responsible for the questions asked of every run, and for saying so when too few rows answer them; never changes a
//! number.

use std::collections::BTreeMap;

use labelproof_artifact::{Digest, Split, StageId};
use labelproof_metrics::comparison::two_proportion_z;

use crate::facts::Facts;
use crate::format::{self, count, counted, p_value, percent, points};

/// The chance at which a gap between parts is a warning. Every run is checked, and a false alarm costs trust in all
/// checks, so this is far stricter than for the one comparison of the verdict.
const SIGNIFICANT: f64 = 0.001;

/// The chance at which a gap is at least worth a word.
const UNUSUAL: f64 = 0.05;

/// How far train may lie above test before it is worth a word, as a share. Some gap is ordinary: the weights were
/// fitted to the train rows.
const ORDINARY_GAP: f64 = 0.05;

/// The share of truncated texts that is worth a word.
const MANY_TRUNCATED: f64 = 0.2;

/// The share of rejected rows that is worth a word.
const MANY_REJECTED: f64 = 0.05;

/// How many names a finding lists before it only counts them.
const NAMES_SHOWN: usize = 5;

/// Expected hits and misses on each side below which the normal approximation is no evidence.
const FEWEST_EXPECTED: f64 = 5.0;

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    /// Do not rely on the numbers before this is understood.
    Warning,
    /// Good to know.
    Note,
    /// Looked at, and fine.
    Fine,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How serious it is.
    pub(crate) tone: Tone,
    /// The answer in a few words.
    pub(crate) title: String,
    /// What it rests on, and what to do.
    pub(crate) text: String,
    /// The section with the evidence.
    pub(crate) section: &'static str,
}

impl Finding {
    fn new(tone: Tone, section: &'static str, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            tone,
            title: title.into(),
            text: text.into(),
            section,
        }
    }
}

/// All findings, the most serious first.
pub(crate) fn findings(facts: &Facts) -> Vec<Finding> {
    let checks: [fn(&Facts) -> Option<Finding>; 11] = [
        provenance,
        validation_against_test,
        train_against_test,
        better_than_guessing,
        classes_predicted,
        classes_tested,
        duplicates_across_parts,
        duplicates_across_labels,
        converged,
        truncated,
        rejected,
    ];
    let mut findings: Vec<_> = checks.iter().filter_map(|check| check(facts)).collect();
    findings.sort_by_key(|finding| finding.tone);
    findings
}

/// The files must be those that the later stages read.
fn provenance(facts: &Facts) -> Option<Finding> {
    const SECTION: &str = "provenance";
    let missing: Vec<_> = facts
        .locks
        .iter()
        .filter(|(_, lock)| lock.is_none())
        .map(|(stage, _)| stage.to_string())
        .collect();
    if !missing.is_empty() {
        let title = format!("Nothing says how {} ran", format::list(&missing));
        let text = "The lock of the stage is missing, so its files may be of any run. Run `labelproof run`.";
        return Some(Finding::new(Tone::Warning, SECTION, title, text));
    }
    let stale = stale_inputs(facts);
    if stale.is_empty() {
        return None;
    }
    let title = "The files are not of one run";
    let text = format!("Since then changed: {}. Run `labelproof run`.", some_of(&stale));
    Some(Finding::new(Tone::Warning, SECTION, title, text))
}

/// Files that a later stage read in another version than the one there is.
fn stale_inputs(facts: &Facts) -> Vec<String> {
    let locks = || {
        facts
            .locks
            .iter()
            .filter_map(|(stage, lock)| Some((stage, lock.as_ref()?)))
    };
    let written: BTreeMap<String, &Digest> = locks()
        .flat_map(|(stage, lock)| {
            let files = lock.outputs.iter();
            files.map(move |(file, digest)| (format!("{stage}/{file}"), digest))
        })
        .collect();
    locks()
        .flat_map(|(stage, lock)| lock.inputs.iter().map(move |(name, read)| (stage, name, read)))
        .filter(|&(_, name, read)| written.get(name).is_some_and(|&now| now != read))
        .map(|(stage, name, _): (&StageId, _, _)| format!("{} (read by {stage})", crate::text::name(name)))
        .collect()
}

/// Two random parts of the same rows, scored by the same code, must score alike.
fn validation_against_test(facts: &Facts) -> Option<Finding> {
    const SECTION: &str = "numbers";
    let (validation, test) = (facts.hits(Split::Validation)?, facts.hits(Split::Test)?);
    let (first, second) = (share(validation), share(test));
    let both = format!(
        "Validation accuracy {}, test accuracy {}",
        percent(first),
        percent(second)
    );
    if !enough(validation, test) {
        return Some(few_mistakes(facts, &both));
    }
    let comparison = two_proportion_z(validation, test)?;
    let (p, gap) = (p_value(comparison.p_value), points(first - second));
    Some(if comparison.p_value < SIGNIFICANT {
        let text = format!(
            "{both} ({p}). Two random parts of the same rows hardly ever differ like that: look for duplicates \
             across parts, a split by time or source, or predictions joined to the wrong rows."
        );
        let title = format!("Validation and test differ by {gap}");
        Finding::new(Tone::Warning, SECTION, title, text)
    } else if comparison.p_value < UNUSUAL {
        let text = format!("{both}: more apart than usual, but chance does that now and then ({p}).");
        let title = format!("Validation and test are {gap} apart");
        Finding::new(Tone::Note, SECTION, title, text)
    } else {
        let text = format!("{both}: no more apart than chance explains ({p}).");
        Finding::new(Tone::Fine, SECTION, "Validation and test agree", text)
    })
}

/// Where the normal approximation fails, the intervals are compared: they lie apart only for gaps that are rarer than
/// one in a hundred.
fn few_mistakes(facts: &Facts, both: &str) -> Finding {
    const SECTION: &str = "numbers";
    let interval = |split| {
        let accuracy = facts.model(split)?.accuracy;
        Some((accuracy.low?, accuracy.high?))
    };
    let apart = match (interval(Split::Validation), interval(Split::Test)) {
        (Some(one), Some(other)) => one.1 < other.0 || other.1 < one.0,
        _ => false,
    };
    if apart {
        let text = format!("{both}: their intervals do not meet, though there are few mistakes to tell by.");
        Finding::new(Tone::Note, SECTION, "Validation and test lie apart", text)
    } else {
        let text = format!("{both}: their intervals meet. There are too few mistakes for a sharper test.");
        Finding::new(Tone::Fine, SECTION, "Validation and test do not lie apart", text)
    }
}

fn share((hits, rows): (u64, u64)) -> f64 {
    hits as f64 / rows as f64
}

/// Whether the normal approximation of the two-proportion test holds.
fn enough(one: (u64, u64), other: (u64, u64)) -> bool {
    let pooled = share((one.0 + other.0, one.1 + other.1));
    let fewer = one.1.min(other.1) as f64;
    fewer * pooled.min(1.0 - pooled) >= FEWEST_EXPECTED
}

/// Weights that know their rows by heart score far better on them.
fn train_against_test(facts: &Facts) -> Option<Finding> {
    const SECTION: &str = "numbers";
    let (train, test) = (facts.hits(Split::Train)?, facts.hits(Split::Test)?);
    let gap = share(train) - share(test);
    let both = format!(
        "Train accuracy {}, test accuracy {}",
        percent(share(train)),
        percent(share(test))
    );
    let beyond_chance =
        two_proportion_z(train, test).is_some_and(|comparison| comparison.p_value < SIGNIFICANT);
    Some(if gap > ORDINARY_GAP && beyond_chance {
        let text = format!(
            "{both}. The model has learnt its rows rather than its labels: more rows, fewer epochs, more dropout \
             or a frozen encoder help."
        );
        let title = format!("Train lies {} above test", points(gap));
        Finding::new(Tone::Warning, SECTION, title, text)
    } else {
        Finding::new(
            Tone::Fine,
            SECTION,
            "Train is not far above test",
            format!("{both}."),
        )
    })
}

/// Whoever always answers the most frequent label is right that often.
fn better_than_guessing(facts: &Facts) -> Option<Finding> {
    const SECTION: &str = "numbers";
    let metrics = facts.model(Split::Test)?;
    let (class, support) = metrics
        .per_class
        .iter()
        .map(|class| class.support)
        .enumerate()
        .max_by_key(|&(class, support)| (support, std::cmp::Reverse(class)))?;
    let guess = share((support, metrics.rows));
    let label = facts.label(class);
    (metrics.accuracy.low? <= guess).then(|| {
        let text = format!(
            "Test accuracy {}; always answering “{label}” would be right for {}.",
            format::percent_with_interval(metrics.accuracy),
            percent(guess)
        );
        Finding::new(
            Tone::Warning,
            SECTION,
            "No better than always giving one answer",
            text,
        )
    })
}

fn classes_predicted(facts: &Facts) -> Option<Finding> {
    const SECTION: &str = "per-label";
    let metrics = facts.model(Split::Test)?;
    let never = labels_where(facts, |class| {
        metrics.per_class[class].support > 0 && metrics.per_class[class].predicted == 0
    });
    Some(if never.is_empty() {
        let title = "Every tested label is predicted";
        let text = "No label has been given up, as happens when a model collapses to a few of them.";
        Finding::new(Tone::Fine, SECTION, title, text)
    } else {
        let title = format!("{} never predicted", counted(never.len() as u64, "label"));
        let text = format!(
            "No test row was called {}, though some are: the model has given up on what it cannot tell apart, or saw \
             too few rows of it.",
            some_of(&never)
        );
        Finding::new(Tone::Warning, SECTION, title, text)
    })
}

fn classes_tested(facts: &Facts) -> Option<Finding> {
    let metrics = facts.model(Split::Test)?;
    let absent = labels_where(facts, |class| metrics.per_class[class].support == 0);
    (!absent.is_empty()).then(|| {
        let title = format!("{} without test rows", counted(absent.len() as u64, "label"));
        let text = format!("Nothing here says how good the model is at {}.", some_of(&absent));
        Finding::new(Tone::Warning, "per-label", title, text)
    })
}

fn labels_where(facts: &Facts, condition: impl Fn(usize) -> bool) -> Vec<String> {
    (0..facts.labels.len())
        .filter(|&class| condition(class))
        .map(|class| format!("“{}”", facts.label(class)))
        .collect()
}

fn some_of(names: &[String]) -> String {
    if names.len() <= NAMES_SHOWN {
        return format::list(names);
    }
    let others = format!("{} others", count((names.len() - NAMES_SHOWN) as u64));
    format::list(&[&names[..NAMES_SHOWN], &[others]].concat())
}

/// A copy of a training row in the test part is no test.
fn duplicates_across_parts(facts: &Facts) -> Option<Finding> {
    const SECTION: &str = "data";
    let duplicates = &facts.rows.duplicates;
    if facts.rows.total() == 0 {
        return None;
    }
    Some(if duplicates.across_parts > 0 {
        let title = "Copies of train rows are tested on";
        let text = format!(
            "{} of near or exact duplicates lie in train and in validation or test at once: accuracy there is partly \
             memory. Set `split.keep_duplicates_together: true`.",
            counted(duplicates.across_parts, "group")
        );
        Finding::new(Tone::Warning, SECTION, title, text)
    } else {
        let text = format!(
            "{} of near or exact duplicates, all with train kept apart from validation and test.",
            counted(duplicates.groups, "group")
        );
        Finding::new(Tone::Fine, SECTION, "No copy of a train row is tested on", text)
    })
}

fn duplicates_across_labels(facts: &Facts) -> Option<Finding> {
    let groups = facts.rows.duplicates.across_labels;
    (groups > 0).then(|| {
        let text = format!(
            "{} of near or exact duplicates hold more than one label. Whatever the model answers, it is wrong for \
             some of these rows.",
            counted(groups, "group")
        );
        Finding::new(Tone::Note, "data", "The same text has different labels", text)
    })
}

/// A best epoch at the very end may not have been the best one to come.
fn converged(facts: &Facts) -> Option<Finding> {
    let last = facts.history.last()?;
    (last.best && facts.history.len() > 1).then(|| {
        let text = format!(
            "Epoch {}, the last, is the best one: validation was still getting better when training ended.",
            last.epoch
        );
        Finding::new(Tone::Note, "training", "More epochs may help", text)
    })
}

fn truncated(facts: &Facts) -> Option<Finding> {
    let lengths = facts.rows.all_lengths();
    let cut_at = facts.rows.cut_at?;
    let part = share((lengths.truncated, lengths.rows()));
    (part > MANY_TRUNCATED).then(|| {
        let text = format!(
            "{} of the texts have more than {} tokens, and what comes after is never seen. If it matters, raise \
             `preprocess.max_tokens`, if the encoder takes more.",
            percent(part),
            count(u64::from(cut_at))
        );
        Finding::new(Tone::Note, "lengths", "Many texts are cut", text)
    })
}

fn rejected(facts: &Facts) -> Option<Finding> {
    let rejected: u64 = facts.rejects.iter().map(|(_, rejects)| rejects.total).sum();
    let part = share((rejected, rejected + facts.rows.total()));
    (rejected > 0 && part > MANY_REJECTED).then(|| {
        let text = format!(
            "{} ({}) did not make it into the pipeline.",
            counted(rejected, "row"),
            percent(part)
        );
        Finding::new(Tone::Note, "rejects", "Many rows were rejected", text)
    })
}
