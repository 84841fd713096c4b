//! What the numbers of a row mean: logits or probabilities, of all classes or of one.

use labelproof_artifact::Reporter;

use super::error::Error;
use super::labels::LabelNumbers;
use super::table::RawScores;
use crate::evidence::{ScoreKind, Scores};

/// How far the sum of a row's probabilities may be from 1: 20 classes written with three decimals.
const SUM_TOLERANCE: f64 = 1e-2;
/// How far outside of 0 to 1 rounding takes a probability.
const RANGE_TOLERANCE: f64 = 1e-6;

/// Scores in the order of the classes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settled {
    /// As they were saved.
    pub(super) scores: Scores,
    /// What they are divided by their sums, where these are not 1 although all are between 0 and 1: the
    /// outputs of sigmoids.
    pub(super) normalised: Option<Scores>,
}

/// Puts the scores into the order of the classes and says what they are. None if they are the score of one
/// class among more than two, which tells nothing of the others.
pub(super) fn settle(
    raw: RawScores,
    map: &LabelNumbers,
    predicted: Option<&[u32]>,
    source: &str,
    reporter: &dyn Reporter,
) -> Result<Option<Settled>, Error> {
    let classes = map.names.len();
    if raw.width == 1 {
        if classes != 2 {
            reporter.message(&format!(
                "{source}: one score a row is not used, because there are {classes} classes"
            ));
            return Ok(None);
        }
        let named = raw
            .names
            .as_deref()
            .and_then(|names| map.classes_of(names, "", source).ok());
        let positive = named.map_or(1, |classes| classes[0] as usize);
        return Ok(Some(of_one_class(&raw, positive, predicted)));
    }
    if raw.width != classes {
        return Err(Error::ScoreCount {
            place: source.to_owned(),
            scores: raw.width,
            labels: map.names.clone(),
        });
    }
    let mut values = raw.values;
    if let Some(names) = &raw.names {
        let places = map.classes_of(names, "the score columns", source)?;
        if (0_u32..).zip(&places).any(|(column, class)| column != *class) {
            reporter.message(&format!(
                "{source}: score columns put into the order of the labels"
            ));
            let mut ordered = vec![0.0; raw.width];
            for row in values.chunks_exact_mut(raw.width) {
                for (value, class) in row.iter().zip(&places) {
                    ordered[*class as usize] = *value;
                }
                row.copy_from_slice(&ordered);
            }
        }
    }
    let kind = kind(&values, raw.width, raw.logits, source)?;
    let scores = Scores {
        kind,
        classes: raw.width,
        values,
    };
    let normalised = normalised(&scores);
    if normalised.is_some() {
        reporter.message(&format!(
            "{source}: scores between 0 and 1 that do not add up to 1, as of sigmoids; divided by their sums \
             wherever probabilities are needed"
        ));
    }
    Ok(Some(Settled { scores, normalised }))
}

fn kind(values: &[f64], width: usize, logits: bool, source: &str) -> Result<ScoreKind, Error> {
    let range = -RANGE_TOLERANCE..=1.0 + RANGE_TOLERANCE;
    if !logits && values.iter().all(|value| range.contains(value)) {
        return Ok(ScoreKind::Probabilities);
    }
    let is_percent = |row: &[f64]| {
        row.iter().all(|value| *value >= 0.0)
            && (row.iter().sum::<f64>() - 100.0).abs() < 100.0 * SUM_TOLERANCE
    };
    if !logits && values.chunks_exact(width).all(is_percent) {
        return Err(Error::Percentages {
            place: source.to_owned(),
        });
    }
    Ok(ScoreKind::Logits)
}

