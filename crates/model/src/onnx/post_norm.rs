//! Layers with layer normalisation after each residual connection, and the relative positions of MPNet and
//! DeBERTa.

use labelproof_settings::encoder::Family;

use super::graph::{Attribute, Value, signed};
use super::{Inputs, Network};
use crate::encoder::{self, albert, deberta_v2, mpnet};

/// What the scores of a layer are added to or looked up by.
enum Relative {
    None,
    /// MPNet's bias, `[1, heads, sequence, sequence]`.
    Bias(Value),
    /// DeBERTa's embeddings of the buckets, `[buckets, hidden]`, and the bucket of each query and key,
    /// `[batch, heads, sequence, sequence]`.
    Disentangled {
        embeddings: Value,
        buckets: Value,
    },
}

impl Network<'_> {
    /// The forward pass through all layers.
    pub(super) fn post_norm(&mut self, inputs: &Inputs, mut hidden: Value) -> Value {
        let config = self.config;
        let names = encoder::names(&config.family);
        let depth = config.num_hidden_layers;
        let order = match config.family {
            Family::Albert { groups } => albert::groups_of_layers(depth, groups),
            _ => (0..depth).collect(),
        };
        let relative = self.relative(inputs);
        for number in order {
            let layer = (names.layer)(number);
            let name = |part: &str| format!("{layer}.{part}");
            let parts = &names.parts;
            let attended = self.attention(inputs, &hidden, &parts.projections().map(name), &relative);
            let attended = self.dense(&attended, &name(parts.attention_output));
            hidden = self.sum(&hidden, &attended);
            hidden = self.layer_norm(&hidden, &name(parts.attention_norm));
            let inner = self.dense(&hidden, &name(parts.intermediate));
            let inner = self.activate(&inner, config.hidden_act);
            let output = self.dense(&inner, &name(parts.output));
            hidden = self.sum(&hidden, &output);
            hidden = self.layer_norm(&hidden, &name(parts.output_norm));
        }
        hidden
    }

    fn attention(
        &mut self,
        inputs: &Inputs,
        hidden: &Value,
        names: &[String; 3],
        relative: &Relative,
    ) -> Value {
        let [queries, keys, values] = names.each_ref().map(|name| {
            let projected = self.dense(hidden, name);
            self.by_head(&projected)
        });
        let transposed = self.transposed(&keys, &[0, 1, 3, 2]);
        let products = self.graph.node("MatMul", &[&queries, &transposed], &[]);
        let scores = match relative {
            Relative::None => self.scaled(&products, self.score_scale(1.0)),
            Relative::Bias(bias) => {
                let scaled = self.scaled(&products, self.score_scale(1.0));
                self.sum(&scaled, bias)
            }
            Relative::Disentangled { embeddings, buckets } => {
                let [of_query, of_key] = [&names[0], &names[1]].map(|name| {
                    let projected = self.dense(embeddings, name);
                    let axis = self.graph.integers(&[0]);
                    let projected = self.graph.node("Unsqueeze", &[&projected, &axis], &[]);
                    let by_head = self.by_head(&projected);
                    self.transposed(&by_head, &[0, 1, 3, 2])
                });
                let last = || ("axis", Attribute::Integer(3));
                let to_position = self.graph.node("MatMul", &[&queries, &of_key], &[]);
                let to_position = self
                    .graph
                    .node("GatherElements", &[&to_position, buckets], &[last()]);
                // By key and query, and then turned round.
                let to_content = self.graph.node("MatMul", &[&keys, &of_query], &[]);
                let by_key = self.transposed(buckets, &[0, 1, 3, 2]);
                let to_content = self
                    .graph
                    .node("GatherElements", &[&to_content, &by_key], &[last()]);
                let to_content = self.transposed(&to_content, &[0, 1, 3, 2]);
                let sum = self.sum(&products, &to_position);
                let sum = self.sum(&sum, &to_content);
                self.scaled(&sum, self.score_scale(deberta_v2::TERMS))
            }
        };
        let scores = self.sum(&scores, &inputs.bias);
        self.attend(&scores, &values)
    }

    fn relative(&mut self, inputs: &Inputs) -> Relative {
        let config = self.config;
        let reach = signed(config.longest_input) - 1;
        match &config.family {
            Family::Mpnet { buckets } => {
                let rows: Vec<i64> = (-reach..=reach)
                    .map(|distance| signed(mpnet::bucket(distance, *buckets)))
                    .collect();
                let bucket = self.bucket_of_distance(inputs, &rows, reach);
                let table = self.tensor(&format!("{}.weight", mpnet::BIAS));
                let bias = self.graph.node("Gather", &[&table, &bucket], &[]);
                let bias = self.transposed(&bias, &[2, 0, 1]);
                let axis = self.graph.integers(&[0]);
                Relative::Bias(self.graph.node("Unsqueeze", &[&bias, &axis], &[]))
            }
            Family::DebertaV2(deberta) => {
                let rows: Vec<i64> = (-reach..=reach)
                    .map(|distance| signed(deberta_v2::row(distance, deberta.buckets, deberta.farthest)))
                    .collect();
                let bucket = self.bucket_of_distance(inputs, &rows, reach);
                let heads = self.graph.integers(&[signed(config.num_attention_heads)]);
                let shape = [&inputs.batch, &heads, &inputs.sequence, &inputs.sequence];
                let shape = self
                    .graph
                    .node("Concat", &shape, &[("axis", Attribute::Integer(0))]);
                let buckets = self.graph.node("Expand", &[&bucket, &shape], &[]);
                let mut embeddings = self.tensor(&format!("{}.weight", deberta_v2::TABLE));
                if deberta.normalized {
                    embeddings = self.layer_norm(&embeddings, deberta_v2::NORM);
                }
                Relative::Disentangled { embeddings, buckets }
            }
            _ => Relative::None,
        }
    }

    /// The bucket of each query and key, `[sequence, sequence]`, from those of the distances from `-reach` to
    /// `reach`.
    fn bucket_of_distance(&mut self, inputs: &Inputs, buckets: &[i64], reach: i64) -> Value {
        let distances = self.distances(inputs);
        let table = self.graph.integer_table("buckets of distances", buckets);
        let reach = self.graph.integer(reach);
        let places = self.sum(&distances, &reach);
        self.graph.node("Gather", &[&table, &places], &[])
    }
}
