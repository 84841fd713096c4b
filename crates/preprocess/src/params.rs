//! The `preprocess` section of `pipeline.yaml`.

use labelproof_text::cleaning::{Cleaner, Step};
use labelproof_text::duplicates::NearDuplicates;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How documents become tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The cleaning steps, in the order they run. Prediction repeats them. None leaves texts as they are.
    pub clean: Vec<Step>,
    /// The longest input in tokens, special ones included; what is longer is cut. At most what the encoder
    /// takes.
    #[schemars(range(min = 1))]
    pub max_tokens: usize,
    /// When two texts count as near duplicates of each other. Texts that differ in nothing but letter case
    /// and white space always do. Compared is the text after all cleaning steps but `stop_words`, so that
    /// trying out other stop words leaves the groups, and with them the split, as they are.
    pub duplicates: NearDuplicates,
    /// What happens when cleaning leaves nothing of a text.
    pub on_reject: OnReject,
}

/// What happens when a row cannot go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnReject {
    /// The row goes to `rejects.parquet`, and the stage continues.
    #[default]
    Continue,
    /// The stage fails and shows the first such rows.
    Fail,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            clean: Vec::new(),
            max_tokens: 512,
            duplicates: NearDuplicates::default(),
            on_reject: OnReject::default(),
        }
    }
}

impl Params {
    /// Every problem that shows without opening a file, each starting with the path of its key.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(error) = Cleaner::new(&self.clean) {
            problems.push(format!("preprocess.clean: {error}"));
        }
        if self.max_tokens == 0 {
            problems.push("preprocess.max_tokens: 0 leaves no token, give at least 1".to_owned());
        }
        if let Err(error) = self.duplicates.check() {
            problems.push(format!("preprocess.duplicates: {error}"));
        }
        problems
    }

    /// The steps after which texts are compared.
    pub(crate) fn steps_before_comparison(&self) -> Vec<Step> {
        let is_kept = |step: &&Step| !matches!(step, Step::StopWords(_));
        self.clean.iter().filter(is_kept).cloned().collect()
    }
}
