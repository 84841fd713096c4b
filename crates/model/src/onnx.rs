//! The network as an ONNX graph, from token ids to logits, for ONNX Runtime and what builds on it.
//!
//! Responsible for saying in ONNX's operators what [`Classifier`](crate::Classifier) computes in float32; texts
//! are cleaned and tokenised outside. `graph` writes the file, `post_norm` and `modernbert` are the layers.

mod graph;
mod modernbert;
mod post_norm;
mod protobuf;

use std::collections::BTreeMap;

use burn::tensor::TensorData;
use labelproof_settings::encoder::{Activation, EncoderConfig, Family};
use labelproof_settings::{BatchNormalization, Pooling};

use self::graph::{Attribute, Dimension, Graph, Value, signed};
use crate::bundle::Bundle;
use crate::encoder::{self, NO_ATTENTION};
use crate::error::Error;
use crate::head::{BATCH_NORMALIZATION_EPSILON, HeadLayout};

/// The largest file that protocol buffers allow, in bytes.
const LARGEST: usize = (1 << 31) - 1;

/// The file of a bundle's network. Its inputs are `input_ids` and `attention_mask`, `[batch, sequence]` of 64-bit
/// integers, with 1 in the mask for a token and 0 for padding; its output is `logits`, `[batch, classes]`. It
/// computes in float32 whatever the bundle's precision is.
pub fn export(bundle: &Bundle) -> Result<Vec<u8>, Error> {
    let classifier = &bundle.classifier;
    if bundle.description.windows.is_some() {
        return Err(Error::WindowsInOnnx);
    }
    let mut tensors = classifier.encoder.named_tensors();
    tensors.extend(classifier.head.named_tensors());
    let network = Network {
        graph: Graph::default(),
        tensors: tensors.into_map(),
        config: &bundle.encoder_config,
    };
    let description = &bundle.description;
    let layout = HeadLayout::new(description.head.kind, &bundle.encoder_config);
    let normalization = description.head.batch_normalization;
    let graph = network.build(bundle.labels.len(), description.pooling, &layout, normalization);
    let json = |value: serde_json::Value| value.to_string();
    let notes = [
        ("labels", json(serde_json::json!(description.labels))),
        ("clean", json(serde_json::json!(description.clean))),
        ("max_tokens", description.max_tokens.to_string()),
        ("pad_token_id", bundle.tokenizer.pad_id().to_string()),
    ];
    let model = graph.into_model(&notes);
    if model.len() > LARGEST {
        return Err(Error::TooLargeForOnnx { bytes: model.len() });
    }
    Ok(model)
}

/// A network whose graph is being built.
struct Network<'a> {
    graph: Graph,
    /// The tensors by their names in the checkpoint, those of the encoder without a prefix.
    tensors: BTreeMap<String, TensorData>,
    config: &'a EncoderConfig,
}

/// What the layers of an encoder share.
struct Inputs {
    /// `[batch, sequence]`.
    ids: Value,
    /// 1 for tokens and 0 for padding, `[batch, sequence]` in float32.
    mask: Value,
    /// What padding adds to the attention scores, `[batch, 1, 1, sequence]`.
    bias: Value,
    /// The number of tokens, `[1]`.
    sequence: Value,
    /// The number of rows, `[1]`.
    batch: Value,
}

