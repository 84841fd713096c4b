//! Transformer layers with layer normalisation after each residual connection (post-norm), which all families
//! but ModernBERT have.

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, LayerNorm, Linear};
use burn::tensor::Tensor;
use labelproof_kernels::dropout::{KeepMask, dropout};
use labelproof_kernels::fused::{attention, bias_dropout_add_layer_norm, to_float32, to_precision};
use labelproof_kernels::random::derive;
use labelproof_settings::encoder::{Activation, EncoderConfig, Family};
use labelproof_settings::train::LoraTarget;

use super::albert::groups_of_layers;
use super::deberta_v2::{DisentangledPositions, disentangle};
use super::mpnet::RelativeBias;
use super::names::{LayerNames, Names};
use super::{ChangeDense, Freezing};
use crate::Precision;
use crate::adapter::Part;
use crate::dense::Dense;
use crate::weights::{NamedTensors, TensorSource};

/// The number of projections that attention has: query, key and value.
const PROJECTIONS: usize = 3;

/// All layers of an encoder.
#[derive(Module, Debug)]
pub(super) struct PostNorm {
    layers: Vec<Layer>,
    /// MPNet's.
    relative_bias: Option<RelativeBias>,
    /// DeBERTa's.
    disentangled: Option<DisentangledPositions>,
    /// The layers by number, in the order in which they are applied: ALBERT applies one several times.
    #[module(skip)]
    order: Vec<usize>,
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

/// What a forward pass through all layers shares.
#[derive(Clone, Copy)]
struct Shared<'a> {
    /// Added to the attention scores.
    bias: &'a Tensor<4>,
    /// DeBERTa's embeddings of relative positions, see [`DisentangledPositions::rows`].
    positions: Option<&'a Tensor<3>>,
    precision: Precision,
}

impl PostNorm {
    pub(super) fn load(source: &mut TensorSource<'_>, names: &Names, config: &EncoderConfig) -> Self {
        let depth = config.num_hidden_layers;
        let (count, order) = match config.family {
            Family::Albert { groups } => (groups, groups_of_layers(depth, groups)),
            _ => (depth, (0..depth).collect()),
        };
        let layers =
            (0..count).map(|number| Layer::load(source, &(names.layer)(number), &names.parts, config));
        let layers = layers.collect();
        let relative_bias = match config.family {
            Family::Mpnet { buckets } => {
                Some(RelativeBias::load(source, buckets, config.num_attention_heads))
            }
            _ => None,
        };
        let disentangled = match &config.family {
            Family::DebertaV2(deberta) => Some(DisentangledPositions::load(source, deberta, config)),
            _ => None,
        };
        Self {
            layers,
            relative_bias,
            disentangled,
            order,
        }
    }

    pub(super) fn save(&self, names: &Names, tensors: &mut NamedTensors) {
        for (number, layer) in self.layers.iter().enumerate() {
            layer.save(&(names.layer)(number), &names.parts, tensors);
        }
        if let Some(relative_bias) = &self.relative_bias {
            relative_bias.save(tensors);
        }
        if let Some(disentangled) = &self.disentangled {
            disentangled.save(tensors);
        }
    }

    /// Changes the dense layers.
    pub(super) fn map_dense(self, names: &Names, change: &mut ChangeDense<'_>) -> Self {
        let layers = self.layers.into_iter().enumerate();
        let layers = layers.map(|(number, layer)| layer.map_dense(number, names, change));
        Self {
            layers: layers.collect(),
            ..self
        }
    }

    /// The number of layers with weights of their own.
    pub(super) fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Freezes all but the last `trainable` layers, and the relative positions, which belong to all of them.
    pub(super) fn freeze_below(self, trainable: usize, freezing: Freezing) -> Self {
        Self {
            layers: freezing.all_but_last(self.layers, trainable),
            relative_bias: self.relative_bias.map(|module| freezing.apply(module)),
            disentangled: self.disentangled.map(|module| freezing.apply(module)),
            ..self
        }
    }

