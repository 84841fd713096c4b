//! ModernBERT's layers: layer normalisation before each sub-layer, rotary positions, gated linear units.

use labelproof_settings::encoder::{Attended, ModernBert};

use super::graph::{Attribute, Value, signed};
use super::{Inputs, Network};
use crate::encoder::NO_ATTENTION;
use crate::encoder::modernbert::FINAL_NORM;
use crate::encoder::rotary_positions::angles;

/// What the layers that attend to the same tokens share.
struct Shared {
    /// Added to the attention scores.
    bias: Value,
    /// `[sequence, width / 2]`.
    cosines: Value,
    /// `[sequence, width / 2]`.
    sines: Value,
}

impl Network<'_> {
    /// The forward pass through all layers.
    pub(super) fn modernbert(&mut self, inputs: &Inputs, mut hidden: Value, modern: &ModernBert) -> Value {
        let near_bias = self.near_bias(inputs, modern.window);
        let all = self.shared(inputs, inputs.bias.clone(), modern.base);
        let near = self.shared(inputs, near_bias, modern.near_base);
        for (number, attended) in modern.attended.iter().enumerate() {
            let name = |part: &str| format!("layers.{number}.{part}");
            let shared = match attended {
                Attended::All => &all,
                Attended::Near => &near,
            };
            let normalized = match number {
                0 => hidden.clone(),
                _ => self.layer_norm(&hidden, &name("attn_norm")),
            };
            let attended = self.rotary_attention(&normalized, &name("attn.Wqkv"), shared);
            let attended = self.dense(&attended, &name("attn.Wo"));
            hidden = self.sum(&hidden, &attended);
            let normalized = self.layer_norm(&hidden, &name("mlp_norm"));
            let gated = self.dense(&normalized, &name("mlp.Wi"));
            let [inner, gate] = self.split(&gated);
            let inner = self.activate(&inner, self.config.hidden_act);
            let inner = self.graph.node("Mul", &[&inner, &gate], &[]);
            let output = self.dense(&inner, &name("mlp.Wo"));
            hidden = self.sum(&hidden, &output);
        }
        self.layer_norm(&hidden, FINAL_NORM)
    }

    fn rotary_attention(&mut self, hidden: &Value, projections: &str, shared: &Shared) -> Value {
        let projected = self.dense(hidden, projections);
        let [queries, keys, values] = self.split(&projected).map(|part| self.by_head(&part));
        let [queries, keys] = [queries, keys].map(|part| self.rotated(&part, shared));
        let keys = self.transposed(&keys, &[0, 1, 3, 2]);
        let products = self.graph.node("MatMul", &[&queries, &keys], &[]);
        let scores = self.scaled(&products, self.score_scale(1.0));
        let scores = self.sum(&scores, &shared.bias);
        self.attend(&scores, &values)
    }

    /// Rotates queries or keys, `[batch, heads, sequence, width]`.
    fn rotated(&mut self, input: &Value, shared: &Shared) -> Value {
        let [first, second] = self.split(input);
        let mut product = |one: &Value, other: &Value| self.graph.node("Mul", &[one, other], &[]);
        let terms = [
            product(&first, &shared.cosines),
            product(&second, &shared.sines),
            product(&second, &shared.cosines),
            product(&first, &shared.sines),
        ];
        let left = self.graph.node("Sub", &[&terms[0], &terms[1]], &[]);
        let right = self.sum(&terms[2], &terms[3]);
        self.graph
            .node("Concat", &[&left, &right], &[("axis", Attribute::Integer(-1))])
    }

    /// Equal parts of the last axis.
    fn split<const N: usize>(&mut self, input: &Value) -> [Value; N] {
        self.graph
            .node_of("Split", &[input], &[("axis", Attribute::Integer(-1))])
    }

    fn shared(&mut self, inputs: &Inputs, bias: Value, base: f64) -> Shared {
        let config = self.config;
        let (longest, width) = (
            config.longest_input,
            config.hidden_size / config.num_attention_heads,
        );
        let mut table = |name: &str, function: fn(f32) -> f32| {
            let make = || {
                let values = angles(base, width, longest).into_iter().map(function);
                (vec![longest, width / 2], values.collect())
            };
            let table = self.graph.constant(&format!("{name} of base {base}"), make);
            self.first_rows(&table, 0, &inputs.sequence)
        };
        Shared {
            bias,
            cosines: table("cosines", f32::cos),
            sines: table("sines", f32::sin),
        }
    }

    /// The bias of padding and of what is farther away than `window`, `[batch, 1, sequence, sequence]`.
    fn near_bias(&mut self, inputs: &Inputs, window: usize) -> Value {
        let distances = self.distances(inputs);
        let distances = self.graph.node("Abs", &[&distances], &[]);
        let window = self.graph.integer(signed(window));
        let is_far = self.graph.node("Greater", &[&distances, &window], &[]);
        let (far, near) = (self.graph.number(NO_ATTENTION), self.graph.number(0.0));
        let beyond = self.graph.node("Where", &[&is_far, &far, &near], &[]);
        self.sum(&inputs.bias, &beyond)
    }
}
