//! Area under the ROC curve.
//!
//! The definition is the Mann-Whitney one (Hanley & McNeil 1982): the chance that a random positive row
//! scores above a random negative one, where a tie counts half. It equals the area under the trapezoids of
//! the ROC curve, which is what `sklearn.metrics.roc_auc_score` computes. Which class is the positive one is
//! the caller's choice.

/// A row's true class, and how many times the row counts.
///
/// Kept together because the walk below jumps from row to row, and each jump should touch one cache line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CountedRow {
    pub(crate) label: u32,
    pub(crate) count: u32,
}

/// Rows in ascending order of one class's scores: sorted once, walked for every resample.
#[derive(Debug, Clone)]
pub(crate) struct Ranking {
    order: Vec<u32>,
    /// Whether the row at this place scores above the one before it, rather than tying with it.
    rises: Vec<bool>,
}

impl Ranking {
    pub(crate) fn new(scores: impl Iterator<Item = f64>) -> Self {
        let mut ranked: Vec<(f64, u32)> = scores.zip(0_u32..).collect();
        // -0.0 and 0.0 must tie, so `total_cmp` alone would not do; it stands in for NaN, which callers keep
        // out.
        ranked.sort_unstable_by(|left, right| {
            left.0
                .partial_cmp(&right.0)
                .unwrap_or_else(|| left.0.total_cmp(&right.0))
                .then(left.1.cmp(&right.1))
        });
        let mut previous = f64::NEG_INFINITY;
        let rises = ranked
            .iter()
            .map(|&(score, _)| score > std::mem::replace(&mut previous, score))
            .collect();
        Self {
            order: ranked.into_iter().map(|(_, row)| row).collect(),
            rises,
        }
    }

    /// The area under the curve with `class` as the positive one.
    ///
    /// `None` where no row, or every row, is of the class: there is no pair to compare.
    pub(crate) fn area(&self, rows: &[CountedRow], class: u32) -> Option<f64> {
        // All in integers (twice the number of pairs won, as a tie is half a pair): exact, in any order.
        let mut doubled_wins: u128 = 0;
        let (mut positives, mut negatives) = (0_u64, 0_u64);
        let (mut tied_positives, mut tied_negatives) = (0_u64, 0_u64);
        let mut settle = |tied_positives: u64, tied_negatives: u64, negatives_below: u64| {
            doubled_wins += u128::from(tied_positives) * u128::from(2 * negatives_below + tied_negatives);
        };
        for (&row, &rises) in self.order.iter().zip(&self.rises) {
            if rises {
                settle(tied_positives, tied_negatives, negatives);
                positives += tied_positives;
                negatives += tied_negatives;
                (tied_positives, tied_negatives) = (0, 0);
            }
            let CountedRow { label, count } = rows[row as usize];
            let count = u64::from(count);
            let positive = count * u64::from(label == class);
            tied_positives += positive;
            tied_negatives += count - positive;
        }
        settle(tied_positives, tied_negatives, negatives);
        positives += tied_positives;
        negatives += tied_negatives;
        let doubled_pairs = 2.0 * positives as f64 * negatives as f64;
        (doubled_pairs > 0.0).then(|| doubled_wins as f64 / doubled_pairs)
    }
}

/// The area under the ROC curve of pairs of score and "is positive": the chance that a random positive scores
/// above a random negative, a tie counting half (Mann-Whitney U over the number of pairs).
///
/// `None` without positives or without negatives, and where a score is NaN, which ranks nowhere. Rows beyond
/// the 2^32nd are not looked at.
pub fn roc_auc(rows: &[(f64, bool)]) -> Option<f64> {
    if rows.iter().any(|(score, _)| score.is_nan()) {
        return None;
    }
    let counted: Vec<CountedRow> = rows
        .iter()
        .map(|&(_, positive)| CountedRow {
            label: u32::from(positive),
            count: 1,
        })
        .collect();
    Ranking::new(rows.iter().map(|&(score, _)| score)).area(&counted, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(positives: &[f64], negatives: &[f64], expected: Option<f64>) {
        let rows: Vec<(f64, bool)> = positives
            .iter()
            .map(|&score| (score, true))
            .chain(negatives.iter().map(|&score| (score, false)))
            .collect();
        assert_eq!(roc_auc(&rows), expected);
        // The order of rows must not matter, above all not within ties.
        let reversed: Vec<(f64, bool)> = rows.into_iter().rev().collect();
        assert_eq!(roc_auc(&reversed), expected);
    }

    #[test]
    fn pairs_are_counted_by_hand() {
        check(&[0.8, 0.9], &[0.1, 0.2], Some(1.0));
        check(&[0.1, 0.2], &[0.8, 0.9], Some(0.0));
        check(&[0.5, 0.5], &[0.5], Some(0.5));
        // 0.4 beats 0.1 and ties with 0.4; 0.7 beats both: 3.5 of 4 pairs.
        check(&[0.4, 0.7], &[0.1, 0.4], Some(0.875));
        check(&[0.0], &[-0.0], Some(0.5));
        check(&[f64::NEG_INFINITY], &[f64::NEG_INFINITY], Some(0.5));
    }

    #[test]
    fn one_sided_input_has_no_area() {
        check(&[0.1, 0.2], &[], None);
        check(&[], &[0.3], None);
        check(&[], &[], None);
        check(&[f64::NAN, 0.9], &[0.3], None);
    }

    #[test]
    fn a_counted_row_is_that_many_rows() {
        let scores = [0.3, 0.1, 0.3, 0.7, 0.2];
        let labels = [1, 0, 0, 1, 1];
        let counts = [2, 3, 1, 0, 4];
        let counted: Vec<CountedRow> = labels
            .iter()
            .zip(counts)
            .map(|(&label, count)| CountedRow { label, count })
            .collect();
        let repeated: Vec<(f64, bool)> = scores
            .iter()
            .zip(labels)
            .zip(counts)
            .flat_map(|((&score, label), count)| vec![(score, label == 1); count as usize])
            .collect();
        assert_eq!(
            Ranking::new(scores.into_iter()).area(&counted, 1),
            roc_auc(&repeated)
        );
    }
}
