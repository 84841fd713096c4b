//! All metrics of one split, with their intervals.
//!
//! This module decides which metric gets which interval, and computes each resample in one pass over its
//! rows; the metrics themselves are defined in the modules named after them.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::probability::{Confidence, Reliability, brier_by_row, confidence_by_row};
use crate::ranking::{CountedRow, Ranking};
use crate::{
    Bootstrap, Confusion, CoveragePoint, Estimate, ReliabilityBin, Scored, Totals, balanced_accuracy,
    class_scores, cohen_kappa, coverage, macro_average, matthews_correlation, normalized_mutual_information,
    weighted_average, wilson,
};

/// The metrics of one class against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// The class's name.
    pub label: String,
    /// The number of rows of the class.
    pub support: u64,
    /// The number of rows predicted as the class.
    pub predicted: u64,
    /// Hits among the rows predicted as the class. 0 and without an interval if there are none, as
    /// scikit-learn's `zero_division=0`.
    pub precision: Estimate,
    /// Hits among the rows of the class. Undefined if there are none.
    pub recall: Estimate,
    /// Harmonic mean of precision and recall. Undefined for a class that neither occurs nor is predicted.
    pub f1: Estimate,
    /// Area under the ROC curve of the class's probability, against all other classes. Undefined if no row is
    /// of the class, or every row.
    pub roc_auc: Estimate,
}

/// The metrics of one split. All are undefined for zero rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitMetrics {
    /// The number of rows.
    pub rows: u64,
    /// Mean of the rows' `-ln p` of the true class (log loss, natural logarithm).
    pub loss: Estimate,
    /// Share of rows that are predicted rightly.
    pub accuracy: Estimate,
    /// Mean recall of the classes that occur.
    pub balanced_accuracy: Estimate,
    /// Mean precision over all classes, undefined ones as 0.
    pub precision_macro: Estimate,
    /// Mean recall over all classes, undefined ones as 0.
    pub recall_macro: Estimate,
    /// Mean F1 over all classes, undefined ones as 0.
    pub f1_macro: Estimate,
    /// Precision over all rows; with one label a row, the accuracy.
    pub precision_micro: Estimate,
    /// Recall over all rows; with one label a row, the accuracy.
    pub recall_micro: Estimate,
    /// F1 over all rows; with one label a row, the accuracy.
    pub f1_micro: Estimate,
    /// Mean precision, classes weighted with their support.
    pub precision_weighted: Estimate,
    /// Mean recall, classes weighted with their support: the accuracy again, with a bootstrap interval.
    pub recall_weighted: Estimate,
    /// Mean F1, classes weighted with their support.
    pub f1_weighted: Estimate,
    /// For two classes the area under the ROC curve of class 1; for more the mean of the classes' areas, each
    /// against the rest. Absent classes are left out of the mean, where scikit-learn gives no number at all.
    pub roc_auc: Estimate,
    /// The Matthews correlation coefficient.
    pub mcc: Estimate,
    /// Cohen's kappa.
    pub cohen_kappa: Estimate,
    /// Mutual information of labels and predictions over their mean entropy.
    pub normalized_mutual_information: Estimate,
    /// Share of rows whose true class is among the two most probable.
    pub top_2_accuracy: Estimate,
    /// Brier score, summed over classes: 0 is best, 2 is worst.
    pub brier: Estimate,
    /// Expected calibration error of the largest probability. Noise only adds to it, in a resample more than
    /// in the rows themselves, so that its interval leans upward and may even begin above the value.
    pub ece: Estimate,
    /// The metrics of each class, in the order of the label map.
    pub per_class: Vec<ClassMetrics>,
    /// Counts; rows are true classes, columns predicted ones.
    pub confusion: Vec<Vec<u64>>,
    /// The reliability diagram, empty bins included.
    pub reliability: Vec<ReliabilityBin>,
    /// How many rows are left, and how many of them right, as the least certain ones are left out.
    pub coverage: Vec<CoveragePoint>,
}

