//! BERT's encoder (Devlin et al. 2019, arXiv:1810.04805) with the tensor names of Hugging Face.
//!
//! Transformer layers with layer normalisation after each residual connection (post-norm), over the sum of
//! word, position and segment embeddings. Every text is one segment. Padding is never attended to.
//!
//! Responsible for the forward pass and for the names of the tensors. The arithmetic of each operation, and
//! its backward pass, is that of `labelproof_kernels::fused`.

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, Embedding, LayerNorm, Linear};
use burn::tensor::activation::{gelu_approximate, relu};
use burn::tensor::{Device, Tensor};
use labelproof_kernels::dropout::{KeepMask, dropout};
use labelproof_kernels::fused::{
    attention, attention_bias, bias_dropout_add_layer_norm, layer_norm, to_float32, to_precision,
};
use labelproof_kernels::random::derive;
use labelproof_settings::Precision;
use labelproof_settings::encoder::{Activation, EncoderConfig};

use crate::batch::Batch;
use crate::dense::Dense;
use crate::weights::{NamedTensors, TensorSource};

/// The attention bias of padding. It makes the attention weight exactly zero, and is finite, so that no row
/// becomes NaN.
const NO_ATTENTION: f32 = -1e9;

/// The projections of attention, in the order in which they lie side by side.
const PROJECTIONS: [&str; 3] = ["query", "key", "value"];

/// A BERT encoder, from token ids to a vector for each token.
#[derive(Module, Debug)]
pub struct Encoder {
    embeddings: Embeddings,
    layers: Vec<Layer>,
}

#[derive(Module, Debug)]
struct Embeddings {
    words: Embedding,
    positions: Embedding,
    segments: Embedding,
    norm: LayerNorm,
    dropout: Dropout,
    #[module(skip)]
    epsilon: f64,
}

#[derive(Module, Debug)]
struct Layer {
    attention: Attention,
    intermediate: Dense,
    #[module(skip)]
    activation: Activation,
    output: Output,
}

#[derive(Module, Debug)]
struct Attention {
    /// Query, key and value as one dense layer: one matrix product instead of three.
    projections: Dense,
    output: Output,
    weight_dropout: Dropout,
    #[module(skip)]
    heads: usize,
}

/// The end of a sub-layer: a dense layer, dropout, the residual connection and layer normalisation.
#[derive(Module, Debug)]
struct Output {
    dense: Dense,
    norm: LayerNorm,
    dropout: Dropout,
    #[module(skip)]
    epsilon: f64,
}

impl Encoder {
    /// Takes the encoder's tensors from a file.
    pub fn load(source: &mut TensorSource<'_>, config: &EncoderConfig) -> Self {
        let layers = (0..config.num_hidden_layers)
            .map(|number| Layer::load(source, number, config))
            .collect();
        Self {
            embeddings: Embeddings::load(source, config),
            layers,
        }
    }

    /// The encoder's tensors in Hugging Face's names and layout.
    pub fn named_tensors(&self) -> NamedTensors {
        let mut tensors = NamedTensors::default();
        self.embeddings.save(&mut tensors);
        for (number, layer) in self.layers.iter().enumerate() {
            layer.save(number, &mut tensors);
        }
        tensors
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
        let embedded = self.embeddings.forward(batch);
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
        let layers = self.layers.iter().zip(1..);
        layers.fold(embedded, |hidden, (layer, number)| {
            layer.forward(hidden, &bias, derive(seed, number), precision)
        })
    }

    /// The word embeddings of a batch, `[batch, sequence, hidden]`, before positions and segments are added.
    pub fn word_embeddings(&self, batch: &Batch) -> Tensor<3> {
        self.embeddings.words.forward(batch.tokens.clone())
    }

    /// The forward pass in float32 from word embeddings, `[batch, sequence, hidden]`, none of which is
    /// padding, without dropout.
    pub fn forward_words(&self, words: Tensor<3>) -> Tensor<3> {
        const NO_SEED: u64 = 0;
        let [rows, sequence, _] = words.dims();
        let bias = Tensor::zeros([rows, sequence], &words.device());
        let embedded = self.embeddings.forward_words(words, NO_SEED);
        self.forward_layers(embedded, bias, NO_SEED, Precision::Float32)
    }

    /// Adds a quantised weight to each dense layer, for [`Precision::Int8`].
    pub fn with_int8(self) -> Self {
        let layers = self.layers.into_iter().map(Layer::with_int8);
        Self {
            layers: layers.collect(),
            ..self
        }
    }

