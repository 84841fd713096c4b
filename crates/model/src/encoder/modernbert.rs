//! ModernBERT (Warner et al. 2024, arXiv:2412.13663): transformer layers with layer normalisation before each
//! sub-layer (pre-norm), rotary position embeddings, and gated linear units. Most layers attend to near tokens
//! alone.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, LayerNorm};
use burn::tensor::Tensor;
use labelproof_kernels::dropout::{KeepMask, dropout};
use labelproof_kernels::fused::{attention, layer_norm, to_precision};
use labelproof_kernels::random::derive;
use labelproof_settings::encoder::{Activation, Attended, EncoderConfig, ModernBert};
use labelproof_settings::train::LoraTarget;

use super::NO_ATTENTION;
use super::bert;
use super::names::Names;
use super::relative_positions::beyond;
use super::rotary_positions::Rotation;
use super::{ChangeDense, Freezing};
use crate::Precision;
use crate::adapter::Part;
use crate::dense::{Dense, activate};
use crate::weights::{NamedTensors, TensorSource};

/// The embeddings' names; a layer has names of its own.
pub(super) const NAMES: Names = Names {
    prefix: "model.",
    unused: &["head.", "decoder."],
    words: "embeddings.tok_embeddings",
    norm: "embeddings.norm",
    layer: |number| format!("layers.{number}"),
    ..bert::NAMES
};

pub(crate) const FINAL_NORM: &str = "final_norm";

/// The projections of attention, which are one dense layer in the files too.
const PROJECTIONS: [LoraTarget; 3] = [LoraTarget::Query, LoraTarget::Key, LoraTarget::Value];

/// All layers of an encoder, and the layer normalisation of their output.
#[derive(Module, Debug)]
pub(super) struct PreNorm {
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    #[module(skip)]
    epsilon: f64,
    #[module(skip)]
    heads: usize,
    /// The width of a head.
    #[module(skip)]
    head_width: usize,
    /// The bases of the rotary position embeddings where a layer attends to all and to near tokens.
    #[module(skip)]
    bases: [f64; 2],
    /// The largest distance of a near token.
    #[module(skip)]
    window: usize,
}

#[derive(Module, Debug)]
struct Layer {
    /// None in the first layer, whose input is normalised already.
    attention_norm: Option<LayerNorm>,
    /// Query, key and value side by side.
    projections: Dense,
    attention_output: Dense,
    /// The dropout of the attention weights, and of what attention adds.
    dropout: Dropout,
    feed_forward_norm: LayerNorm,
    /// The input of the activation and the gate side by side.
    gated: Dense,
    feed_forward_output: Dense,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    attended: Attended,
    #[module(skip)]
    epsilon: f64,
}

/// What the layers that attend to the same tokens share in a forward pass.
struct Shared {
    /// Added to the attention scores.
    bias: Tensor<4>,
    rotation: Rotation,
    heads: usize,
    precision: Precision,
}

impl PreNorm {
    pub(super) fn load(source: &mut TensorSource<'_>, config: &EncoderConfig, modern: &ModernBert) -> Self {
        let (width, epsilon) = (config.hidden_size, config.layer_norm_eps);
        let layers = modern.attended.iter().enumerate();
        Self {
            layers: layers
                .map(|(number, &attended)| Layer::load(source, number, attended, config, modern))
                .collect(),
            final_norm: source.layer_norm(FINAL_NORM, width, epsilon, modern.norm_bias),
            epsilon,
            heads: config.num_attention_heads,
            head_width: width / config.num_attention_heads,
            bases: [modern.base, modern.near_base],
            window: modern.window,
        }
    }

    pub(super) fn save(&self, tensors: &mut NamedTensors) {
        for (number, layer) in self.layers.iter().enumerate() {
            layer.save(number, tensors);
        }
        tensors.push_layer_norm(FINAL_NORM, &self.final_norm);
    }

