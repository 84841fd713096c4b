//! How much of scores and predictions the length of the text tells.

use crate::measures::predicted::ScoredRows;
use crate::measures::score_moments::centred;

/// The share of the variance of the scores that the length of the text explains, in twenty equally filled
/// bins, less what chance gives: for a model that sees only how long a text is, nearly all.
pub(crate) fn length_explains(scored: &ScoredRows<'_>, texts: &[String]) -> f64 {
    const BINS: usize = 20;
    let rows: Vec<Vec<f64>> = scored.probabilities.rows().map(centred).collect();
    if rows.len() < 5 * BINS {
        return 0.0;
    }
    let classes = scored.predicted.classes;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&row| (texts[row].len(), row));
    let mean = |members: &[usize], class: usize| {
        members.iter().map(|&row| rows[row][class]).sum::<f64>() / members.len() as f64
    };
    let (mut between, mut total) = (0.0, 0.0);
    for class in 0..classes {
        let overall = mean(&order, class);
        total += rows.iter().map(|row| (row[class] - overall).powi(2)).sum::<f64>();
        for members in order.chunks(rows.len().div_ceil(BINS)) {
            between += members.len() as f64 * (mean(members, class) - overall).powi(2);
        }
    }
    between / f64::max(total, 1e-12) - BINS as f64 / rows.len() as f64
}

/// The normalized mutual information of predicted class and length of the text, in ten equally filled bins.
pub(crate) fn length_information(predictions: &[u32], texts: &[String], classes: usize) -> f64 {
    const BINS: usize = 10;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&row| (texts[row].len(), row));
    let mut table = vec![vec![0_u64; BINS.max(classes)]; BINS.max(classes)];
    for (place, row) in order.into_iter().enumerate() {
        table[place * BINS / texts.len()][predictions[row] as usize] += 1;
    }
    labelproof_metrics::Confusion::from_matrix(&table)
        .ok()
        .and_then(|table| labelproof_metrics::normalized_mutual_information(&table, &table.totals()))
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    /// By hand: if the class is the bin, everything is told; if it is half of the bin, ln 5 over the mean of
    /// ln 5 and ln 10.
    #[test]
    fn length_tells_what_it_tells() {
        let texts: Vec<String> = (0..1000).map(|row| "x".repeat(row)).collect();
        let information = |class: fn(usize) -> usize| {
            let predictions: Vec<u32> = (0..1000).map(|row| u32::try_from(class(row)).unwrap()).collect();
            length_information(&predictions, &texts, 10)
        };
        assert_close(information(|row| row / 100), 1.0, 1e-12);
        let half = 5.0_f64.ln() / f64::midpoint(5.0_f64.ln(), 10.0_f64.ln());
        assert_close(information(|row| row / 200), half, 1e-12);
        assert_close(information(|row| row % 10), 0.0, 1e-9);
        assert_close(information(|_| 3), 0.0, 1e-12);
    }
}
