//! The section `audit` of `pipeline.yaml`.

use labelproof_artifact::tokens::PREPARATION;
use labelproof_artifact::{
    BUNDLE, Document, HistoryRow, LabelMap, Prediction, Row, SplitRow, Stage, StageId, StageLock, TokenRow,
};
use labelproof_metrics::Evaluation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the stage declares of itself.
pub const STAGE: Stage = Stage {
    id: StageId::Audit,
    revision: 12,
    reads: &[
        Document::KIND,
        LabelMap::KIND,
        TokenRow::KIND,
        PREPARATION,
        SplitRow::KIND,
        // Tells whether the encoder was to stay as it is.
        StageLock::kind(StageId::Train),
        BUNDLE,
        HistoryRow::KIND,
        Prediction::KIND,
        Evaluation::KIND,
    ],
    encoder_files: &[],
};

/// How the audit draws its random samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// The seed of what the checks draw at random.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self { seed: 10 }
    }
}

impl Params {
    /// The problems of the parameters: there can be none.
    pub fn check(&self) -> Vec<String> {
        Vec::new()
    }
}