    /// Changes the dense layers.
    pub(super) fn map_dense(self, change: &mut ChangeDense<'_>) -> Self {
        let layers = self.layers.into_iter().enumerate();
        let layers = layers.map(|(number, layer)| layer.map_dense(number, change));
        Self {
            layers: layers.collect(),
            ..self
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Freezes all but the last `trainable` layers.
    pub(super) fn freeze_below(self, trainable: usize, freezing: Freezing) -> Self {
        Self {
            layers: freezing.all_but_last(self.layers, trainable),
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
        let device = hidden.device();
        let [all, near] = self
            .bases
            .map(|base| Rotation::new(base, self.head_width, sequence, &device));
        // Where all are near, the bias stays one of `[batch, 1, 1, sequence]`.
        let near_bias = if sequence <= self.window + 1 {
            bias.clone()
        } else {
            bias.clone() + beyond(self.window, sequence, NO_ATTENTION, &device)
        };
        let shared = |bias, rotation| Shared {
            bias,
            rotation,
            heads: self.heads,
            precision,
        };
        let (all, near) = (shared(bias, all), shared(near_bias, near));
        let layers = self.layers.iter().zip(1..);
        let hidden = layers.fold(hidden, |hidden, (layer, number)| {
            let shared = match layer.attended {
                Attended::All => &all,
                Attended::Near => &near,
            };
            layer.forward(hidden, shared, derive(seed, number))
        });
        layer_norm(&self.final_norm, self.epsilon, hidden)
    }
}

impl Layer {
    fn load(
        source: &mut TensorSource<'_>,
        number: usize,
        attended: Attended,
        config: &EncoderConfig,
        modern: &ModernBert,
    ) -> Self {
        let (width, inner, epsilon) = (
            config.hidden_size,
            config.intermediate_size,
            config.layer_norm_eps,
        );
        let name = |part: &str| format!("layers.{number}.{part}");
        let mut dense = |part: &str, inputs: usize, outputs: usize, has_bias: bool| {
            Dense::new(source.linear(&name(part), inputs, outputs, has_bias))
        };
        let projections = dense("attn.Wqkv", width, 3 * width, modern.attention_bias);
        let attention_output = dense("attn.Wo", width, width, modern.attention_bias);
        let gated = dense("mlp.Wi", width, 2 * inner, modern.mlp_bias);
        let feed_forward_output = dense("mlp.Wo", inner, width, modern.mlp_bias);
        let mut norm = |part: &str| source.layer_norm(&name(part), width, epsilon, modern.norm_bias);
        Self {
            attention_norm: (number > 0).then(|| norm("attn_norm")),
            projections,
            attention_output,
            dropout: DropoutConfig::new(config.attention_probs_dropout_prob).init(),
            feed_forward_norm: norm("mlp_norm"),
            gated,
            feed_forward_output,
            activation: config.hidden_act,
            attended,
            epsilon,
        }
    }

    fn save(&self, number: usize, tensors: &mut NamedTensors) {
        let name = |part: &str| format!("layers.{number}.{part}");
        if let Some(norm) = &self.attention_norm {
            tensors.push_layer_norm(&name("attn_norm"), norm);
        }
        tensors.push_linear(&name("attn.Wqkv"), &self.projections.linear);
        tensors.push_linear(&name("attn.Wo"), &self.attention_output.linear);
        tensors.push_layer_norm(&name("mlp_norm"), &self.feed_forward_norm);
        tensors.push_linear(&name("mlp.Wi"), &self.gated.linear);
        tensors.push_linear(&name("mlp.Wo"), &self.feed_forward_output.linear);
    }

    fn map_dense(self, number: usize, change: &mut ChangeDense<'_>) -> Self {
        let layer = (NAMES.layer)(number);
        let mut change = |dense: Dense, targets: &'static [LoraTarget], name: &str| {
            let name = format!("{layer}.{name}");
            change(number, dense, vec![Part { targets, name }])
        };
        Self {
            projections: change(self.projections, &PROJECTIONS, "attn.Wqkv"),
            attention_output: change(self.attention_output, &[LoraTarget::AttentionOutput], "attn.Wo"),
            gated: change(self.gated, &[LoraTarget::Intermediate], "mlp.Wi"),
            feed_forward_output: change(self.feed_forward_output, &[LoraTarget::Output], "mlp.Wo"),
            ..self
        }
    }

    /// The forward pass. `hidden` and the output are `[batch, sequence, hidden]`, and `seed` is the seed of
    /// dropout.
    fn forward(&self, hidden: Tensor<3>, shared: &Shared, seed: u64) -> Tensor<3> {
        let hidden = hidden.clone() + self.attend(hidden, shared, seed);
        hidden.clone() + self.feed_forward(hidden, derive(seed, 2), shared.precision)
    }

    /// What attention adds.
    fn attend(&self, hidden: Tensor<3>, shared: &Shared, seed: u64) -> Tensor<3> {
        let precision = shared.precision;
        let input = match &self.attention_norm {
            Some(norm) => layer_norm(norm, self.epsilon, hidden),
            None => hidden,
        };
        let projections =
            self.projections
                .forward(to_precision(input, precision), derive(seed, 3), precision);
        let projections = shared.rotation.rotate(projections, shared.heads);
        let keep_mask = KeepMask::new(&self.dropout, &projections.device(), derive(seed, 0));
        let attended = attention(projections, shared.bias.clone(), shared.heads, keep_mask);
        let output = self
            .attention_output
            .forward_to_float32(attended, derive(seed, 4), precision);
        dropout(&self.dropout, output, derive(seed, 1))
    }

    /// What the feed-forward sub-layer adds (Shazeer 2020, arXiv:2002.05202).
    fn feed_forward(&self, hidden: Tensor<3>, seed: u64, precision: Precision) -> Tensor<3> {
        let input = to_precision(
            layer_norm(&self.feed_forward_norm, self.epsilon, hidden),
            precision,
        );
        let gated = self.gated.forward(input, derive(seed, 0), precision);
        let [_, _, width] = gated.dims();
        let inner = gated.clone().narrow(2, 0, width / 2);
        let gate = gated.narrow(2, width / 2, width / 2);
        let inner = activate(inner, self.activation) * gate;
        self.feed_forward_output
            .forward_to_float32(inner, derive(seed, 1), precision)
    }
}
