//! Accuracy by length of the text, and how it differs between two splits.
//!
//! In many data sets one class has the longer texts. So that a loss of that class is not taken for one of
//! long texts, each class is cut into its own shorter and longer half.

use labelproof_metrics::comparison::{TwoProportions, two_proportion_z};

use crate::measures::predicted::PredictedRows;

/// Hits and rows of the shorter and of the longer half of every class of two splits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LengthSlices {
    /// Of the suspected split: hits and rows of short texts.
    pub(crate) short: (u64, u64),
    /// Hits and rows of long texts.
    pub(crate) long: (u64, u64),
    /// Of the other split: hits and rows of short texts.
    pub(crate) reference_short: (u64, u64),
    /// Hits and rows of long texts.
    pub(crate) reference_long: (u64, u64),
}

fn share((hits, rows): (u64, u64)) -> f64 {
    hits as f64 / rows.max(1) as f64
}

impl LengthSlices {
    /// Cuts the texts of both splits at the median length of their class in the suspected one. `None` with
    /// fewer than 20 rows on a side.
    pub(crate) fn new(
        rows: &PredictedRows<'_>,
        texts: &[String],
        reference: &PredictedRows<'_>,
        reference_texts: &[String],
    ) -> Option<Self> {
        let cuts: Vec<Option<usize>> = (0_u32..)
            .take(rows.classes)
            .map(|class| {
                let own = rows.truth.iter().zip(texts).filter(|(truth, _)| **truth == class);
                let mut lengths: Vec<usize> = own.map(|(_, text)| text.len()).collect();
                lengths.sort_unstable();
                lengths.get(lengths.len() / 2).copied()
            })
            .collect();
        let count = |rows: &PredictedRows<'_>, texts: &[String], long: bool| {
            let (mut hits, mut all) = (0, 0);
            for ((hit, truth), text) in rows.hits().zip(rows.truth).zip(texts) {
                let cut = cuts.get(*truth as usize).copied().flatten();
                if cut.is_some_and(|cut| (text.len() > cut) == long) {
                    all += 1;
                    hits += u64::from(hit);
                }
            }
            (hits, all)
        };
        let slices = Self {
            short: count(rows, texts, false),
            long: count(rows, texts, true),
            reference_short: count(reference, reference_texts, false),
            reference_long: count(reference, reference_texts, true),
        };
        let enough = [
            slices.short,
            slices.long,
            slices.reference_short,
            slices.reference_long,
        ]
        .iter()
        .all(|(_, rows)| *rows >= 20);
        enough.then_some(slices)
    }

    /// The loss of accuracy of short texts against the other split.
    pub(crate) fn short_loss(&self) -> f64 {
        share(self.reference_short) - share(self.short)
    }

    /// The loss of accuracy of long texts against the other split.
    pub(crate) fn long_loss(&self) -> f64 {
        share(self.reference_long) - share(self.long)
    }

    /// Short against long texts of the suspected split.
    pub(crate) fn test(&self) -> Option<TwoProportions> {
        two_proportion_z(self.short, self.long)
    }

    /// Accuracy of short texts.
    pub(crate) fn short_accuracy(&self) -> f64 {
        share(self.short)
    }

    /// Accuracy of long texts.
    pub(crate) fn long_accuracy(&self) -> f64 {
        share(self.long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Part;
    use crate::testing::{assert_close, case, evidence, predicted};
    use labelproof_artifact::Split;

    /// 100 rows of which every second is long; of the short and of the long ones so many are right.
    fn rows(short: usize, long: usize) -> Part {
        let class = |row: usize| u32::from(row / 2 >= if row.is_multiple_of(2) { short } else { long });
        Part {
            texts: Some(
                (0..100)
                    .map(|row| "x".repeat(if row % 2 == 0 { 10 } else { 50 + row }))
                    .collect(),
            ),
            ..predicted(&(0..100).map(|row| (0, class(row))).collect::<Vec<_>>())
        }
    }

    fn slices(test: Part, validation: Part) -> Option<LengthSlices> {
        let evidence = evidence(&["a", "b"], [Part::default(), validation, test]);
        let of = |split| {
            (
                case(&evidence).predicted(split).unwrap(),
                evidence.texts(split).unwrap(),
            )
        };
        let ((rows, texts), (reference, reference_texts)) = (of(Split::Test), of(Split::Validation));
        LengthSlices::new(&rows, texts, &reference, reference_texts)
    }

    #[test]
    fn hits_are_counted_on_both_sides_of_the_median() {
        let slices = slices(rows(40, 20), rows(45, 44)).unwrap();
        // The median of 50 texts of 10 bytes and of 50 longer ones is the shortest of these, of 51 bytes.
        assert_eq!((slices.short, slices.long), ((41, 51), (19, 49)));
        assert_eq!(
            (slices.reference_short, slices.reference_long),
            ((46, 51), (43, 49))
        );
        assert_close(slices.short_loss(), 46.0 / 51.0 - 41.0 / 51.0, 1e-12);
        assert_close(slices.long_loss(), 43.0 / 49.0 - 19.0 / 49.0, 1e-12);
        assert!(slices.test().unwrap().p_value < 1e-4);
    }

    #[test]
    fn texts_of_one_length_cannot_be_cut() {
        let equal = || Part {
            texts: Some(vec![String::from("same"); 100]),
            ..rows(40, 20)
        };
        assert_eq!(slices(equal(), equal()), None);
    }

    /// One class has short texts and the other long ones: the halves are of each class, not of the file.
    #[test]
    fn each_class_is_cut_by_itself() {
        let rows = || Part {
            texts: Some((0..200).map(|row| "x".repeat(row)).collect()),
            ..predicted(&(0..200).map(|row| (row / 100, 0)).collect::<Vec<_>>())
        };
        let slices = slices(rows(), rows()).unwrap();
        // Of 100 lengths of a class, 51 are not above the one in the middle; all rows of the second class are
        // wrong.
        assert_eq!((slices.short, slices.long), ((51, 102), (49, 98)));
    }
}
