//! Whether labels and predictions stand in the rows they belong to: three ways in which they may not, each
//! found by undoing it.
//!
//! Pure functions of true and predicted classes; what is made of them is the checks' business.

use labelproof_metrics::comparison::mcnemar_from_counts;
use labelproof_metrics::statistics::{ln_gamma, maximum_assignment};

use crate::measures::comparison::shuffled_accuracy;
use crate::measures::predicted::PredictedRows;
use crate::measures::significance::Significance;

/// The renaming of classes that makes most predictions right.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Renaming {
    /// Entry `c` is the class that predictions call what the labels call `c`.
    pub(crate) predicted_as: Vec<usize>,
    /// Hits as the classes are named now.
    pub(crate) hits: u64,
    /// Hits after renaming.
    pub(crate) matched_hits: u64,
    /// Rows of moved classes that are right only now, and only after renaming.
    pub(crate) exchanged: (u64, u64),
    /// The chance of so uneven an exchange if both namings were equally good, times the number of renamings
    /// of so many classes.
    pub(crate) p_value: f64,
}

impl Renaming {
    /// Classes that change their name.
    pub(crate) fn moved(&self) -> Vec<usize> {
        (0..self.predicted_as.len())
            .filter(|&class| self.predicted_as[class] != class)
            .collect()
    }
}

/// The best renaming by the Hungarian method, judged by the exact test of McNemar on the rows that it
/// changes.
pub(crate) fn renaming(matrix: &[Vec<u64>]) -> Renaming {
    let predicted_as = maximum_assignment(matrix);
    let sum = |column: &dyn Fn(usize) -> usize, only_moved: bool| -> u64 {
        (0..matrix.len())
            .filter(|&class| !only_moved || predicted_as[class] != class)
            .map(|class| matrix[class][column(class)])
            .sum()
    };
    let exchanged = (sum(&|class| class, true), sum(&|class| predicted_as[class], true));
    let moved = predicted_as
        .iter()
        .enumerate()
        .filter(|(class, column)| class != *column)
        .count();
    let test = mcnemar_from_counts(exchanged.0, exchanged.1);
    let renamings = ln_renamings(matrix.len(), moved).exp();
    Renaming {
        hits: sum(&|class| class, false),
        matched_hits: sum(&|class| predicted_as[class], false),
        exchanged,
        p_value: (test.p_value * renamings).min(1.0),
        predicted_as,
    }
}

/// The logarithm of how many renamings move exactly so many of the classes: `C(classes, moved) · !moved`,
/// with the number of derangements `!m` rounded from `m! / e`.
fn ln_renamings(classes: usize, moved: usize) -> f64 {
    if moved < 2 {
        return 0.0;
    }
    let (n, m) = (classes as f64, moved as f64);
    let choose = ln_gamma(n + 1.0) - ln_gamma(m + 1.0) - ln_gamma(n - m + 1.0);
    choose + (ln_gamma(m + 1.0) - 1.0).max(0.0)
}

/// The largest shift that is tried, in rows.
pub(crate) const LARGEST_LAG: usize = 64;

/// Predictions that belong to the rows some places further on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shift {
    /// Prediction `i` belongs to row `i + lag`.
    pub(crate) lag: i64,
    /// Rows right as they stand, among those that the shift leaves a partner.
    pub(crate) hits: u64,
    /// Rows right after shifting.
    pub(crate) shifted_hits: u64,
    /// Rows that the shift leaves a partner.
    pub(crate) rows: u64,
    /// The chance of so uneven an exchange if both were equally good, times the number of shifts tried.
    pub(crate) p_value: f64,
}