impl Network<'_> {
    fn build(
        mut self,
        classes: usize,
        pooling: Pooling,
        layout: &HeadLayout,
        normalization: BatchNormalization,
    ) -> Graph {
        let inputs = self.inputs();
        let embedded = self.embeddings(&inputs);
        let hidden = match &self.config.family {
            Family::ModernBert(modern) => self.modernbert(&inputs, embedded, modern),
            _ => self.post_norm(&inputs, embedded),
        };
        let pooled = self.pool(&inputs, &hidden, pooling);
        let logits = self.head(&pooled, layout, normalization);
        let shape = [Dimension::Named("batch"), Dimension::Fixed(classes)];
        self.graph.output("logits", &logits, &shape);
        self.graph
    }

    fn inputs(&mut self) -> Inputs {
        const SHAPE: [Dimension; 2] = [Dimension::Named("batch"), Dimension::Named("sequence")];
        let ids = self.graph.input("input_ids", &SHAPE);
        let mask = self.graph.input("attention_mask", &SHAPE);
        let mask = self
            .graph
            .node("Cast", &[&mask], &[("to", Attribute::Integer(1))]);
        let one = self.graph.number(1.0);
        let is_padding = self.graph.node("Sub", &[&one, &mask], &[]);
        let bias = self.scaled(&is_padding, NO_ATTENTION);
        let axes = self.graph.integers(&[1, 2]);
        let bias = self.graph.node("Unsqueeze", &[&bias, &axes], &[]);
        let shape = self.graph.node("Shape", &[&ids], &[]);
        let [batch, sequence] = [0, 1].map(|axis| {
            let (start, end) = (self.graph.integers(&[axis]), self.graph.integers(&[axis + 1]));
            self.graph.node("Slice", &[&shape, &start, &end], &[])
        });
        Inputs {
            ids,
            mask,
            bias,
            sequence,
            batch,
        }
    }

    /// The input of the first layer, `[batch, sequence, hidden]`.
    fn embeddings(&mut self, inputs: &Inputs) -> Value {
        let names = encoder::names(&self.config.family);
        let words = self.tensor(&format!("{}.weight", names.words));
        let mut embedded = self.graph.node("Gather", &[&words, &inputs.ids], &[]);
        if let Some(positions) = self.config.positions {
            let table = self.tensor(&format!("{}.weight", names.positions));
            let rows = self.first_rows(&table, positions.first, &inputs.sequence);
            embedded = self.sum(&embedded, &rows);
        }
        if self.config.type_vocab_size > 0 {
            let table = self.tensor(&format!("{}.weight", names.segments));
            let zero = self.graph.integer(0);
            let segment = self.graph.node("Gather", &[&table, &zero], &[]);
            embedded = self.sum(&embedded, &segment);
        }
        let projects = self.tensors.contains_key(&format!("{}.weight", names.projection));
        let projects_first = projects && matches!(self.config.family, Family::DebertaV2(_));
        if projects_first {
            embedded = self.dense(&embedded, names.projection);
        }
        embedded = self.layer_norm(&embedded, names.norm);
        if projects && !projects_first {
            embedded = self.dense(&embedded, names.projection);
        }
        embedded
    }

    /// The vectors of the tokens pooled to `[batch, hidden]`.
    fn pool(&mut self, inputs: &Inputs, hidden: &Value, pooling: Pooling) -> Value {
        let axis = || ("axis", Attribute::Integer(1));
        let last = self.graph.integers(&[2]);
        let mask = self.graph.node("Unsqueeze", &[&inputs.mask, &last], &[]);
        let tokens = self.graph.integers(&[1]);
        let drop_axis = || ("keepdims", Attribute::Integer(0));
        match pooling {
            Pooling::Cls => {
                let first = self.graph.integer(0);
                self.graph.node("Gather", &[hidden, &first], &[axis()])
            }
            Pooling::Max => {
                let one = self.graph.number(1.0);
                let is_padding = self.graph.node("Sub", &[&one, &mask], &[]);
                let below = self.scaled(&is_padding, NO_ATTENTION);
                let hidden = self.sum(hidden, &below);
                let axes = ("axes", Attribute::Integers(vec![1]));
                self.graph.node("ReduceMax", &[&hidden], &[axes, drop_axis()])
            }
            Pooling::Mean => {
                let own = self.graph.node("Mul", &[hidden, &mask], &[]);
                let sum = self.graph.node("ReduceSum", &[&own, &tokens], &[drop_axis()]);
                let count = self.graph.node("ReduceSum", &[&mask, &tokens], &[drop_axis()]);
                self.graph.node("Div", &[&sum, &count], &[])
            }
        }
    }

    /// The logits, `[batch, classes]`.
    fn head(&mut self, pooled: &Value, layout: &HeadLayout, normalization: BatchNormalization) -> Value {
        let mut projected = pooled.clone();
        if let Some(projection) = layout.projection {
            let name = format!("{}{}", projection.prefix, projection.dense);
            projected = self.dense(&projected, &name);
            projected = self.activate(&projected, projection.activation);
            if let Some(norm) = projection.norm {
                projected = self.layer_norm(&projected, norm.name);
            }
        }
        let logits = self.dense(&projected, layout.output);
        match normalization {
            BatchNormalization::None => logits,
            BatchNormalization::Frozen | BatchNormalization::Trained => {
                let part = |part: &str| self.tensors[&format!("batch_normalization.{part}")].clone();
                let [weight, bias, mean, variance] =
                    ["weight", "bias", "running_mean", "running_var"].map(part);
                let epsilon = BATCH_NORMALIZATION_EPSILON;
                let numbers = |data: &TensorData| data.iter::<f64>().collect::<Vec<_>>();
                let spread = numbers(&variance)
                    .into_iter()
                    .map(|variance| (variance + epsilon).sqrt());
                let scale: Vec<f64> = numbers(&weight)
                    .into_iter()
                    .zip(spread)
                    .map(|(w, s)| w / s)
                    .collect();
                let shifted = numbers(&bias).into_iter().zip(numbers(&mean)).zip(&scale);
                let shift = shifted.map(|((bias, mean), scale)| bias - mean * scale);
                let shift: Vec<f64> = shift.collect();
                let scale = self.vector("batch_normalization.scale", &scale);
                let shift = self.vector("batch_normalization.shift", &shift);
                let scaled = self.graph.node("Mul", &[&logits, &scale], &[]);
                self.sum(&scaled, &shift)
            }
        }
    }

    /// The first rows of a table, beginning with one, as many as there are tokens: `[sequence, width]`.
    fn first_rows(&mut self, table: &Value, first: usize, count: &Value) -> Value {
        let start = self.graph.integers(&[signed(first)]);
        let end = self.sum(&start, count);
        self.graph.node("Slice", &[table, &start, &end], &[])
    }

    /// A tensor of the checkpoint as it is.
    fn tensor(&mut self, name: &str) -> Value {
        let data = &self.tensors[name];
        self.graph
            .constant(name, || (data.shape().to_vec(), data.iter::<f32>().collect()))
    }

    /// Numbers as a constant, `[values]`.
    #[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
    fn vector(&mut self, name: &str, values: &[f64]) -> Value {
        let make = || {
            (
                vec![values.len()],
                values.iter().map(|&value| value as f32).collect(),
            )
        };
        self.graph.constant(name, make)
    }

    /// A dense layer of the checkpoint, with its bias where it has one.
    fn dense(&mut self, input: &Value, name: &str) -> Value {
        let data = &self.tensors[&format!("{name}.weight")];
        let weight = self.graph.constant(&format!("{name}.weight transposed"), || {
            let shape = data.shape();
            let (output, input) = (shape[0], shape[1]);
            let values: Vec<f32> = data.iter::<f32>().collect();
            (
                vec![input, output],
                crate::weights::transpose(&values, output, input),
            )
        });
        let product = self.graph.node("MatMul", &[input, &weight], &[]);
        let bias = format!("{name}.bias");
        if self.tensors.contains_key(&bias) {
            let bias = self.tensor(&bias);
            self.sum(&product, &bias)
        } else {
            product
        }
    }

    /// A layer normalisation of the checkpoint over the last axis.
    #[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
    fn layer_norm(&mut self, input: &Value, name: &str) -> Value {
        let epsilon = self.config.layer_norm_eps as f32;
        let weight = self.tensor(&format!("{name}.weight"));
        let bias = format!("{name}.bias");
        let bias = self.tensors.contains_key(&bias).then(|| self.tensor(&bias));
        let inputs: Vec<&Value> = [Some(input), Some(&weight), bias.as_ref()]
            .into_iter()
            .flatten()
            .collect();
        let attributes = [
            ("axis", Attribute::Integer(-1)),
            ("epsilon", Attribute::Float(epsilon)),
        ];
        self.graph.node("LayerNormalization", &inputs, &attributes)
    }

    fn activate(&mut self, input: &Value, activation: Activation) -> Value {
        match activation {
            Activation::Relu => self.graph.node("Relu", &[input], &[]),
            Activation::Tanh => self.graph.node("Tanh", &[input], &[]),
            // x/2 · (1 + erf(x/√2))
            Activation::Gelu => {
                let scaled = self.scaled(input, std::f32::consts::FRAC_1_SQRT_2);
                let error = self.graph.node("Erf", &[&scaled], &[]);
                self.gated_half(input, &error)
            }
            // x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
            Activation::GeluNew => {
                let square = self.graph.node("Mul", &[input, input], &[]);
                let cube = self.graph.node("Mul", &[&square, input], &[]);
                let cube = self.scaled(&cube, 0.044_715);
                let inner = self.sum(input, &cube);
                let inner = self.scaled(&inner, (2.0 / std::f32::consts::PI).sqrt());
                let inner = self.graph.node("Tanh", &[&inner], &[]);
                self.gated_half(input, &inner)
            }
        }
    }

    /// x/2 · (1 + gate).
    fn gated_half(&mut self, input: &Value, gate: &Value) -> Value {
        let one = self.graph.number(1.0);
        let gate = self.sum(gate, &one);
        let half = self.scaled(input, 0.5);
        self.graph.node("Mul", &[&half, &gate], &[])
    }

    fn sum(&mut self, one: &Value, other: &Value) -> Value {
        self.graph.node("Add", &[one, other], &[])
    }

    fn scaled(&mut self, input: &Value, factor: f32) -> Value {
        let factor = self.graph.number(factor);
        self.graph.node("Mul", &[input, &factor], &[])
    }

    /// From `[batch, sequence, heads * width]` to `[batch, heads, sequence, width]`.
    fn by_head(&mut self, input: &Value) -> Value {
        let heads = self.config.num_attention_heads;
        let shape = self.graph.integers(&[0, 0, signed(heads), -1]);
        let split = self.graph.node("Reshape", &[input, &shape], &[]);
        self.transposed(&split, &[0, 2, 1, 3])
    }

    fn transposed(&mut self, input: &Value, axes: &[i64]) -> Value {
        let axes = ("perm", Attribute::Integers(axes.to_vec()));
        self.graph.node("Transpose", &[input], &[axes])
    }

    /// The values, weighted by the softmax of the scores `[batch, heads, sequence, sequence]`:
    /// `[batch, sequence, hidden]`.
    fn attend(&mut self, scores: &Value, values: &Value) -> Value {
        let weights = self
            .graph
            .node("Softmax", &[scores], &[("axis", Attribute::Integer(-1))]);
        let attended = self.graph.node("MatMul", &[&weights, values], &[]);
        let attended = self.transposed(&attended, &[0, 2, 1, 3]);
        let shape = self.graph.integers(&[0, 0, signed(self.config.hidden_size)]);
        self.graph.node("Reshape", &[&attended, &shape], &[])
    }

    /// The root of a head's width, by which scores are divided.
    #[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
    fn score_scale(&self, terms: f64) -> f32 {
        let width = self.config.hidden_size / self.config.num_attention_heads;
        (1.0 / (terms * width as f64).sqrt()) as f32
    }

    /// The distance from each query to each key, positive where the key comes first: `[sequence, sequence]`.
    fn distances(&mut self, inputs: &Inputs) -> Value {
        let (zero, one) = (self.graph.integer(0), self.graph.integer(1));
        let axes = self.graph.integers(&[0]);
        let count = self.graph.node("Squeeze", &[&inputs.sequence, &axes], &[]);
        let places = self.graph.node("Range", &[&zero, &count, &one], &[]);
        let [rows, columns] = [1, 0].map(|axis| {
            let axis = self.graph.integers(&[axis]);
            self.graph.node("Unsqueeze", &[&places, &axis], &[])
        });
        self.graph.node("Sub", &[&rows, &columns], &[])
    }
}
