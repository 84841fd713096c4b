//! A graph of ONNX operators that is being built, and its file.
//!
//! Operators are those of version 17 of the standard set, which ONNX Runtime knows since 1.12.

use std::collections::BTreeSet;

use super::protobuf::Message;

const IR_VERSION: i64 = 8;
const OPERATORS: i64 = 17;

/// The numbers of the dtypes in the format.
const FLOAT: i64 = 1;
const INT64: i64 = 7;

/// The name of a tensor in the graph.
#[derive(Debug, Clone)]
pub(super) struct Value(String);

/// An attribute of a node.
pub(super) enum Attribute {
    Float(f32),
    Integer(i64),
    Integers(Vec<i64>),
}

/// A dimension of an input or output.
pub(super) enum Dimension {
    Fixed(usize),
    Named(&'static str),
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    /// The fields of the format's `GraphProto`.
    fields: Message,
    /// The names of the constants that are there.
    constants: BTreeSet<String>,
    /// The number of nodes.
    nodes: usize,
}

impl Graph {
    /// Adds a node of one output.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        attributes: &[(&str, Attribute)],
    ) -> Value {
        let [output] = self.node_of(operator, inputs, attributes);
        output
    }

    /// Adds a node of several outputs.
    pub(super) fn node_of<const N: usize>(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        attributes: &[(&str, Attribute)],
    ) -> [Value; N] {
        let number = self.nodes;
        self.nodes += 1;
        let outputs: [Value; N] = std::array::from_fn(|place| match place {
            0 => Value(format!("{operator}_{number}")),
            place => Value(format!("{operator}_{number}_{place}")),
        });
        self.fields.message(1, |node| {
            for input in inputs {
                node.bytes(1, input.0.as_bytes());
            }
            for output in &outputs {
                node.bytes(2, output.0.as_bytes());
            }
            node.bytes(3, outputs[0].0.as_bytes());
            node.bytes(4, operator.as_bytes());
            for (name, attribute) in attributes {
                node.message(5, |field| attribute.write(name, field));
            }
        });
        outputs
    }

    /// Adds a node whose output has this name.
    pub(super) fn output(&mut self, name: &str, value: &Value, shape: &[Dimension]) {
        self.fields.message(1, |node| {
            node.bytes(1, value.0.as_bytes());
            node.bytes(2, name.as_bytes());
            node.bytes(4, b"Identity");
        });
        self.fields.message(12, |info| describe(info, name, FLOAT, shape));
    }

    /// Adds an input of 64-bit integers.
    pub(super) fn input(&mut self, name: &str, shape: &[Dimension]) -> Value {
        self.fields.message(11, |info| describe(info, name, INT64, shape));
        Value(name.to_owned())
    }

    /// A constant of a name, which is made where the name is new.
    pub(super) fn constant(&mut self, name: &str, make: impl FnOnce() -> (Vec<usize>, Vec<f32>)) -> Value {
        if self.constants.insert(name.to_owned()) {
            let (shape, values) = make();
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            self.tensor(name, FLOAT, &shape, &bytes);
        }
        Value(name.to_owned())
    }

    /// A constant that is one number.
    pub(super) fn number(&mut self, value: f32) -> Value {
        self.constant(&format!("number_{value:e}"), || (Vec::new(), vec![value]))
    }

    /// A constant of integers, `[values]`.
    pub(super) fn integers(&mut self, values: &[i64]) -> Value {
        let words: Vec<String> = values.iter().map(i64::to_string).collect();
        let name = format!("integers_{}", words.join("_"));
        if self.constants.insert(name.clone()) {
            self.integer_tensor(&name, &[values.len()], values);
        }
        Value(name)
    }

    /// A constant that is one integer.
    pub(super) fn integer(&mut self, value: i64) -> Value {
        let name = format!("integer_{value}");
        if self.constants.insert(name.clone()) {
            self.integer_tensor(&name, &[], &[value]);
        }
        Value(name)
    }

    /// A table of integers, `[values]`.
    pub(super) fn integer_table(&mut self, name: &str, values: &[i64]) -> Value {
        if self.constants.insert(name.to_owned()) {
            self.integer_tensor(name, &[values.len()], values);
        }
        Value(name.to_owned())
    }

    fn integer_tensor(&mut self, name: &str, shape: &[usize], values: &[i64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, INT64, shape, &bytes);
    }

    fn tensor(&mut self, name: &str, dtype: i64, shape: &[usize], bytes: &[u8]) {
        self.fields.message(5, |tensor| {
            for &length in shape {
                tensor.integer(1, signed(length));
            }
            tensor.integer(2, dtype);
            tensor.bytes(8, name.as_bytes());
            tensor.bytes(9, bytes);
        });
    }

    /// The file, with notes for people and programs.
    pub(super) fn into_model(mut self, notes: &[(&str, String)]) -> Vec<u8> {
        self.fields.bytes(2, b"labelproof");
        let mut model = Message::default();
        model.integer(1, IR_VERSION);
        model.bytes(2, b"labelproof");
        model.bytes(3, env!("CARGO_PKG_VERSION").as_bytes());
        model.bytes(7, &self.fields.into_bytes());
        model.message(8, |operators| {
            operators.bytes(1, b"");
            operators.integer(2, OPERATORS);
        });
        for (key, value) in notes {
            model.message(14, |entry| {
                entry.bytes(1, key.as_bytes());
                entry.bytes(2, value.as_bytes());
            });
        }
        model.into_bytes()
    }
}

impl Attribute {
    fn write(&self, name: &str, field: &mut Message) {
        field.bytes(1, name.as_bytes());
        match self {
            Self::Float(value) => {
                field.float(2, *value);
                field.integer(20, 1);
            }
            Self::Integer(value) => {
                field.integer(3, *value);
                field.integer(20, 2);
            }
            Self::Integers(values) => {
                for value in values {
                    field.integer(8, *value);
                }
                field.integer(20, 7);
            }
        }
    }
}

/// Describes an input or output: its name, dtype and shape.
fn describe(info: &mut Message, name: &str, dtype: i64, shape: &[Dimension]) {
    info.bytes(1, name.as_bytes());
    info.message(2, |of_type| {
        of_type.message(1, |tensor| {
            tensor.integer(1, dtype);
            tensor.message(2, |dimensions| {
                for dimension in shape {
                    dimensions.message(1, |field| match dimension {
                        Dimension::Fixed(length) => field.integer(1, signed(*length)),
                        Dimension::Named(name) => field.bytes(2, name.as_bytes()),
                    });
                }
            });
        });
    });
}

/// A length as the format has it.
pub(super) fn signed(length: usize) -> i64 {
    i64::try_from(length).expect("no tensor in memory is so long")
}
