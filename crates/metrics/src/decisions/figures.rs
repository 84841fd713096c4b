//! What decisions give on the test rows: the part of `metrics.json` on them.

use labelproof_artifact::LabelMap;
use serde::{Deserialize, Serialize};

use super::temperature::{loss_at, softmax_at};
use super::{CalibratedRow, ConformalSets, Thresholds, Wanted, by_class, highest_precision};
use crate::{Bootstrap, Error, Estimate, ReliabilityBin, Scored, summarize, wilson};

/// The decisions that are measured.
#[derive(Debug, Clone, Copy)]
pub struct Questions<'a> {
    /// The wanted precisions, each between 0 and 1.
    pub precisions: &'a [f64],
    /// The wanted coverages, each above 0 and at most 1.
    pub coverages: &'a [f64],
    /// The wanted shares of conformal sets with the true label, each between 0 and 1.
    pub conformal_levels: &'a [f64],
}

/// What decisions give on the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionFigures {
    /// What the temperature does to the probabilities.
    pub calibration: Calibration,
    /// The thresholds chosen on validation, and what they keep of test: for each wanted precision and
    /// coverage one for all labels, then one for each predicted label.
    pub thresholds: Vec<OperatingPoint>,
    /// The highest precision that the validation rows show of any threshold for all labels: the lower end of
    /// its 95 % interval.
    pub highest_precision: f64,
    /// The conformal sets calibrated on validation, and what they hold on test.
    pub conformal: Vec<ConformalFigures>,
}

/// The calibrated probabilities of the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The number that logits are divided by, fitted on the validation rows.
    pub temperature: f64,
    /// The mean cross-entropy in nats after that.
    pub loss: Estimate,
    /// The expected calibration error after that.
    pub ece: Estimate,
    /// The reliability bins after that.
    pub reliability: Vec<ReliabilityBin>,
}

/// A threshold chosen on the validation rows, and what it does to them and to the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// What the validation rows had to reach. A precision is reached if the lower end of its 95 % interval
    /// is.
    pub wanted: Wanted,
    /// The predicted label whose rows these are; `None` for one threshold for all labels.
    pub label: Option<String>,
    /// The lowest calibrated confidence that gives it; `None` where none does, and nothing is kept.
    pub threshold: Option<f64>,
    /// What the threshold keeps of the validation rows, on which it was chosen.
    pub validation: Kept,
    /// What the threshold keeps of the test rows.
    pub test: Kept,
}

/// The part of some rows that a threshold keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The number of rows.
    pub rows: u64,
    /// Those with at least the threshold's confidence; 0 without a threshold.
    pub kept: u64,
    /// Those of the kept ones that are predicted rightly.
    pub hits: u64,
    /// The share that is kept, with Wilson's interval.
    pub coverage: Estimate,
    /// The share of the kept ones that is right, with Wilson's interval.
    pub precision: Estimate,
}

/// The conformal sets of a level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConformalFigures {
    /// The wanted share of sets with the true label.
    pub level: f64,
    /// Whether each label is calibrated by itself.
    pub per_label: bool,
    /// `[labels]`: the highest `1 − p` with which a label belongs to a set; `None` where the validation rows
    /// are too few, and it belongs to all.
    pub limits: Vec<Option<f64>>,
    /// The test rows whose set has the true label.
    pub covered: Covered,
    /// `[labels]`: the same of the rows of each true label.
    pub labels: Vec<Covered>,
    /// How many labels the sets of the test rows have.
    pub sizes: SetSizes,
}

/// The rows whose set has the true label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    /// The number of rows.
    pub rows: u64,
    /// Those whose set has the true label.
    pub covered: u64,
    /// Their share, with Wilson's interval.
    pub coverage: Estimate,
}

/// The sizes of some sets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetSizes {
    /// Sets without a label.
    pub empty: u64,
    /// Sets of one label.
    pub single: u64,
    /// Sets of more labels.
    pub several: u64,
    /// The mean number of labels; `None` for no rows.
    pub mean: Option<f64>,
}

impl DecisionFigures {
    /// Measures decisions that are chosen on the `validation` rows, on the test rows with the logits `test`,
    /// each `[classes]`, and their true classes.
    pub fn measure(
        questions: Questions<'_>,
        temperature: f64,
        validation: &[CalibratedRow],
        (test, truth): (&[&[f32]], &[u32]),
        labels: &LabelMap,
        bootstrap: Bootstrap,
    ) -> Result<Self, Error> {
        let logits = test.iter();
        let test = Test {
            probabilities: logits
                .clone()
                .flat_map(|logits| softmax_at(logits, temperature))
                .collect(),
            rows: logits
                .zip(truth)
                .map(|(logits, &label)| CalibratedRow::of_logits(logits, label as usize, temperature))
                .collect(),
            losses: test
                .iter()
                .zip(truth)
                .map(|(logits, &label)| loss_at(logits, label as usize, temperature))
                .collect(),
        };
        let wanted = questions.precisions.iter().map(|&share| Wanted::Precision(share));
        let wanted = wanted.chain(questions.coverages.iter().map(|&share| Wanted::Coverage(share)));
        let levels = questions.conformal_levels.iter();
        let sets = levels.flat_map(|&level| [(level, false), (level, true)]);
        Ok(Self {
            calibration: test.calibration(temperature, truth, labels, bootstrap)?,
            thresholds: wanted
                .flat_map(|wanted| operating_points(wanted, validation, &test.rows, labels))
                .collect(),
            highest_precision: highest_precision(validation),
            conformal: sets
                .map(|(level, per_label)| test.conformal(level, per_label, validation, labels.len()))
                .collect(),
        })
    }
}

