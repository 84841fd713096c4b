//! BERT's encoder (Devlin et al. 2019, arXiv:1810.04805) with the tensor names of Hugging Face.
//!
//! Post-layer-norm transformer layers over the sum of word, position and segment embeddings. Every text is one
//! segment. Padding is never attended to.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, LayerNorm, Linear};
use burn::tensor::activation::{gelu, gelu_approximate, relu, softmax};
use burn::tensor::module::attention;
use burn::tensor::{Device, Tensor};

use crate::batch::Batch;
use crate::encoder_config::{Activation, EncoderConfig};
use crate::weights::{NamedTensors, TensorSource};

/// Added to the attention scores of padding: its weight becomes exactly zero, and no row becomes NaN.
const NO_ATTENTION: f32 = -1e9;

/// The encoder.
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
}

#[derive(Module, Debug)]
struct Layer {
    attention: Attention,
    intermediate: Linear,
    #[module(skip)]
    activation: Activation,
    output: Linear,
    norm: LayerNorm,
    dropout: Dropout,
}

#[derive(Module, Debug)]
struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    norm: LayerNorm,
    weight_dropout: Dropout,
    output_dropout: Dropout,
    #[module(skip)]
    heads: usize,
}

impl Encoder {
    /// Takes the encoder's tensors.
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

    /// The vectors of every token, `[batch, sequence, hidden]`; those of padding mean nothing.
    pub fn forward(&self, batch: &Batch) -> Tensor<3> {
        // [batch, 1, 1, sequence]: the same for every head and every asking token.
        let bias: Option<Tensor<4>> = batch.mask.clone().map(|mask| {
            mask.sub_scalar(1.0)
                .mul_scalar(-NO_ATTENTION)
                .unsqueeze_dim::<3>(1)
                .unsqueeze_dim(2)
        });
        let embedded = self.embeddings.forward(batch);
        self.layers
            .iter()
            .fold(embedded, |hidden, layer| layer.forward(hidden, bias.as_ref()))
    }

    /// The word embeddings of a batch, `[batch, sequence, hidden]`, before positions and segments are added.
    pub fn word_embeddings(&self, batch: &Batch) -> Tensor<3> {
        self.embeddings.words.forward(batch.tokens.clone())
    }

    /// [`Encoder::forward`] from word embeddings, `[batch, sequence, hidden]`, none of which is padding.
    pub fn forward_words(&self, words: Tensor<3>) -> Tensor<3> {
        let embedded = self.embeddings.forward_words(words);
        self.layers
            .iter()
            .fold(embedded, |hidden, layer| layer.forward(hidden, None))
    }

    /// Layers.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Freezes the embeddings and all but the last `trainable` layers: no gradient, and no dropout either, because
    /// what does not learn must give the same features while training as when predicting.
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
        self.forward_words(self.words.forward(batch.tokens.clone()))
    }

    /// Adds positions and segments to word embeddings, `[batch, sequence, hidden]`.
    fn forward_words(&self, words: Tensor<3>) -> Tensor<3> {
        let [_, sequence, _] = words.dims();
        let positions = self.positions.weight.val().narrow(0, 0, sequence);
        let segment = self.segments.weight.val().narrow(0, 0, 1);
        let embedded = words + (positions + segment).unsqueeze::<3>();
        self.dropout.forward(self.norm.forward(embedded))
    }
}

impl Layer {
    fn load(source: &mut TensorSource<'_>, number: usize, config: &EncoderConfig) -> Self {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        Self {
            attention: Attention::load(source, number, config),
            intermediate: source.linear(&name("intermediate.dense"), width, inner),
            activation: config.hidden_act,
            output: source.linear(&name("output.dense"), inner, width),
            norm: source.layer_norm(&name("output.LayerNorm"), width, config.layer_norm_eps),
            dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
        }
    }

    fn save(&self, number: usize, tensors: &mut NamedTensors) {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        self.attention.save(number, tensors);
        tensors.push_linear(&name("intermediate.dense"), &self.intermediate);
        tensors.push_linear(&name("output.dense"), &self.output);
        tensors.push_layer_norm(&name("output.LayerNorm"), &self.norm);
    }

    /// `hidden` and the result are `[batch, sequence, hidden]`, `bias` `[batch, 1, 1, sequence]`.
    fn forward(&self, hidden: Tensor<3>, bias: Option<&Tensor<4>>) -> Tensor<3> {
        let attended = self.attention.forward(hidden, bias);
        let inner = self.intermediate.forward(attended.clone());
        let inner = match self.activation {
            Activation::Gelu => gelu(inner),
            Activation::GeluNew => gelu_approximate(inner),
            Activation::Relu => relu(inner),
        };
        let output = self.dropout.forward(self.output.forward(inner));
        self.norm.forward(output + attended)
    }
}

impl Attention {
    fn load(source: &mut TensorSource<'_>, number: usize, config: &EncoderConfig) -> Self {
        let name = |part: &str| format!("encoder.layer.{number}.attention.{part}");
        let width = config.hidden_size;
        Self {
            query: source.linear(&name("self.query"), width, width),
            key: source.linear(&name("self.key"), width, width),
            value: source.linear(&name("self.value"), width, width),
            output: source.linear(&name("output.dense"), width, width),
            norm: source.layer_norm(&name("output.LayerNorm"), width, config.layer_norm_eps),
            weight_dropout: DropoutConfig::new(config.attention_probs_dropout_prob).init(),
            output_dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
            heads: config.num_attention_heads,
        }
    }

    fn save(&self, number: usize, tensors: &mut NamedTensors) {
        let name = |part: &str| format!("encoder.layer.{number}.attention.{part}");
        tensors.push_linear(&name("self.query"), &self.query);
        tensors.push_linear(&name("self.key"), &self.key);
        tensors.push_linear(&name("self.value"), &self.value);
        tensors.push_linear(&name("output.dense"), &self.output);
        tensors.push_layer_norm(&name("output.LayerNorm"), &self.norm);
    }

    fn forward(&self, hidden: Tensor<3>, bias: Option<&Tensor<4>>) -> Tensor<3> {
        let [batch, sequence, width] = hidden.dims();
        // [batch, heads, sequence, width / heads]
        let split = |tensor: Tensor<3>| -> Tensor<4> {
            tensor
                .reshape([batch, sequence, self.heads, width / self.heads])
                .swap_dims(1, 2)
        };
        let query = split(self.query.forward(hidden.clone()));
        let key = split(self.key.forward(hidden.clone()));
        let value = split(self.value.forward(hidden.clone()));
        let attended = match bias {
            // The fused kernel takes no dropout, and burn-tch 0.22 hands LibTorch a mask of the opposite meaning:
            // it serves where neither is needed.
            None if !hidden.device().is_autodiff() => attention(
                query,
                key,
                value,
                None,
                None,
                burn::tensor::ops::AttentionModuleOptions::default(),
            ),
            _ => {
                let scale = 1.0 / (width as f64 / self.heads as f64).sqrt();
                let scores = query.matmul(key.swap_dims(2, 3)).mul_scalar(scale);
                let scores = match bias {
                    Some(bias) => scores + bias.clone(),
                    None => scores,
                };
                self.weight_dropout.forward(softmax(scores, 3)).matmul(value)
            }
        };
        let joined = attended.swap_dims(1, 2).reshape([batch, sequence, width]);
        let output = self.output_dropout.forward(self.output.forward(joined));
        self.norm.forward(output + hidden)
    }
}

/// Reads an encoder from the bytes of its tensor file; returns with it the tensors that only pre-training needs.
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
