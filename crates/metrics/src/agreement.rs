//! Agreement between labels and predictions that is corrected for chance.
//!
//! All of it is a function of the confusion matrix. In the formulas `n` is the number of rows, `n_ij` a cell,
//! `t_i` the rows of true class `i` and `p_i` the rows predicted as it.

use crate::{Confusion, Totals};

/// `Σ t_i p_i`, `Σ t_i²` and `Σ p_i²`, exact: in floating point the differences below would lose their last
/// digits.
fn products(totals: &Totals) -> (u128, u128, u128) {
    totals
        .support
        .iter()
        .zip(&totals.predicted)
        .fold((0, 0, 0), |(both, truth, prediction), (&t, &p)| {
            let (t, p) = (u128::from(t), u128::from(p));
            (both + t * p, truth + t * t, prediction + p * p)
        })
}

/// `left - right` of two exact counts, of either sign.
fn difference(left: u128, right: u128) -> f64 {
    if left >= right {
        (left - right) as f64
    } else {
        -((right - left) as f64)
    }
}

/// Matthews correlation coefficient for any number of classes (Gorodkin 2004, the R_K statistic):
/// `(n·hits − Σ t_i p_i) / √((n² − Σ p_i²)(n² − Σ t_i²))`.
///
/// 0 where labels or predictions are all alike, as `sklearn.metrics.matthews_corrcoef`. `None` without rows.
pub fn matthews_correlation(totals: &Totals) -> Option<f64> {
    if totals.rows == 0 {
        return None;
    }
    let rows = u128::from(totals.rows);
    let (both, truth, prediction) = products(totals);
    let spread = difference(rows * rows, truth) * difference(rows * rows, prediction);
    if spread == 0.0 {
        return Some(0.0);
    }
    Some(difference(rows * u128::from(totals.hits), both) / spread.sqrt())
}

/// Cohen's kappa (Cohen 1960), unweighted: `(n·hits − Σ t_i p_i) / (n² − Σ t_i p_i)`.
///
/// `None` without rows, and where all labels and predictions are one class: chance alone would then agree,
/// and there is nothing to correct (`sklearn.metrics.cohen_kappa_score` gives NaN).
pub fn cohen_kappa(totals: &Totals) -> Option<f64> {
    let rows = u128::from(totals.rows);
    let (both, _, _) = products(totals);
    let chance = difference(rows * rows, both);
    (chance > 0.0).then(|| difference(rows * u128::from(totals.hits), both) / chance)
}

/// Mutual information of labels and predictions over the arithmetic mean of their entropies, as
/// `sklearn.metrics.normalized_mutual_info_score`: `Σ n_ij/n · ln(n·n_ij / (t_i p_j)) / ((H(t) + H(p)) / 2)`,
/// with `H(t) = −Σ t_i/n · ln(t_i/n)`.
///
/// 1 where labels and predictions are all alike, both of them, and 0 where only one of them is. It rewards
/// any consistent renaming of classes, so beside a low accuracy it betrays a shuffled label map. `None`
/// without rows.
pub fn normalized_mutual_information(confusion: &Confusion, totals: &Totals) -> Option<f64> {
    if totals.rows == 0 {
        return None;
    }
    let rows = totals.rows as f64;
    let constant = |counts: &[u64]| counts.contains(&totals.rows);
    match (constant(&totals.support), constant(&totals.predicted)) {
        (true, true) => return Some(1.0),
        (false, false) => {}
        _ => return Some(0.0),
    }
    let entropy = |counts: &[u64]| -> f64 {
        counts
            .iter()
            .filter(|&&count| count > 0)
            .map(|&count| {
                let share = count as f64 / rows;
                -share * share.ln()
            })
            .sum()
    };
    let shared: f64 = confusion
        .cells()
        .iter()
        .filter(|cell| cell.count > 0)
        .map(|cell| {
            let share = cell.count as f64 / rows;
            let truth = totals.support[cell.truth as usize] as f64 / rows;
            let predicted = totals.predicted[cell.predicted as usize] as f64 / rows;
            share * (share / truth / predicted).ln()
        })
        .sum();
    let mean_entropy = f64::midpoint(entropy(&totals.support), entropy(&totals.predicted));
    // Independent labels and predictions may come out as -1e-17.
    Some((shared / mean_entropy).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(matrix: &[Vec<u64>]) -> (Option<f64>, Option<f64>, Option<f64>) {
        let confusion = Confusion::from_matrix(matrix).unwrap();
        let totals = confusion.totals();
        (
            matthews_correlation(&totals),
            cohen_kappa(&totals),
            normalized_mutual_information(&confusion, &totals),
        )
    }

    fn close(got: Option<f64>, want: f64) -> bool {
        got.is_some_and(|got| (got - want).abs() < 1e-12)
    }

    #[test]
    fn two_classes_by_hand() {
        // (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)) with 20, 15, 5, 10; kappa (0.7 − 0.5) / (1 −
        // 0.5).
        let (mcc, kappa, _) = scores(&[vec![20, 5], vec![10, 15]]);
        assert!(
            close(mcc, 250.0 / (30.0_f64 * 25.0 * 20.0 * 25.0).sqrt()),
            "{mcc:?}"
        );
        assert!(close(kappa, 0.4), "{kappa:?}");
    }

    #[test]
    fn renamed_classes_keep_their_information_but_not_their_agreement() {
        let (mcc, kappa, information) = scores(&[vec![0, 10, 0], vec![0, 0, 10], vec![10, 0, 0]]);
        assert!(close(mcc, -0.5) && close(kappa, -0.5) && close(information, 1.0));
    }

    #[test]
    fn independent_predictions_agree_by_chance_only() {
        let (mcc, kappa, information) = scores(&[vec![4, 8, 12], vec![2, 4, 6], vec![1, 2, 3]]);
        assert!(close(mcc, 0.0) && close(kappa, 0.0) && close(information, 0.0));
    }

    #[test]
    fn constants_and_nothing() {
        assert_eq!(scores(&[vec![7, 0], vec![0, 0]]), (Some(0.0), None, Some(1.0)));
        assert_eq!(
            scores(&[vec![7, 0], vec![3, 0]]),
            (Some(0.0), Some(0.0), Some(0.0))
        );
        assert_eq!(scores(&[vec![0, 0], vec![0, 0]]), (None, None, None));
    }

    #[test]
    fn huge_counts_stay_exact() {
        // n² is far beyond 2^53 here; the coefficient of a near-perfect matrix must not become 1 or NaN.
        let (mcc, kappa, _) = scores(&[vec![2_000_000_000, 1], vec![1, 2_000_000_000]]);
        let want = 1.0 - 2.0 / 2_000_000_001.0;
        assert!(close(mcc, want) && close(kappa, want));
        assert!(mcc.unwrap() < 1.0);
    }
}
