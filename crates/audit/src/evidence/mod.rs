//! What the checks look at: rows with labels, predictions and scores, the log of a training, and what probes of a
//! bundle gave. Where it came from, a pipeline's artifacts or anyone's files, no check knows.

pub mod bundle;
pub mod log;
pub mod pipeline;

use std::sync::OnceLock;

use labelproof_artifact::Split;
use labelproof_metrics::{Confusion, argmax, softmax_in_place};
use labelproof_text::tokenizer::Tokenizer;

use crate::answer::finding::{Missing, Need};
use crate::case::{Baseline, Overlap};
use crate::catalogue::Answers;
use crate::evidence::bundle::BundleFacts;
use crate::evidence::log::Log;
use crate::evidence::pipeline::PipelineFacts;

/// Whether scores are already probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreKind {
    /// Before softmax.
    Logits,
    /// After softmax.
    Probabilities,
}

/// A number for each class of each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// What the numbers are.
    pub kind: ScoreKind,
    /// Columns.
    pub classes: usize,
    /// `[rows, classes]`, row-major, as they were saved.
    pub values: Vec<f64>,
}

impl Scores {
    /// The saved numbers of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.classes)
    }

    /// The saved numbers of one row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.classes..(row + 1) * self.classes]
    }
}

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
    /// The true class, a number in [`Evidence::labels`].
    pub truth: Option<Vec<u32>>,
    /// The predicted class as it was saved.
    pub stored_predictions: Option<Vec<u32>>,
    /// The class scores as they were saved.
    pub scores: Option<Scores>,
    /// The author, thread or source of each row.
    pub groups: Option<Vec<String>>,
    /// The labels as they were spelled, before equal ones were numbered; only the distinct ones.
    pub spellings: Vec<String>,
    pub(crate) predictions: OnceLock<Option<Vec<u32>>>,
    pub(crate) probabilities: OnceLock<Option<Scores>>,
}

/// Rows whose true and predicted classes are both known.
#[derive(Debug, Clone, Copy)]
pub struct Predicted<'a> {
    /// The rows.
    pub part: &'a Part,
    /// `[rows]`, true classes.
    pub truth: &'a [u32],
    /// `[rows]`, predicted classes.
    pub predictions: &'a [u32],
    /// The number of classes.
    pub classes: usize,
}

impl Predicted<'_> {
    /// Whether each row is predicted rightly.
    pub fn hits(&self) -> impl Iterator<Item = bool> {
        self.truth
            .iter()
            .zip(self.predictions)
            .map(|(truth, predicted)| truth == predicted)
    }

    /// Rows predicted rightly.
    pub fn hit_count(&self) -> u64 {
        self.hits().filter(|hit| *hit).count() as u64
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.truth.len() as u64
    }

    /// The share of rows predicted rightly; 0 without rows.
    pub fn accuracy(&self) -> f64 {
        if self.truth.is_empty() {
            return 0.0;
        }
        self.hit_count() as f64 / self.rows() as f64
    }

    /// How often each class was predicted for each true class.
    pub fn confusion(&self) -> Confusion {
        let mut matrix = vec![vec![0_u64; self.classes]; self.classes];
        for (&truth, &predicted) in self.truth.iter().zip(self.predictions) {
            matrix[truth as usize][predicted as usize] += 1;
        }
        Confusion::from_matrix(&matrix).expect("a counted matrix is square, and its rows fit a u32")
    }
}

/// Rows whose true classes and class probabilities are both known.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// The rows with their predictions.
    pub predicted: Predicted<'a>,
    /// Probabilities: softmax was applied to logits.
    pub probabilities: &'a Scores,
    /// The numbers as they were saved.
    pub saved: &'a Scores,
}

