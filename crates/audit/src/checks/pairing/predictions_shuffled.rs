//! # Predictions are shuffled against their labels
//!
//! Predictions stand beside the labels of other rows, in no order. Typically a loader shuffles while it
//! predicts, and the labels are read from the file in its own order.
//!
//! ## Why the figures look good
//! Validation was scored inside the training loop, which keeps rows and labels together. The test
//! predictions were saved, and joined to the labels by position.
//!
//! ## How it is tested
//! The audit needs the test (or validation) predictions and the accuracy of the other split. It is
//! found if the split is worse beyond chance although the model behaves the same: it predicts the same
//! classes as often (Cramér's V below 0.1, or no significant difference) and is as sure of itself
//! (Kolmogorov-Smirnov distance of the highest probabilities below 0.1, or not significant). Other
//! inputs or other weights would change at least one of them. The share `s` of rows that are mis-paired
//! follows from the accuracies:
//!
//! ```text
//! accuracy = (1 - s) a + s c          a the accuracy of the other split,
//!                                     c = Σ_k share of k in the labels · share of k in the predictions
//! ```
//!
//! It is likely with scores and possible without. Where only a log says what to expect, of this split
//! or of the other, at least 80 % of the rows must be mis-paired, and how sure the model is of itself
//! must be nearer to the logged accuracy than to that of the rows. Without another split, it is found
//! if at least 100 rows have a normalised mutual information of labels and predictions below 0.02, an
//! accuracy below `c + 0.05`, a mean confidence above `c + 0.4`, and no class with 80 % of the
//! predictions. C10, C12, C13, C23 and C61 take precedence, because each of them explains more; and
//! where a simple classifier that the audit trains finds the split harder as well, by half of the
//! difference, its rows are.
//!
//! Of a matrix or a report alone it is found, and possible, if at least 50 rows have an accuracy within
//! three standard errors of `c`, at least 20 points below that of validation (beyond chance) or of the
//! log's test rows, and each class is predicted about as often as it is true. It is excluded if the counts
//! of the classes differ by more than the mistakes of validation and 3 points; otherwise the rows are asked
//! for.
//!
//! ## What to do
//! Save the row id beside each prediction and join by it. Switch shuffling off in the loader that
//! predicts.
//!
//! ## Example
//! For the data of the test `shuffled_predictions_are_found`, the audit prints:
//!
//! ```text
//! 1. Predictions are shuffled against their labels (C11, fault, likely, −62.5 [−64.9…−60.0] points
//!    of test accuracy)
//!    About 100 % of the test predictions stand beside the label of another row: 19.9 % are right where
//!    82.5 % were to be expected, and shuffling all of them would give 20.1 %. The model is as sure of
//!    itself there (0.71) as on the other rows (0.72), so that it saw texts like those it knows.
//!    What to do: Save the row id beside each prediction and join by it; switch shuffling off in the
//!    loader that predicts, or save its labels in the same pass.
//!    How to make sure: predict 50 texts of the file again, one by one, and compare with what the file
//!    says
//! ```
//!
//! ## References
//! - `keras-team/keras#5558`, `keras-team/keras#6499`, `keras-team/keras#14118` and
//!   `rstudio/keras3#264`: predictions of generators and the order of their rows.
//! - `skorch-dev/skorch#499`: the same with another library.

use labelproof_metrics::normalized_mutual_information;

