//! What preprocess writes: cleaned text, token ids and duplicate groups.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type};

use crate::splits::Split;
use crate::stage::{Kind, StageId};
use crate::table::{
    Row, list_column, list_of, number_lists, numbers, optional_string_column, optional_strings,
    string_column, strings,
};

/// How the tokens were made: the cleaning steps and the longest input, for the bundle to repeat at prediction. The
/// content is `labelproof_text`'s `Preparation`.
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
    /// The id of the first document of the same group of exact and near duplicates; the own id when there is none.
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

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("label", DataType::Utf8, false),
            Field::new("text", DataType::Utf8, false),
            Field::new("tokens", list_of(DataType::UInt32), true),
            Field::new("full_length", DataType::UInt32, false),
            Field::new("duplicate_group", DataType::Utf8, false),
            Field::new("group", DataType::Utf8, true),
            Field::new("split", DataType::Utf8, true),
        ])
    }

    fn bytes(&self) -> usize {
        self.id.len() + self.text.len() + size_of_val(self.tokens.as_slice())
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            string_column(rows.iter().map(|row| row.id.as_str())),
            string_column(rows.iter().map(|row| row.label.as_str())),
            string_column(rows.iter().map(|row| row.text.as_str())),
            list_column::<UInt32Type>(rows.iter().map(|row| row.tokens.clone())),
            Arc::new(UInt32Array::from_iter_values(
                rows.iter().map(|row| row.full_length),
            )),
            string_column(rows.iter().map(|row| row.duplicate_group.as_str())),
            optional_string_column(rows.iter().map(|row| row.group.as_deref())),
            optional_string_column(rows.iter().map(|row| row.split.map(Split::name))),
        ]
    }

    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let (ids, labels, texts) = (strings(batch, 0), strings(batch, 1), strings(batch, 2));
        let tokens = number_lists::<UInt32Type>(batch, 3);
        let lengths = numbers::<UInt32Type>(batch, 4);
        let (duplicates, groups) = (strings(batch, 5), optional_strings(batch, 6));
        let splits = optional_strings(batch, 7);
        ids.into_iter()
            .zip(labels)
            .zip(texts)
            .zip(tokens)
            .zip(lengths)
            .zip(duplicates)
            .zip(groups)
            .zip(splits)
            .map(
                |(((((((id, label), text), tokens), full_length), duplicate_group), group), split)| {
                    let split = split.as_deref().map(Split::parse).transpose()?;
                    Ok(Self {
                        id,
                        label,
                        text,
                        tokens,
                        full_length,
                        duplicate_group,
                        group,
                        split,
                    })
                },
            )
            .collect()
    }
}