/// The shift of at most [`LARGEST_LAG`] rows that makes most predictions right.
pub(crate) fn shift(truth: &[u32], predictions: &[u32]) -> Option<Shift> {
    let reach = LARGEST_LAG.min(truth.len().saturating_sub(1));
    let lags = (1..=reach).flat_map(|lag| [(lag, true), (lag, false)]);
    let best = lags
        .map(|(lag, forward)| {
            let (truth, predictions) = shifted(truth, predictions, lag, forward);
            let hits = truth.iter().zip(predictions).filter(|(a, b)| a == b).count();
            (hits, lag, forward)
        })
        .max_by_key(|&(hits, lag, forward)| (hits, std::cmp::Reverse(lag), forward))?;
    let (shifted_hits, lag, forward) = best;
    let (mut only_now, mut only_shifted, mut hits, mut rows) = (0, 0, 0, 0);
    for row in 0..truth.len() {
        let partner = if forward {
            row.checked_sub(lag)
        } else {
            Some(row + lag)
        };
        let Some(&prediction) = partner.and_then(|partner| predictions.get(partner)) else {
            continue;
        };
        rows += 1;
        let (now, then) = (predictions[row] == truth[row], prediction == truth[row]);
        hits += u64::from(now);
        only_now += u64::from(now && !then);
        only_shifted += u64::from(then && !now);
    }
    let test = mcnemar_from_counts(only_now, only_shifted);
    let tried = (2 * reach) as f64;
    let lag = i64::try_from(lag).unwrap_or(i64::MAX);
    Some(Shift {
        lag: if forward { lag } else { -lag },
        hits,
        shifted_hits: shifted_hits as u64,
        rows,
        p_value: if only_shifted > only_now {
            (test.p_value * tried).min(1.0)
        } else {
            1.0
        },
    })
}

/// The overlapping ends: true classes, and the predictions that would belong to them.
fn shifted<'a>(
    truth: &'a [u32],
    predictions: &'a [u32],
    lag: usize,
    forward: bool,
) -> (&'a [u32], &'a [u32]) {
    let rows = truth.len() - lag;
    if forward {
        (&truth[lag..], &predictions[..rows])
    } else {
        (&truth[..rows], &predictions[lag..])
    }
}

/// A run of rows in which predictions are right far less often than in the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Segment {
    /// The first of the rows, from 0.
    pub(crate) start: usize,
    /// The row after the last.
    pub(crate) end: usize,
    /// The share of rows right within.
    pub(crate) inside: f64,
    /// The share of rows right in all others.
    pub(crate) outside: f64,
    /// The chance of so uneven a file if mistakes were spread at random.
    pub(crate) p_value: f64,
}

/// The run of rows, in the order of the file, that collects most mistakes beyond what its classes let expect.
///
/// Hits are compared with the mean hit rate of their true class, so that a file that is sorted by class shows
/// nothing. The cumulative sum of these differences is a Brownian bridge where mistakes are spread at random;
/// its range is Kuiper's statistic, with `P(V > x) = 2 Σ (4k²x² − 1) exp(−2k²x²)` (Kuiper 1960).
pub(crate) fn worst_segment(rows: &PredictedRows<'_>) -> Option<Segment> {
    let hits: Vec<bool> = rows.hits().collect();
    let (mut support, mut class_hits) = (vec![0.0_f64; rows.classes], vec![0.0_f64; rows.classes]);
    for (&truth, &hit) in rows.truth.iter().zip(&hits) {
        support[truth as usize] += 1.0;
        class_hits[truth as usize] += f64::from(u8::from(hit));
    }
    let rate = |class: u32| class_hits[class as usize] / support[class as usize];
    let (mut sum, mut variance) = (0.0, 0.0);
    let (mut highest, mut lowest) = ((0, 0.0), (0, 0.0));
    for (row, (&truth, &hit)) in rows.truth.iter().zip(&hits).enumerate() {
        let difference = f64::from(u8::from(hit)) - rate(truth);
        sum += difference;
        variance += rate(truth) * (1.0 - rate(truth));
        if sum > highest.1 {
            highest = (row + 1, sum);
        }
        if sum < lowest.1 {
            lowest = (row + 1, sum);
        }
    }
    if variance <= 0.0 {
        return None;
    }
    let range = (highest.1 - lowest.1) / variance.sqrt();
    let share = |hits: &[bool]| hits.iter().filter(|hit| **hit).count() as f64 / hits.len().max(1) as f64;
    // From the highest point to the lowest the sum falls: mistakes. If the lowest comes first, it rises in
    // between, and the mistakes are at the ends; the longer end is reported.
    let (start, end) = if highest.0 < lowest.0 {
        (highest.0, lowest.0)
    } else if lowest.0 >= hits.len() - highest.0 {
        (0, lowest.0)
    } else {
        (highest.0, hits.len())
    };
    let others: Vec<bool> = hits[..start].iter().chain(&hits[end..]).copied().collect();
    if start == end || others.is_empty() {
        return None;
    }
    Some(Segment {
        start,
        end,
        inside: share(&hits[start..end]),
        outside: share(&others),
        p_value: kuiper_survival(range),
    })
}