use crate::answer::effect::{self, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::odd_split::harder;
use crate::case::suspect::{ConfidenceShift, Suspect, confidence_shift, mispaired_suspect, other};
use crate::cause::Cause;
use crate::evidence::Missing;
use crate::measures::class_counts::class_counts;
use crate::measures::comparison::{counts_differ, shuffled_accuracy};

/// Cramér's V from which on two distributions of predicted classes count as different.
const LEAST_DIFFERENCE: f64 = 0.1;

/// Rows from which on a matrix tells, and how far its accuracy is below what was to be expected.
const FEWEST_ROWS: u64 = 50;
const FAR_BELOW: f64 = 0.2;

/// How much further counts of classes have to differ than mistakes allow, because both are of samples.
const SLACK: f64 = 0.03;

/// The share of rows beside other labels that counts as nearly all, where only the log says what to expect.
const NEARLY_ALL: f64 = 0.8;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let suspect = match mispaired_suspect(case) {
        Ok(suspect) => suspect,
        Err(missing) => return of_totals(case, missing),
    };
    let name = suspect.split.name();
    let rows = suspect.rows;
    let chance = shuffled_accuracy(&rows);
    let confusion = rows.confusion();
    let information = normalized_mutual_information(&confusion, &confusion.totals()).unwrap_or(0.0);
    let accuracy = rows.accuracy();
    let measured = Measured::new()
        .statistic(
            "normalized mutual information of labels and predictions",
            information,
        )
        .with("accuracy", accuracy)
        .with("accuracy_if_shuffled", chance);
    let clear = |summary: String| Ok(Answer::clear(summary, measured.clone()));
    if rows.truth.iter().all(|class| *class == rows.truth[0]) {
        return clear(format!(
            "All {name} rows have one true class, so that shuffling their predictions would change nothing."
        ));
    }
    let shift = confidence_shift(case, suspect.split).ok();
    let Some(reference) = suspect.reference_accuracy().filter(|_| suspect.below) else {
        return match unaided(case, &suspect, information, chance) {
            // What is paired wrongly in another way, or not that of its own scores, carries no information either.
            Some(found) if better_explanation(case, name).is_none() => {
                Ok(Diagnosis { measured, ..found }.into())
            }
            _ => clear(format!(
                "The {name} predictions say as much about their labels as the figures let expect."
            )),
        };
    };
    if let Some(better) = better_explanation(case, name) {
        return clear(better);
    }
    if suspect.by_log {
        return Ok(match against_log(case, &suspect, reference, chance) {
            Some(found) => Diagnosis { measured, ..found }.into(),
            None => Answer::clear(
                format!("What the log says of the {name} rows is not what their shuffling would leave."),
                measured,
            ),
        });
    }
    if harder(case, &suspect, reference - accuracy) {
        return clear(format!(
            "A simple classifier that was trained here finds the {name} rows harder as well, so that it is not \
             the pairing."
        ));
    }
    let other_counts = case
        .predicted(other(suspect.split))
        .map(|rows| class_counts(rows.predictions, rows.classes));
    let own_counts = class_counts(rows.predictions, rows.classes);
    // Without rows of the other split, the labels of this one say which classes to expect.
    let expected_counts = other_counts.unwrap_or_else(|_| class_counts(rows.truth, rows.classes));
    let other_classes = counts_differ(&own_counts, &expected_counts)
        .is_some_and(|(v, p_value)| case.significant(p_value) && v >= LEAST_DIFFERENCE);
    if other_classes || shift.is_some_and(|shift| shift.changed) {
        return clear(format!(
            "The {name} predictions themselves differ from those of the other split, so that it is not the \
             pairing alone."
        ));
    }
    let share = (reference - accuracy) / (reference - chance);
    if case.predicted(other(suspect.split)).is_err() && share < NEARLY_ALL {
        return clear(format!(
            "The {name} rows are fewer right than the figure of the other split lets expect, and far from any order; \
             without the rows of that split, nothing says that a part of them is paired wrongly."
        ));
    }
    Ok(against_split(case, &suspect, shift, reference, chance, measured).into())
}

