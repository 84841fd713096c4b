//! Confident learning: which labels are probably wrong, and how many (Northcutt, Jiang and Chuang 2021,
//! "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70).
//!
//! A pure function of out-of-sample probabilities and given labels. It cannot tell a wrong label from a text
//! that the model does not understand, so what it says is a list to read, best first, and never a list to
//! delete. The definitions are those of cleanlab 2.9, and the tests compare with the values it computes.

use labelproof_metrics::wilson;

/// The least threshold, and the slack below a threshold, as in cleanlab.
const LEAST_THRESHOLD: f64 = 2e-6;
const SLACK: f64 = 1e-6;

/// A row whose label is probably wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// The row.
    pub row: usize,
    /// The class that the probabilities speak for.
    pub suggestion: u32,
    /// `(p_label - max p_other + 1) / 2`: 0 is a label that is surely wrong, 1 one that is surely right.
    pub quality: f64,
}

/// What the probabilities say about the labels.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelNoise {
    /// Rows that count confidently for another class than their label, and whose most likely class is another
    /// one; the most suspicious first.
    pub suspects: Vec<Suspect>,
    /// The estimated share of wrong labels: what the calibrated joint has off its diagonal.
    pub estimate: f64,
    /// The 95 % interval of the estimate for the chance of drawing these rows; it knows nothing of a model's
    /// bias.
    pub interval: (f64, f64),
    /// Of the half of the rows on which the probabilities are surest: how many have another label, and all of
    /// them.
    ///
    /// A text that is hard makes a model unsure, a label that is wrong at random does not. So this share is
    /// near the noise where labels are wrong at random, and far below the estimate where a weak model
    /// mistakes hard texts for wrong labels.
    pub sure_disagreements: (u64, u64),
    /// `[classes][classes]`, the confident joint: rows of a label (first index) that count confidently for a
    /// class.
    pub joint: Vec<Vec<u64>>,
    /// `[classes]`, the mean probability of each class over the rows with its label; none without such rows.
    pub thresholds: Vec<Option<f64>>,
}

impl LabelNoise {
    /// The confident joint scaled so that each label has its number of rows (equation 3 of the paper, times
    /// the rows).
    pub fn calibrated_joint(&self, label_counts: &[u64]) -> Vec<Vec<f64>> {
        let scaled = self.joint.iter().zip(label_counts).map(|(row, &rows)| {
            let confident: u64 = row.iter().sum();
            row.iter()
                .map(|&count| count as f64 * rows as f64 / confident.max(1) as f64)
                .collect()
        });
        scaled.collect()
    }
}

/// The class that a row counts for: the one whose threshold its probability reaches, the most likely of all
/// classes where there are several, none where there is none.
fn confident_class(distribution: &[f64], thresholds: &[Option<f64>]) -> Option<usize> {
    let mut reached = distribution
        .iter()
        .zip(thresholds)
        .enumerate()
        .filter(|(_, (probability, threshold))| threshold.is_some_and(|bound| **probability >= bound - SLACK))
        .map(|(class, _)| class);
    let first = reached.next()?;
    Some(if reached.next().is_some() {
        largest(distribution)
    } else {
        first
    })
}

fn largest(distribution: &[f64]) -> usize {
    let mut best = 0;
    for (class, value) in distribution.iter().enumerate() {
        if *value > distribution[best] {
            best = class;
        }
    }
    best
}

