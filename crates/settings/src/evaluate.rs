//! The section `evaluate` of `pipeline.yaml`.

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

/// How the metrics are computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// The seed of the bootstrap intervals and of the map of the test rows.
    pub seed: u64,
    /// The number of misclassified test rows that are explained word by word, those with the highest loss
    /// first; at most 100, and 0 for none.
    #[schemars(range(min = 0, max = 100))]
    pub explained_mistakes: usize,
    /// Whether to predict the test rows a second time with dense layers in int8, as `labelproof predict
    /// --int8` does, to measure what that costs.
    pub int8: bool,
}

/// The largest number of rows that can be explained: each takes some seconds.
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
    /// The problems of the parameters, each with its key.
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
