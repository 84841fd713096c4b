//! What a logged figure may be other than what it is called: what frameworks, and slips, make of the same rows.
//!
//! Responsible for the ways of counting and their words. That a log holds such a number proves little where
//! many ways are tried: [`fitting`] takes no more ways than chance allows.

use labelproof_metrics::{Totals, balanced_accuracy, class_scores, macro_average, weighted_average};

use crate::measures::logged_metrics::Metric;
use crate::measures::loss::elementwise_accuracy;
use crate::measures::predicted::{PredictedRows, ScoredRows};

/// A number that another way of counting gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recount {
    /// The number.
    pub(crate) value: f64,
    /// What it is; it completes "That is …".
    pub(crate) is: String,
}

fn recount(value: f64, is: impl Into<String>) -> Recount {
    Recount { value, is: is.into() }
}

/// The chance that one of the ways that are tried fits a number by accident.
const BY_CHANCE: f64 = 0.05;

/// The first way that gives a number within a tolerance. A number with few digits fits many ways by chance, so
/// that only the first of them are tried: as many as fit one number in twenty.
pub(crate) fn fitting(ways: Vec<Recount>, value: f64, tolerance: f64) -> Option<Recount> {
    let is_tried = |place: usize| (place + 1) as f64 * 2.0 * tolerance <= BY_CHANCE;
    ways.into_iter()
        .enumerate()
        .take_while(|(place, _)| is_tried(*place))
        .map(|(_, way)| way)
        .find(|way| (way.value - value).abs() <= tolerance)
}

/// Sizes of batches that are tried where none is logged.
const USUAL_BATCHES: [usize; 6] = [32, 16, 64, 8, 128, 256];

/// The most places from the top among which the true class is looked for.
const DEEPEST: usize = 5;

/// What may stand in the place of an accuracy, the likelier first.
pub(crate) fn of_accuracy(
    rows: &PredictedRows<'_>,
    scored: Option<&ScoredRows<'_>>,
    batch: Option<usize>,
    label: impl Fn(u32) -> String,
) -> Vec<Recount> {
    let accuracy = rows.accuracy();
    let totals = rows.confusion().totals();
    let mut ways = Vec::new();
    if let Some(scored) = scored {
        ways.extend(of_scores(scored));
    }
    ways.extend(of_totals(&totals));
    ways.push(recount(1.0 - accuracy, "the share of wrong rows"));
    ways.push(recount(
        accuracy / 100.0,
        "a hundredth of the accuracy: it was divided by 100 once too often",
    ));
    ways.extend(of_batches(rows, batch));
    ways.push(recount(
        totals.predicted.first().copied().unwrap_or(0) as f64 / rows.rows().max(1) as f64,
        format!(
            "the share of rows that are predicted as `{}`, the first class: class numbers were taken for one-hot \
             labels",
            label(0)
        ),
    ));
    for (class, scores) in (0..).zip(class_scores(&totals)) {
        let name = label(class);
        if let Some(recall) = scores.recall {
            ways.push(recount(recall, format!("the recall of `{name}` alone")));
        }
        if let Some(precision) = scores.precision {
            ways.push(recount(precision, format!("the precision of `{name}` alone")));
        }
    }
    ways
}

/// Ways that need scores.
fn of_scores(scored: &ScoredRows<'_>) -> Vec<Recount> {
    let truth = scored.predicted.truth;
    let classes = scored.probabilities.classes;
    let mut within = vec![0_u64; DEEPEST.min(classes)];
    for (row, &truth) in scored.probabilities.rows().zip(truth) {
        let own = row[truth as usize];
        let higher = row.iter().filter(|score| **score > own).count();
        for count in within.iter_mut().skip(higher) {
            *count += 1;
        }
    }
    let share = |count: u64| count as f64 / truth.len().max(1) as f64;
    let mut ways = Vec::new();
    if let Some(&first) = within.first()
        && first != scored.predicted.hit_count()
    {
        ways.push(recount(
            share(first),
            "the share of rows whose highest score is that of the true class; the saved predictions are others",
        ));
    }
    if classes > 2 {
        ways.push(recount(
            elementwise_accuracy(scored.outputs(), truth),
            format!(
                "the share of single outputs on the right side of one half, of which each row has {classes}"
            ),
        ));
    }
    for (place, &count) in within.iter().enumerate().skip(1).take(classes.saturating_sub(2)) {
        ways.push(recount(
            share(count),
            format!(
                "the share of rows whose true class is among the {} highest scores (top-{} accuracy)",
                place + 1,
                place + 1
            ),
        ));
    }
    ways
}

/// Averages that go under the name of accuracy.
fn of_totals(totals: &Totals) -> Vec<Recount> {
    let mut ways = Vec::new();
    if let Some(balanced) = balanced_accuracy(totals) {
        ways.push(recount(
            balanced,
            "the mean of the classes' recalls (balanced accuracy)",
        ));
    }
    for (name, average) in [
        ("macro", macro_average(totals)),
        ("weighted", weighted_average(totals)),
    ] {
        if let Some(average) = average {
            ways.push(recount(average.f1, format!("the F1 ({name})")));
            ways.push(recount(average.precision, format!("the precision ({name})")));
        }
    }
    ways
}

