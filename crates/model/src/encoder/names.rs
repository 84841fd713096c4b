//! How the checkpoints of a family call the tensors of an encoder.

/// The names of an encoder's tensors, without the `.weight` and `.bias` at their ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    /// What stands before every name where the encoder was saved as a part of a larger model.
    pub(super) prefix: &'static str,
    /// The beginnings of those names that an encoder has no use for, such as the heads of pre-training.
    pub(super) unused: &'static [&'static str],
    pub(super) words: &'static str,
    pub(super) positions: &'static str,
    pub(super) segments: &'static str,
    /// The layer normalisation of the embeddings.
    pub(super) norm: &'static str,
    /// The dense layer from the embedding size to the hidden size.
    pub(super) projection: &'static str,
    /// The name of a layer, by its number.
    pub(super) layer: fn(usize) -> String,
    /// What a layer has.
    pub(super) parts: LayerNames,
}

/// The names of what a post-norm layer has, within the layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerNames {
    pub(super) query: &'static str,
    pub(super) key: &'static str,
    pub(super) value: &'static str,
    pub(super) attention_output: &'static str,
    pub(super) attention_norm: &'static str,
    pub(super) intermediate: &'static str,
    pub(super) output: &'static str,
    pub(super) output_norm: &'static str,
}

impl LayerNames {
    /// The projections of attention, in the order in which they lie side by side.
    pub(super) fn projections(&self) -> [&'static str; 3] {
        [self.query, self.key, self.value]
    }
}
