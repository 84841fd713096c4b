//! What `labelproof predict` and `labelproof serve` decide of each row: its probabilities, whether it is left to people, and its
//! set of labels.
//!
//! How thresholds and sets are chosen is `labelproof_metrics::decisions`' business; here they are chosen on
//! the rows that the bundle keeps, and said.

use std::path::PathBuf;

use labelproof_artifact::wording::{counted, plural, quoted};
use labelproof_artifact::{Advice, Diagnostic, Fault, LabelMap};
use labelproof_cli::commands::decisions::DecisionArgs;
use labelproof_driver::Failure;
use labelproof_metrics::decisions::{
    CalibratedRow, ConformalSets, Thresholds, Wanted, highest_precision, softmax_at,
};
use labelproof_metrics::{argmax, softmax};
use labelproof_model::Bundle;

/// The most names of labels in a note.
const SHOWN_LABELS: usize = 10;

/// A decision cannot be made with this bundle.
#[derive(Debug, thiserror::Error)]
enum DecisionError {
    #[error(
        "no confidence gives a precision of {precision}: the highest that the bundle's {} {} is \
         {highest:.3}, the lower end of its 95 % interval",
        counted(*rows, "validation row"),
        plural(*rows, "shows", "show")
    )]
    Precision { precision: f64, rows: u64, highest: f64 },
    #[error("the table of `{}` is none of its bundle", path.display())]
    Table {
        path: PathBuf,
        source: labelproof_metrics::Error,
    },
    #[error("a confidence is the same threshold for every label")]
    SameForAll,
}

impl Diagnostic for DecisionError {
    fn advice(&self) -> Advice {
        match self {
            Self::Precision { highest, .. } if *highest < 0.001 => Fault::Configuration
                .hint("ask for a coverage; hardly a label of the validation rows is right"),
            Self::Precision { highest, .. } => Fault::Configuration.hint(format!(
                "ask for a precision of at most {highest:.3}, or for a coverage; more validation rows \
                 (`split.validation`) show a higher one"
            )),
            Self::Table { .. } => Fault::Artifact.hint("make it anew: labelproof run train --force"),
            Self::SameForAll => {
                Fault::Configuration.hint("leave out --per-label, or ask for a precision or a coverage")
            }
        }
    }
}

/// What is decided of each row, as the command line asks.
pub(crate) struct Decisions {
    /// The number that logits are divided by; `None` where probabilities are not calibrated.
    temperature: Option<f64>,
    thresholds: Option<Thresholds>,
    sets: Option<ConformalSets>,
}

/// What was decided of a row.
pub(crate) struct Decided {
    /// The class of the highest logit.
    pub(crate) class: usize,
    /// `[classes]`.
    pub(crate) probabilities: Vec<f64>,
    /// Whether the row is left to people, where that was asked.
    pub(crate) abstained: Option<bool>,
    /// The classes of its set, where that was asked.
    pub(crate) set: Option<Vec<usize>>,
}

impl Decisions {
    /// Chooses thresholds and sets on the rows of the bundle, and says by `note` what is odd about them.
    pub(crate) fn choose(
        args: &DecisionArgs,
        bundle: &Bundle,
        note: &mut dyn FnMut(&str),
    ) -> Result<Self, Failure> {
        if !args.calibrated && args.abstain.is_none() && args.conformal.is_none() {
            return Ok(Self {
                temperature: None,
                thresholds: None,
                sets: None,
            });
        }
        let calibration = bundle.calibration()?;
        let labels = &bundle.labels;
        let rows = CalibratedRow::numbered(&calibration.rows, labels).map_err(|source| {
            let path = bundle.folder().to_path_buf();
            DecisionError::Table { path, source }
        })?;
        let thresholds = args
            .abstain
            .map(|wanted| thresholds(wanted, args, &rows, labels, note))
            .transpose()?;
        let sets = args
            .conformal
            .map(|level| sets(level, args.per_label, &rows, labels, note));
        Ok(Self {
            temperature: Some(calibration.temperature),
            thresholds,
            sets,
        })
    }

    /// Whether rows are left to people.
    pub(crate) fn abstain(&self) -> bool {
        self.thresholds.is_some()
    }

    /// Whether rows have sets of labels.
    pub(crate) fn have_sets(&self) -> bool {
        self.sets.is_some()
    }

