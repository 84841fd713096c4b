//! Encoders of the families that people fine-tune, from token ids to a vector for each token, with the tensor
//! names of Hugging Face.
//!
//! An encoder is embeddings and layers. A file for each family says how it differs from BERT (`names` are its
//! tensors); `post_norm` and `modernbert` are the layers. Padding is never attended to.
//!
//! Responsible for the forward pass and for the names of the tensors. The arithmetic of each operation, and
//! its backward pass, is that of `labelproof_kernels::fused`.

pub(crate) mod albert;
mod bert;
pub(crate) mod deberta_v2;
mod distilbert;
mod electra;
mod embeddings;
pub(crate) mod modernbert;
pub(crate) mod mpnet;
mod names;
mod post_norm;
mod relative_positions;
mod roberta;
pub(crate) mod rotary_positions;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use labelproof_kernels::fused::attention_bias;
use labelproof_kernels::random::derive;
use labelproof_settings::Precision;
use labelproof_settings::encoder::{EncoderConfig, Family};
use labelproof_settings::train::Lora;

use self::embeddings::Embeddings;
use self::modernbert::PreNorm;
use self::names::Names;
use self::post_norm::PostNorm;
use crate::adapter::{AdapterFiles, Part};
use crate::batch::Batch;
use crate::dense::Dense;
use crate::error::Error;
use crate::weights::{NamedTensors, TensorSource};

/// The attention bias of padding. It makes the attention weight exactly zero, and is finite, so that no row
/// becomes NaN.
pub(crate) const NO_ATTENTION: f32 = -1e9;

/// An encoder, from token ids to a vector for each token.
#[derive(Module, Debug)]
pub struct Encoder {
    embeddings: Embeddings,
    layers: Layers,
    #[module(skip)]
    names: Names,
}

/// A change of a dense layer: gets the number of its layer, itself, and what lies in it.
pub(crate) type ChangeDense<'a> = dyn FnMut(usize, Dense, Vec<Part>) -> Dense + 'a;

#[derive(Module, Debug)]
enum Layers {
    PostNorm(PostNorm),
    PreNorm(PreNorm),
}

/// The names of a family's tensors.
pub(crate) fn names(family: &Family) -> Names {
    match family {
        Family::Bert => bert::NAMES,
        Family::Roberta => roberta::NAMES,
        Family::DistilBert => distilbert::NAMES,
        Family::Electra => electra::NAMES,
        Family::Albert { .. } => albert::NAMES,
        Family::Mpnet { .. } => mpnet::NAMES,
        Family::ModernBert(_) => modernbert::NAMES,
        Family::DebertaV2(_) => deberta_v2::NAMES,
    }
}

impl Encoder {
    /// Takes the encoder's tensors from a file.
    pub fn load(source: &mut TensorSource<'_>, config: &EncoderConfig) -> Self {
        let names = names(&config.family);
        source.expect_names(names.prefix, names.unused);
        Self {
            embeddings: Embeddings::load(source, &names, config),
            layers: match &config.family {
                Family::ModernBert(modern) => Layers::PreNorm(PreNorm::load(source, config, modern)),
                _ => Layers::PostNorm(PostNorm::load(source, &names, config)),
            },
            names,
        }
    }

    /// The encoder's tensors in Hugging Face's names and layout.
    pub fn named_tensors(&self) -> NamedTensors {
        let mut tensors = NamedTensors::default();
        self.embeddings.save(&self.names, &mut tensors);
        match &self.layers {
            Layers::PostNorm(layers) => layers.save(&self.names, &mut tensors),
            Layers::PreNorm(layers) => layers.save(&mut tensors),
        }
        tensors
    }