/// Rows divided by their sums, if these are not 1.
fn normalised(scores: &Scores) -> Option<Scores> {
    let sum = |row: &[f64]| row.iter().sum::<f64>();
    if scores.kind == ScoreKind::Logits || scores.rows().all(|row| (sum(row) - 1.0).abs() <= SUM_TOLERANCE) {
        return None;
    }
    let mut values = scores.values.clone();
    for row in values.chunks_exact_mut(scores.classes) {
        let total = sum(row);
        let even = 1.0 / row.len() as f64;
        for value in row {
            *value = if total > 0.0 { *value / total } else { even };
        }
    }
    Some(Scores {
        values,
        ..scores.clone()
    })
}

/// Two columns of one: of the positive class, or, if it is never below a half although both classes are
/// predicted, of the predicted class.
fn of_one_class(raw: &RawScores, positive: usize, predicted: Option<&[u32]>) -> Settled {
    let range = -RANGE_TOLERANCE..=1.0 + RANGE_TOLERANCE;
    let is_logit = raw.logits || !raw.values.iter().all(|value| range.contains(value));
    let both = |classes: &&[u32]| classes.contains(&0) && classes.contains(&1);
    let of_predicted = predicted
        .filter(both)
        .filter(|_| !is_logit && raw.names.is_none() && raw.values.iter().all(|value| *value >= 0.5));
    let mut values = vec![0.0; raw.values.len() * 2];
    for (row, value) in raw.values.iter().enumerate() {
        let class = of_predicted.map_or(positive, |classes| classes[row] as usize);
        values[2 * row + class] = *value;
        // Softmax over 0 and the logit is the sigmoid of the logit.
        values[2 * row + 1 - class] = if is_logit { 0.0 } else { 1.0 - value };
    }
    Settled {
        scores: Scores {
            kind: if is_logit {
                ScoreKind::Logits
            } else {
                ScoreKind::Probabilities
            },
            classes: 2,
            values,
        },
        normalised: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(values: &[f64]) -> RawScores {
        RawScores {
            names: None,
            width: 1,
            values: values.to_vec(),
            logits: false,
        }
    }

    #[test]
    fn a_single_probability_is_of_the_positive_class_or_of_the_predicted_one() {
        let positive = of_one_class(&one(&[0.25, 0.75]), 1, Some(&[0, 1]));
        assert_eq!(positive.scores.values, [0.75, 0.25, 0.25, 0.75]);
        let predicted = of_one_class(&one(&[0.75, 0.75]), 1, Some(&[0, 1]));
        assert_eq!(predicted.scores.values, [0.75, 0.25, 0.25, 0.75]);
        let logit = of_one_class(&one(&[-2.0, 0.5]), 1, None);
        assert_eq!(logit.scores.kind, ScoreKind::Logits);
        assert_eq!(logit.scores.values, [0.0, -2.0, 0.0, 0.5]);
    }

    #[test]
    fn what_scores_are_is_told_by_their_values() {
        assert_eq!(
            kind(&[0.25, 0.75], 2, false, "a").unwrap(),
            ScoreKind::Probabilities
        );
        assert_eq!(kind(&[0.25, 0.75], 2, true, "a").unwrap(), ScoreKind::Logits);
        assert_eq!(kind(&[-0.25, 0.75], 2, false, "a").unwrap(), ScoreKind::Logits);
        let error = kind(&[25.0, 75.0], 2, false, "a").unwrap_err();
        assert_eq!(
            error.to_string(),
            "a: the scores of every row add up to 100: they are percentages"
        );
    }

    #[test]
    fn outputs_of_sigmoids_are_normalised_beside_what_was_saved() {
        let saved = Scores {
            kind: ScoreKind::Probabilities,
            classes: 2,
            values: vec![0.9, 0.3, 0.0, 0.0],
        };
        let made = normalised(&saved).unwrap();
        // 0.9 + 0.3 is not exactly 1.2.
        let close = |one: f64, other: f64| (one - other).abs() < 1e-12;
        assert!(close(made.values[0], 0.75) && close(made.values[1], 0.25));
        assert_eq!(made.values[2..], [0.5, 0.5]);
    }
}