/// Confident learning on probabilities `[rows, classes]` of rows that the model was not trained on.
///
/// A row with label `i` counts for class `j` where `p_j` reaches the mean of `p_j` over the rows labelled
/// `j`; the counts, scaled to the number of rows of each label, are the joint distribution of given and true
/// labels, and what lies off its diagonal is the estimate. Rows with a label beyond the last class, or with a
/// probability that is no number, are passed over.
pub fn confident_learning(probabilities: &[f64], classes: usize, labels: &[u32]) -> LabelNoise {
    let usable = || {
        probabilities
            .chunks_exact(classes.max(1))
            .zip(labels)
            .enumerate()
            .map(|(row, (distribution, &label))| (row, distribution, label as usize))
            .filter(|(_, distribution, label)| *label < classes && distribution.iter().all(|p| p.is_finite()))
    };
    let mut sums = vec![0.0; classes];
    let mut label_counts = vec![0_u64; classes];
    for (_, distribution, label) in usable() {
        sums[label] += distribution[label];
        label_counts[label] += 1;
    }
    let thresholds: Vec<Option<f64>> = sums
        .iter()
        .zip(&label_counts)
        .map(|(sum, &rows)| (rows > 0).then(|| (sum / rows as f64).max(LEAST_THRESHOLD)))
        .collect();

    let mut sureness: Vec<f64> = usable()
        .map(|(_, distribution, _)| distribution[largest(distribution)])
        .collect();
    let middle = sureness.len() / 2;
    let sure_from = if sureness.is_empty() {
        f64::INFINITY
    } else {
        *sureness.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let mut sure_disagreements = (0, 0);
    let mut joint = vec![vec![0_u64; classes]; classes];
    let mut suspects = Vec::new();
    for (row, distribution, label) in usable() {
        let likeliest = largest(distribution);
        if distribution[likeliest] >= sure_from {
            sure_disagreements.0 += u64::from(likeliest != label);
            sure_disagreements.1 += 1;
        }
        let Some(counted) = confident_class(distribution, &thresholds) else {
            continue;
        };
        joint[label][counted] += 1;
        if counted != label && likeliest != label {
            let other = distribution[likeliest];
            suspects.push(Suspect {
                row,
                suggestion: u32::try_from(likeliest).unwrap_or(u32::MAX),
                quality: f64::midpoint(distribution[label] - other, 1.0),
            });
        }
    }
    suspects.sort_by(|one, other| {
        one.quality
            .total_cmp(&other.quality)
            .then(one.row.cmp(&other.row))
    });
    for (class, row) in joint.iter_mut().enumerate() {
        row[class] = row[class].max(1);
    }
    let (estimate, interval) = estimate(&joint, &label_counts);
    LabelNoise {
        suspects,
        estimate,
        interval,
        sure_disagreements,
        joint,
        thresholds,
    }
}

/// The share of wrong labels and its interval: a mean over labels, weighted by their rows, of the shares
/// among the confident rows. The interval is Wilson's for as many rows as have the variance of this
/// stratified share.
fn estimate(joint: &[Vec<u64>], label_counts: &[u64]) -> (f64, (f64, f64)) {
    let rows = label_counts.iter().sum::<u64>().max(1) as f64;
    let (mut share, mut variance, mut confident_rows) = (0.0, 0.0, 0);
    for (class, (counts, &labelled)) in joint.iter().zip(label_counts).enumerate() {
        if labelled == 0 {
            continue;
        }
        let confident: u64 = counts.iter().sum();
        let wrong = (confident - counts[class]) as f64 / confident as f64;
        let weight = labelled as f64 / rows;
        share += weight * wrong;
        variance += weight * weight * wrong * (1.0 - wrong) / confident as f64;
        confident_rows += confident;
    }
    let effective = if variance > 0.0 {
        share * (1.0 - share) / variance
    } else {
        confident_rows as f64
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "both are counts of rows, rounded"
    )]
    let (wrong, trials) = (
        (share * effective).round() as u64,
        effective.round().max(1.0) as u64,
    );
    let interval = wilson(wrong.min(trials), trials);
    let bounds = (
        interval.low.unwrap_or(0.0).min(share),
        interval.high.unwrap_or(1.0).max(share),
    );
    (share, bounds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::class_counts::class_counts;
    use serde::Deserialize;

    /// What cleanlab gives: `tests/fixtures/make_label_noise.py`.
    #[derive(Deserialize)]
    struct Reference {
        name: String,
        classes: usize,
        labels: Vec<u32>,
        probabilities: Vec<f64>,
        confident_joint: Vec<Vec<u64>>,
        calibrated_joint: Vec<Vec<f64>>,
        estimate: f64,
        issues: Vec<usize>,
        qualities: Vec<f64>,
    }

    #[test]
    fn joint_and_suspects_are_those_of_cleanlab() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/fixtures/label_noise.json"
        );
        let cases: Vec<Reference> =
            serde_json::from_slice(&labelproof_artifact::fs::read(path.as_ref()).unwrap()).unwrap();
        assert!(cases.len() >= 3);
        for case in cases {
            let found = confident_learning(&case.probabilities, case.classes, &case.labels);
            assert_eq!(found.joint, case.confident_joint, "{}", case.name);
            let rows: Vec<usize> = found.suspects.iter().map(|suspect| suspect.row).collect();
            assert_eq!(rows, case.issues, "{}", case.name);
            for suspect in &found.suspects {
                let expected = case.qualities[suspect.row];
                assert!((suspect.quality - expected).abs() < 1e-9, "{}", case.name);
            }
            assert!(
                (found.estimate - case.estimate).abs() < 1e-9,
                "{}: {}",
                case.name,
                found.estimate
            );
            let calibrated = found.calibrated_joint(&class_counts(&case.labels, case.classes));
            for (mine, theirs) in calibrated.concat().iter().zip(case.calibrated_joint.concat()) {
                assert!(
                    (mine / case.labels.len() as f64 - theirs).abs() < 1e-9,
                    "{}",
                    case.name
                );
            }
            assert!(found.interval.0 <= found.estimate && found.estimate <= found.interval.1);
        }
    }

    #[test]
    fn perfect_labels_leave_no_suspect() {
        let probabilities: Vec<f64> = (0..200)
            .flat_map(|row| if row % 2 == 0 { [0.9, 0.1] } else { [0.2, 0.8] })
            .collect();
        let labels: Vec<u32> = (0..200).map(|row| row % 2).collect();
        let found = confident_learning(&probabilities, 2, &labels);
        assert!(found.suspects.is_empty());
        assert!(found.estimate < 1e-12);
        assert_eq!(found.sure_disagreements, (0, 100));
        assert!(found.interval.1 < 0.03, "{:?}", found.interval);
    }

    #[test]
    fn odd_input_is_passed_over() {
        let found = confident_learning(&[f64::NAN, 0.5, 0.9, 0.1], 2, &[0, 7]);
        assert!(found.suspects.is_empty());
        assert_eq!(confident_learning(&[], 3, &[]).thresholds, [None; 3]);
    }
}