/// With a matrix or a report in the place of rows: the classes are predicted as often as they are true, and no more rows
/// are right than if the predictions stood in any order.
fn of_totals(case: &Case<'_>, missing: Missing) -> Result<Answer, Missing> {
    let Ok(totals) = case.test_totals() else {
        return Err(missing);
    };
    let rows = totals.rows as f64;
    let logged = || case.evidence.log.as_ref()?.tested()?.accuracy;
    let gap = case.gap().ok().filter(|gap| gap.significant && gap.points > 0.0);
    let reference = gap.map(|gap| gap.validation_hits as f64 / gap.validation_rows as f64);
    let Some(reference) = reference.or_else(logged) else {
        return Err(missing);
    };
    let pairs = totals.support.iter().zip(&totals.predicted);
    let chance = pairs
        .map(|(&truth, &predicted)| truth as f64 * predicted as f64 / (rows * rows))
        .sum::<f64>();
    let accuracy = totals.hits as f64 / rows;
    let error = (chance * (1.0 - chance) / rows).sqrt();
    let other_classes = counts_differ(&totals.predicted, &totals.support)
        .is_some_and(|(v, p_value)| case.significant(p_value) && v >= LEAST_DIFFERENCE);
    let share = (reference - accuracy) / (reference - chance);
    let measured = Measured::new()
        .statistic("accuracy above that of any order", accuracy - chance)
        .with("accuracy", accuracy)
        .with("accuracy_if_shuffled", chance);
    let is_it = totals.rows >= FEWEST_ROWS
        && (accuracy - chance).abs() <= 3.0 * error
        && reference - accuracy >= FAR_BELOW
        && !other_classes
        && share >= NEARLY_ALL
        && better_explanation(case, "test").is_none();
    if !is_it {
        return clear_of_totals(&totals.predicted, &totals.support, reference, measured, missing);
    }
    Ok(Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Possible,
        summary: format!(
            "{:.1} % of the test rows are right where {:.1} % were to be expected, and predictions in any order would give \
             {:.1} %; each class is predicted about as often as it is true. So the predictions stand beside the labels of \
             other rows: a loader that shuffles (Keras: `shuffle=True`; `tf.data`: anew in each pass) gives them in \
             another order than the labels were read in.",
            100.0 * accuracy,
            100.0 * reference,
            100.0 * chance
        ),
        effect: effect::of_difference(
            Figure::Accuracy(labelproof_artifact::Split::Test),
            (totals.hits, totals.rows),
            gap.map_or((totals.hits, totals.rows), |gap| (gap.validation_hits, gap.validation_rows)),
        )
        .filter(|_| gap.is_some()),
        fix: "Switch shuffling off in the loader that predicts, or save labels and predictions in one pass over it; then \
              compare them row by row."
            .to_owned(),
        confirm: "predict twice: if the two lists differ in order, the loader shuffles".to_owned(),
        measured,
    }
    .into())
}

/// Predictions that are right so often name each class about as often as it is true, and no order
/// changes how often they name it. Where the counts allow an order, only the rows could tell that a
/// part of them is paired wrongly.
fn clear_of_totals(
    predicted: &[u64],
    support: &[u64],
    reference: f64,
    measured: Measured,
    missing: Missing,
) -> Result<Answer, Missing> {
    let rows: u64 = support.iter().sum();
    let differing: u64 = predicted
        .iter()
        .zip(support)
        .map(|(one, other)| one.abs_diff(*other))
        .sum();
    let moved = differing as f64 / 2.0 / rows as f64;
    if moved <= 1.0 - reference + SLACK {
        return Err(missing);
    }
    Ok(Answer::clear(
        format!(
            "Shuffling does not change how often a class is predicted: of a model that is right in {:.1} %, the counts of \
             the classes would differ from the true ones in {:.1} % of the rows at most, and not in {:.1} %.",
            100.0 * reference,
            100.0 * (1.0 - reference),
            100.0 * moved
        ),
        measured,
    ))
}

/// What explains the mistakes of the rows better, in a sentence.
fn better_explanation(case: &Case<'_>, name: &str) -> Option<String> {
    let otherwise = case.finds(Cause::LabelsPermuted)
        || case.finds(Cause::PredictionsShifted)
        || case.finds(Cause::PartMispaired);
    if otherwise {
        return Some(format!(
            "Another way of mis-pairing explains the mistakes of the {name} rows better."
        ));
    }
    if case.finds_at_least(Cause::ElementwiseAccuracy, Severity::Unsound) {
        return Some(format!(
            "The figure that the {name} rows are held against counts outputs and not rows (see C2)."
        ));
    }
    if case.finds(Cause::DropoutAtPrediction) {
        return Some(format!(
            "Scores that are drawn at random (see C23) explain the mistakes of the {name} rows better."
        ));
    }
    case.finds(Cause::StoredPredictions).then(|| {
        format!(
            "The {name} predictions are not those of their own scores (see C61), whatever row these belong to."
        )
    })
}