    /// The table of word embeddings, `[vocabulary, hidden]`. A training loop may put a table of fewer rows
    /// there, if it renumbers the tokens of its batches accordingly.
    pub fn word_embedding_table_mut(&mut self) -> &mut Param<Tensor<2>> {
        &mut self.embeddings.words.weight
    }

    /// The number of layers.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Freezes the embeddings and all but the last `trainable` layers. A frozen layer has no gradient, and no
    /// dropout either, because its features must be the same in training as in prediction.
    pub fn freeze_below(mut self, trainable: usize) -> Self {
        let frozen = self.layers.len().saturating_sub(trainable);
        self.embeddings = self.embeddings.freeze();
        self.layers = self
            .layers
            .into_iter()
            .enumerate()
            .map(|(number, layer)| if number < frozen { layer.freeze() } else { layer })
            .collect();
        self
    }
}

impl Embeddings {
    fn load(source: &mut TensorSource<'_>, config: &EncoderConfig) -> Self {
        let width = config.hidden_size;
        Self {
            words: source.embedding("embeddings.word_embeddings", config.vocab_size, width),
            positions: source.embedding(
                "embeddings.position_embeddings",
                config.max_position_embeddings,
                width,
            ),
            segments: source.embedding("embeddings.token_type_embeddings", config.type_vocab_size, width),
            norm: source.layer_norm("embeddings.LayerNorm", width, config.layer_norm_eps),
            dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
            epsilon: config.layer_norm_eps,
        }
    }

    fn save(&self, tensors: &mut NamedTensors) {
        tensors.push("embeddings.word_embeddings.weight", self.words.weight.val());
        tensors.push(
            "embeddings.position_embeddings.weight",
            self.positions.weight.val(),
        );
        tensors.push(
            "embeddings.token_type_embeddings.weight",
            self.segments.weight.val(),
        );
        tensors.push_layer_norm("embeddings.LayerNorm", &self.norm);
    }

    fn forward(&self, batch: &Batch) -> Tensor<3> {
        self.forward_words(self.words.forward(batch.tokens.clone()), batch.seed)
    }

    /// Adds position and segment embeddings to word embeddings, `[batch, sequence, hidden]`, normalises, and
    /// applies dropout with the given seed.
    fn forward_words(&self, words: Tensor<3>, seed: u64) -> Tensor<3> {
        let [_, sequence, _] = words.dims();
        let positions = self.positions.weight.val().narrow(0, 0, sequence);
        let segment = self.segments.weight.val().narrow(0, 0, 1);
        let embedded = words + (positions + segment).unsqueeze::<3>();
        let normalized = layer_norm(&self.norm, self.epsilon, embedded);
        dropout(&self.dropout, normalized, derive(seed, 0))
    }
}

impl Layer {
    fn load(source: &mut TensorSource<'_>, number: usize, config: &EncoderConfig) -> Self {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        Self {
            attention: Attention::load(source, number, config),
            intermediate: Dense::new(source.linear(&name("intermediate.dense"), width, inner)),
            activation: config.hidden_act,
            output: Output::load(source, &name("output"), inner, config),
        }
    }

    fn save(&self, number: usize, tensors: &mut NamedTensors) {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        self.attention.save(number, tensors);
        tensors.push_linear(&name("intermediate.dense"), &self.intermediate.linear);
        self.output.save(&name("output"), tensors);
    }

    fn with_int8(self) -> Self {
        Self {
            attention: self.attention.with_int8(),
            intermediate: self.intermediate.with_int8(),
            output: self.output.with_int8(),
            ..self
        }
    }

    /// The forward pass. `hidden` and the output are `[batch, sequence, hidden]`, `bias` is
    /// `[batch, 1, 1, sequence]`, and `seed` is the seed of dropout.
    fn forward(&self, hidden: Tensor<3>, bias: &Tensor<4>, seed: u64, precision: Precision) -> Tensor<3> {
        let attended = self.attention.forward(hidden, bias, seed, precision);
        let input = to_precision(attended.clone(), precision);
        let inner = match self.activation {
            Activation::Gelu => self.intermediate.forward_and_gelu(input, precision),
            Activation::GeluNew => gelu_approximate(self.intermediate.forward(input, precision)),
            Activation::Relu => relu(self.intermediate.forward(input, precision)),
        };
        self.output.forward(inner, attended, derive(seed, 2), precision)
    }
}