    /// The number that logits are divided by; `None` where probabilities are not calibrated.
    pub(crate) fn temperature(&self) -> Option<f64> {
        self.temperature
    }

    /// The confidence from which a prediction of each class is kept, `[classes]`, and `None` of one of which none is;
    /// `None` where no row is left to people.
    pub(crate) fn thresholds(&self, classes: usize) -> Option<Vec<Option<f64>>> {
        let thresholds = self.thresholds.as_ref()?;
        Some((0..classes).map(|class| thresholds.of(class)).collect())
    }

    /// What is decided of a row with the logits `[classes]`.
    pub(crate) fn of(&self, logits: &[f32]) -> Decided {
        let class = argmax(logits);
        let probabilities = match self.temperature {
            Some(temperature) => softmax_at(logits, temperature),
            None => softmax(logits),
        };
        let thresholds = self.thresholds.as_ref();
        Decided {
            class,
            abstained: thresholds.map(|thresholds| !thresholds.keeps(class, probabilities[class])),
            set: self.sets.as_ref().map(|sets| sets.set(&probabilities)),
            probabilities,
        }
    }
}

fn thresholds(
    wanted: Wanted,
    args: &DecisionArgs,
    rows: &[CalibratedRow],
    labels: &LabelMap,
    note: &mut dyn FnMut(&str),
) -> Result<Thresholds, DecisionError> {
    let thresholds = if !args.per_label {
        Thresholds::overall(rows, wanted, labels.len())
    } else if matches!(wanted, Wanted::Confidence(_)) && args.conformal.is_none() {
        return Err(DecisionError::SameForAll);
    } else {
        Thresholds::per_class(rows, wanted, labels.len())
    };
    let without = names(thresholds.without(), labels);
    if let Wanted::Precision(precision) = wanted
        && without.len() == labels.len()
    {
        return Err(unreachable(precision, args.per_label, rows, labels));
    }
    if !without.is_empty() {
        note(&format!(
            "all predictions of {} are left to people: too few validation rows are predicted so, or too \
             many of them wrongly",
            quoted(&without, SHOWN_LABELS),
        ));
    }
    if !args.per_label
        && let Some(threshold) = thresholds.of(0)
    {
        let kept = || {
            rows.iter()
                .filter(|row| thresholds.keeps(row.predicted, row.confidence))
        };
        note(&format!(
            "kept from a confidence of {threshold:.4}: {} of {}, {} of them right",
            kept().count(),
            counted(rows.len() as u64, "validation row"),
            kept().filter(|row| row.is_hit()).count(),
        ));
    }
    Ok(thresholds)
}

/// The error of a precision that no label reaches.
fn unreachable(precision: f64, per_label: bool, rows: &[CalibratedRow], labels: &LabelMap) -> DecisionError {
    let highest = if per_label {
        let of_class = |class| {
            let own: Vec<CalibratedRow> = rows
                .iter()
                .filter(|row| row.predicted == class)
                .copied()
                .collect();
            highest_precision(&own)
        };
        (0..labels.len()).map(of_class).fold(0.0, f64::max)
    } else {
        highest_precision(rows)
    };
    DecisionError::Precision {
        precision,
        rows: rows.len() as u64,
        // Rounded down, so that the number in the hint can be asked for.
        highest: (highest * 1e3).floor() / 1e3,
    }
}

fn sets(
    level: f64,
    per_label: bool,
    rows: &[CalibratedRow],
    labels: &LabelMap,
    note: &mut dyn FnMut(&str),
) -> ConformalSets {
    let sets = if per_label {
        ConformalSets::per_class(rows, level, labels.len())
    } else {
        ConformalSets::overall(rows, level, labels.len())
    };
    let always = names(sets.always(), labels);
    if always.len() == labels.len() {
        note(&format!(
            "every set has every label: {} are too few for a level of {level}",
            counted(rows.len() as u64, "validation row"),
        ));
    } else if !always.is_empty() {
        note(&format!(
            "every set has {}: too few validation rows have the label for a level of {level}",
            quoted(&always, SHOWN_LABELS),
        ));
    }
    sets
}

fn names(classes: impl Iterator<Item = usize>, labels: &LabelMap) -> Vec<String> {
    classes.map(|class| labels.name(class).to_owned()).collect()
}