/// Rows that are worse than those of the other split, although the model behaves the same on both.
fn against_split(
    case: &Case<'_>,
    suspect: &Suspect<'_>,
    shift: Option<ConfidenceShift>,
    reference: f64,
    chance: f64,
    measured: Measured,
) -> Diagnosis {
    let accuracy = suspect.rows.accuracy();
    let name = suspect.split.name();
    let share = ((reference - accuracy) / (reference - chance)).clamp(0.0, 1.0);
    let sure = match shift {
        Some(shift) => format!(
            " The model is as sure of itself there ({:.2}) as on the other rows ({:.2}), so that it saw \
             texts like those it knows.",
            shift.mean, shift.reference_mean
        ),
        None => String::new(),
    };
    Diagnosis {
        severity: Severity::Unsound,
        confidence: if shift.is_some() {
            Confidence::Likely
        } else {
            Confidence::Possible
        },
        summary: format!(
            "About {:.0} % of the {name} predictions stand beside the label of another row: {:.1} % are \
             right where {:.1} % were to be expected, and shuffling all of them would give {:.1} %.{sure}",
            100.0 * share,
            100.0 * accuracy,
            100.0 * reference,
            100.0 * chance
        ),
        effect: suspect.effect(),
        fix:
            "Save the row id beside each prediction and join by it; switch shuffling off in the loader that \
             predicts, or save its labels in the same pass."
                .to_owned(),
        confirm: "predict 50 texts of the file again, one by one, and compare with what the file \
                  says"
            .to_owned(),
        measured: match shift {
            Some(shift) => measured
                .p_value(case.gap().map_or(1.0, |gap| gap.p_value))
                .with("share_mispaired", share)
                .with("confidence_distance", shift.test.statistic),
            None => measured.with("share_mispaired", share),
        },
    }
}

/// Rows of which the log says much more: nearly all of them stand beside other labels. That the log's figure counts
/// something else is as likely for a part of them.
fn against_log(case: &Case<'_>, suspect: &Suspect<'_>, reference: f64, chance: f64) -> Option<Diagnosis> {
    let accuracy = suspect.rows.accuracy();
    let share = ((reference - accuracy) / (reference - chance)).clamp(0.0, 1.0);
    let mean = case.scored(suspect.split).ok().map(|scored| {
        let confidences = scored.confidences();
        confidences.iter().sum::<f64>() / confidences.len() as f64
    });
    // Nearer to what the log says than to what the rows give.
    let is_sure = mean.is_none_or(|mean| 2.0 * mean >= reference + accuracy);
    let counts = class_counts(suspect.rows.predictions, suspect.rows.classes);
    let expected = class_counts(suspect.rows.truth, suspect.rows.classes);
    let other_classes = counts_differ(&counts, &expected)
        .is_some_and(|(v, p_value)| case.significant(p_value) && v >= LEAST_DIFFERENCE);
    let sure = match mean {
        Some(mean) => {
            format!(" How sure of itself the model is ({mean:.2}) fits the log, and not these rows.")
        }
        None => String::new(),
    };
    (share >= NEARLY_ALL && is_sure && !other_classes).then(|| Diagnosis {
        severity: Severity::Unsound,
        confidence: if mean.is_some() {
            Confidence::Likely
        } else {
            Confidence::Possible
        },
        summary: format!(
            "The log says that {:.1} % of the {} rows are right, their saved predictions give {:.1} %, and shuffling \
             all of them would give {:.1} %: nearly all of the {} predictions stand beside the label of another \
             row.{sure}",
            100.0 * reference,
            suspect.split,
            100.0 * accuracy,
            100.0 * chance,
            suspect.split
        ),
        effect: suspect.effect(),
        fix: "Save the row id beside each prediction and join by it; switch shuffling off in the loader that \
              predicts."
            .to_owned(),
        confirm: "predict 50 texts of the file again, one by one, and compare with what the file \
                  says"
            .to_owned(),
        measured: Measured::new(),
    })
}