    /// What stands before the names of the encoder's tensors where it is a part of a larger model.
    pub(crate) fn prefix(&self) -> &'static str {
        self.names.prefix
    }

    /// The vector of every token, `[batch, sequence, hidden]` in float32; those of padding mean nothing.
    ///
    /// In bfloat16 the dense layers, attention and activations compute in that dtype, in int8 the dense
    /// layers alone. The residual sums and layer normalisations are float32 in every precision, as under
    /// PyTorch's `autocast`.
    pub fn forward(&self, batch: &Batch, precision: Precision) -> Tensor<3> {
        let [rows, sequence] = batch.tokens.dims();
        let bias = match batch.mask.clone() {
            Some(mask) => mask.sub_scalar(1.0).mul_scalar(-NO_ATTENTION),
            None => Tensor::zeros([rows, sequence], &batch.tokens.device()),
        };
        let embedded = self.embeddings.forward(batch, precision);
        self.forward_layers(embedded, bias, batch.seed, precision)
    }

    /// The forward pass through all layers. `bias`, `[batch, sequence]`, is added to the attention scores of
    /// each key.
    fn forward_layers(
        &self,
        embedded: Tensor<3>,
        bias: Tensor<2>,
        seed: u64,
        precision: Precision,
    ) -> Tensor<3> {
        let bias = attention_bias(bias, precision);
        match &self.layers {
            Layers::PostNorm(layers) => layers.forward(embedded, bias, seed, precision),
            Layers::PreNorm(layers) => layers.forward(embedded, bias, seed, precision),
        }
    }

    /// The word embeddings of a batch, `[batch, sequence, embedding]`, before positions and segments are
    /// added.
    pub fn word_embeddings(&self, batch: &Batch) -> Tensor<3> {
        self.embeddings.words.forward(batch.tokens.clone())
    }

    /// The forward pass in float32 from word embeddings, `[batch, sequence, embedding]`, none of which is
    /// padding, without dropout.
    pub fn forward_words(&self, words: Tensor<3>) -> Tensor<3> {
        const NO_SEED: u64 = 0;
        let [rows, sequence, _] = words.dims();
        let bias = Tensor::zeros([rows, sequence], &words.device());
        let embedded = self.embeddings.forward_words(words, NO_SEED, Precision::Float32);
        self.forward_layers(embedded, bias, NO_SEED, Precision::Float32)
    }

    /// Adds a quantised weight to each dense layer, for [`Precision::Int8`].
    pub fn with_int8(self) -> Self {
        let encoder = self.map_dense(&mut |_, dense, _| dense.with_int8());
        Self {
            embeddings: encoder.embeddings.with_int8(),
            ..encoder
        }
    }

    /// Changes the dense layers of all layers.
    pub(crate) fn map_dense(self, change: &mut ChangeDense<'_>) -> Self {
        Self {
            layers: match self.layers {
                Layers::PostNorm(layers) => Layers::PostNorm(layers.map_dense(&self.names, change)),
                Layers::PreNorm(layers) => Layers::PreNorm(layers.map_dense(change)),
            },
            ..self
        }
    }

    /// Adds adapters to the dense layers of all but the last `trainable` layers, and freezes the weights of these
    /// layers and of the embeddings. Their dropout stays, because what they compute is trained.
    pub fn with_adapters(self, lora: &Lora, trainable: usize, seed: u64) -> Result<Self, Error> {
        let adapted = self.depth().saturating_sub(trainable);
        let frozen = self.freeze(trainable, Freezing::Weights);
        let mut refused = None;
        let mut number = 0;
        let encoder = frozen.map_dense(&mut |layer, dense, parts| {
            number += 1;
            let wanted: Result<Vec<bool>, Error> = parts.iter().map(|part| part.is_wanted(lora)).collect();
            let wanted = wanted.unwrap_or_else(|error| {
                refused.get_or_insert(error);
                Vec::new()
            });
            if layer >= adapted || !wanted.contains(&true) {
                return dense;
            }
            let names = parts.into_iter().zip(wanted);
            let names = names.map(|(part, wanted)| wanted.then_some(part.name)).collect();
            dense.with_adapter(names, lora, derive(seed, number))
        });
        refused.map_or(Ok(encoder), Err)
    }

    /// The encoder with its adapters added to its weights.
    pub fn merged(self) -> Self {
        self.map_dense(&mut |_, dense, _| dense.merged())
    }

    /// The adapters, and the last `trainable` layers, which were trained whole.
    pub fn adapter_files(&self, trainable: usize) -> AdapterFiles {
        let mut files = AdapterFiles::default();
        self.clone().map_dense(&mut |_, dense, _| {
            if let Some(adapter) = &dense.adapter {
                files.push(adapter);
            }
            dense
        });
        let tensors = self.named_tensors();
        for layer in self.depth().saturating_sub(trainable)..self.depth() {
            files.push_layer((self.names.layer)(layer), &tensors);
        }
        files
    }

    /// The table of word embeddings, `[vocabulary, embedding]`. A training loop may put a table of fewer rows
    /// there, if it renumbers the tokens of its batches accordingly.
    pub fn word_embedding_table_mut(&mut self) -> &mut Param<Tensor<2>> {
        &mut self.embeddings.words.weight
    }

    /// The number of layers with weights of their own: all, but in ALBERT.
    pub fn depth(&self) -> usize {
        match &self.layers {
            Layers::PostNorm(layers) => layers.depth(),
            Layers::PreNorm(layers) => layers.depth(),
        }
    }

    /// Freezes the embeddings and all but the last `trainable` layers. A frozen layer has no gradient, and no
    /// dropout either, because its features must be the same in training as in prediction.
    pub fn freeze_below(self, trainable: usize) -> Self {
        self.freeze(trainable, Freezing::WeightsAndDropout)
    }

    fn freeze(self, trainable: usize, freezing: Freezing) -> Self {
        Self {
            embeddings: freezing.apply(self.embeddings),
            layers: match self.layers {
                Layers::PostNorm(layers) => Layers::PostNorm(layers.freeze_below(trainable, freezing)),
                Layers::PreNorm(layers) => Layers::PreNorm(layers.freeze_below(trainable, freezing)),
            },
            ..self
        }
    }
}

/// What stays as it is in training where a module is frozen.
#[derive(Debug, Clone, Copy)]
enum Freezing {
    /// The weights, while dropout drops.
    Weights,
    /// The weights, and the output, in which nothing is dropped.
    WeightsAndDropout,
}

impl Freezing {
    fn apply<M: Module>(self, module: M) -> M {
        match self {
            Self::Weights => module.no_grad(),
            Self::WeightsAndDropout => module.freeze(),
        }
    }

    /// Freezes all but the last `trainable` layers.
    fn all_but_last<L: Module>(self, layers: Vec<L>, trainable: usize) -> Vec<L> {
        let frozen = layers.len().saturating_sub(trainable);
        let layers = layers.into_iter().enumerate();
        layers
            .map(|(number, layer)| if number < frozen { self.apply(layer) } else { layer })
            .collect()
    }
}

#[cfg(test)]
mod tests;