impl Attention {
    fn load(source: &mut TensorSource<'_>, number: usize, config: &EncoderConfig) -> Self {
        let name = |part: &str| format!("encoder.layer.{number}.attention.{part}");
        let width = config.hidden_size;
        Self {
            projections: Dense::new(concatenate(
                &PROJECTIONS.map(|part| source.linear(&name(&format!("self.{part}")), width, width)),
            )),
            output: Output::load(source, &name("output"), width, config),
            weight_dropout: DropoutConfig::new(config.attention_probs_dropout_prob).init(),
            heads: config.num_attention_heads,
        }
    }

    fn save(&self, number: usize, tensors: &mut NamedTensors) {
        let name = |part: &str| format!("encoder.layer.{number}.attention.{part}");
        for (part, layer) in PROJECTIONS.iter().zip(split(&self.projections.linear)) {
            tensors.push_linear(&name(&format!("self.{part}")), &layer);
        }
        self.output.save(&name("output"), tensors);
    }

    fn with_int8(self) -> Self {
        Self {
            projections: self.projections.with_int8(),
            output: self.output.with_int8(),
            ..self
        }
    }

    fn forward(&self, hidden: Tensor<3>, bias: &Tensor<4>, seed: u64, precision: Precision) -> Tensor<3> {
        let input = to_precision(hidden.clone(), precision);
        let projections = self.projections.forward(input, precision);
        let keep_mask = KeepMask::new(&self.weight_dropout, &hidden.device(), derive(seed, 0));
        let attended = attention(projections, bias.clone(), self.heads, keep_mask);
        self.output.forward(attended, hidden, derive(seed, 1), precision)
    }
}

impl Output {
    fn load(source: &mut TensorSource<'_>, name: &str, inputs: usize, config: &EncoderConfig) -> Self {
        let (width, epsilon) = (config.hidden_size, config.layer_norm_eps);
        Self {
            dense: Dense::new(source.linear(&format!("{name}.dense"), inputs, width)),
            norm: source.layer_norm(&format!("{name}.LayerNorm"), width, epsilon),
            dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
            epsilon,
        }
    }

    fn save(&self, name: &str, tensors: &mut NamedTensors) {
        tensors.push_linear(&format!("{name}.dense"), &self.dense.linear);
        tensors.push_layer_norm(&format!("{name}.LayerNorm"), &self.norm);
    }

    fn with_int8(self) -> Self {
        Self {
            dense: self.dense.with_int8(),
            ..self
        }
    }

    /// The forward pass. `inner` is `[batch, sequence, inputs]`; `residual`, the input of the sub-layer, and
    /// the output are `[batch, sequence, hidden]`.
    fn forward(&self, inner: Tensor<3>, residual: Tensor<3>, seed: u64, precision: Precision) -> Tensor<3> {
        let output = to_float32(self.dense.forward_without_bias(inner, precision));
        let keep_mask = KeepMask::new(&self.dropout, &output.device(), seed);
        let layer = &self.dense.linear;
        bias_dropout_add_layer_norm(layer, &self.norm, self.epsilon, keep_mask, output, residual)
    }
}

/// Concatenates the outputs of dense layers with the same input into one layer.
fn concatenate(layers: &[Linear; PROJECTIONS.len()]) -> Linear {
    let weights = layers.iter().map(|layer| layer.weight.val()).collect();
    let biases = layers.iter().filter_map(|layer| Some(layer.bias.as_ref()?.val()));
    Linear {
        weight: Param::from_tensor(Tensor::cat(weights, 1)),
        bias: Some(Param::from_tensor(Tensor::cat(biases.collect(), 0))),
    }
}

/// Undoes [`concatenate`].
fn split(layer: &Linear) -> [Linear; PROJECTIONS.len()] {
    let weights = layer.weight.val().chunk(PROJECTIONS.len(), 1);
    let biases = layer
        .bias
        .as_ref()
        .map(|bias| bias.val().chunk(PROJECTIONS.len(), 0));
    std::array::from_fn(|number| Linear {
        weight: Param::from_tensor(weights[number].clone()),
        bias: biases
            .as_ref()
            .map(|biases| Param::from_tensor(biases[number].clone())),
    })
}

/// Reads an encoder from the bytes of its tensor file. Returns with it the tensors that only pre-training
/// needs.
pub fn load_encoder(
    path: &std::path::Path,
    bytes: &[u8],
    config: &EncoderConfig,
    device: &Device,
) -> Result<(Encoder, NamedTensors), crate::Error> {
    let mut source = TensorSource::new(path, bytes, device)?;
    let encoder = Encoder::load(&mut source, config);
    Ok((encoder, source.finish()?))
}

#[cfg(test)]
mod tests;
