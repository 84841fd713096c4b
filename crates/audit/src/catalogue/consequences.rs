//! What follows from what: causes whose signs another cause leaves as well.
//!
//! A check yields ([`crate::check::Check::yields_to`]) where it must not answer at all beside another. Where
//! it may answer, and is right in what it sees, but what it sees comes of something else that was found, the
//! answer shows it under that: a model looks miscalibrated, and labels look wrong, if predictions stand
//! beside the labels of other rows.

use crate::cause::Cause::{
    self, AveragesMixed, BatchAverages, Calibration, ClassBias, ClassShift, CleaningDiffers, Collapsed,
    ConfusionAxes, DoubleSoftmax, DropoutAtPrediction, EasyValidation, ElementwiseAccuracy, ExactDuplicates,
    ExportChanged, FailedRun, FrozenEncoderChanged, ImpossibleFigures, LabelSpelling, LabelsPermuted,
    Languages, LoggedFigures, LossMismatch, MajorityGuessing, NearDuplicates, NormalizationStatistics,
    OtherCheckpoint, OtherTokenizer, Overfitting, PaddingPooled, PartMispaired, Placeholders,
    PredictionsShifted, PredictionsShuffled, SharedGroups, SortedSplit, SpecialTokens, StaleFeatures,
    StalePredictions, StoredPredictions, TestInsideTrain, TextCutOff, TextDrift, TextIgnored, TwoTopics,
    Underfitting, UntrainedHead, WrongColumn, WrongLabels,
};

/// The causes that a cause may follow from.
pub fn follows_from(cause: Cause) -> impl Iterator<Item = Cause> {
    let of = FOLLOWS.iter().filter(move |(causes, _)| causes.contains(&cause));
    of.flat_map(|(_, reasons)| reasons.iter().copied())
}

/// Causes, and what all of these may follow from; a cause may stand in several rows.
const FOLLOWS: &[(&[Cause], &[Cause])] = &[
    // The scores of other rows stand beside labels: they say nothing of them, shifted or not. Nor do those of
    // weights that learnt nothing, which may favour one class for the rows of another.
    (
        &[LabelsPermuted],
        &[StoredPredictions, StalePredictions, FailedRun],
    ),
    (
        &[
            PredictionsShuffled,
            PredictionsShifted,
            PartMispaired,
            ConfusionAxes,
        ],
        &[StalePredictions],
    ),
    // A tail of a sorted file lacks classes.
    (&[ClassShift], &[Placeholders, SortedSplit]),
    // Other input shows in the predictions, whichever way it became other.
    (
        &[OtherTokenizer],
        &[
            StoredPredictions,
            Collapsed,
            SpecialTokens,
            StaleFeatures,
            CleaningDiffers,
            WrongColumn,
            TextDrift,
            Languages,
        ],
    ),
    (
        &[TextIgnored],
        &[
            SpecialTokens,
            StaleFeatures,
            WrongColumn,
            CleaningDiffers,
            TextDrift,
            Languages,
        ],
    ),
    (&[TextDrift], &[WrongColumn, CleaningDiffers, Languages]),
    // Words that cleaning took out of the training texts are unknown in the others.
    (&[Languages], &[WrongColumn, CleaningDiffers]),
    // Weights that are not those of training, for a reason.
    (
        &[UntrainedHead, NormalizationStatistics, DropoutAtPrediction],
        &[ExportChanged, StoredPredictions],
    ),
    (
        &[NearDuplicates, ExactDuplicates, SharedGroups],
        &[TestInsideTrain],
    ),
    // One answer for everything.
    (
        &[Collapsed],
        &[
            Placeholders,
            StoredPredictions,
            SortedSplit,
            WrongColumn,
            CleaningDiffers,
            Languages,
            TextIgnored,
            UntrainedHead,
            OtherCheckpoint,
            NormalizationStatistics,
            FailedRun,
        ],
    ),
    (
        &[ClassBias],
        &[
            Placeholders,
            StoredPredictions,
            SortedSplit,
            ClassShift,
            WrongColumn,
            CleaningDiffers,
            Languages,
            Collapsed,
            FailedRun,
            UntrainedHead,
            NormalizationStatistics,
            DropoutAtPrediction,
            OtherCheckpoint,
        ],
    ),
    (&[AveragesMixed], &[Collapsed]),
    // A model is no better than guessing or looks untrained, its probabilities do not mean what they say, and
    // labels do not look as they should, where rows, weights or input are not those that they are taken for.
    (
        &[
            MajorityGuessing,
            Underfitting,
            Calibration,
            WrongLabels,
            TwoTopics,
        ],
        &[
            Placeholders,
            StoredPredictions,
            Collapsed,
            FailedRun,
            LabelsPermuted,
            PredictionsShuffled,
            PredictionsShifted,
            PartMispaired,
            StalePredictions,
            SortedSplit,
            WrongColumn,
            TextIgnored,
            UntrainedHead,
            OtherCheckpoint,
            NormalizationStatistics,
            DropoutAtPrediction,
            OtherTokenizer,
            CleaningDiffers,
            Languages,
            TextCutOff,
            PaddingPooled,
            TextDrift,
            DoubleSoftmax,
        ],
    ),
    // Longer training is no advice where the evaluation is broken.
    (
        &[MajorityGuessing, Underfitting],
        &[
            FrozenEncoderChanged,
            ElementwiseAccuracy,
            LoggedFigures,
            LossMismatch,
            ImpossibleFigures,
        ],
    ),
    (&[Calibration, WrongLabels, TwoTopics], &[ClassShift]),
    // The log is right, and what was saved is not.
    (
        &[LoggedFigures],
        &[
            StoredPredictions,
            LabelsPermuted,
            PredictionsShuffled,
            PredictionsShifted,
            PartMispaired,
            StalePredictions,
            UntrainedHead,
            NormalizationStatistics,
            DropoutAtPrediction,
            OtherCheckpoint,
            TextIgnored,
            WrongColumn,
            Collapsed,
            LabelSpelling,
            ExportChanged,
            OtherTokenizer,
            CleaningDiffers,
            TextCutOff,
            PaddingPooled,
            StaleFeatures,
            SpecialTokens,
        ],
    ),
    (
        &[ImpossibleFigures],
        &[
            LoggedFigures,
            ElementwiseAccuracy,
            BatchAverages,
            LossMismatch,
            Collapsed,
            FailedRun,
        ],
    ),
    // Other rows than those that were trained on, or none that could be learnt.
    (
        &[Overfitting],
        &[
            SortedSplit,
            FailedRun,
            LoggedFigures,
            PredictionsShuffled,
            PredictionsShifted,
            PartMispaired,
            LabelsPermuted,
            WrongColumn,
            TextDrift,
            ClassShift,
            WrongLabels,
        ],
    ),
    (
        &[EasyValidation],
        &[SortedSplit, ClassShift, LoggedFigures, ElementwiseAccuracy],
    ),
    (
        &[LossMismatch],
        &[
            DoubleSoftmax,
            PredictionsShuffled,
            PredictionsShifted,
            PartMispaired,
            LabelsPermuted,
            FailedRun,
        ],
    ),
];