/// The metrics that the bootstrap computes for each resample.
struct Resampled {
    loss: f64,
    balanced_accuracy: Option<f64>,
    precision_macro: Option<f64>,
    recall_macro: Option<f64>,
    f1_macro: Option<f64>,
    precision_weighted: Option<f64>,
    recall_weighted: Option<f64>,
    f1_weighted: Option<f64>,
    roc_auc: Option<f64>,
    mcc: Option<f64>,
    cohen_kappa: Option<f64>,
    normalized_mutual_information: Option<f64>,
    brier: f64,
    ece: Option<f64>,
    class_f1: Vec<Option<f64>>,
    class_roc_auc: Vec<Option<f64>>,
}

/// What stays the same in every resample: all that belongs to single rows, and the order of their scores.
struct Rows<'a> {
    labels: &'a [u32],
    losses: &'a [f64],
    brier: Vec<f64>,
    confidence: Vec<Confidence>,
    cells: Vec<u32>,
    /// The cells that occur, all counts at zero.
    empty_confusion: Confusion,
    rankings: Vec<Ranking>,
}

impl Rows<'_> {
    /// All metrics but the plain shares, with each row counted as many times as it was drawn.
    fn statistics(&self, counts: &[u32]) -> Resampled {
        let mut confusion = self.empty_confusion.clone();
        let mut reliability = Reliability::default();
        let (mut loss, mut brier, mut drawn) = (0.0, 0.0, 0_u64);
        for (row, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            drawn += u64::from(count);
            loss += f64::from(count) * self.losses[row];
            brier += f64::from(count) * self.brier[row];
            confusion.add(self.cells[row], u64::from(count));
            reliability.add(self.confidence[row], count);
        }
        let totals = confusion.totals();
        let macro_average = macro_average(&totals);
        let weighted_average = weighted_average(&totals);
        let class_roc_auc = self.areas(counts);
        Resampled {
            loss: loss / drawn as f64,
            balanced_accuracy: balanced_accuracy(&totals),
            precision_macro: macro_average.map(|average| average.precision),
            recall_macro: macro_average.map(|average| average.recall),
            f1_macro: macro_average.map(|average| average.f1),
            precision_weighted: weighted_average.map(|average| average.precision),
            recall_weighted: weighted_average.map(|average| average.recall),
            f1_weighted: weighted_average.map(|average| average.f1),
            roc_auc: one_versus_rest(&class_roc_auc),
            mcc: matthews_correlation(&totals),
            cohen_kappa: cohen_kappa(&totals),
            normalized_mutual_information: normalized_mutual_information(&confusion, &totals),
            brier: brier / drawn as f64,
            ece: reliability.calibration_error(),
            class_f1: class_scores(&totals).iter().map(|scores| scores.f1).collect(),
            class_roc_auc,
        }
    }

    fn areas(&self, counts: &[u32]) -> Vec<Option<f64>> {
        let rows: Vec<CountedRow> = self
            .labels
            .iter()
            .zip(counts)
            .map(|(&label, &count)| CountedRow { label, count })
            .collect();
        (0_u32..)
            .zip(&self.rankings)
            .map(|(class, ranking)| ranking.area(&rows, class))
            .collect()
    }
}

