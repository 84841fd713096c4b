//! Classification metrics, their intervals, and statistical tests.
//!
//! Pure functions: labels and probabilities go in, numbers come out. This crate knows no stage and no model,
//! and never averages over batches: every metric is computed once, over all the rows it is given.
//!
//! - `scored`: the checked input that all metrics share, [`Scored`].
//! - `confusion`: the confusion matrix and the counts that are read off it.
//! - `logits`: softmax, cross-entropy and argmax of one row.
//! - `averages`: precision, recall and F1, per class and averaged.
//! - `agreement`: Matthews correlation, Cohen's kappa, normalized mutual information.
//! - `probability`: log loss, Brier score, calibration error and the reliability bins.
//! - `coverage`: what is left when the least certain rows are not answered.
//! - [`decisions`]: temperature, thresholds for abstention, conformal sets, and what they give on test.
//! - `ranking`: area under the ROC curve.
//! - `interval`: Wilson and bootstrap intervals.
//! - [`comparison`]: tests of whether two results differ by more than chance.
//! - [`statistics`]: distributions, tests and the assignment that the audit rests on.
//! - `spread`: the mean and the standard deviation over several models.
//! - `summary`: all of it at once, [`summarize`].
//! - `evaluation`: the shape of `metrics.json`, [`Evaluation`]; the only file this crate knows.
//!
//! Definitions follow scikit-learn 1.9, and the tests compare with the values it computes; where a definition
//! departs from it, the function says so. A metric that does not exist for the rows at hand is `None`, never
//! `NaN`.

#![expect(
    clippy::doc_markdown,
    reason = "McNemar, McNeil and DasGupta are people, and ChaCha is a name"
)]

mod agreement;
mod averages;
pub mod comparison;
mod confusion;
pub mod contrast;
mod coverage;
pub mod decisions;
mod error;
mod evaluation;
mod interval;
mod logits;
mod probability;
mod ranking;
mod scored;
mod spread;
pub mod statistics;
mod summary;

#[cfg(test)]
mod tests;

pub use agreement::{cohen_kappa, matthews_correlation, normalized_mutual_information};
pub use averages::{Average, ClassScores, balanced_accuracy, class_scores, macro_average, weighted_average};
pub use confusion::{Confusion, Totals};
pub use coverage::{COVERAGE_POINTS, CoveragePoint, coverage};
pub use error::Error;
pub use evaluation::{BaselineEvaluation, CrossValidation, Evaluation, Int8Evaluation};
pub use interval::{Bootstrap, Estimate, percentile_interval, wilson};
pub use logits::{argmax, cross_entropy, softmax, softmax_in_place};
pub use probability::{RELIABILITY_BINS, ReliabilityBin, brier_score, expected_calibration_error};
pub use ranking::roc_auc;
pub use scored::Scored;
pub use spread::{Spread, Spreads};
pub use summary::{ClassMetrics, SplitMetrics, summarize};
