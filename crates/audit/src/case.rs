//! What several checks need and is costly to make, made once: the cheap baseline, and the rows that splits share.

use std::collections::BTreeSet;
use std::convert::Infallible;

use labelproof_artifact::Split;
use labelproof_baseline as baseline;
use labelproof_text::duplicates::{NearDuplicates, group, group_exact, sketch_batch};
use labelproof_text::normalized_key;
use rayon::prelude::*;

use crate::answer::finding::{Missing, Need};
use crate::evidence::{Evidence, ScoreKind, Scores, argmax_rows};
use crate::measures::rows::{sample, shuffled};

/// The cheap model is trained on at most so many rows: more hardly change it, and cost time.
pub const BASELINE_ROWS: usize = 20_000;

/// Its time grows with rows times classes: so many of these products are allowed, and so many rows in any case.
const ROWS_TIMES_CLASSES: usize = 1_000_000;
const LEAST_BASELINE_ROWS: usize = 5_000;

/// How many rows the cheap model is trained on at most for so many classes.
pub fn baseline_rows(classes: usize) -> usize {
    (ROWS_TIMES_CLASSES / classes.max(1)).clamp(LEAST_BASELINE_ROWS, BASELINE_ROWS)
}

/// The three splits in the order in which all their texts are strung together.
const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

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

/// Texts that are copies of each other, over all splits whose texts are known. Where fewer than two splits have texts,
/// rows are told by their ids instead.
#[derive(Debug)]
pub struct Overlap {
    /// Where each split's rows begin in the lists below, in the order train, validation, test; and the end.
    starts: [usize; 4],
    /// The smallest row with the same text, for each row.
    exact: Vec<u32>,
    /// The smallest row of the group of similar texts, for each row.
    near: Vec<u32>,
    /// Rows without a single letter or digit: they say nothing, so being alike means nothing.
    blank: Vec<bool>,
}

/// How alike two texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The same but for letter case, white space and the form of characters.
    Exact,
    /// Nearly the same, and the same; the threshold is that of [`NearDuplicates`].
    Near,
}

impl Overlap {
    fn new(parts: &[&[String]; 3]) -> Self {
        let mut starts = [0; 4];
        for (number, part) in parts.iter().enumerate() {
            starts[number + 1] = starts[number] + part.len();
        }
        let texts: Vec<&str> = parts
            .iter()
            .flat_map(|part| part.iter().map(String::as_str))
            .collect();
        let settings = NearDuplicates::default();
        let sketches = sketch_batch(&texts, &settings);
        let digests: Vec<[u8; 16]> = sketches.iter().map(|sketch| sketch.exact).collect();
        let read = |rows: &[usize]| -> Result<Vec<String>, Infallible> {
            Ok(rows.iter().map(|&row| texts[row].to_owned()).collect())
        };
        let Ok(near) = group(&sketches, &settings, read);
        Self {
            starts,
            exact: group_exact(&digests),
            near,
            blank: texts
                .par_iter()
                .map(|text| !normalized_key(text).contains(char::is_alphanumeric))
                .collect(),
        }
    }

    fn range(&self, split: Split) -> std::ops::Range<usize> {
        let number = SPLITS.iter().position(|each| *each == split).unwrap_or(0);
        self.starts[number]..self.starts[number + 1]
    }

    /// For each row of a split, a number that is the same for copies of one text in whatever split.
    pub fn groups(&self, split: Split, likeness: Likeness) -> &[u32] {
        let groups = match likeness {
            Likeness::Exact => &self.exact,
            Likeness::Near => &self.near,
        };
        &groups[self.range(split)]
    }

    /// Rows told by their ids: a row is a copy of the row of the same id.
    fn of_ids(parts: &[&[String]; 3]) -> Self {
        let mut overlap = Self {
            starts: [0; 4],
            exact: Vec::new(),
            near: Vec::new(),
            blank: Vec::new(),
        };
        let mut first: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
        for (number, part) in parts.iter().enumerate() {
            for id in *part {
                let row = u32::try_from(overlap.exact.len()).unwrap_or(u32::MAX);
                overlap.exact.push(*first.entry(id).or_insert(row));
            }
            overlap.starts[number + 1] = overlap.exact.len();
        }
        overlap.near.clone_from(&overlap.exact);
        overlap.blank = vec![false; overlap.exact.len()];
        overlap
    }

    /// The rows of a split that were compared; none if neither its texts nor its ids are known.
    pub fn rows(&self, split: Split) -> usize {
        self.range(split).len()
    }

    /// The rows of a split that have a copy in another one, in order.
    pub fn shared(&self, of: Split, with: Split, likeness: Likeness) -> Vec<usize> {
        let others: BTreeSet<u32> = self.groups(with, likeness).iter().copied().collect();
        let blank = &self.blank[self.range(of)];
        self.groups(of, likeness)
            .iter()
            .zip(blank)
            .enumerate()
            .filter(|(_, (group, blank))| !**blank && others.contains(group))
            .map(|(row, _)| row)
            .collect()
    }
}

