//! The choices in the network's shape, and in how it computes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the vectors of a text's tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The largest value of each component over the tokens.
    Max,
    /// The mean of each component over the tokens.
    Mean,
    /// The vector of the first token.
    Cls,
}

/// Batch normalisation behind the dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BatchNormalization {
    /// None.
    None,
    /// With statistics 0 and 1 that never change: what `BatchNormalization(trainable=False)` is in Keras, a division
    /// by √1.001.
    Frozen,
    /// Trained, with running statistics for prediction.
    Trained,
}

/// The numbers in which an encoder's dense layers, attention and activations compute. Weights, sums between layers and normalisations
/// stay in 32 bits, as in PyTorch's `autocast`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    Float32,
    /// 16 bits with the range of 32 (bfloat16), summed in 32, where the device has instructions for them.
    Bfloat16,
    /// Dense layers in whole numbers of 8 bits, the rest in 32. For predictions alone, so no file names it.
    #[serde(skip)]
    Int8,
}
