//! How the predicted classes of some rows compare with those of others, and with those of shuffled rows.

use labelproof_metrics::statistics::chi_squared_independence;

use crate::measures::class_counts::class_counts;
use crate::measures::predicted::PredictedRows;

/// How different two lists of class counts are: Cramér's V of their table, with the p-value of the
/// chi-squared test.
pub(crate) fn counts_differ(first: &[u64], second: &[u64]) -> Option<(f64, f64)> {
    let test = chi_squared_independence(&[first.to_vec(), second.to_vec()])?;
    let rows: u64 = first.iter().chain(second).sum();
    Some(((test.statistic / rows as f64).sqrt(), test.p_value))
}

/// The accuracy of predictions that were shuffled against the labels: `Σ_c share of c in the labels · share
/// of c in the predictions`.
pub(crate) fn shuffled_accuracy(rows: &PredictedRows<'_>) -> f64 {
    let truth = class_counts(rows.truth, rows.classes);
    let predicted = class_counts(rows.predictions, rows.classes);
    let count = rows.rows() as f64;
    truth
        .iter()
        .zip(predicted)
        .map(|(&truth, predicted)| truth as f64 / count * (predicted as f64 / count))
        .sum()
}
