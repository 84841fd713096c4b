//! How the checkpoints of a family call the tensors of an encoder.

/// The names of an encoder's tensors, without the `.weight` and `.bias` at their ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    /// What stands before every name where the encoder was saved as a part of a larger model.
    pub(crate) prefix: &'static str,
    /// The beginnings of those names that an encoder has no use for, such as the heads of pre-training.
    pub(crate) unused: &'static [&'static str],
    pub(crate) words: &'static str,
    pub(crate) positions: &'static str,
    pub(crate) segments: &'static str,
    /// The layer normalisation of the embeddings.
    pub(crate) norm: &'static str,
    /// The dense layer from the embedding size to the hidden size.
    pub(crate) projection: &'static str,
    /// The name of a layer, by its number.
    pub(crate) layer: fn(usize) -> String,
    /// What a layer has.
    pub(crate) parts: LayerNames,
}

/// The names of what a post-norm layer has, within the layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerNames {
    pub(crate) query: &'static str,
    pub(crate) key: &'static str,
    pub(crate) value: &'static str,
    pub(crate) attention_output: &'static str,
    pub(crate) attention_norm: &'static str,
    pub(crate) intermediate: &'static str,
    pub(crate) output: &'static str,
    pub(crate) output_norm: &'static str,
}

impl LayerNames {
    /// The projections of attention, in the order in which they lie side by side.
    pub(crate) fn projections(&self) -> [&'static str; 3] {
        [self.query, self.key, self.value]
    }
}
