//! Pooling: from a vector for each token to one for the text, without padding.

use burn::tensor::Tensor;
use labelproof_settings::Pooling;

use crate::batch::Batch;

/// The value that is added to the vectors of padding before the maximum. It is below every output of an
/// encoder, and finite, so that no gradient becomes NaN.
const BELOW_EVERYTHING: f32 = -1e9;

/// Pools the vectors of the tokens, `[batch, sequence, hidden]`, to `[batch, hidden]`.
pub fn pool(pooling: Pooling, hidden: Tensor<3>, batch: &Batch) -> Tensor<2> {
    let mask = batch.mask.clone().map(|mask| mask.unsqueeze_dim::<3>(2));
    match pooling {
        Pooling::Cls => hidden.narrow(1, 0, 1).squeeze_dim(1),
        Pooling::Max => {
            let hidden = match mask {
                Some(mask) => hidden + mask.sub_scalar(1.0).mul_scalar(-BELOW_EVERYTHING),
                None => hidden,
            };
            hidden.max_dim(1).squeeze_dim(1)
        }
        Pooling::Mean => {
            let Some(mask) = mask else {
                return hidden.mean_dim(1).squeeze_dim(1);
            };
            // The numbers of tokens, which float32 holds exactly.
            let counts = mask.clone().sum_dim(1).squeeze_dim::<2>(1);
            (hidden * mask).sum_dim(1).squeeze_dim::<2>(1) / counts
        }
    }
}
