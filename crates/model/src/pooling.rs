//! From a vector a token to a vector a text, blind to padding.

use burn::tensor::{Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;

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

/// Added to the vectors of padding before the maximum: below every value an encoder gives, and finite, so that no
/// gradient becomes NaN.
const BELOW_EVERYTHING: f32 = -1e9;

impl Pooling {
    /// `hidden` is `[batch, sequence, hidden]`, the result `[batch, hidden]`.
    pub fn apply(self, hidden: Tensor<3>, batch: &Batch) -> Tensor<2> {
        let mask = batch.mask.clone().map(|mask| mask.unsqueeze_dim::<3>(2));
        match self {
            Self::Cls => hidden.narrow(1, 0, 1).squeeze_dim(1),
            Self::Max => {
                let hidden = match mask {
                    Some(mask) => hidden + mask.sub_scalar(1.0).mul_scalar(-BELOW_EVERYTHING),
                    None => hidden,
                };
                hidden.max_dim(1).squeeze_dim(1)
            }
            Self::Mean => {
                let Some(mask) = mask else {
                    return hidden.mean_dim(1).squeeze_dim(1);
                };
                let counts: Vec<f32> = batch.lengths.iter().map(|&length| length as f32).collect();
                let rows = counts.len();
                let counts = Tensor::<2>::from_data(TensorData::new(counts, [rows, 1]), &hidden.device());
                (hidden * mask).sum_dim(1).squeeze_dim::<2>(1) / counts
            }
        }
    }
}
