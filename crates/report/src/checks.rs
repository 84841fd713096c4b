//! Remarks on the figures beyond the audit's checks: overfitting, labels that are never predicted or tested,
//! and truncated texts.
//!
//! Responsible for the questions asked of every run that no check of the audit asks; never changes a number.

use labelproof_artifact::Split;
use labelproof_artifact::findings::Status;
use labelproof_artifact::wording::listed;
use labelproof_metrics::comparison::two_proportion_z;

use crate::facts::Facts;
use crate::format::{count, counted, percent, points};

/// The chance at which a gap between parts is a warning. Every run is checked, and a false alarm costs trust
/// in all checks, so this is far stricter than for the one comparison of the verdict.
const SIGNIFICANT: f64 = 0.001;

/// The difference between training and test accuracy, as a share, that is not worth a remark: the weights
/// were fitted to the training rows.
const ORDINARY_GAP: f64 = 0.05;

/// The share of truncated texts that is worth a word.
const MANY_TRUNCATED: f64 = 0.2;

/// The share of rejected rows that is worth a word.
const MANY_REJECTED: f64 = 0.05;

/// How many names a remark lists before it only counts them.
const NAMES_SHOWN: usize = 5;

/// How serious a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    /// Do not rely on the numbers before this is understood.
    Warning,
    /// The remark is good to know.
    Note,
    /// The remark says that all is well.
    Fine,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    /// How serious the remark is.
    pub(crate) tone: Tone,
    /// The answer in a few words.
    pub(crate) title: String,
    /// The evidence for the remark, and what to do.
    pub(crate) text: String,
    /// The section of the page with the evidence.
    pub(crate) section: &'static str,
}

impl Remark {
    fn new(tone: Tone, section: &'static str, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            tone,
            title: title.into(),
            text: text.into(),
            section,
        }
    }
}

type Check = fn(&Facts) -> Option<Remark>;

/// All remarks, the most serious first.
pub(crate) fn remarks(facts: &Facts) -> Vec<Remark> {
    // Beside each question the cause, if any, with which the audit answers it once it is found.
    let checks: [(Check, Option<&str>); 6] = [
        (train_against_test, None),
        (classes_predicted, Some("C25")),
        (classes_tested, None),
        (converged, Some("C56")),
        (truncated, None),
        (rejected, None),
    ];
    let found = |id: &str| facts.findings.of(Status::Found).any(|finding| finding.id == id);
    let mut remarks: Vec<_> = checks
        .iter()
        .filter(|(_, cause)| !cause.is_some_and(found))
        .filter_map(|(check, _)| check(facts))
        .collect();
    remarks.sort_by_key(|remark| remark.tone);
    remarks
}

fn share((hits, rows): (u64, u64)) -> f64 {
    hits as f64 / rows as f64
}

/// Weights that know their rows by heart score far better on them.
fn train_against_test(facts: &Facts) -> Option<Remark> {
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
            "{both}. The model has learnt its rows rather than its labels: more rows, fewer epochs, more \
             dropout or a frozen encoder help."
        );
        let title = format!("Train lies {} above test", points(gap));
        Remark::new(Tone::Warning, SECTION, title, text)
    } else {
        Remark::new(
            Tone::Fine,
            SECTION,
            "Train is not far above test",
            format!("{both}."),
        )
    })
}

fn classes_predicted(facts: &Facts) -> Option<Remark> {
    const SECTION: &str = "per-label";
    let metrics = facts.model(Split::Test)?;
    let never = labels_where(facts, |class| {
        metrics.per_class[class].support > 0 && metrics.per_class[class].predicted == 0
    });
    Some(if never.is_empty() {
        let title = "Every tested label is predicted";
        let text = "No label has been given up, as happens when a model collapses to a few of them.";
        Remark::new(Tone::Fine, SECTION, title, text)
    } else {
        let title = format!("{} never predicted", counted(never.len() as u64, "label"));
        let text = format!(
            "No test row was called {}, though some are: the model has given up on what it cannot tell \
             apart, or saw too few rows of it.",
            some_of(&never)
        );
        Remark::new(Tone::Warning, SECTION, title, text)
    })
}

fn classes_tested(facts: &Facts) -> Option<Remark> {
    let metrics = facts.model(Split::Test)?;
    let absent = labels_where(facts, |class| metrics.per_class[class].support == 0);
    (!absent.is_empty()).then(|| {
        let title = format!("{} without test rows", counted(absent.len() as u64, "label"));
        let text = format!("Nothing here says how good the model is at {}.", some_of(&absent));
        Remark::new(Tone::Warning, "per-label", title, text)
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
        return listed(names);
    }
    let others = format!("{} others", count((names.len() - NAMES_SHOWN) as u64));
    listed(&[&names[..NAMES_SHOWN], &[others]].concat())
}

/// A best epoch at the very end may not have been the best one to come.
fn converged(facts: &Facts) -> Option<Remark> {
    let last = facts.history.last()?;
    (last.best && facts.history.len() > 1).then(|| {
        let text = format!(
            "Epoch {}, the last, is the best one: validation was still getting better when training ended.",
            last.epoch
        );
        Remark::new(Tone::Note, "training", "More epochs may help", text)
    })
}

fn truncated(facts: &Facts) -> Option<Remark> {
    let lengths = facts.rows.all_lengths();
    let cut_at = facts.rows.cut_at?;
    let part = share((lengths.truncated, lengths.rows()));
    (part > MANY_TRUNCATED).then(|| {
        let text = format!(
            "{} of the texts have more than {} tokens, and what comes after is never seen. If it matters, \
             raise `preprocess.max_tokens`; beyond what the encoder takes, set `preprocess.windows`.",
            percent(part),
            count(u64::from(cut_at))
        );
        Remark::new(Tone::Note, "lengths", "Many texts are cut", text)
    })
}

fn rejected(facts: &Facts) -> Option<Remark> {
    let rejected: u64 = facts.rejects.iter().map(|(_, rejects)| rejects.total).sum();
    let part = share((rejected, rejected + facts.rows.total()));
    (rejected > 0 && part > MANY_REJECTED).then(|| {
        let text = format!(
            "{} ({}) did not make it into the pipeline.",
            counted(rejected, "row"),
            percent(part)
        );
        Remark::new(Tone::Note, "rejects", "Many rows were rejected", text)
    })
}
