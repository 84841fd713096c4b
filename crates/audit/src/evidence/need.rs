//! What a check may need of the evidence, and how to give it.

/// A check could not be made for want of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(pub Vec<Need>);

impl From<Need> for Missing {
    fn from(need: Need) -> Self {
        Self(vec![need])
    }
}

/// Something that a check may need and that may not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Validation rows with their true and predicted labels.
    ValidationPredictions,
    /// Test rows with their true and predicted labels.
    TestPredictions,
    /// Training rows with their true and predicted labels.
    TrainPredictions,
    /// Training rows with their true labels.
    TrainLabels,
    /// Validation rows with their true labels.
    ValidationLabels,
    /// Test rows with their true labels.
    TestLabels,
    /// Rows with true labels, or with what stands in their place.
    TrueLabels,
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
    /// The weights that training started from, in the one form in which a bundle has them too.
    EncoderWeights,
    /// A confusion matrix, or a classification report, as it was published.
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
            Self::TrainLabels => "--train FILE with true labels",
            Self::ValidationLabels => "--validation FILE with true labels",
            Self::TestLabels | Self::TrueLabels => "--test FILE with true labels",
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
            Self::EncoderWeights => "a bundle with the digests of its encoder's weights",
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
