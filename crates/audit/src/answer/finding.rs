//! What a check says: found, clear, or not checked for want of a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use labelproof_artifact::findings::{Confidence, Family, Severity};

/// A cause that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What was found, in one to three sentences for somebody who trained one model in their life.
    pub summary: String,
    /// Points of accuracy that it explains (5.0 is from 0.80 to 0.85), where that can be said.
    pub effect_points: Option<f64>,
    /// What to do, as an order: "Shuffle before you split."
    pub fix: String,
    /// A command, or a small experiment, that proves or disproves it.
    pub confirm: String,
    /// What was measured.
    pub measured: Measured,
}

/// The numbers behind an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// The name of the statistic and its value.
    pub statistic: Option<(&'static str, f64)>,
    /// Of the statistic, before any correction.
    pub p_value: Option<f64>,
    /// Everything else: numbers, row ids, the permutation, the lag, the words.
    pub evidence: BTreeMap<&'static str, Value>,
}

impl Measured {
    /// Nothing measured yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a statistic.
    pub fn statistic(mut self, name: &'static str, value: f64) -> Self {
        self.statistic = Some((name, value));
        self
    }

    /// With the uncorrected p-value of the statistic.
    pub fn p_value(mut self, p_value: f64) -> Self {
        self.p_value = Some(p_value);
        self
    }

    /// With one more piece of evidence.
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.evidence.insert(key, value.into());
        self
    }
}

/// The answer of a check that had what it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The cause is there.
    Found(Box<Found>),
    /// It is not, as far as the data tell.
    Clear {
        /// What was looked at, in one sentence.
        summary: String,
        /// What was measured.
        measured: Measured,
    },
}

impl Outcome {
    /// The cause is not there; `summary` says what was looked at.
    pub fn clear(summary: impl Into<String>, measured: Measured) -> Self {
        Self::Clear {
            summary: summary.into(),
            measured,
        }
    }
}

impl From<Found> for Outcome {
    fn from(found: Found) -> Self {
        Self::Found(Box::new(found))
    }
}

/// A check could not be made for want of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(pub Vec<Need>);

impl From<Need> for Missing {
    fn from(need: Need) -> Self {
        Self(vec![need])
    }
}

/// Something that a check may need and that may not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Validation rows with their true and predicted labels.
    ValidationPredictions,
    /// Test rows with their true and predicted labels.
    TestPredictions,
    /// Training rows with their true and predicted labels.
    TrainPredictions,
    /// A probability or logit for each class in the validation file.
    ValidationScores,
    /// A probability or logit for each class in the test file.
    TestScores,
    /// A probability or logit for each class of the training rows.
    TrainScores,
    /// The texts of the training rows.
    TrainTexts,
    /// The texts of the validation rows.
    ValidationTexts,
    /// The texts of the test rows.
    TestTexts,
    /// Ids in two files of rows.
    Ids,
    /// The author, thread or source of each row.
    Groups,
    /// Losses and accuracies of the epochs.
    Log,
    /// The validation accuracy and the number of validation rows.
    ValidationAccuracy,
    /// The test accuracy: rows, or a confusion matrix.
    TestAccuracy,
    /// A precision, recall, F1 or AUC in the log.
    LoggedMetric,
    /// Texts that occur more than once in a file with scores.
    RepeatedTexts,
    /// The logged training accuracy and loss.
    TrainLog,
    /// A trained bundle.
    Bundle,
    /// The tokenizer.
    Tokenizer,
    /// The artifacts of a pipeline.
    Artifacts,
    /// A confusion matrix as it was published.
    ConfusionMatrix,
    /// At least so many rows, classes or differences that a test means something.
    MoreRows,
    /// Row ids of every epoch, which nothing records yet.
    EpochRows,
    /// Results of several seeds.
    Seeds,
    /// Results of the exported or quantised model on the same rows.
    SecondPredictions,
}

impl Need {
    /// What to give the audit, for people: files on its command line, or what a pipeline lacks.
    pub fn advice(self, in_pipeline: bool) -> &'static str {
        match self {
            Self::Groups if in_pipeline => {
                "`group` under `ingest.columns`: the author, thread or source of each text"
            }
            Self::LoggedMetric if in_pipeline => "a precision, recall, f1 or auc in history.parquet",
            Self::RepeatedTexts if in_pipeline => "texts that are there twice",
            Self::ValidationPredictions => "--validation FILE with true and predicted labels",
            Self::TestPredictions => "--test FILE with true and predicted labels",
            Self::TrainPredictions => "--train FILE with predicted labels beside the true ones",
            Self::ValidationScores => "a probability or logit for each class in the --validation file",
            Self::TestScores => "a probability or logit for each class in the --test file",
            Self::TrainScores => "a probability or logit for each class in the --train file",
            Self::TrainTexts => "--train FILE with texts and labels",
            Self::ValidationTexts => "a text column in the --validation file",
            Self::TestTexts => "a text column in the --test file",
            Self::Ids => "an id column in the files",
            Self::Groups => "a column of the author, thread or source, named with --group",
            Self::Log => "--log with the losses and accuracies of the epochs",
            Self::ValidationAccuracy => "--validation FILE, or --log with val_accuracy and validation_rows",
            Self::TestAccuracy => "--test FILE, or --confusion FILE",
            Self::LoggedMetric => "--log with a precision, recall, f1 or auc of the validation rows",
            Self::RepeatedTexts => {
                "a file with scores in which some rows are predicted twice, with their texts"
            }
            Self::TrainLog => "--log with the training accuracy or loss",
            Self::Bundle => "--bundle DIR",
            Self::Tokenizer => "--tokenizer FILE",
            Self::Artifacts => "the artifacts of a pipeline: run `labelproof run audit` there",
            Self::ConfusionMatrix => "--confusion FILE beside --test FILE",
            Self::MoreRows => "more rows",
            Self::EpochRows => "the ids of the rows of every epoch, which no file the audit reads records",
            Self::Seeds => "results of three or more seeds",
            Self::SecondPredictions => {
                "predictions of the exported model on the same rows, compared with `labelproof compare`"
            }
        }
    }
}
