//! The `preprocess` section of `pipeline.yaml`.

use labelproof_text::cleaning::{Cleaner, Step};
use labelproof_text::duplicates::NearDuplicates;
use labelproof_text::windows::Windows;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How documents become tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The cleaning steps, in the order they run. Prediction repeats them. None leaves texts as they are.
    pub clean: Vec<Step>,
    /// The longest input in tokens, special ones included; what is longer is cut. At most what the encoder
    /// takes, unless it reads in `windows`.
    #[schemars(range(min = 1))]
    pub max_tokens: usize,
    /// Has the encoder read texts of up to `max_tokens` in overlapping windows, whose pooled vectors are pooled again
    /// before the head, in training and in every prediction. Left out, a text is read at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
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
            windows: None,
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
        if let Some(windows) = self.windows.filter(|windows| windows.tokens >= self.max_tokens) {
            let (tokens, max_tokens) = (windows.tokens, self.max_tokens);
            problems.push(format!(
                "preprocess.windows.tokens: {tokens} leaves no text for a second window; it must be below \
                 `max_tokens`, {max_tokens}"
            ));
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