/// The chance that the range of a Brownian bridge is at least `x`.
fn kuiper_survival(x: f64) -> f64 {
    // Below, the series converges slowly and the answer is 1 to four digits.
    if x < 0.6 {
        return 1.0;
    }
    let sum: f64 = (1..=50)
        .map(|k| {
            let square = f64::from(k * k) * x * x;
            (4.0 * square - 1.0) * (-2.0 * square).exp()
        })
        .sum();
    (2.0 * sum).clamp(0.0, 1.0)
}

/// The gain in accuracy from which on a shift counts.
const LEAST_SHIFT_GAIN: f64 = 0.01;

/// A run of rows whose predictions are shifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ShiftedRun {
    /// The shift.
    pub(crate) shift: Shift,
    /// The first of the rows, from 0.
    pub(crate) start: usize,
    /// The row after the last.
    pub(crate) end: usize,
}

/// Moves the predictions by up to 64 rows to either side; the exact test of McNemar, corrected for the shifts
/// tried, decides whether one of them repairs more than it breaks. Where only a run of rows is bad, the same
/// is tried within it: a row that was dropped half-way shifts only what comes after.
pub(crate) fn shifted_run(rows: &PredictedRows<'_>, significance: Significance) -> Option<ShiftedRun> {
    let count = rows.truth.len();
    let whole = shift(rows.truth, rows.predictions).filter(|shift| counts(shift, rows, significance));
    if let Some(shift) = whole {
        return Some(ShiftedRun {
            shift,
            start: 0,
            end: count,
        });
    }
    let segment = worst_segment(rows).filter(|segment| significance.holds(segment.p_value))?;
    let (start, end) = (segment.start, segment.end);
    let shift = shift(&rows.truth[start..end], &rows.predictions[start..end])?;
    counts(&shift, rows, significance).then_some(ShiftedRun { shift, start, end })
}

