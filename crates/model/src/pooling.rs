//! Pooling: from a vector for each token to one for the text, without padding, by way of one for each window where a
//! text is read in several.

use burn::tensor::{Tensor, TensorData};
use labelproof_kernels::fused::is_apart;
use labelproof_settings::Pooling;
use labelproof_text::windows::WindowPooling;

use crate::batch::{Batch, RowWindows};

/// The value that is added to the vectors of padding before the maximum. It is below every output of an
/// encoder, and finite, so that no gradient becomes NaN.
const BELOW_EVERYTHING: f32 = -1e9;

/// Pools the vectors of the tokens, `[batch, sequence, hidden]`, to `[batch, hidden]`; where rows of the batch are
/// windows, to one vector for each text.
pub fn pool(pooling: Pooling, hidden: Tensor<3>, batch: &Batch) -> Tensor<2> {
    let pooled = pool_tokens(pooling, hidden, batch);
    match &batch.windows {
        Some(windows) => pool_windows(&pooled, windows),
        None => pooled,
    }
}

/// Pools the vectors of the windows, `[windows, hidden]`, to `[texts, hidden]`.
fn pool_windows(pooled: &Tensor<2>, windows: &RowWindows) -> Tensor<2> {
    let starts = windows.counts.iter().scan(0, |next, &count| {
        let start = *next;
        *next += count;
        Some(start)
    });
    let of_text = |(start, &count): (usize, &usize)| pooled.clone().narrow(0, start, count);
    match windows.pooling {
        WindowPooling::Mean if is_apart() => {
            let of_texts = starts.zip(&windows.counts).map(of_text);
            Tensor::cat(of_texts.map(|rows| rows.mean_dim(0)).collect(), 0)
        }
        WindowPooling::Mean => {
            // One product, whose gradient is one too.
            let [rows, _] = pooled.dims();
            let mut shares = vec![0.0_f32; windows.counts.len() * rows];
            for ((shares, start), &count) in shares.chunks_exact_mut(rows).zip(starts).zip(&windows.counts) {
                shares[start..start + count].fill(1.0 / count as f32);
            }
            let shares = TensorData::new(shares, [windows.counts.len(), rows]);
            Tensor::<2>::from_data(shares, &pooled.device()).matmul(pooled.clone())
        }
        WindowPooling::Max => {
            let of_texts = starts.zip(&windows.counts).map(of_text);
            Tensor::cat(of_texts.map(|rows| rows.max_dim(0)).collect(), 0)
        }
    }
}

fn pool_tokens(pooling: Pooling, hidden: Tensor<3>, batch: &Batch) -> Tensor<2> {
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