/// What becomes of an accuracy where batches are dropped, padded or averaged.
fn of_batches(rows: &PredictedRows<'_>, batch: Option<usize>) -> Vec<Recount> {
    let hits: Vec<bool> = rows.hits().collect();
    let all = hits.len();
    let count = |hits: &[bool]| hits.iter().filter(|hit| **hit).count() as f64;
    let sizes = batch.map_or_else(|| USUAL_BATCHES.to_vec(), |size| vec![size]);
    let mut ways = Vec::new();
    for size in sizes {
        if size == 0 || size >= all || all.is_multiple_of(size) {
            continue;
        }
        let whole = all / size * size;
        let kept = count(&hits[..whole]);
        ways.push(recount(
            kept / whole as f64,
            format!("that of the whole batches of {size} rows alone: the last, smaller one was dropped"),
        ));
        ways.push(recount(
            kept / all as f64,
            format!("the right rows of whole batches of {size}, divided by all {all} rows"),
        ));
        let batches = all.div_ceil(size);
        ways.push(recount(
            count(&hits) / (batches * size) as f64,
            format!("the right rows divided by {batches} full batches of {size} rows, of which the last is not full"),
        ));
        let means: f64 = hits
            .chunks(size)
            .map(|chunk| count(chunk) / chunk.len() as f64)
            .sum();
        ways.push(recount(
            means / batches as f64,
            format!(
                "the mean of what batches of {size} rows gave, in which the last, smaller one counts as much"
            ),
        ));
    }
    ways
}

/// What may stand in the place of a precision, recall or F1, the likelier first.
pub(crate) fn of_metric(metric: Metric, totals: &Totals, label: impl Fn(u32) -> String) -> Vec<Recount> {
    let mut ways = Vec::new();
    let swapped = match metric {
        Metric::Precision => Some(Metric::Recall),
        Metric::Recall => Some(Metric::Precision),
        Metric::F1 => None,
    };
    if let Some(other) = swapped {
        for (average, value) in other.all_averages(totals) {
            ways.push(recount(
                value,
                format!(
                    "the {} ({average}): labels and predictions changed places, or the two names did",
                    other.name()
                ),
            ));
        }
    }
    for (class, scores) in (0..).zip(class_scores(totals)) {
        let value = match metric {
            Metric::Precision => scores.precision,
            Metric::Recall => scores.recall,
            Metric::F1 => scores.f1,
        };
        if let Some(value) = value {
            ways.push(recount(
                value,
                format!("the {} of `{}` alone", metric.name(), label(class)),
            ));
        }
    }
    for (average, value) in metric.all_averages(totals) {
        ways.push(recount(
            value / 100.0,
            format!("a hundredth of the {} ({average})", metric.name()),
        ));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Part;
    use crate::testing::{assert_close, case, evidence, predicted, scored};
    use labelproof_artifact::Split;

    fn value(ways: &[Recount], words: &str) -> f64 {
        let way = ways.iter().find(|way| way.is.contains(words));
        way.unwrap_or_else(|| panic!("{words}: {ways:?}")).value
    }

    /// 70 rows, of which the first 60 are right: two whole batches of 32 have 60 of 64, three full ones 96 rows,
    /// and the means of batches are 32/32, 28/32 and 0/6.
    #[test]
    fn batches_change_an_accuracy() {
        let rows: Vec<(u32, u32)> = (0..70).map(|row| (0, u32::from(row >= 60))).collect();
        let evidence = evidence(&["a", "b"], [Part::default(), predicted(&rows), Part::default()]);
        let rows = case(&evidence).predicted(Split::Validation).unwrap();
        let ways = of_accuracy(&rows, None, Some(32), |class| class.to_string());
        assert_close(value(&ways, "was dropped"), 60.0 / 64.0, 1e-12);
        assert_close(value(&ways, "divided by all 70 rows"), 60.0 / 70.0, 1e-12);
        assert_close(value(&ways, "full batches"), 60.0 / 96.0, 1e-12);
        assert_close(value(&ways, "mean of what batches"), (1.0 + 0.875) / 3.0, 1e-12);
        assert_close(value(&ways, "wrong rows"), 10.0 / 70.0, 1e-12);
        assert_close(value(&ways, "hundredth"), 0.6 / 70.0, 1e-12);
        // Every row is an `a`, so that both its recall and the mean of the recalls that exist are 60 of 70.
        assert_close(value(&ways, "balanced accuracy"), 60.0 / 70.0, 1e-12);
        assert_close(value(&ways, "predicted as `0`"), 60.0 / 70.0, 1e-12);
    }

    /// The true class is first, second and third in one row each, and fourth in another.
    #[test]
    fn the_true_class_is_looked_for_among_the_highest() {
        let row = vec![0.4, 0.3, 0.2, 0.1];
        let rows: Vec<(u32, Vec<f64>)> = (0..4).map(|class| (class, row.clone())).collect();
        let evidence = evidence(
            &["a", "b", "c", "d"],
            [Part::default(), scored(&rows), Part::default()],
        );
        let case = case(&evidence);
        let scored = case.scored(Split::Validation).unwrap();
        let ways = of_accuracy(&scored.predicted, Some(&scored), None, |class| class.to_string());
        assert_close(value(&ways, "top-2"), 0.5, 1e-12);
        assert_close(value(&ways, "top-3"), 0.75, 1e-12);
        assert!(
            !ways.iter().any(|way| way.is.contains("top-4")),
            "all rows are among all classes"
        );
        // No output is above one half: 3 of 4 are on the right side in every row.
        assert_close(value(&ways, "single outputs"), 0.75, 1e-12);
    }

    #[test]
    fn a_number_of_few_digits_is_explained_by_few_ways_only() {
        let ways: Vec<Recount> = (0..10_u32)
            .map(|way| recount(f64::from(way) / 10.0, way.to_string()))
            .collect();
        assert_eq!(fitting(ways.clone(), 0.9, 1e-4).unwrap().is, "9");
        assert_eq!(fitting(ways.clone(), 0.1, 1e-2).unwrap().is, "1");
        assert_eq!(fitting(ways, 0.9, 1e-2), None);
    }
}
