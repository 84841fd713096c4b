//! Causes in what reaches the model of a text.

pub(crate) mod cleaning_differs;
pub(crate) mod other_tokenizer;
pub(crate) mod padding_pooled;
pub(crate) mod special_tokens;
pub(crate) mod stale_features;
pub(crate) mod text_cut_off;
pub(crate) mod text_ignored;
pub(crate) mod wrong_column;
