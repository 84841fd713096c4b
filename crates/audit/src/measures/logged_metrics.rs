//! Precision, recall and F1 of some rows under every average, to be compared with what a log says.

use labelproof_metrics::{ClassScores, Confusion, Totals, class_scores, macro_average, weighted_average};

use crate::evidence::log::Figures;
use crate::measures::predicted::PredictedRows;

/// Which of the three it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    /// Hits among the rows predicted as a class.
    Precision,
    /// Hits among the rows of a class.
    Recall,
    /// Their harmonic mean.
    F1,
}

impl Metric {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Precision, Self::Recall, Self::F1];

    /// Its name in words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "F1",
        }
    }

    /// What the log says of it.
    pub(crate) fn logged(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::Precision => figures.precision,
            Self::Recall => figures.recall,
            Self::F1 => figures.f1,
        }
    }

    /// Its value under every average: the average's name and the value. For two classes also that of the
    /// second one alone, which frameworks call positive.
    pub(crate) fn averages(self, confusion: &Confusion) -> Vec<(&'static str, f64)> {
        self.averages_of(&confusion.totals())
    }

    fn averages_of(self, totals: &Totals) -> Vec<(&'static str, f64)> {
        let pick = |precision: f64, recall: f64, f1: f64| match self {
            Self::Precision => precision,
            Self::Recall => recall,
            Self::F1 => f1,
        };
        let mut all = Vec::new();
        if let Some(average) = macro_average(totals) {
            all.push(("macro", pick(average.precision, average.recall, average.f1)));
        }
        if let Some(average) = weighted_average(totals) {
            all.push(("weighted", pick(average.precision, average.recall, average.f1)));
        }
        if totals.rows > 0 {
            let accuracy = totals.hits as f64 / totals.rows as f64;
            all.push(("micro", accuracy));
        }
        if let [_, positive] = class_scores(totals).as_slice() {
            all.push(("positive class", self.of_class(positive).unwrap_or(0.0)));
        }
        all
    }

    /// Its value under every average that goes by its name: also over the classes that occur alone, as
    /// scikit-learn takes the macro average, for the first of two classes, and for F1 that of the averages.
    pub(crate) fn all_averages(self, totals: &Totals) -> Vec<(&'static str, f64)> {
        let mut all = self.averages_of(totals);
        all.push((
            "macro over the classes that occur",
            self.of_present_classes(totals),
        ));
        if let [first, _] = class_scores(totals).as_slice() {
            all.push(("first class", self.of_class(first).unwrap_or(0.0)));
        }
        if self == Self::F1
            && let Some(average) = macro_average(totals)
        {
            let sum = average.precision + average.recall;
            let harmonic = if sum > 0.0 {
                2.0 * average.precision * average.recall / sum
            } else {
                0.0
            };
            all.push(("of the macro averages of precision and recall", harmonic));
        }
        all
    }

    /// The mean over the classes that occur, or are predicted.
    fn of_present_classes(self, totals: &Totals) -> f64 {
        let present: Vec<f64> = class_scores(totals)
            .iter()
            .zip(totals.support.iter().zip(&totals.predicted))
            .filter(|(_, (support, predicted))| **support + **predicted > 0)
            .map(|(scores, _)| self.of_class(scores).unwrap_or(0.0))
            .collect();
        present.iter().sum::<f64>() / present.len().max(1) as f64
    }

    fn of_class(self, scores: &ClassScores) -> Option<f64> {
        match self {
            Self::Precision => scores.precision,
            Self::Recall => scores.recall,
            Self::F1 => scores.f1,
        }
    }
}

/// The mean over consecutive batches of so many rows of a metric under every average, as a framework computes
/// it that averages what each batch gave.
pub(crate) fn batch_means(
    rows: &PredictedRows<'_>,
    metric: Metric,
    batch: usize,
) -> Vec<(&'static str, f64)> {
    let mut sums: Vec<(&'static str, f64)> = Vec::new();
    let mut batches = 0.0;
    for (truth, predictions) in rows.truth.chunks(batch).zip(rows.predictions.chunks(batch)) {
        let part = PredictedRows {
            part: rows.part,
            truth,
            predictions,
            classes: rows.classes,
        };
        batches += 1.0;
        for (place, (name, value)) in present_averages(&part, metric).into_iter().enumerate() {
            match sums.get_mut(place) {
                Some(sum) => sum.1 += value,
                None => sums.push((name, value)),
            }
        }
    }
    sums.into_iter()
        .map(|(name, sum)| (name, sum / batches))
        .collect()
}

/// The averages of a batch; "macro" is taken over the classes that the batch has, as scikit-learn does by
/// default.
fn present_averages(rows: &PredictedRows<'_>, metric: Metric) -> Vec<(&'static str, f64)> {
    let confusion = rows.confusion();
    let mut all = metric.averages(&confusion);
    all.push((
        "macro over the classes of the batch",
        metric.of_present_classes(&confusion.totals()),
    ));
    all
}
