//! The classifier: encoder, pooling and head as one module, and its forward pass over any number of rows.

use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use labelproof_kernels::workers::{Workers, WorkersError};
use labelproof_settings::{Pooling, Precision};

use crate::batch::{self, Batch, BatchLimits, Layout};
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

/// A run over rows of token ids, in batches that are dealt out among processes.
#[derive(Debug, Clone, Copy)]
pub struct BatchedRun<'a> {
    /// What rows become in a batch.
    pub layout: Layout,
    /// The device without autodiff.
    pub device: &'a Device,
    /// The processes that share the batches.
    pub workers: &'a Workers,
}

impl BatchedRun<'_> {
    /// Applies `forward`, whose outputs are `[batch, width]`, to rows of token ids in batches of similar length,
    /// and returns the outputs in the order of the rows: `[rows, width]`, row-major. `done` is called with the
    /// number of rows that are finished since.
    pub fn outputs(
        self,
        rows: &[&[u32]],
        width: usize,
        forward: impl Fn(&Batch) -> Tensor<2>,
        mut done: impl FnMut(usize),
    ) -> Result<Vec<f32>, WorkersError> {
        let mut results: Vec<Vec<f32>> = vec![Vec::new(); rows.len()];
        let finished = self.fill(&mut results, rows, width, forward, |_, rows| {
            done(rows);
            ControlFlow::Continue(())
        })?;
        debug_assert!(finished.is_continue());
        Ok(results.concat())
    }

    /// Does the work of [`Self::outputs`] into results of which some may be there already, the same in every
    /// process: a batch whose rows are all there is skipped. `done` is called with the results so far and the
    /// number of rows that are finished since; the work ends, in all processes, when it breaks in one. The
    /// batches are the same whatever is there already and however many processes share them, and so are the
    /// results.
    pub fn fill(
        self,
        results: &mut [Vec<f32>],
        rows: &[&[u32]],
        width: usize,
        forward: impl Fn(&Batch) -> Tensor<2>,
        mut done: impl FnMut(&[Vec<f32>], usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, WorkersError> {
        let lengths: Vec<usize> = rows.iter().map(|row| row.len()).collect();
        let (missing, there): (Vec<_>, Vec<_>) = batch::by_length(&lengths, BatchLimits::of(self.device))
            .into_iter()
            .partition(|members| members.iter().any(|&row| results[row].is_empty()));
        let rows_there = there.iter().map(Vec::len).sum();
        if rows_there > 0 && done(results, rows_there).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        for round in missing.chunks(self.workers.count()) {
            let mine = round.get(self.workers.rank());
            let outputs = mine.map_or_else(Vec::new, |members| {
                let tokens: Vec<&[u32]> = members.iter().map(|&row| rows[row]).collect();
                let output = forward(&self.layout.batch(&tokens, self.device));
                output.into_data().iter::<f32>().collect()
            });
            self.share(round, outputs, width, results)?;
            let wants_to_stop = done(results, round.iter().map(Vec::len).sum()).is_break();
            if self.workers.any(wants_to_stop)? {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes the outputs of a round into the results of every process: each has computed one batch of it.
    fn share(
        self,
        round: &[Vec<usize>],
        mut outputs: Vec<f32>,
        width: usize,
        results: &mut [Vec<f32>],
    ) -> Result<(), WorkersError> {
        // Processes gather equally many numbers.
        let numbers = width * round.iter().map(Vec::len).max().unwrap_or(0);
        outputs.resize(numbers, 0.0);
        let all = self.workers.gather_numbers(outputs)?;
        for (members, outputs) in round.iter().zip(all.chunks_exact(numbers.max(1))) {
            for (&row, values) in members.iter().zip(outputs.chunks_exact(width)) {
                results[row] = values.to_vec();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
