//! The classifier: encoder, pooling and head as one module, and its forward pass over any number of rows.

use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use labelproof_settings::{Pooling, Precision};

use crate::batch::{self, Batch};
use crate::encoder::Encoder;
use crate::head::Head;
use crate::pooling::pool;

/// A text classifier from token ids to logits.
#[derive(Module, Debug)]
pub struct Classifier {
    /// The encoder, from token ids to a vector for each token.
    pub encoder: Encoder,
    /// The head, from the pooled vector to the classes.
    pub head: Head,
    /// The pooling, from the vectors of the tokens to the pooled vector.
    #[module(skip)]
    pub pooling: Pooling,
    /// The precision that the encoder computes in.
    #[module(skip)]
    pub precision: Precision,
}

impl Classifier {
    /// The logits of a batch, `[batch, classes]`.
    pub fn forward(&self, batch: &Batch) -> Tensor<2> {
        self.head.forward(self.features(batch))
    }

    /// The features of a batch: its pooled vectors, `[batch, hidden]`, the input of the head.
    pub fn features(&self, batch: &Batch) -> Tensor<2> {
        pool(self.pooling, self.encoder.forward(batch, self.precision), batch)
    }
}

/// Applies `forward` to rows of token ids in batches of similar length, and returns the outputs in the order
/// of the rows: `[rows, width]`, row-major. `done` is called with the number of rows of each batch that is
/// finished.
pub fn in_batches(
    rows: &[&[u32]],
    pad_id: u32,
    device: &Device,
    forward: impl Fn(&Batch) -> Tensor<2>,
    mut done: impl FnMut(usize),
) -> Vec<f32> {
    let mut results: Vec<Vec<f32>> = vec![Vec::new(); rows.len()];
    let finished = fill_in_batches(&mut results, rows, pad_id, device, forward, |_, rows| {
        done(rows);
        ControlFlow::Continue(())
    });
    debug_assert!(finished.is_continue());
    results.concat()
}

/// Does the work of [`in_batches`] into results of which some may be there already: a batch whose rows are
/// all there is skipped. `done` is called with the results so far and the number of rows of the last batch,
/// and ends the work when it breaks. The batches are the same whatever is there already, and so are the
/// results.
pub fn fill_in_batches(
    results: &mut [Vec<f32>],
    rows: &[&[u32]],
    pad_id: u32,
    device: &Device,
    forward: impl Fn(&Batch) -> Tensor<2>,
    mut done: impl FnMut(&[Vec<f32>], usize) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let lengths: Vec<usize> = rows.iter().map(|row| row.len()).collect();
    for members in batch::by_length(&lengths) {
        if members.iter().any(|&row| results[row].is_empty()) {
            let tokens: Vec<&[u32]> = members.iter().map(|&row| rows[row]).collect();
            let output = forward(&Batch::new(&tokens, pad_id, device));
            let [_, width] = output.dims();
            let values: Vec<f32> = output.into_data().iter::<f32>().collect();
            for (&row, values) in members.iter().zip(values.chunks_exact(width)) {
                results[row] = values.to_vec();
            }
        }
        done(results, members.len())?;
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests;
