//! What decisions give on the test rows: the part of `metrics.json` on them.

use labelproof_artifact::LabelMap;
use serde::{Deserialize, Serialize};

use super::temperature::{loss_at, softmax_at};
use super::{CalibratedRow, ConformalSets, Thresholds, Wanted};
use crate::{Bootstrap, Error, Estimate, ReliabilityBin, Scored, argmax, summarize, wilson};

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
    /// The thresholds chosen on validation, and what they keep of test: for each wanted precision and coverage
    /// one for all labels, then one for each predicted label.
    pub thresholds: Vec<OperatingPoint>,
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
    /// What the validation rows had to reach. A precision is reached if the lower end of its 95 % interval is.
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
    /// `[labels]`: the highest `1 − p` with which a label belongs to a set; `None` where the validation rows are
    /// too few, and it belongs to all.
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
    /// Measures decisions that are chosen on the `validation` rows, on the test rows with the logits `test`, each
    /// `[classes]`, and their true classes.
    pub fn measure(
        questions: Questions<'_>,
        temperature: f64,
        validation: &[CalibratedRow],
        (test, truth): (&[&[f32]], &[u32]),
        labels: &LabelMap,
        bootstrap: Bootstrap,
    ) -> Result<Self, Error> {
        let probabilities: Vec<Vec<f64>> = test
            .iter()
            .map(|logits| softmax_at(logits, temperature))
            .collect();
        let rows: Vec<CalibratedRow> = (test.iter().zip(&probabilities).zip(truth))
            .map(|((logits, probabilities), &label)| {
                let (label, predicted) = (label as usize, argmax(logits));
                CalibratedRow {
                    label,
                    predicted,
                    confidence: probabilities[predicted],
                    probability: probabilities[label],
                }
            })
            .collect();
        let wanted = questions.precisions.iter().map(|&share| Wanted::Precision(share));
        let wanted = wanted.chain(questions.coverages.iter().map(|&share| Wanted::Coverage(share)));
        let levels = questions.conformal_levels.iter();
        let sets = levels.flat_map(|&level| [(level, false), (level, true)]);
        Ok(Self {
            calibration: calibration(temperature, test, &probabilities, truth, labels, bootstrap)?,
            thresholds: wanted
                .flat_map(|wanted| operating_points(wanted, validation, &rows, labels))
                .collect(),
            conformal: sets
                .map(|(level, per_label)| {
                    conformal(
                        level,
                        per_label,
                        validation,
                        (&probabilities, &rows),
                        labels.len(),
                    )
                })
                .collect(),
        })
    }
}

fn calibration(
    temperature: f64,
    test: &[&[f32]],
    probabilities: &[Vec<f64>],
    truth: &[u32],
    labels: &LabelMap,
    bootstrap: Bootstrap,
) -> Result<Calibration, Error> {
    let losses: Vec<f64> = test
        .iter()
        .zip(truth)
        .map(|(logits, &label)| loss_at(logits, label as usize, temperature))
        .collect();
    let flat: Vec<f64> = probabilities.iter().flatten().copied().collect();
    let scored = Scored::new(truth, &flat, &losses, labels.len())?;
    let metrics = summarize(&scored, labels.names(), bootstrap);
    Ok(Calibration {
        temperature,
        loss: metrics.loss,
        ece: metrics.ece,
        reliability: metrics.reliability,
    })
}

/// The threshold for all labels, and one for each.
fn operating_points(
    wanted: Wanted,
    validation: &[CalibratedRow],
    test: &[CalibratedRow],
    labels: &LabelMap,
) -> Vec<OperatingPoint> {
    let overall = Thresholds::overall(validation, wanted, labels.len());
    let per_class = Thresholds::per_class(validation, wanted, labels.len());
    let mut points = vec![OperatingPoint {
        wanted,
        label: None,
        threshold: overall.of(0),
        validation: Kept::of(validation.iter(), &overall),
        test: Kept::of(test.iter(), &overall),
    }];
    points.extend(labels.names().iter().enumerate().map(|(class, name)| {
        let kept = |rows: &[CalibratedRow]| {
            let own = rows.iter().filter(|row| row.predicted == class);
            Kept::of(own, &per_class)
        };
        OperatingPoint {
            wanted,
            label: Some(name.clone()),
            threshold: per_class.of(class),
            validation: kept(validation),
            test: kept(test),
        }
    }));
    points
}

impl Kept {
    fn of<'a>(rows: impl Iterator<Item = &'a CalibratedRow>, thresholds: &Thresholds) -> Self {
        let (mut all, mut kept, mut hits) = (0, 0, 0);
        for row in rows {
            let is_kept = thresholds.keeps(row.predicted, row.confidence);
            all += 1;
            kept += u64::from(is_kept);
            hits += u64::from(is_kept && row.is_hit());
        }
        Self {
            rows: all,
            kept,
            hits,
            coverage: wilson(kept, all),
            precision: wilson(hits, kept),
        }
    }
}

fn conformal(
    level: f64,
    per_label: bool,
    validation: &[CalibratedRow],
    (probabilities, rows): (&[Vec<f64>], &[CalibratedRow]),
    classes: usize,
) -> ConformalFigures {
    let sets = if per_label {
        ConformalSets::per_class(validation, level, classes)
    } else {
        ConformalSets::overall(validation, level, classes)
    };
    let covered = |class: Option<usize>| {
        let own = rows
            .iter()
            .filter(|row| class.is_none_or(|class| row.label == class));
        let holds = |row: &&CalibratedRow| sets.contains(row.label, row.probability);
        let (count, covered) = (own.clone().count() as u64, own.filter(holds).count() as u64);
        Covered {
            rows: count,
            covered,
            coverage: wilson(covered, count),
        }
    };
    ConformalFigures {
        level,
        per_label,
        limits: (0..classes).map(|class| sets.limit(class)).collect(),
        covered: covered(None),
        labels: (0..classes).map(|class| covered(Some(class))).collect(),
        sizes: SetSizes::of(probabilities.iter().map(|row| sets.set(row).len())),
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