/// Without a better split to compare with: predictions that carry no information on their labels although the
/// model is sure of them.
fn unaided(case: &Case<'_>, suspect: &Suspect<'_>, information: f64, chance: f64) -> Option<Diagnosis> {
    let confidences = case.scored(suspect.split).ok()?.confidences();
    let mean = confidences.iter().sum::<f64>() / confidences.len() as f64;
    let accuracy = suspect.rows.accuracy();
    let spread = class_counts(suspect.rows.predictions, suspect.rows.classes);
    let most = spread.iter().max().copied().unwrap_or(0);
    // Fewer rows, or a model that always says the same, carry no information either.
    let telling = suspect.rows.rows() >= 100 && (most as f64) < 0.8 * suspect.rows.rows() as f64;
    (telling && information < 0.02 && accuracy < chance + 0.05 && mean > chance + 0.4).then(|| Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Likely,
        summary: format!(
            "The model is {:.0} % sure of its {} predictions and right in {:.1} %, as often as shuffled \
             predictions would be: they stand beside the labels of other rows.",
            100.0 * mean,
            suspect.split,
            100.0 * accuracy
        ),
        effect: Some(effect::of(Figure::Accuracy(suspect.split), accuracy - mean)),
        fix: "Save the row id beside each prediction and join by it.".to_owned(),
        confirm: "predict 50 texts of the file again, one by one, and compare with what the file \
                  says"
            .to_owned(),
        measured: Measured::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        Simulated, ask, assert_close, clear, example, found, number, origin, predicted_by, simulated,
        statistic,
    };

    fn splits() -> (Simulated, Simulated) {
        (simulated(5, 2000, 0.83, 1), simulated(5, 2000, 0.83, 2))
    }

    #[test]
    fn shuffled_predictions_are_found() {
        let (validation, mut test) = splits();
        test.shuffle(0..2000, 3);
        let found = example(Cause::PredictionsShuffled, &predicted_by(&validation, &test));
        assert_eq!(found.severity, Severity::Unsound);
        assert_close(number(&found.measured, "share_mispaired"), 1.0, 0.05);
        assert_close(number(&found.measured, "accuracy_if_shuffled"), 0.2, 0.01);
        assert_close(statistic(&found.measured), 0.0, 0.01);
    }

    /// Every second row, so that no run of rows stands out.
    #[test]
    fn a_half_that_is_shuffled_is_measured() {
        let (validation, mut test) = splits();
        let mut half = Simulated {
            truth: Vec::new(),
            logits: test.logits.iter().step_by(2).cloned().collect(),
        };
        half.shuffle(0..1000, 3);
        for (row, moved) in test.logits.iter_mut().step_by(2).zip(half.logits) {
            *row = moved;
        }
        let found = found(ask(Cause::PredictionsShuffled, &predicted_by(&validation, &test)));
        assert_close(number(&found.measured, "share_mispaired"), 0.5, 0.06);
    }

    #[test]
    fn a_model_that_is_worse_and_knows_it_is_clear() {
        let (validation, test) = splits();
        clear(ask(Cause::PredictionsShuffled, &predicted_by(&validation, &test)));
        let mut unsure = simulated(5, 2000, 0.4, 4);
        unsure.logits.iter_mut().flatten().for_each(|score| *score *= 0.5);
        clear(ask(
            Cause::PredictionsShuffled,
            &predicted_by(&validation, &unsure),
        ));
    }

    #[test]
    fn a_matrix_excludes_an_order_by_its_counts_alone() {
        // Of the third class 118 rows are predicted and 3,000 true.
        clear(ask(Cause::PredictionsShuffled, &origin()));
        let mut evidence = origin();
        // Four in five of the rows of a model that is right in 83 % stand beside any other row.
        let row = |truth: usize| {
            (0..5)
                .map(|class| if class == truth { 978 } else { 505 } + 1)
                .collect()
        };
        evidence.confusion = Some((0..5).map(row).collect());
        assert!(ask(Cause::PredictionsShuffled, &evidence).is_err());
        // And all of them.
        evidence.confusion = Some(vec![vec![600; 5]; 5]);
        found(ask(Cause::PredictionsShuffled, &evidence));
    }

    #[test]
    fn without_a_better_split_a_sure_model_without_a_clue_is_found() {
        let (_, mut test) = splits();
        // Three times as far apart, the scores make a model that is sure.
        test.logits.iter_mut().flatten().for_each(|score| *score *= 3.0);
        let mut alone = predicted_by(&test, &test);
        alone.dataset.validation = None;
        clear(ask(Cause::PredictionsShuffled, &alone));
        test.shuffle(0..2000, 3);
        let mut alone = predicted_by(&test, &test);
        alone.dataset.validation = None;
        assert!(
            found(ask(Cause::PredictionsShuffled, &alone))
                .summary
                .contains("labels of other rows")
        );
    }
}
