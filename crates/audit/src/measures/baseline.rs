//! The cheap baseline (TF-IDF and logistic regression) on the evidence: trained once on the training texts,
//! and by cross-validation.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::Split;
use labelproof_baseline as baseline;
use rayon::prelude::*;

use crate::evidence::{Evidence, Missing, Need, ScoreKind, Scores, argmax_rows};
use crate::measures::sampling::{sample, shuffled};

/// The cheap model is trained on at most so many rows: more hardly change it, and cost time.
pub const BASELINE_ROWS: usize = 20_000;

/// Its time grows with rows times classes: so many of these products are allowed, and so many rows in any
/// case.
const ROWS_TIMES_CLASSES: usize = 1_000_000;
const LEAST_BASELINE_ROWS: usize = 5_000;

/// How many rows the cheap model is trained on at most for so many classes.
pub fn baseline_rows(classes: usize) -> usize {
    (ROWS_TIMES_CLASSES / classes.max(1)).clamp(LEAST_BASELINE_ROWS, BASELINE_ROWS)
}

/// The cheap model, trained on the training texts.
#[derive(Debug)]
pub struct Baseline {
    /// The model itself.
    pub model: baseline::Baseline,
    /// Training rows that it saw.
    pub train_rows: usize,
    /// Its class probabilities for the validation rows, where their texts are known.
    pub validation: Option<Scores>,
    /// Its class probabilities for the test rows, where their texts are known.
    pub test: Option<Scores>,
}

impl Baseline {
    /// Its class probabilities for a split; none for the rows that it was trained on.
    pub fn probabilities(&self, split: Split) -> Option<&Scores> {
        match split {
            Split::Train => None,
            Split::Validation => self.validation.as_ref(),
            Split::Test => self.test.as_ref(),
        }
    }

    /// Trains it on the training texts; on a seeded sample of [`baseline_rows`] where there are more.
    pub fn train(evidence: &Evidence) -> Result<Self, Missing> {
        let (texts, labels) = evidence.labelled_texts(Split::Train)?;
        let classes = evidence.classes().ok_or(Need::MoreRows)?;
        let rows = sample(texts.len(), baseline_rows(classes), evidence.seed);
        let chosen_labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
        if chosen_labels.iter().collect::<BTreeSet<_>>().len() < 2 {
            return Err(Need::MoreRows.into());
        }
        let chosen: Vec<&str> = rows.iter().map(|&row| texts[row].as_str()).collect();
        let all: Vec<usize> = (0..chosen.len()).collect();
        let counted = baseline::CountedTexts::new(&chosen);
        let model = baseline::Baseline::train_roughly(&counted, &all, &chosen_labels, classes);
        let predict = |split| {
            let texts = evidence.texts(split).ok()?;
            Some(Scores {
                kind: ScoreKind::Probabilities,
                classes,
                values: model.predict(texts),
            })
        };
        let (validation, test) = (predict(Split::Validation), predict(Split::Test));
        Ok(Self {
            train_rows: chosen.len(),
            model,
            validation,
            test,
        })
    }

    /// Whether it predicts each row of a split rightly, where texts and true classes are known.
    pub fn hits(&self, evidence: &Evidence, split: Split) -> Option<Vec<bool>> {
        let truth = evidence.part(split)?.truth.as_ref()?;
        let predictions = argmax_rows(self.probabilities(split)?);
        Some(
            predictions
                .iter()
                .zip(truth)
                .map(|(predicted, truth)| predicted == truth)
                .collect(),
        )
    }
}

/// Parts that rows are cut into for cross-validation.
const FOLDS: usize = 5;

/// Probabilities `[rows, classes]` of the cheap model for rows that it was not trained on: 5-fold
/// cross-validation.
///
/// Rows of one group stay in one fold, or a copy in the training part would answer for its twin. Folds are
/// dealt class by class, so that each has its share of every class.
pub fn out_of_fold(texts: &[&str], labels: &[u32], groups: &[u32], classes: usize, seed: u64) -> Vec<f64> {
    let mut first_rows: Vec<usize> = shuffled(texts.len(), seed);
    let mut seen = BTreeSet::new();
    first_rows.retain(|&row| seen.insert(groups[row]));
    first_rows.sort_by_key(|&row| labels[row]);
    let fold_of_group: BTreeMap<u32, usize> = first_rows
        .iter()
        .enumerate()
        .map(|(position, &row)| (groups[row], position % FOLDS))
        .collect();
    let folds: Vec<usize> = groups.iter().map(|group| fold_of_group[group]).collect();
    let counted = baseline::CountedTexts::new(texts);
    let predicted: Vec<(Vec<usize>, Vec<f64>)> = (0..FOLDS)
        .into_par_iter()
        .map(|fold| {
            let (held_out, trained): (Vec<usize>, Vec<usize>) =
                (0..texts.len()).partition(|&row| folds[row] == fold);
            let train_labels: Vec<u32> = trained.iter().map(|&row| labels[row]).collect();
            let model = baseline::Baseline::train_roughly(&counted, &trained, &train_labels, classes);
            let probabilities = model.predict_counted(&counted, &held_out);
            (held_out, probabilities)
        })
        .collect();
    let mut result = vec![0.0; texts.len() * classes];
    for (rows, probabilities) in predicted {
        for (row, distribution) in rows.into_iter().zip(probabilities.chunks_exact(classes)) {
            result[row * classes..(row + 1) * classes].copy_from_slice(distribution);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{evidence, part};

    #[test]
    fn the_baseline_predicts_texts_it_never_saw() {
        let rows = [
            ("good film", 0),
            ("good actor", 0),
            ("bad trade", 1),
            ("bad market", 1),
        ];
        let evidence = evidence(
            &["film", "trade"],
            [part(&rows), part(&[("good", 0), ("bad", 1)]), part(&[("bad", 0)])],
        );
        let baseline = Baseline::train(&evidence).unwrap();
        assert_eq!(
            baseline.hits(&evidence, Split::Validation),
            Some(vec![true, true])
        );
        assert_eq!(baseline.hits(&evidence, Split::Test), Some(vec![false]));
        assert_eq!(baseline.train_rows, 4);
    }

    #[test]
    fn folds_keep_copies_together() {
        // Each text's words are its own: only a copy in the training folds could tell its class.
        let texts: Vec<String> = (0..40)
            .map(|row| format!("word{} word{}", row / 2, row / 2))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let labels: Vec<u32> = (0..40).map(|row| (row / 2) % 2).collect();
        let groups: Vec<u32> = (0..40).map(|row| row / 2).collect();
        let probabilities = out_of_fold(&texts, &labels, &groups, 2, 1);
        for distribution in probabilities.chunks_exact(2) {
            assert!((distribution[0] - 0.5).abs() < 0.1, "{distribution:?}");
        }
    }
}