impl Scored<'_> {
    /// The largest probability of each row.
    pub fn confidences(&self) -> Vec<f64> {
        self.probabilities
            .rows()
            .map(|row| row.iter().copied().fold(0.0, f64::max))
            .collect()
    }

    /// `-ln p` of each row's true class.
    pub fn losses(&self) -> Vec<f64> {
        self.probabilities
            .rows()
            .zip(self.predicted.truth)
            .map(|(row, &truth)| -row[truth as usize].max(f64::MIN_POSITIVE).ln())
            .collect()
    }

    /// The mean of [`Scored::losses`].
    pub fn loss(&self) -> f64 {
        let losses = self.losses();
        losses.iter().sum::<f64>() / losses.len().max(1) as f64
    }
}

impl Part {
    /// The predicted classes: those saved, or else the class of the highest score.
    pub fn predictions(&self) -> Option<&[u32]> {
        let made = self.predictions.get_or_init(|| {
            self.stored_predictions
                .clone()
                .or_else(|| self.scores.as_ref().map(argmax_rows))
        });
        made.as_deref()
    }

    /// The class probabilities: those saved, or the softmax of the saved logits.
    pub fn probabilities(&self) -> Option<&Scores> {
        let scores = self.scores.as_ref()?;
        if scores.kind == ScoreKind::Probabilities {
            let given = self.probabilities.get().and_then(Option::as_ref);
            return given.or(Some(scores));
        }
        let made = self.probabilities.get_or_init(|| Some(softmax_rows(scores)));
        made.as_ref()
    }

    /// Gives the class probabilities that belong to saved numbers that are between 0 and 1 and yet add up to
    /// something else, such as the outputs of sigmoids.
    pub(crate) fn set_probabilities(&mut self, probabilities: Scores) {
        self.probabilities = OnceLock::from(Some(probabilities));
    }
}

/// The class of the highest score of each row; the first of equals.
pub fn argmax_rows(scores: &Scores) -> Vec<u32> {
    scores
        .rows()
        .map(|row| u32::try_from(argmax(row)).unwrap_or(u32::MAX))
        .collect()
}

/// Softmax of every row.
pub fn softmax_rows(scores: &Scores) -> Scores {
    let mut values = scores.values.clone();
    values.chunks_mut(scores.classes).for_each(softmax_in_place);
    Scores {
        kind: ScoreKind::Probabilities,
        classes: scores.classes,
        values,
    }
}

/// All there is to look at.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Class names in order. Empty when only a log or an unnamed matrix was given.
    pub labels: Vec<String>,
    /// The number of classes, where no names are known; [`Evidence::classes`] reads it.
    pub class_count: Option<usize>,
    /// Rows that were trained on.
    pub train: Option<Part>,
    /// Rows that the model was chosen by.
    pub validation: Option<Part>,
    /// Rows that were kept apart.
    pub test: Option<Part>,
    /// The course of the training.
    pub log: Option<Log>,
    /// The test confusion matrix as it was published; rows are true classes.
    pub confusion: Option<Vec<Vec<u64>>>,
    /// The classes of its rows in their order, where it says so; of its columns too without `confusion_columns`.
    pub confusion_labels: Option<Vec<String>>,
    /// The classes of its columns, where their order is another one.
    pub confusion_columns: Option<Vec<String>>,
    /// Names of the matrix that are spellings of one class, and that the matrix counts apart.
    pub confusion_spellings: Vec<String>,
    /// What is known of a bundle, after probing it.
    pub bundle: Option<BundleFacts>,
    /// The tokenizer.
    pub tokenizer: Option<Tokenizer>,
    /// What only a pipeline knows.
    pub pipeline: Option<PipelineFacts>,
    /// Seeds whatever a check draws.
    pub seed: u64,
    pub(crate) baseline: OnceLock<Option<Baseline>>,
    pub(crate) overlap: OnceLock<Option<Overlap>>,
    pub(crate) answers: Answers,
}

impl Evidence {
    /// The rows of a split, if they were given.
    pub fn part(&self, split: Split) -> Option<&Part> {
        match split {
            Split::Train => self.train.as_ref(),
            Split::Validation => self.validation.as_ref(),
            Split::Test => self.test.as_ref(),
        }
    }

    /// The number of classes, where anything tells.
    pub fn classes(&self) -> Option<usize> {
        if self.labels.is_empty() {
            self.class_count.or(self.confusion.as_ref().map(Vec::len))
        } else {
            Some(self.labels.len())
        }
    }

