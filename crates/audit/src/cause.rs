//! The causes by name: what checks look for, and ask each other for.

/// A cause of good figures beside bad predictions. The catalogue says of each what its number and its check
/// are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Softmax is applied twice in the loss.
    DoubleSoftmax,
    /// The logged accuracy counts single outputs, not rows.
    ElementwiseAccuracy,
    /// The logged loss is not the cross-entropy of the predictions.
    LossMismatch,
    /// A logged metric is a mean over batches.
    BatchAverages,
    /// Rows are missing or counted twice in the evaluation.
    RowsLost,
    /// Precision, recall and F1 are the accuracy under other names.
    AveragesMixed,
    /// The logged training accuracy is a running mean.
    RunningMetric,
    /// The test rows are the validation rows.
    ChosenOnTest,
    /// The scores are good, the choice made of them is not.
    ClassBias,
    /// The classes of labels and predictions are in another order.
    LabelsPermuted,
    /// Predictions are shuffled against their labels.
    PredictionsShuffled,
    /// Predictions are shifted against their rows.
    PredictionsShifted,
    /// A part of the file is paired with the wrong labels.
    PartMispaired,
    /// The confusion matrix is transposed or its classes are misnamed.
    ConfusionAxes,
    /// The predictions are those of other rows or of another run.
    StalePredictions,
    /// A class is spelled in several ways, or missing from a split.
    LabelSpelling,
    /// The logged figures are not those of the rows.
    LoggedFigures,
    /// Logged figures that cannot be together.
    ImpossibleFigures,
    /// The true labels are placeholders.
    Placeholders,
    /// Predictions come from weights that were not trained.
    UntrainedHead,
    /// The predictions are of another epoch than the figures.
    OtherCheckpoint,
    /// Batch normalisation predicts with other statistics.
    NormalizationStatistics,
    /// Dropout is on at prediction, or was on in a frozen encoder.
    DropoutAtPrediction,
    /// A frozen encoder has changed, or a trained one has not.
    FrozenEncoderChanged,
    /// The model predicts one class for nearly everything.
    Collapsed,
    /// The training did not learn anything.
    FailedRun,
    /// The saved model predicts otherwise than it did when it was evaluated.
    ExportChanged,
    /// Texts reach the model as other tokens than in training.
    OtherTokenizer,
    /// Texts were cleaned in one split and not in another.
    CleaningDiffers,
    /// Long texts are cut off at prediction.
    TextCutOff,
    /// Predictions depend on the length of the text and little else.
    TextIgnored,
    /// Padding takes part in the prediction.
    PaddingPooled,
    /// The tokens that begin and end an input are missing.
    SpecialTokens,
    /// Cached tokens are those of other texts or settings.
    StaleFeatures,
    /// The texts of a split are damaged or of another column.
    WrongColumn,
    /// The same texts in two splits.
    ExactDuplicates,
    /// Nearly the same texts in two splits.
    NearDuplicates,
    /// One author, thread or source in two splits.
    SharedGroups,
    /// A split that is drawn again in every epoch.
    RedrawnSplit,
    /// A split that is the tail of a sorted file.
    SortedSplit,
    /// The training file holds the test file.
    TestInsideTrain,
    /// The label stands in the text.
    Giveaway,
    /// Other shares of the classes in test.
    ClassShift,
    /// Test texts of another kind than training texts.
    TextDrift,
    /// Too few rows to measure by.
    SmallValidation,
    /// Wrong labels.
    WrongLabels,
    /// Words that all classes share.
    GenericWords,
    /// Two topics in one document.
    TwoTopics,
    /// No better than guessing the largest class.
    MajorityGuessing,
    /// Length or source alone tells the label.
    Shortcut,
    /// Test texts in other languages or of unknown words.
    Languages,
    /// Training that stopped too early or learns too little.
    Underfitting,
    /// The model learns its training rows by heart.
    Overfitting,
    /// Validation is far better than training.
    EasyValidation,
    /// Probabilities that are too sure or not sure enough.
    Calibration,
    /// Predictions that are not the highest score.
    StoredPredictions,
}

impl Cause {
    /// The causes that make a model give the same answer whatever it reads.
    pub(crate) const OF_ONE_ANSWER: [Self; 4] = [
        Self::WrongColumn,
        Self::TextIgnored,
        Self::OtherCheckpoint,
        Self::NormalizationStatistics,
    ];

    /// The causes in the texts of a split that leave a model blind.
    pub(crate) const OF_INPUT: [Self; 3] = [Self::WrongColumn, Self::CleaningDiffers, Self::Languages];
}