    /// The forward pass through all layers. `bias`, `[batch, 1, 1, sequence]`, is added to the attention
    /// scores of each key.
    pub(super) fn forward(
        &self,
        hidden: Tensor<3>,
        bias: Tensor<4>,
        seed: u64,
        precision: Precision,
    ) -> Tensor<3> {
        let [_, sequence, _] = hidden.dims();
        let bias = match &self.relative_bias {
            Some(relative) => bias + relative.forward(sequence),
            None => bias,
        };
        let positions = self
            .disentangled
            .as_ref()
            .map(|positions| positions.rows(sequence));
        let shared = Shared {
            bias: &bias,
            positions: positions.as_ref(),
            precision,
        };
        let applied = self.order.iter().zip(1..);
        applied.fold(hidden, |hidden, (&layer, number)| {
            self.layers[layer].forward(hidden, shared, derive(seed, number))
        })
    }
}

impl Layer {
    fn load(source: &mut TensorSource<'_>, layer: &str, parts: &LayerNames, config: &EncoderConfig) -> Self {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        // ALBERT has no dropout after the feed-forward sub-layer.
        let output_dropout = match config.family {
            Family::Albert { .. } => 0.0,
            _ => config.hidden_dropout_prob,
        };
        let intermediate = source.linear(&format!("{layer}.{}", parts.intermediate), width, inner, true);
        Self {
            attention: Attention::load(source, layer, parts, config),
            intermediate: Dense::new(intermediate),
            activation: config.hidden_act,
            output: Output {
                dense: Dense::new(source.linear(&format!("{layer}.{}", parts.output), inner, width, true)),
                norm: source.layer_norm(
                    &format!("{layer}.{}", parts.output_norm),
                    width,
                    config.layer_norm_eps,
                    true,
                ),
                dropout: DropoutConfig::new(output_dropout).init(),
                epsilon: config.layer_norm_eps,
            },
        }
    }

    fn save(&self, layer: &str, parts: &LayerNames, tensors: &mut NamedTensors) {
        let name = |part: &str| format!("{layer}.{part}");
        self.attention.save(layer, parts, tensors);
        tensors.push_linear(&name(parts.intermediate), &self.intermediate.linear);
        tensors.push_linear(&name(parts.output), &self.output.dense.linear);
        tensors.push_layer_norm(&name(parts.output_norm), &self.output.norm);
    }

    fn map_dense(self, number: usize, names: &Names, change: &mut ChangeDense<'_>) -> Self {
        let layer = (names.layer)(number);
        let part = |targets: &'static [LoraTarget], name: &str| Part {
            targets,
            name: format!("{layer}.{name}"),
        };
        let parts = &names.parts;
        let projections = vec![
            part(&[LoraTarget::Query], parts.query),
            part(&[LoraTarget::Key], parts.key),
            part(&[LoraTarget::Value], parts.value),
        ];
        let attention_output = vec![part(&[LoraTarget::AttentionOutput], parts.attention_output)];
        let intermediate = vec![part(&[LoraTarget::Intermediate], parts.intermediate)];
        let output = vec![part(&[LoraTarget::Output], parts.output)];
        let mut change = |dense: Dense, parts: Vec<Part>| change(number, dense, parts);
        Self {
            attention: Attention {
                projections: change(self.attention.projections, projections),
                output: Output {
                    dense: change(self.attention.output.dense, attention_output),
                    ..self.attention.output
                },
                ..self.attention
            },
            intermediate: change(self.intermediate, intermediate),
            output: Output {
                dense: change(self.output.dense, output),
                ..self.output
            },
            ..self
        }
    }

    /// The forward pass. `hidden` and the output are `[batch, sequence, hidden]`, and `seed` is the seed of
    /// dropout.
    fn forward(&self, hidden: Tensor<3>, shared: Shared<'_>, seed: u64) -> Tensor<3> {
        let attended = self.attention.forward(hidden, shared, seed);
        let input = to_precision(attended.clone(), shared.precision);
        let inner =
            self.intermediate
                .forward_and_activate(input, self.activation, derive(seed, 4), shared.precision);
        self.output
            .forward(inner, attended, derive(seed, 2), shared.precision)
    }
}

