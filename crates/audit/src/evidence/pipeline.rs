//! What only a pipeline's artifacts tell: locks, digests, tokens.

/// What only a pipeline knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PipelineFacts {
    /// Files that a stage read in another version than the one there is, in words.
    pub stale: Vec<String>,
    /// Whether the encoder was to stay as it is.
    pub encoder_frozen: bool,
    /// Whether the bundle holds the encoder's weights byte for byte. None where they were no single
    /// safetensors file, so that the bundle has them in other bytes in any case.
    pub encoder_unchanged: Option<bool>,
    /// Rows of the token table.
    pub rows: usize,
    /// Rows of the token table that do not begin and end with the special tokens.
    pub rows_without_special_tokens: usize,
    /// Documents that were cleaned and tokenised again.
    pub rechecked: usize,
    /// Of these, those that gave another text.
    pub recleaned_differently: usize,
    /// Of these, those that gave other tokens.
    pub retokenized_differently: usize,
}
