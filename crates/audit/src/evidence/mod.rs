//! What the checks look at: rows with labels, predictions and scores, the log of a training, and what running
//! a bundle gave. Where it came from, a pipeline's artifacts or anyone's files, no check knows.
//!
//! The data are immutable and built in one go; what is derived of them is the business of [`crate::case`].

pub mod bundle;
pub mod log;
pub mod margins;
pub mod need;
pub mod part;
pub mod pipeline;
pub mod reading;
pub mod scores;
pub mod vocabulary;

use labelproof_artifact::Split;
use labelproof_text::tokenizer::Tokenizer;

pub use bundle::BundleFacts;
pub use log::Log;
pub use margins::Margins;
pub use need::{Missing, Need};
pub use part::{Dataset, Part};
pub use pipeline::PipelineFacts;
pub use reading::Reading;
pub use scores::{ScoreKind, Scores, argmax_rows, softmax_rows};
pub use vocabulary::{Apart, Fitted, Join, Joined, Placeholders, Sign};

/// All there is to look at.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The rows of the splits. Without class names when only a log or an unnamed matrix was given.
    pub dataset: Dataset,
    /// The number of classes, where no names are known; [`Evidence::classes`] reads it.
    pub class_count: Option<usize>,
    /// The course of the training.
    pub log: Option<Log>,
    /// The test confusion matrix as it was published; rows are true classes.
    pub confusion: Option<Vec<Vec<u64>>>,
    /// The classes of its rows in their order, where it says so; of its columns too without
    /// `confusion_columns`.
    pub confusion_labels: Option<Vec<String>>,
    /// The classes of its columns, where their order is another one.
    pub confusion_columns: Option<Vec<String>>,
    /// Names of the matrix that are spellings of one class, and that the matrix counts apart.
    pub confusion_spellings: Vec<String>,
    /// What classification reports tell of the confusion matrices; one of each split at most.
    pub margins: Vec<Margins>,
    /// What is known of a bundle, after probing it.
    pub bundle: Option<BundleFacts>,
    /// The tokenizer.
    pub tokenizer: Option<Tokenizer>,
    /// What only a pipeline knows.
    pub pipeline: Option<PipelineFacts>,
    /// What each given file was understood to be.
    pub readings: Vec<Reading>,
    /// Seeds whatever a check draws.
    pub seed: u64,
}

impl Evidence {
    /// The rows of a split, if they were given.
    pub fn part(&self, split: Split) -> Option<&Part> {
        self.dataset.part(split)
    }

    /// The number of classes, where anything tells.
    pub fn classes(&self) -> Option<usize> {
        if self.dataset.labels.is_empty() {
            let of_margins = || self.margins.first().map(|margins| margins.names.len());
            self.class_count
                .or(self.confusion.as_ref().map(Vec::len))
                .or_else(of_margins)
        } else {
            Some(self.dataset.labels.len())
        }
    }

    /// A class's name, or its number where names are not known.
    pub fn label(&self, class: u32) -> String {
        self.dataset
            .labels
            .get(class as usize)
            .cloned()
            .unwrap_or_else(|| class.to_string())
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

    /// What a classification report tells of the rows of a split, if it is of them and has an accuracy.
    pub fn margins(&self, split: Split) -> Option<&Margins> {
        self.margins
            .iter()
            .find(|margins| margins.split == split && margins.is_whole && margins.rows() > 0)
    }

    /// Whether a need is met, as far as that can be told without measuring anything: what depends on how many
    /// rows there are, or on what no file records, is never met here.
    pub fn has(&self, need: Need) -> bool {
        let given = |split, has: fn(&Part) -> bool| self.part(split).is_some_and(has);
        let epochs = || self.log.iter().flat_map(|log| &log.epochs);
        match need {
            Need::TrainPredictions => given(Split::Train, Part::is_predicted),
            Need::ValidationPredictions => given(Split::Validation, Part::is_predicted),
            Need::TestPredictions => given(Split::Test, Part::is_predicted),
            Need::TrainLabels => given(Split::Train, Part::is_labelled),
            Need::ValidationLabels => given(Split::Validation, Part::is_labelled),
            Need::TestLabels => given(Split::Test, Part::is_labelled),
            Need::TrainScores => given(Split::Train, |part| part.scores.is_some()),
            Need::ValidationScores => given(Split::Validation, |part| part.scores.is_some()),
            Need::TestScores => given(Split::Test, |part| part.scores.is_some()),
            Need::TrainTexts => given(Split::Train, |part| part.texts.is_some()),
            Need::ValidationTexts => given(Split::Validation, |part| part.texts.is_some()),
            Need::TestTexts => given(Split::Test, |part| part.texts.is_some()),
            Need::TrueLabels => Split::ALL
                .into_iter()
                .any(|split| given(split, |part| part.is_labelled() || part.placeholders.is_some())),
            Need::Ids => Split::ALL
                .into_iter()
                .any(|split| given(split, |part| part.ids.is_some())),
            Need::Groups => given(Split::Train, |part| part.groups.is_some()),
            Need::Log => self.log.is_some(),
            Need::TrainLog => epochs().any(|epoch| epoch.train.accuracy.is_some()),
            Need::LoggedMetric => epochs().any(|epoch| epoch.validation.has_metric()),
            Need::ValidationAccuracy => {
                let logged = || self.log.as_ref().and_then(Log::validation_hits);
                self.has(Need::ValidationPredictions)
                    || logged().is_some()
                    || self.margins(Split::Validation).is_some()
            }
            Need::TestAccuracy => {
                self.has(Need::TestPredictions)
                    || self.confusion.is_some()
                    || self.margins(Split::Test).is_some()
            }
            Need::ConfusionMatrix => self.confusion.is_some() || self.margins(Split::Test).is_some(),
            Need::Bundle => self.bundle.is_some(),
            Need::Tokenizer => self.tokenizer.is_some(),
            Need::Artifacts => self.pipeline.is_some(),
            Need::EncoderWeights => {
                let pipeline = self.pipeline.as_ref();
                pipeline.is_some_and(|pipeline| pipeline.encoder_unchanged.is_some())
            }
            Need::RepeatedTexts
            | Need::MoreRows
            | Need::EpochRows
            | Need::Seeds
            | Need::SecondPredictions => false,
        }
    }
}