impl Evidence {
    /// The cheap model, trained on the training texts; on a seeded sample of [`baseline_rows`] where there are more.
    pub fn baseline(&self) -> Result<&Baseline, Missing> {
        let (texts, labels) = self.labelled_texts(Split::Train)?;
        let made = self.baseline.get_or_init(|| {
            let classes = self.classes()?;
            let rows = sample(texts.len(), baseline_rows(classes), self.seed);
            let chosen_labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
            if chosen_labels.iter().collect::<BTreeSet<_>>().len() < 2 {
                return None;
            }
            let chosen: Vec<&str> = rows.iter().map(|&row| texts[row].as_str()).collect();
            let all: Vec<usize> = (0..chosen.len()).collect();
            let counted = baseline::CountedTexts::new(&chosen);
            let model = baseline::Baseline::train_roughly(&counted, &all, &chosen_labels, classes);
            let predict = |split| {
                let texts = self.texts(split).ok()?;
                Some(Scores {
                    kind: ScoreKind::Probabilities,
                    classes,
                    values: model.predict(texts),
                })
            };
            let (validation, test) = (predict(Split::Validation), predict(Split::Test));
            Some(Baseline {
                train_rows: chosen.len(),
                model,
                validation,
                test,
            })
        });
        made.as_ref().ok_or_else(|| Need::MoreRows.into())
    }

    /// Exact and near copies over all texts there are; rows of the same id where there are hardly any texts.
    pub fn overlap(&self) -> Result<&Overlap, Missing> {
        let parts = SPLITS.map(|split| self.texts(split).unwrap_or_default());
        if parts.iter().filter(|part| !part.is_empty()).count() < 2 && self.ids_name_rows() {
            let ids = SPLITS.map(|split| {
                self.part(split)
                    .and_then(|part| part.ids.as_deref())
                    .unwrap_or_default()
            });
            let made = self.overlap.get_or_init(|| Some(Overlap::of_ids(&ids)));
            return made.as_ref().ok_or_else(|| Need::TrainTexts.into());
        }
        if parts.iter().all(|part| part.is_empty()) {
            return Err(Need::TrainTexts.into());
        }
        let made = self.overlap.get_or_init(|| Some(Overlap::new(&parts)));
        made.as_ref().ok_or_else(|| Need::TrainTexts.into())
    }
}

impl Evidence {
    /// Whether equal ids in two splits mean the same row: where they are shared at all, their labels agree. Numbers of
    /// lines are shared by any two files, and their labels agree by chance.
    fn ids_name_rows(&self) -> bool {
        let parts: Vec<_> = SPLITS
            .iter()
            .filter_map(|split| self.part(*split))
            .filter_map(|part| Some((part.ids.as_ref()?, part.truth.as_ref()?)))
            .collect();
        let mut labels: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
        let (mut shared, mut agreeing) = (0_usize, 0_usize);
        for (ids, truth) in &parts {
            for (id, label) in ids.iter().zip(truth.iter()) {
                match labels.get(id.as_str()) {
                    Some(known) => {
                        shared += 1;
                        agreeing += usize::from(known == label);
                    }
                    None => {
                        labels.insert(id, *label);
                    }
                }
            }
        }
        parts.len() >= 2 && agreeing * 100 >= shared * 99
    }
}

/// Parts that rows are cut into for cross-validation.
const FOLDS: usize = 5;

/// Probabilities `[rows, classes]` of the cheap model for rows that it was not trained on: 5-fold cross-validation.
///
/// Rows of one group stay in one fold, or a copy in the training part would answer for its twin. Folds are dealt class
/// by class, so that each has its share of every class.
pub fn out_of_fold(texts: &[&str], labels: &[u32], groups: &[u32], classes: usize, seed: u64) -> Vec<f64> {
    let mut first_rows: Vec<usize> = shuffled(texts.len(), seed);
    let mut seen = BTreeSet::new();
    first_rows.retain(|&row| seen.insert(groups[row]));
    first_rows.sort_by_key(|&row| labels[row]);
    let fold_of_group: std::collections::BTreeMap<u32, usize> = first_rows
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
    fn copies_are_found_in_whatever_split_they_are() {
        let evidence = evidence(
            &["a", "b"],
            [
                part(&[("one long text that is nowhere else", 0), ("Twice", 1), ("--", 1)]),
                part(&[("twice ", 1), ("- -", 0)]),
                part(&[("another text", 0), ("TWICE", 1)]),
            ],
        );
        let overlap = evidence.overlap().unwrap();
        assert_eq!(overlap.shared(Split::Test, Split::Train, Likeness::Exact), [1]);
        assert_eq!(
            overlap.shared(Split::Validation, Split::Train, Likeness::Exact),
            [0]
        );
        assert_eq!(overlap.shared(Split::Train, Split::Test, Likeness::Near), [1]);
    }

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
        let baseline = evidence.baseline().unwrap();
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