/// The test rows with their calibrated probabilities.
struct Test {
    /// `[rows, classes]`, row-major.
    probabilities: Vec<f64>,
    rows: Vec<CalibratedRow>,
    losses: Vec<f64>,
}

impl Test {
    fn calibration(
        &self,
        temperature: f64,
        truth: &[u32],
        labels: &LabelMap,
        bootstrap: Bootstrap,
    ) -> Result<Calibration, Error> {
        let scored = Scored::new(truth, &self.probabilities, &self.losses, labels.len())?;
        let metrics = summarize(&scored, labels.names(), bootstrap);
        Ok(Calibration {
            temperature,
            loss: metrics.loss,
            ece: metrics.ece,
            reliability: metrics.reliability,
        })
    }

    fn conformal(
        &self,
        level: f64,
        per_label: bool,
        validation: &[CalibratedRow],
        classes: usize,
    ) -> ConformalFigures {
        let sets = if per_label {
            ConformalSets::per_class(validation, level, classes)
        } else {
            ConformalSets::overall(validation, level, classes)
        };
        let by_class = by_class(&self.rows, classes, |row| row.label);
        let sizes = self
            .probabilities
            .chunks_exact(classes)
            .map(|row| sets.set(row).len());
        ConformalFigures {
            level,
            per_label,
            limits: (0..classes).map(|class| sets.limit(class)).collect(),
            covered: Covered::of(&self.rows, &sets),
            labels: by_class.iter().map(|own| Covered::of(own, &sets)).collect(),
            sizes: SetSizes::of(sizes),
        }
    }
}

/// The threshold for all labels, and one for each.
fn operating_points(
    wanted: Wanted,
    validation: &[CalibratedRow],
    test: &[CalibratedRow],
    labels: &LabelMap,
) -> Vec<OperatingPoint> {
    let classes = labels.len();
    let overall = Thresholds::overall(validation, wanted, classes);
    let per_class = Thresholds::per_class(validation, wanted, classes);
    let mut points = vec![OperatingPoint {
        wanted,
        label: None,
        threshold: overall.of(0),
        validation: Kept::of(validation, &overall),
        test: Kept::of(test, &overall),
    }];
    let [validation, test] = [validation, test].map(|rows| by_class(rows, classes, |row| row.predicted));
    let of_labels = labels
        .names()
        .iter()
        .zip(validation.iter().zip(&test))
        .enumerate();
    points.extend(
        of_labels.map(|(class, (name, (validation, test)))| OperatingPoint {
            wanted,
            label: Some(name.clone()),
            threshold: per_class.of(class),
            validation: Kept::of(validation, &per_class),
            test: Kept::of(test, &per_class),
        }),
    );
    points
}

impl Covered {
    fn of(rows: &[CalibratedRow], sets: &ConformalSets) -> Self {
        let is_covered = |row: &&CalibratedRow| sets.contains(row.label, row.probability);
        let (rows, covered) = (rows.len() as u64, rows.iter().filter(is_covered).count() as u64);
        Self {
            rows,
            covered,
            coverage: wilson(covered, rows),
        }
    }
}

impl Kept {
    fn of(rows: &[CalibratedRow], thresholds: &Thresholds) -> Self {
        let is_kept = |row: &&CalibratedRow| thresholds.keeps(row.predicted, row.confidence);
        let all = rows.len() as u64;
        let kept = rows.iter().filter(is_kept).count() as u64;
        let hits = rows.iter().filter(is_kept).filter(|row| row.is_hit()).count() as u64;
        Self {
            rows: all,
            kept,
            hits,
            coverage: wilson(kept, all),
            precision: wilson(hits, kept),
        }
    }
}

impl SetSizes {
    fn of(sizes: impl Iterator<Item = usize>) -> Self {
        let mut found = Self::default();
        let (mut rows, mut labels) = (0_u64, 0_u64);
        for size in sizes {
            rows += 1;
            labels += size as u64;
            match size {
                0 => found.empty += 1,
                1 => found.single += 1,
                _ => found.several += 1,
            }
        }
        found.mean = (rows > 0).then(|| labels as f64 / rows as f64);
        found
    }
}
