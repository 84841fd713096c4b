//! Embeddings: from token ids to the input of the first layer.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, LayerNorm};
use burn::tensor::Tensor;
use labelproof_kernels::dropout::dropout;
use labelproof_kernels::fused::layer_norm;
use labelproof_kernels::random::derive;
use labelproof_settings::encoder::{EncoderConfig, Family};

use super::names::Names;
use crate::Precision;
use crate::batch::Batch;
use crate::dense::Dense;
use crate::weights::{NamedTensors, TensorSource};

/// The sum of word, position and segment embeddings, as far as the family has them, normalised.
#[derive(Module, Debug)]
pub(super) struct Embeddings {
    pub(super) words: Embedding,
    positions: Option<Embedding>,
    segments: Option<Embedding>,
    norm: LayerNorm,
    dropout: Dropout,
    /// From the width of the embeddings to that of the layers.
    projection: Option<Dense>,
    /// Whether the projection comes before layer normalisation.
    #[module(skip)]
    projects_first: bool,
    /// The row of the table of positions that the first token of a text has.
    #[module(skip)]
    first_position: usize,
    #[module(skip)]
    epsilon: f64,
}

/// The seed of a dense layer that never has an adapter.
const NO_ADAPTER: u64 = 0;

impl Embeddings {
    pub(super) fn load(source: &mut TensorSource<'_>, names: &Names, config: &EncoderConfig) -> Self {
        let (narrow, width) = (config.embedding_size, config.hidden_size);
        let projects_first = matches!(config.family, Family::DebertaV2(_));
        let (norm_bias, dropout) = match &config.family {
            Family::ModernBert(modern) => (modern.norm_bias, modern.embedding_dropout),
            _ => (true, config.hidden_dropout_prob),
        };
        let normalized = if projects_first { width } else { narrow };
        let has_projection = narrow != width || matches!(config.family, Family::Albert { .. });
        Self {
            words: source.embedding(names.words, config.vocab_size, narrow),
            positions: config
                .positions
                .map(|positions| source.embedding(names.positions, positions.rows, narrow)),
            segments: (config.type_vocab_size > 0)
                .then(|| source.embedding(names.segments, config.type_vocab_size, narrow)),
            norm: source.layer_norm(names.norm, normalized, config.layer_norm_eps, norm_bias),
            dropout: DropoutConfig::new(dropout).init(),
            projection: has_projection
                .then(|| Dense::new(source.linear(names.projection, narrow, width, !projects_first))),
            projects_first,
            first_position: config.positions.map_or(0, |positions| positions.first),
            epsilon: config.layer_norm_eps,
        }
    }

    pub(super) fn save(&self, names: &Names, tensors: &mut NamedTensors) {
        let mut table = |name: &str, table: &Embedding| {
            tensors.push(&format!("{name}.weight"), table.weight.val());
        };
        table(names.words, &self.words);
        if let Some(positions) = &self.positions {
            table(names.positions, positions);
        }
        if let Some(segments) = &self.segments {
            table(names.segments, segments);
        }
        tensors.push_layer_norm(names.norm, &self.norm);
        if let Some(projection) = &self.projection {
            tensors.push_linear(names.projection, &projection.linear);
        }
    }

    pub(super) fn with_int8(self) -> Self {
        Self {
            projection: self.projection.map(Dense::with_int8),
            ..self
        }
    }

    /// The input of the first layer, `[batch, sequence, hidden]`.
    pub(super) fn forward(&self, batch: &Batch, precision: Precision) -> Tensor<3> {
        self.forward_words(self.words.forward(batch.tokens.clone()), batch.seed, precision)
    }

    /// The input of the first layer, from word embeddings, `[batch, sequence, embedding]`, and with a seed of
    /// dropout.
    ///
    /// Positions are counted from the first token on, and not up to padding within a text, as in
    /// transformers: a text that spells out RoBERTa's padding token has one position more here.
    pub(super) fn forward_words(&self, words: Tensor<3>, seed: u64, precision: Precision) -> Tensor<3> {
        let [_, sequence, _] = words.dims();
        let rows = |table: &Embedding, first: usize, count: usize| {
            table.weight.val().narrow(0, first, count).unsqueeze::<3>()
        };
        let positions = self
            .positions
            .as_ref()
            .map(|table| rows(table, self.first_position, sequence));
        // Every text is one segment.
        let segment = self.segments.as_ref().map(|table| rows(table, 0, 1));
        let embedded = match (positions, segment) {
            (Some(positions), Some(segment)) => words + (positions + segment),
            (Some(added), None) | (None, Some(added)) => words + added,
            (None, None) => words,
        };
        let embedded = if self.projects_first {
            self.project(embedded, precision)
        } else {
            embedded
        };
        let normalized = layer_norm(&self.norm, self.epsilon, embedded);
        let dropped = dropout(&self.dropout, normalized, derive(seed, 0));
        if self.projects_first {
            dropped
        } else {
            self.project(dropped, precision)
        }
    }

    fn project(&self, embedded: Tensor<3>, precision: Precision) -> Tensor<3> {
        match &self.projection {
            Some(projection) => projection.forward_to_float32(embedded, NO_ADAPTER, precision),
            None => embedded,
        }
    }
}