impl Attention {
    fn load(source: &mut TensorSource<'_>, layer: &str, parts: &LayerNames, config: &EncoderConfig) -> Self {
        let width = config.hidden_size;
        let name = |part: &str| format!("{layer}.{part}");
        let projections = parts
            .projections()
            .map(|part| source.linear(&name(part), width, width, true));
        Self {
            projections: Dense::new(concatenate(&projections)),
            output: Output {
                dense: Dense::new(source.linear(&name(parts.attention_output), width, width, true)),
                norm: source.layer_norm(&name(parts.attention_norm), width, config.layer_norm_eps, true),
                dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
                epsilon: config.layer_norm_eps,
            },
            weight_dropout: DropoutConfig::new(config.attention_probs_dropout_prob).init(),
            heads: config.num_attention_heads,
        }
    }

    fn save(&self, layer: &str, parts: &LayerNames, tensors: &mut NamedTensors) {
        let name = |part: &str| format!("{layer}.{part}");
        for (part, projection) in parts.projections().iter().zip(split(&self.projections.linear)) {
            tensors.push_linear(&name(part), &projection);
        }
        tensors.push_linear(&name(parts.attention_output), &self.output.dense.linear);
        tensors.push_layer_norm(&name(parts.attention_norm), &self.output.norm);
    }

    fn forward(&self, hidden: Tensor<3>, shared: Shared<'_>, seed: u64) -> Tensor<3> {
        let precision = shared.precision;
        let input = to_precision(hidden.clone(), precision);
        let projections = self.projections.forward(input, derive(seed, 5), precision);
        let (projections, bias) = match shared.positions {
            Some(positions) => {
                let positions = self.output.drop(positions.clone(), derive(seed, 3));
                let positions =
                    self.projections
                        .forward(to_precision(positions, precision), derive(seed, 6), precision);
                let (projections, bias) = disentangle(projections, &positions, self.heads);
                (projections, shared.bias.clone() + bias)
            }
            None => (projections, shared.bias.clone()),
        };
        let keep_mask = KeepMask::new(&self.weight_dropout, &hidden.device(), derive(seed, 0));
        let attended = attention(projections, bias, self.heads, keep_mask);
        self.output.forward(attended, hidden, derive(seed, 1), precision)
    }
}

impl Output {
    /// The dropout of the sub-layer's output, applied to another tensor.
    fn drop(&self, input: Tensor<3>, seed: u64) -> Tensor<3> {
        dropout(&self.dropout, input, seed)
    }

    /// The forward pass. `inner` is `[batch, sequence, inputs]`; `residual`, the input of the sub-layer, and
    /// the output are `[batch, sequence, hidden]`.
    fn forward(&self, inner: Tensor<3>, residual: Tensor<3>, seed: u64, precision: Precision) -> Tensor<3> {
        let output = to_float32(self.dense.forward_without_bias(inner, derive(seed, 0), precision));
        let keep_mask = KeepMask::new(&self.dropout, &output.device(), seed);
        let layer = &self.dense.linear;
        bias_dropout_add_layer_norm(layer, &self.norm, self.epsilon, keep_mask, output, residual)
    }
}

/// Concatenates the outputs of dense layers with the same input into one layer.
fn concatenate(layers: &[Linear; PROJECTIONS]) -> Linear {
    let weights = layers.iter().map(|layer| layer.weight.val()).collect();
    let biases = layers.iter().filter_map(|layer| Some(layer.bias.as_ref()?.val()));
    Linear {
        weight: Param::from_tensor(Tensor::cat(weights, 1)),
        bias: Some(Param::from_tensor(Tensor::cat(biases.collect(), 0))),
    }
}

/// Undoes [`concatenate`].
fn split(layer: &Linear) -> [Linear; PROJECTIONS] {
    let weights = layer.weight.val().chunk(PROJECTIONS, 1);
    let biases = layer.bias.as_ref().map(|bias| bias.val().chunk(PROJECTIONS, 0));
    std::array::from_fn(|number| Linear {
        weight: Param::from_tensor(weights[number].clone()),
        bias: biases
            .as_ref()
            .map(|biases| Param::from_tensor(biases[number].clone())),
    })
}
