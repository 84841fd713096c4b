//! What `pipeline.yaml` says about evaluation.

use labelproof_artifact::{BUNDLE, Document, FeatureRow, LabelMap, Row, SplitRow, Stage, StageId, TokenRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the stage declares of itself.
pub const STAGE: Stage = Stage {
    id: StageId::Evaluate,
    revision: 6,
    reads: &[
        Document::KIND,
        LabelMap::KIND,
        TokenRow::KIND,
        SplitRow::KIND,
        BUNDLE,
        FeatureRow::KIND,
    ],
    encoder_files: &[],
};

/// How the figures are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Of the bootstrap intervals, and of what the map of the test rows draws.
    pub seed: u64,
    /// How many wrongly classified test rows are explained word by word, those of the highest loss first; at most 100, 0
    /// for none.
    #[schemars(range(min = 0, max = 100))]
    pub explained_mistakes: usize,
    /// Predicts the test rows once more with dense layers in 8 bits, as `labelproof predict --int8` does, to tell what that costs.
    pub int8: bool,
}

/// The most rows that may be explained: each takes some seconds.
const MOST_EXPLAINED: usize = 100;

impl Default for Params {
    fn default() -> Self {
        Self {
            seed: 10,
            explained_mistakes: 10,
            int8: false,
        }
    }
}

impl Params {
    /// Everything that is out of range, each with its key.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.explained_mistakes > MOST_EXPLAINED {
            problems.push(format!(
                "evaluate.explained_mistakes: {} is too many; expected at most {MOST_EXPLAINED}",
                self.explained_mistakes
            ));
        }
        problems
    }
}
