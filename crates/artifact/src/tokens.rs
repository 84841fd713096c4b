//! The table that preprocess writes: cleaned text, token ids and groups of duplicates.

use crate::column::columns;
use crate::splits::Split;
use crate::stage::{Kind, StageId};
use crate::table::Row;

/// The file that says how the tokens were made, which prediction repeats: the cleaning steps and the longest
/// input. Its content is `labelproof_text`'s `Preparation`.
pub const PREPARATION: Kind = Kind {
    stage: StageId::Preprocess,
    file: "preparation.json",
    format: 1,
};

/// A document ready for the encoder. The table keeps the order of the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The document's id.
    pub id: String,
    /// The class.
    pub label: String,
    /// The text after cleaning.
    pub text: String,
    /// Token ids with the special tokens, at most `preprocess.max_tokens`, without padding.
    pub tokens: Vec<u32>,
    /// How many tokens there were before truncation, special ones included.
    pub full_length: u32,
    /// The id of the first document in the same group of exact and near duplicates; the row's own id where it
    /// has no duplicate.
    pub duplicate_group: String,
    /// The value of the declared group column.
    pub group: Option<String>,
    /// The split that the source gives.
    pub split: Option<Split>,
}

impl Row for TokenRow {
    const KIND: Kind = Kind {
        stage: StageId::Preprocess,
        file: "tokens.parquet",
        format: 1,
    };

    const DEALT_BY: Option<fn(&Self) -> &str> = Some(|row| &row.id);

    columns! { id, label, text, tokens, full_length, duplicate_group, group, split }

    fn bytes(&self) -> usize {
        self.id.len() + self.text.len() + size_of_val(self.tokens.as_slice())
    }
}