    /// A class's name, or its number where names are not known.
    pub fn label(&self, class: u32) -> String {
        self.labels
            .get(class as usize)
            .cloned()
            .unwrap_or_else(|| class.to_string())
    }

    /// Rows of a split with true and predicted classes.
    pub fn predicted(&self, split: Split) -> Result<Predicted<'_>, Missing> {
        let missing = || {
            Missing::from(match split {
                Split::Train => Need::TrainPredictions,
                Split::Validation => Need::ValidationPredictions,
                Split::Test => Need::TestPredictions,
            })
        };
        let part = self.part(split).ok_or_else(missing)?;
        let truth = part.truth.as_deref().ok_or_else(missing)?;
        let predictions = part.predictions().ok_or_else(missing)?;
        if truth.is_empty() {
            return Err(Need::MoreRows.into());
        }
        Ok(Predicted {
            part,
            truth,
            predictions,
            classes: self.labels.len(),
        })
    }

    /// Rows of a split with true classes and probabilities.
    pub fn scored(&self, split: Split) -> Result<Scored<'_>, Missing> {
        let predicted = self.predicted(split)?;
        let scores = predicted.part.probabilities().zip(predicted.part.scores.as_ref());
        let (probabilities, saved) = scores.ok_or(match split {
            Split::Train => Need::TrainScores,
            Split::Validation => Need::ValidationScores,
            Split::Test => Need::TestScores,
        })?;
        Ok(Scored {
            predicted,
            probabilities,
            saved,
        })
    }

    /// Texts of a split.
    pub fn texts(&self, split: Split) -> Result<&[String], Missing> {
        let texts = self.part(split).and_then(|part| part.texts.as_deref());
        texts.ok_or_else(|| {
            Missing::from(match split {
                Split::Train => Need::TrainTexts,
                Split::Validation => Need::ValidationTexts,
                Split::Test => Need::TestTexts,
            })
        })
    }

    /// Texts of a split with their true classes.
    pub fn labelled_texts(&self, split: Split) -> Result<(&[String], &[u32]), Missing> {
        let texts = self.texts(split)?;
        let truth = self.part(split).and_then(|part| part.truth.as_deref());
        let truth = truth.ok_or(match split {
            Split::Train => Need::TrainTexts,
            Split::Validation => Need::ValidationPredictions,
            Split::Test => Need::TestPredictions,
        })?;
        Ok((texts, truth))
    }

    /// The log of the training.
    pub fn log(&self) -> Result<&Log, Missing> {
        self.log.as_ref().ok_or_else(|| Need::Log.into())
    }

    /// The artifacts of a pipeline.
    pub fn pipeline(&self) -> Result<&PipelineFacts, Missing> {
        self.pipeline.as_ref().ok_or_else(|| Need::Artifacts.into())
    }

    /// The test confusion matrix: of the rows, or as published.
    pub fn test_confusion(&self) -> Result<Confusion, Missing> {
        if let Ok(test) = self.predicted(Split::Test) {
            return Ok(test.confusion());
        }
        let matrix = self.confusion.as_ref().ok_or(Need::TestAccuracy)?;
        Confusion::from_matrix(matrix).or(Err(Need::TestAccuracy.into()))
    }

    /// Hits and rows of the validation split: of the rows, or as logged.
    pub fn validation_hits(&self) -> Result<(u64, u64), Missing> {
        if let Ok(validation) = self.predicted(Split::Validation) {
            return Ok((validation.hit_count(), validation.rows()));
        }
        let log = self.log.as_ref().ok_or(Need::ValidationAccuracy)?;
        log.validation_hits()
            .ok_or_else(|| Need::ValidationAccuracy.into())
    }

    /// Hits and rows of the test split: of the rows, or of the confusion matrix.
    pub fn test_hits(&self) -> Result<(u64, u64), Missing> {
        let totals = self.test_confusion()?.totals();
        if totals.rows == 0 {
            return Err(Need::MoreRows.into());
        }
        Ok((totals.hits, totals.rows))
    }
}
