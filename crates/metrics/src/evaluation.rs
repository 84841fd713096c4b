//! `metrics.json`: the figures of every split, for the model and for the baseline beside it.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{ArtifactError, Artifacts, Kind, Split, StageId, json};
use serde::{Deserialize, Serialize};

use crate::comparison::McNemar;
use crate::decisions::DecisionFigures;
use crate::{SplitMetrics, Spreads};

/// The content of `metrics.json`, which evaluate writes:
/// `splits.<train|validation|test>.<metric>.{value,low,high}`, and the same below `baseline`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Class names; rows and columns of the confusion matrices are in this order.
    pub labels: Vec<String>,
    /// The model's metrics by split.
    pub splits: BTreeMap<Split, SplitMetrics>,
    /// The baseline's metrics by split.
    pub baseline: BaselineEvaluation,
    /// What the model's calibrated probabilities, thresholds and conformal sets, all fitted on validation,
    /// give on test.
    pub decisions: DecisionFigures,
    /// The model with its dense layers in int8, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub int8: Option<Int8Evaluation>,
    /// The folds of the training rows, each by a model that was trained without it, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_validation: Option<CrossValidation>,
    /// The model and those of trainings with other seeds, on the validation and on the test rows, where that was asked
    /// for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<BTreeMap<Split, Spreads>>,
}

/// What models that were trained without a fold give on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossValidation {
    /// The rows of all folds.
    pub rows: u64,
    /// The figures of the folds, in their order.
    pub folds: Spreads,
}

/// What predicting with dense layers in int8 costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Int8Evaluation {
    /// The metrics of int8 on the test rows.
    pub test: SplitMetrics,
    /// Test rows that get another label than in the model's own precision.
    pub other_labels: u64,
    /// McNemar's test on the test rows: the model in its own precision (first) and in int8 (second).
    pub comparison: McNemar,
}

/// The metrics of the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineEvaluation {
    /// What the baseline is, in a few words.
    pub name: String,
    /// The baseline's metrics by split.
    pub splits: BTreeMap<Split, SplitMetrics>,
}

impl Evaluation {
    /// The file that evaluate writes.
    pub const KIND: Kind = Kind {
        stage: StageId::Evaluate,
        file: "metrics.json",
        format: 3,
    };

    /// Reads the figures of a folder of artifacts.
    pub fn read(artifacts: Artifacts<'_>) -> Result<Self, ArtifactError> {
        json::read_artifact(Self::KIND, artifacts)
    }

    /// Writes the figures into evaluate's output folder.
    pub fn write(&self, folder: &Path) -> Result<(), ArtifactError> {
        json::write_artifact(Self::KIND, folder, self)
    }
}
