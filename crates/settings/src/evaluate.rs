//! The section `evaluate` of `pipeline.yaml`.

use labelproof_artifact::{
    BUNDLE, Document, FeatureRow, FoldRow, LabelMap, REPEATS, Row, SplitRow, Stage, StageId, TokenRow,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the stage declares of itself.
pub const STAGE: Stage = Stage {
    id: StageId::Evaluate,
    revision: 7,
    reads: &[
        Document::KIND,
        LabelMap::KIND,
        TokenRow::KIND,
        SplitRow::KIND,
        BUNDLE,
        FeatureRow::KIND,
        FoldRow::KIND,
        REPEATS,
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
    /// The decisions on single predictions that are measured on the test rows. `labelproof predict` takes any
    /// other as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions: Option<Decisions>,
}

/// Thresholds and conformal sets, chosen on the validation rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Decisions {
    /// The precisions of the predictions that are kept, each between 0 and 1.
    #[schemars(inner(range(min = 0, max = 1)))]
    pub precisions: Vec<f64>,
    /// The shares of the predictions that are kept, each above 0 and at most 1.
    #[schemars(inner(range(min = 0, max = 1)))]
    pub coverages: Vec<f64>,
    /// The shares of the conformal sets that hold the true label, each between 0 and 1.
    #[schemars(inner(range(min = 0, max = 1)))]
    pub conformal_levels: Vec<f64>,
}

impl Default for Decisions {
    fn default() -> Self {
        Self {
            precisions: vec![0.9, 0.95, 0.99],
            coverages: vec![0.8, 0.9],
            conformal_levels: vec![0.9, 0.95],
        }
    }
}

/// Whether a number is a share of the allowed kind.
type IsShare = fn(f64) -> bool;

impl Decisions {
    fn check(&self) -> Vec<String> {
        let between = |share: f64| share > 0.0 && share < 1.0;
        let lists: [(&str, &[f64], IsShare, &str); 3] = [
            ("precisions", &self.precisions, between, "between 0 and 1"),
            (
                "coverages",
                &self.coverages,
                |share| share > 0.0 && share <= 1.0,
                "above 0 and at most 1",
            ),
            (
                "conformal_levels",
                &self.conformal_levels,
                between,
                "between 0 and 1",
            ),
        ];
        let problems = lists.into_iter().flat_map(|(key, shares, is_share, expected)| {
            let wrong = shares.iter().filter(move |&&share| !is_share(share));
            wrong.map(move |share| format!("evaluate.decisions.{key}: must be {expected}, got {share}"))
        });
        problems.collect()
    }
}

/// The largest number of rows that can be explained: each takes some seconds.
const MOST_EXPLAINED: usize = 100;

impl Default for Params {
    fn default() -> Self {
        Self {
            seed: 10,
            explained_mistakes: 10,
            int8: false,
            decisions: None,
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
        problems.extend(self.decisions.iter().flat_map(Decisions::check));
        problems
    }
}