/// Whether a shift explains mistakes: beyond chance, by enough, and so that most rows become right.
fn counts(shift: &Shift, rows: &PredictedRows<'_>, significance: Significance) -> bool {
    let share = |hits: u64| hits as f64 / shift.rows.max(1) as f64;
    significance.holds(shift.p_value)
        && share(shift.shifted_hits) - share(shift.hits) >= LEAST_SHIFT_GAIN
        && share(shift.shifted_hits) > 0.5 * (1.0 + shuffled_accuracy(rows)) * 0.8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Evidence, Part};
    use crate::testing::{assert_close, case, evidence, predicted, simulated};
    use labelproof_artifact::Split;

    /// SciPy's `linear_sum_assignment` of this matrix is 0, 2, 3, 1; `binomtest(14, 274)` gives 7.6575e-60.
    #[test]
    fn a_cycle_of_three_is_found_and_tested() {
        let matrix = [[80, 10, 5, 5], [5, 5, 85, 5], [5, 5, 5, 85], [3, 90, 3, 4]].map(Vec::from);
        let renaming = renaming(&matrix);
        assert_eq!(renaming.predicted_as, [0, 2, 3, 1]);
        assert_eq!(renaming.moved(), [1, 2, 3]);
        assert_eq!((renaming.hits, renaming.matched_hits), (94, 340));
        assert_eq!(renaming.exchanged, (14, 260));
        // Four ways to choose three of four classes, and two cycles of three, of which the rounding 3!/e
        // makes 2.2.
        assert_close(
            renaming.p_value / (7.657_469_034e-60 * 4.0 * 6.0 / std::f64::consts::E),
            1.0,
            1e-6,
        );
    }

    #[test]
    fn the_best_naming_may_be_the_one_there_is() {
        let renaming = renaming(&[vec![5, 1], vec![2, 4]]);
        assert!(renaming.moved().is_empty());
        assert_close(renaming.p_value, 1.0, 1e-12);
    }

    #[test]
    fn a_shift_is_found_on_either_side() {
        let truth: Vec<u32> = simulated(5, 200, 1.0, 1).truth;
        let check = |predictions: &[u32], lag: i64| {
            let shift = shift(&truth, predictions).unwrap();
            assert_eq!((shift.lag, shift.shifted_hits, shift.rows), (lag, 197, 197));
        };
        check(&[&truth[3..], &[0, 0, 0]].concat(), 3);
        check(&[&[0, 0, 0], &truth[..197]].concat(), -3);
        assert_eq!(shift(&[], &[]), None);
        assert_eq!(shift(&[1], &[1]), None);
    }

    fn test_of(rows: &[(u32, u32)]) -> Evidence {
        evidence(&["a", "b"], [Part::default(), Part::default(), predicted(rows)])
    }

    /// First a class that is always right, then one of which every third row is: the file is sorted, nothing
    /// else.
    #[test]
    fn a_hard_class_in_a_sorted_file_is_no_segment() {
        let rows: Vec<(u32, u32)> = (0..600)
            .map(|row| (u32::from(row >= 300), u32::from(row >= 300 && row % 3 == 0)))
            .collect();
        let segment = worst_segment(&case(&test_of(&rows)).predicted(Split::Test).unwrap()).unwrap();
        assert!(segment.p_value > 0.99, "{segment:?}");
    }

    #[test]
    fn a_run_of_mistakes_is_a_segment() {
        let rows: Vec<(u32, u32)> = (0..600)
            .map(|row| (0, u32::from((200..300).contains(&row) || row % 50 == 7)))
            .collect();
        let segment = worst_segment(&case(&test_of(&rows)).predicted(Split::Test).unwrap()).unwrap();
        assert_eq!((segment.start, segment.end), (200, 300));
        assert_close(segment.inside, 0.0, 1e-12);
        assert_close(segment.outside, 0.98, 1e-12);
        assert!(segment.p_value < 1e-12);
    }

    #[test]
    fn files_without_a_mistake_have_no_segment() {
        assert_eq!(
            worst_segment(&case(&test_of(&[(0, 0); 50])).predicted(Split::Test).unwrap()),
            None
        );
        assert_eq!(
            worst_segment(&case(&test_of(&[(0, 1); 50])).predicted(Split::Test).unwrap()),
            None
        );
    }

    /// The asymptotic upper percentage points of Kuiper's statistic (Stephens 1970), which are given to three
    /// digits.
    #[test]
    fn the_distribution_of_the_range_is_kuipers() {
        for (point, share) in [(1.620, 0.10), (1.747, 0.05), (1.862, 0.025), (2.001, 0.01)] {
            assert_close(kuiper_survival(point), share, 3e-3 * share + 1e-4);
        }
        assert_close(kuiper_survival(0.0), 1.0, 1e-12);
        assert_close(kuiper_survival(0.600_001), 1.0, 2e-3);
    }
}
