//! The choices in the network's architecture and arithmetic.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the hidden states of the tokens are pooled into one vector per text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The maximum over the tokens, for each component.
    Max,
    /// The mean over the tokens, for each component.
    Mean,
    /// The hidden state of the first token, `[CLS]`.
    Cls,
}

/// What lies between the pooled vector and the logits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HeadKind {
    /// One dense layer.
    #[default]
    Linear,
    /// The layers that the encoder's family has in transformers' `…ForSequenceClassification`.
    Family,
}

impl HeadKind {
    /// Whether the head is one dense layer, which locks and bundles do not mention.
    pub fn is_linear(&self) -> bool {
        *self == Self::Linear
    }
}

/// Batch normalisation after the dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BatchNormalization {
    /// No batch normalisation.
    None,
    /// Batch normalisation whose running mean stays 0 and whose running variance stays 1, as with
    /// `BatchNormalization(trainable=False)` in Keras: a division by √1.001.
    Frozen,
    /// Trained batch normalisation, with running statistics for prediction.
    Trained,
}

/// The dtype in which the encoder's dense layers, attention and activations compute. Weights, residual
/// connections and layer normalisations stay in float32, as with PyTorch's `autocast`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// IEEE 754 single precision.
    #[default]
    Float32,
    /// bfloat16 with accumulation in float32, where the device has instructions for it.
    Bfloat16,
    /// Dense layers in int8, everything else in float32. For prediction only, so no file names it.
    #[serde(skip)]
    Int8,
}
