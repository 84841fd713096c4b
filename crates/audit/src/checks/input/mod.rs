//! Causes in what reaches the model of a text.

pub mod cleaning_differs;
pub mod other_tokenizer;
pub mod padding_pooled;
pub mod special_tokens;
pub mod stale_features;
pub mod text_cut_off;
pub mod text_ignored;
pub mod wrong_column;
