//! The rows of the splits: what was trained on, what the model was chosen by, and what was kept apart.

use std::borrow::Cow;

use labelproof_artifact::Split;

use super::reading::Reading;
use super::scores::{ScoreKind, Scores, argmax_rows, softmax_rows};
use super::vocabulary::{Apart, Fitted, Joined, Placeholders};

/// The rows of one split. Every list that is there has one entry a row, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// What the rows are called in messages: a file name.
    pub source: String,
    /// The number of rows.
    pub rows: usize,
    /// Ids as given.
    pub ids: Option<Vec<String>>,
    /// Texts as the file has them.
    pub texts: Option<Vec<String>>,
    /// Texts before cleaning, where a pipeline has both.
    pub raw_texts: Option<Vec<String>>,
    /// The true class, a number in [`Dataset::labels`].
    pub truth: Option<Vec<u32>>,
    /// The predicted class as it was saved.
    pub stored_predictions: Option<Vec<u32>>,
    /// The class scores as they were saved.
    pub scores: Option<Scores>,
    /// The class scores of training rows by models that were trained without them.
    pub held_out_scores: Option<Scores>,
    /// The author, thread or source of each row.
    pub groups: Option<Vec<String>>,
    /// The labels as they were spelled, before equal ones were numbered; only the distinct ones.
    pub spellings: Vec<String>,
    /// The class probabilities that belong to saved numbers that are between 0 and 1 and yet add up to
    /// something else, such as the outputs of sigmoids: the numbers divided by their sum.
    pub normalized_scores: Option<Scores>,
    /// The true labels as they were spelled; only the distinct ones.
    pub true_spellings: Vec<String>,
    /// Rows whose true and predicted labels are the same text, where the file has both: what a program counts
    /// as right that compares them as they are.
    pub equal_as_spelled: Option<u64>,
    /// Columns whose labels were read as those of another one.
    pub joined: Vec<Joined>,
    /// Predicted labels that no true label is like.
    pub apart: Option<Apart>,
    /// The order of the classes by which numbers were read, where it was found by what fits the rows.
    pub fitted: Option<Fitted>,
    /// True labels that are no labels, and were left aside.
    pub placeholders: Option<Placeholders>,
}

impl Part {
    /// Whether there are rows, and their true classes are known.
    pub fn is_labelled(&self) -> bool {
        self.truth.as_ref().is_some_and(|truth| !truth.is_empty())
    }

    /// Whether there are rows, and both their true and their predicted classes are known.
    pub fn is_predicted(&self) -> bool {
        self.is_labelled() && (self.stored_predictions.is_some() || self.scores.is_some())
    }

    /// The predicted classes: those saved, or else the class of the highest score of each row.
    pub fn predictions(&self) -> Option<Cow<'_, [u32]>> {
        match (&self.stored_predictions, &self.scores) {
            (Some(stored), _) => Some(Cow::Borrowed(stored)),
            (None, Some(scores)) => Some(Cow::Owned(argmax_rows(scores))),
            (None, None) => None,
        }
    }

    /// The class probabilities: those saved, or the softmax of the saved logits.
    pub fn probabilities(&self) -> Option<Cow<'_, Scores>> {
        let scores = self.scores.as_ref()?;
        Some(match scores.kind {
            ScoreKind::Probabilities => Cow::Borrowed(self.normalized_scores.as_ref().unwrap_or(scores)),
            ScoreKind::Logits => Cow::Owned(softmax_rows(scores)),
        })
    }
}

/// The labelled rows of all splits, with one numbering of their classes.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// Class names in order. Empty when no file of rows names a class.
    pub labels: Vec<String>,
    /// Rows that were trained on.
    pub train: Option<Part>,
    /// Rows that the model was chosen by.
    pub validation: Option<Part>,
    /// Rows that were kept apart.
    pub test: Option<Part>,
    /// What the files of rows were understood to be.
    pub readings: Vec<Reading>,
}

impl Dataset {
    /// The rows of a split, if they were given.
    pub fn part(&self, split: Split) -> Option<&Part> {
        match split {
            Split::Train => self.train.as_ref(),
            Split::Validation => self.validation.as_ref(),
            Split::Test => self.test.as_ref(),
        }
    }
}