/// The area for the whole classifier from the areas of its classes.
fn one_versus_rest(areas: &[Option<f64>]) -> Option<f64> {
    if let [_, second] = areas {
        // The two areas differ at most by rounding; scikit-learn takes the second class as the positive one.
        return *second;
    }
    let defined: Vec<f64> = areas.iter().flatten().copied().collect();
    (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
}

/// All metrics of one split, with 95 % intervals: Wilson's for what is a share of rows (accuracy, top-2
/// accuracy, the micro averages, each class's precision and recall), the percentile bootstrap for the rest.
///
/// Rows are taken as independent. Duplicates and several rows of one source make the intervals too narrow.
///
/// # Panics
///
/// If there is not exactly one name a class: the label map and the classifier then do not belong together,
/// and any output would carry wrong names. That is a bug of the caller and not a matter of input.
pub fn summarize(scored: &Scored<'_>, class_names: &[String], bootstrap: Bootstrap) -> SplitMetrics {
    assert_eq!(class_names.len(), scored.classes(), "one name a class");
    let pairs: Vec<(u32, u32)> = scored
        .labels()
        .iter()
        .copied()
        .zip(scored.predictions())
        .collect();
    let (confusion, cells) = Confusion::count(&pairs, scored.classes());
    let totals = confusion.totals();
    let rows = Rows {
        labels: scored.labels(),
        losses: scored.losses(),
        brier: brier_by_row(scored),
        confidence: confidence_by_row(scored),
        cells,
        empty_confusion: confusion.emptied(),
        rankings: (0..scored.classes())
            .into_par_iter()
            .map(|class| Ranking::new(scored.scores_of(class)))
            .collect(),
    };
    let point = (totals.rows > 0).then(|| rows.statistics(&vec![1; scored.rows()]));
    let row_count = u32::try_from(scored.rows()).expect("`Scored` refuses more rows than a u32 can number");
    let resamples = bootstrap.resample(row_count, |counts| rows.statistics(counts));
    let estimate = |read: &dyn Fn(&Resampled) -> Option<f64>| {
        Estimate::from_resamples(point.as_ref().and_then(read), resamples.iter().map(read))
    };

    let (_, reliability) = crate::expected_calibration_error(scored);
    let accuracy = wilson(totals.hits, totals.rows);
    let top_2_hits = scored.in_top(2).filter(|&hit| hit).count() as u64;
    SplitMetrics {
        rows: totals.rows,
        loss: estimate(&|resample| Some(resample.loss)),
        accuracy,
        balanced_accuracy: estimate(&|resample| resample.balanced_accuracy),
        precision_macro: estimate(&|resample| resample.precision_macro),
        recall_macro: estimate(&|resample| resample.recall_macro),
        f1_macro: estimate(&|resample| resample.f1_macro),
        precision_micro: accuracy,
        recall_micro: accuracy,
        f1_micro: accuracy,
        precision_weighted: estimate(&|resample| resample.precision_weighted),
        recall_weighted: estimate(&|resample| resample.recall_weighted),
        f1_weighted: estimate(&|resample| resample.f1_weighted),
        roc_auc: estimate(&|resample| resample.roc_auc),
        mcc: estimate(&|resample| resample.mcc),
        cohen_kappa: estimate(&|resample| resample.cohen_kappa),
        normalized_mutual_information: estimate(&|resample| resample.normalized_mutual_information),
        top_2_accuracy: wilson(top_2_hits, totals.rows),
        brier: estimate(&|resample| Some(resample.brier)),
        ece: estimate(&|resample| resample.ece),
        per_class: class_names
            .iter()
            .enumerate()
            .map(|(class, label)| ClassMetrics {
                label: label.clone(),
                support: totals.support[class],
                predicted: totals.predicted[class],
                precision: precision(&totals, class),
                recall: wilson(totals.class_hits[class], totals.support[class]),
                f1: estimate(&|resample| resample.class_f1[class]),
                roc_auc: estimate(&|resample| resample.class_roc_auc[class]),
            })
            .collect(),
        confusion: confusion.matrix(),
        reliability,
        coverage: coverage(scored),
    }
}

fn precision(totals: &Totals, class: usize) -> Estimate {
    let precision = wilson(totals.class_hits[class], totals.predicted[class]);
    match precision.value {
        None if totals.rows > 0 => Estimate {
            value: Some(0.0),
            ..Estimate::UNDEFINED
        },
        _ => precision,
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    struct Data {
        labels: Vec<u32>,
        probabilities: Vec<f64>,
        losses: Vec<f64>,
        names: Vec<String>,
    }

    impl Data {
        /// A classifier that leans to the right class, on rows drawn from a seed.
        fn drawn(seed: u64, rows: usize, classes: u32) -> Self {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let mut uniform = || f64::from(generator.next_u32()) / f64::from(u32::MAX);
            let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
            for row in 0..rows {
                let label = u32::try_from(row).unwrap() % classes;
                let weights: Vec<f64> = (0..classes)
                    .map(|class| (3.0 * uniform() + 1.5 * f64::from(u8::from(class == label))).exp())
                    .collect();
                let sum: f64 = weights.iter().sum();
                labels.push(label);
                probabilities.extend(weights.iter().map(|weight| weight / sum));
            }
            Self::new(labels, probabilities, classes)
        }

        fn new(labels: Vec<u32>, probabilities: Vec<f64>, classes: u32) -> Self {
            let losses = labels
                .iter()
                .zip(probabilities.chunks_exact(classes as usize))
                .map(|(&label, distribution)| -distribution[label as usize].max(f64::EPSILON).ln())
                .collect();
            let names = (0..classes).map(|class| format!("class {class}")).collect();
            Self {
                labels,
                probabilities,
                losses,
                names,
            }
        }

        fn scored(&self) -> Scored<'_> {
            Scored::new(&self.labels, &self.probabilities, &self.losses, self.names.len()).unwrap()
        }

        fn summarize(&self, seed: u64, resamples: usize) -> SplitMetrics {
            summarize(&self.scored(), &self.names, Bootstrap { seed, resamples })
        }
    }

    fn every_estimate(metrics: &SplitMetrics) -> Vec<Estimate> {
        let SplitMetrics {
            rows: _,
            loss,
            accuracy,
            balanced_accuracy,
            precision_macro,
            recall_macro,
            f1_macro,
            precision_micro,
            recall_micro,
            f1_micro,
            precision_weighted,
            recall_weighted,
            f1_weighted,
            roc_auc,
            mcc,
            cohen_kappa,
            normalized_mutual_information,
            top_2_accuracy,
            brier,
            ece,
            per_class,
            confusion: _,
            reliability: _,
            coverage: _,
        } = metrics.clone();
        let mut estimates = vec![
            loss,
            accuracy,
            balanced_accuracy,
            precision_macro,
            recall_macro,
            f1_macro,
            precision_micro,
            recall_micro,
            f1_micro,
            precision_weighted,
            recall_weighted,
            f1_weighted,
            roc_auc,
            mcc,
            cohen_kappa,
            normalized_mutual_information,
            top_2_accuracy,
            brier,
            ece,
        ];
        estimates.extend(
            per_class
                .iter()
                .flat_map(|class| [class.precision, class.recall, class.f1, class.roc_auc]),
        );
        estimates
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let data = Data::drawn(1, 300, 4);
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| data.summarize(42, 200))
        };
        let one = with_threads(1);
        assert!(
            every_estimate(&one)
                .iter()
                .all(|estimate| estimate.low < estimate.high)
        );
        assert_eq!(one, with_threads(2));
        assert_eq!(one, with_threads(7));
    }

    #[test]
    fn another_seed_gives_other_intervals_and_the_same_values() {
        let data = Data::drawn(1, 300, 4);
        let (left, right) = (data.summarize(1, 200), data.summarize(2, 200));
        for (read, name) in [
            (left.loss == right.loss, "loss"),
            (left.f1_macro == right.f1_macro, "f1_macro"),
            (left.roc_auc == right.roc_auc, "roc_auc"),
            (left.brier == right.brier, "brier"),
        ] {
            assert!(!read, "{name}");
        }
        let values = |metrics| {
            every_estimate(metrics)
                .into_iter()
                .map(|estimate| estimate.value)
                .collect::<Vec<_>>()
        };
        assert_eq!(values(&left), values(&right));
        assert_eq!(left.accuracy, right.accuracy);
    }

    /// The weighted recall is the accuracy, so here both kinds of interval are about the same quantity.
    #[test]
    fn bootstrap_and_wilson_agree_on_a_share() {
        let metrics = Data::drawn(7, 2_000, 5).summarize(3, 2_000);
        let (bootstrap, wilson) = (metrics.recall_weighted, metrics.accuracy);
        assert!((bootstrap.value.unwrap() - wilson.value.unwrap()).abs() < 1e-12);
        // The half width is 0.021; the ends of 2,000 resamples wobble by about a twentieth of that.
        for (got, want) in [(bootstrap.low, wilson.low), (bootstrap.high, wilson.high)] {
            assert!((got.unwrap() - want.unwrap()).abs() < 0.003, "{got:?} {want:?}");
        }
    }

    /// The interval of a mean is known: 1.96 standard errors to either side.
    #[test]
    fn the_interval_of_the_loss_is_that_of_a_mean() {
        let data = Data::drawn(8, 1_500, 3);
        let loss = data.summarize(4, 2_000).loss;
        let rows = data.losses.len() as f64;
        let mean = data.losses.iter().sum::<f64>() / rows;
        let variance = data.losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / rows;
        let width = 2.0 * 1.96 * (variance / rows).sqrt();
        assert!((loss.value.unwrap() - mean).abs() < 1e-12);
        let got = loss.high.unwrap() - loss.low.unwrap();
        assert!((got / width - 1.0).abs() < 0.07, "{got} against {width}");
    }

    /// Drawing a row twice must be the same as having it twice.
    #[test]
    fn a_resample_is_a_data_set_of_its_own() {
        let data = Data::drawn(5, 60, 3);
        let counts: Vec<u32> = (0..60).map(|row| [0, 1, 3, 1, 0][row % 5]).collect();
        let mut repeated = (Vec::new(), Vec::new());
        for (row, &count) in counts.iter().enumerate() {
            for _ in 0..count {
                repeated.0.push(data.labels[row]);
                repeated
                    .1
                    .extend_from_slice(&data.probabilities[row * 3..row * 3 + 3]);
            }
        }
        let want = Data::new(repeated.0, repeated.1, 3).summarize(1, 0);

        let scored = data.scored();
        let pairs: Vec<(u32, u32)> = data.labels.iter().copied().zip(scored.predictions()).collect();
        let (confusion, cells) = Confusion::count(&pairs, 3);
        let rows = Rows {
            labels: &data.labels,
            losses: &data.losses,
            brier: brier_by_row(&scored),
            confidence: confidence_by_row(&scored),
            cells,
            empty_confusion: confusion.emptied(),
            rankings: (0..3)
                .map(|class| Ranking::new(scored.scores_of(class)))
                .collect(),
        };
        let got = rows.statistics(&counts);
        for (got, want, name) in [
            (Some(got.loss), want.loss, "loss"),
            (got.balanced_accuracy, want.balanced_accuracy, "balanced_accuracy"),
            (got.precision_macro, want.precision_macro, "precision_macro"),
            (got.recall_weighted, want.recall_weighted, "recall_weighted"),
            (got.f1_macro, want.f1_macro, "f1_macro"),
            (got.f1_weighted, want.f1_weighted, "f1_weighted"),
            (got.roc_auc, want.roc_auc, "roc_auc"),
            (got.mcc, want.mcc, "mcc"),
            (got.cohen_kappa, want.cohen_kappa, "cohen_kappa"),
            (
                got.normalized_mutual_information,
                want.normalized_mutual_information,
                "information",
            ),
            (Some(got.brier), want.brier, "brier"),
            (got.ece, want.ece, "ece"),
            (got.class_f1[1], want.per_class[1].f1, "class f1"),
            (got.class_roc_auc[2], want.per_class[2].roc_auc, "class roc_auc"),
        ] {
            assert!(
                (got.unwrap() - want.value.unwrap()).abs() < 1e-12,
                "{name}: {got:?} {want:?}"
            );
        }
    }

    #[test]
    fn zero_rows_have_no_metrics() {
        let metrics = Data::new(vec![], vec![], 3).summarize(1, 100);
        assert_eq!(metrics.rows, 0);
        assert!(
            every_estimate(&metrics)
                .iter()
                .all(|estimate| *estimate == Estimate::UNDEFINED)
        );
        assert_eq!(metrics.per_class.len(), 3);
        assert_eq!(metrics.confusion, [[0; 3]; 3]);
        assert!(
            metrics
                .reliability
                .iter()
                .all(|bin| bin.rows == 0 && bin.accuracy.is_none())
        );
    }

    #[test]
    fn one_class_is_always_right_and_has_no_area() {
        let metrics = Data::new(vec![0; 6], vec![1.0; 6], 1).summarize(1, 100);
        assert_eq!(metrics.accuracy.value, Some(1.0));
        assert_eq!(metrics.top_2_accuracy.value, Some(1.0));
        assert_eq!(metrics.roc_auc, Estimate::UNDEFINED);
        assert_eq!(metrics.cohen_kappa, Estimate::UNDEFINED);
        assert_eq!(metrics.mcc.value, Some(0.0));
        assert_eq!(metrics.confusion, [[6]]);
    }

    #[test]
    fn an_absent_class_has_neither_recall_nor_area() {
        // Class 2 never occurs; it is predicted once.
        let probabilities = vec![0.8, 0.1, 0.1, 0.2, 0.7, 0.1, 0.1, 0.2, 0.7, 0.3, 0.6, 0.1];
        let metrics = Data::new(vec![0, 1, 0, 1], probabilities, 3).summarize(1, 200);
        let absent = &metrics.per_class[2];
        assert_eq!((absent.support, absent.predicted), (0, 1));
        assert_eq!(absent.recall, Estimate::UNDEFINED);
        assert_eq!(absent.roc_auc, Estimate::UNDEFINED);
        assert_eq!(absent.precision.value, Some(0.0));
        assert_eq!(absent.f1.value, Some(0.0));
        // Row 2 scores lowest for class 0 although it is one: 2 of 4 pairs. Class 1 wins all of its pairs.
        assert_eq!(metrics.per_class[0].roc_auc.value, Some(0.5));
        assert_eq!(metrics.roc_auc.value, Some(0.75));
        assert_eq!(metrics.recall_macro.value, Some(0.5));
        assert_eq!(metrics.balanced_accuracy.value, Some(0.75));
    }

    #[test]
    fn a_class_never_predicted_has_precision_zero_without_an_interval() {
        let metrics = Data::new(vec![0, 1], vec![0.9, 0.1, 0.6, 0.4], 2).summarize(1, 50);
        assert_eq!(
            metrics.per_class[1].precision,
            Estimate {
                value: Some(0.0),
                low: None,
                high: None
            }
        );
        assert_eq!(metrics.per_class[1].recall.value, Some(0.0));
    }

    /// Scores that do not sum to 1 tell which of the two classes was taken as the positive one.
    #[test]
    fn of_two_classes_the_second_is_the_positive_one() {
        let metrics = Data::new(vec![0, 1], vec![0.5, 0.1, 0.5, 0.9], 2).summarize(1, 0);
        assert_eq!(metrics.per_class[0].roc_auc.value, Some(0.5));
        assert_eq!(metrics.roc_auc.value, Some(1.0));
    }

    #[test]
    fn equal_scores_rank_nothing() {
        let metrics = Data::new(vec![0, 1, 2, 2], vec![1.0 / 3.0; 12], 3).summarize(1, 100);
        let half = Estimate {
            value: Some(0.5),
            low: Some(0.5),
            high: Some(0.5),
        };
        assert_eq!(metrics.roc_auc, half);
        assert_eq!(metrics.per_class[2].roc_auc, half);
        assert_eq!(metrics.accuracy.value, Some(0.25));
        assert_eq!(metrics.mcc.value, Some(0.0));
        assert_eq!(metrics.confusion, [[1, 0, 0], [1, 0, 0], [2, 0, 0]]);
    }

    #[test]
    fn perfection_has_no_width_in_the_bootstrap_but_in_wilson() {
        let labels: Vec<u32> = (0..40).map(|row| row % 2).collect();
        let probabilities = labels
            .iter()
            .flat_map(|&label| if label == 0 { [1.0, 0.0] } else { [0.0, 1.0] });
        let metrics = Data::new(labels.clone(), probabilities.collect(), 2).summarize(1, 300);
        let one = Estimate {
            value: Some(1.0),
            low: Some(1.0),
            high: Some(1.0),
        };
        assert_eq!(metrics.f1_macro, one);
        assert_eq!(metrics.roc_auc, one);
        assert_eq!(metrics.mcc, one);
        assert_eq!(metrics.accuracy.high, Some(1.0));
        assert!(metrics.accuracy.low.unwrap() < 0.95);
        assert_eq!(metrics.brier.value, Some(0.0));
        assert_eq!(metrics.ece.value, Some(0.0));
    }

    #[test]
    fn no_resamples_no_bootstrap_intervals() {
        let metrics = Data::drawn(2, 50, 3).summarize(1, 0);
        assert!(metrics.f1_macro.value.is_some() && metrics.f1_macro.low.is_none());
        assert!(metrics.accuracy.low.is_some());
    }

    #[test]
    fn metrics_survive_json_to_the_bit() {
        let metrics = Data::drawn(3, 80, 3).summarize(1, 50);
        let text = serde_json::to_string(&metrics).unwrap();
        assert_eq!(serde_json::from_str::<SplitMetrics>(&text).unwrap(), metrics);
        // What is undefined must come back as undefined, too.
        let empty = Data::new(vec![], vec![], 2).summarize(1, 50);
        let text = serde_json::to_string(&empty).unwrap();
        assert_eq!(serde_json::from_str::<SplitMetrics>(&text).unwrap(), empty);
    }
}
