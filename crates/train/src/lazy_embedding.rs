//! Lazy optimiser updates of the table of word embeddings.
//!
//! Of the table's tens of thousands of rows, half of a small encoder's weights, a batch reads some hundred.
//! AdamW changes all of them in every step: it decays each weight, and the moments of a row move it on for a
//! while after the batch that it was in. A pass over the table in every step takes time that shows where
//! texts are short.
//!
//! Here the module holds only the rows that the current step reads, and only these have a gradient. Any other
//! row takes the steps that it missed when it is read next: the same numbers in the same order, and so the
//! same bits, as if it had taken each step in its turn. The table lies in the processor's
//! memory.
//!
//! On an accelerator the table is a parameter like any other instead: to copy its rows to the device and
//! their gradients back in each step would take longer than to step all of it there.

use std::ops::Range;

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use labelproof_kernels::adamw::{AdamwStep, StepFactors};
use rayon::prelude::*;

/// The distinct tokens that a step reads. During the step the embedding of the n-th is the n-th row of the
/// module's table.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTokens(Vec<u32>);

impl StepTokens {
    /// The tokens of some rows, and the padding token.
    pub fn new<'a>(rows: impl IntoIterator<Item = &'a [u32]>, pad_id: u32) -> Self {
        let mut tokens: Vec<u32> = rows.into_iter().flatten().copied().collect();
        tokens.push(pad_id);
        tokens.sort_unstable();
        tokens.dedup();
        Self(tokens)
    }

    /// The row of a token in the module's table during the step.
    pub fn row_of(&self, token: u32) -> u32 {
        let place = self.0.partition_point(|&known| known < token);
        u32::try_from(place).expect("there are no more tokens than 32-bit numbers")
    }

    /// Replaces each token by its row in the module's table.
    pub fn renumber(&self, tokens: &[u32]) -> Vec<u32> {
        tokens.iter().map(|&token| self.row_of(token)).collect()
    }
}

/// The table of word embeddings with its optimiser state, updated lazily.
#[derive(Debug)]
pub struct LazyEmbedding {
    width: usize,
    /// `[entries, width]`, like both moments.
    weights: Vec<f32>,
    /// The running means of the gradients.
    first_moments: Vec<f32>,
    /// The running means of the squared gradients.
    second_moments: Vec<f32>,
    /// The number of steps that each row has taken.
    taken: Vec<usize>,
    /// The number of steps that every row has taken.
    settled: usize,
    /// The steps after these, which some rows have yet to take.
    pending: Vec<StepFactors>,
}

impl LazyEmbedding {
    /// The table of a module before its first step.
    pub fn new(table: &Param<Tensor<2>>) -> Self {
        let [entries, width] = table.shape().dims();
        let count = entries * width;
        Self {
            width,
            weights: elements(table.val()),
            first_moments: vec![0.0; count],
            second_moments: vec![0.0; count],
            taken: vec![0; entries],
            settled: 0,
            pending: Vec::new(),
        }
    }

    /// The table of a module that has taken some steps, with the state that [`Self::to_bytes`] returned after
    /// them; `None` if that is the state of another table.
    pub fn resume(steps: usize, table: &Param<Tensor<2>>, state: &[u8]) -> Option<Self> {
        let mut embedding = Self::new(table);
        let moment_bytes = size_of::<f32>() * embedding.first_moments.len();
        let (first, second) = state.split_at_checked(moment_bytes)?;
        if first.len() != second.len() {
            return None;
        }
        embedding.first_moments = from_bytes(first);
        embedding.second_moments = from_bytes(second);
        embedding.taken.fill(steps);
        embedding.settled = steps;
        Some(embedding)
    }

    /// The optimiser state as bytes for [`Self::resume`]; to be called after [`Self::put_table`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let moments = self.first_moments.iter().chain(&self.second_moments);
        moments.flat_map(|element| element.to_le_bytes()).collect()
    }

    /// Replaces a module's table by the rows of a step's tokens. [`Self::put_table`] undoes it.
    pub fn put_rows(&mut self, tokens: &StepTokens, table: &mut Param<Tensor<2>>) {
        let mut rows = Vec::with_capacity(tokens.0.len() * self.width);
        for &token in &tokens.0 {
            rows.extend_from_slice(self.up_to_date(token as usize));
        }
        replace(table, rows, self.width);
    }

    /// Puts the whole table into the module again, after every row has taken all its pending steps.
    pub fn put_table(&mut self, table: &mut Param<Tensor<2>>) {
        let (pending, settled) = (&self.pending, self.settled);
        self.weights
            .par_chunks_mut(self.width)
            .zip(self.first_moments.par_chunks_mut(self.width))
            .zip(self.second_moments.par_chunks_mut(self.width))
            .zip(&mut self.taken)
            .for_each(|(((weights, first), second), taken)| {
                take(&pending[*taken - settled..], weights, first, second);
                *taken = settled + pending.len();
            });
        self.settled += self.pending.len();
        self.pending.clear();
        replace(table, self.weights.clone(), self.width);
    }

    /// Takes a step with the gradient of the rows of [`Self::put_rows`], which it removes from `gradients`.
    pub fn step(
        &mut self,
        tokens: &StepTokens,
        table: &Param<Tensor<2>>,
        gradients: &mut GradientsParams,
        step: &AdamwStep,
    ) {
        let gradient = gradients.remove(table.id).map_or_else(Vec::new, elements);
        let factors = step.factors();
        for (&token, gradient) in tokens.0.iter().zip(gradient.chunks_exact(self.width)) {
            let row = token as usize;
            self.up_to_date(row);
            let range = self.range(row);
            factors.step(
                &mut self.weights[range.clone()],
                gradient,
                &mut self.first_moments[range.clone()],
                &mut self.second_moments[range],
            );
            self.taken[row] += 1;
        }
        self.pending.push(factors);
    }

    /// Lets a row take its pending steps, and returns its weights.
    fn up_to_date(&mut self, row: usize) -> &[f32] {
        let range = self.range(row);
        take(
            &self.pending[self.taken[row] - self.settled..],
            &mut self.weights[range.clone()],
            &mut self.first_moments[range.clone()],
            &mut self.second_moments[range.clone()],
        );
        self.taken[row] = self.settled + self.pending.len();
        &self.weights[range]
    }

    /// The elements of a row.
    fn range(&self, row: usize) -> Range<usize> {
        row * self.width..(row + 1) * self.width
    }
}

/// Takes steps in which a row had no gradient.
fn take(steps: &[StepFactors], weights: &mut [f32], first_moment: &mut [f32], second_moment: &mut [f32]) {
    let is_zero = |moment: &[f32]| moment.iter().all(|&element| element == 0.0);
    if steps.is_empty() {
        return;
    }
    if is_zero(first_moment) && is_zero(second_moment) {
        for step in steps {
            step.decay(weights);
        }
    } else {
        let gradient = vec![0.0; weights.len()];
        for step in steps {
            step.step(weights, &gradient, first_moment, second_moment);
        }
    }
}

/// Replaces the tensor of a parameter by other rows.
fn replace(table: &mut Param<Tensor<2>>, rows: Vec<f32>, width: usize) {
    let shape = [rows.len() / width, width];
    *table = table.clone().map(|before| {
        let after = Tensor::from_data(TensorData::new(rows, shape), &before.device());
        after.set_require_grad(before.is_require_grad())
    });
}

/// The elements of a tensor.
fn elements(tensor: Tensor<2>) -> Vec<f32> {
    tensor
        .into_data()
        .try_into_vec()
        .expect("the weights are float32")
}

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    let (elements, _) = bytes.as_chunks();
    elements.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use labelproof_kernels::adamw::ParameterState;
    use labelproof_kernels::{device, random};
    use labelproof_model::DeviceChoice;

    use super::*;
    use crate::optimizer;
    use crate::params::Params;

    const ENTRIES: usize = 40;
    /// Entries that some step reads; the others only decay.
    const READ: u32 = 30;
    const WIDTH: usize = 8;

    fn tensor(rows: Vec<f32>, device: &Device) -> Tensor<2> {
        let shape = [rows.len() / WIDTH, WIDTH];
        Tensor::from_data(TensorData::new(rows, shape), device)
    }

    #[test]
    fn a_row_that_waits_takes_the_same_steps_to_the_bit() {
        let device = device::open(DeviceChoice::Cpu).unwrap();
        let mut stream = random::stream("words", 1);
        let mut draw = || random::uniform(&mut stream) - 0.5;
        let start: Vec<f32> = (0..ENTRIES * WIDTH).map(|_| draw()).collect();
        let mut table = Param::from_tensor(tensor(start.clone(), &device));
        let mut embedding = LazyEmbedding::new(&table);
        let mut every_row = ParameterState::new(tensor(start.clone(), &device));
        let params = Params {
            weight_decay: Some(0.1),
            ..Params::default()
        };
        let mut order = random::stream("order", 1);
        let mut tokens: Vec<u32> = (0..READ).collect();
        for number in 1..=60_usize {
            random::shuffle(&mut tokens, &mut order);
            let step_tokens = StepTokens::new([&tokens[..4]], 0);
            embedding.put_rows(&step_tokens, &mut table);
            assert_eq!(table.shape().dims(), [step_tokens.0.len(), WIDTH]);
            let rows = elements(table.val());
            let whole = elements(every_row.parameter.clone());
            for (&token, row) in step_tokens.0.iter().zip(rows.chunks_exact(WIDTH)) {
                assert_eq!(row, &whole[token as usize * WIDTH..][..WIDTH], "step {number}");
            }

            let gradient: Vec<f32> = rows.iter().map(|_| draw()).collect();
            let mut scattered = vec![0.0; ENTRIES * WIDTH];
            for (&token, row) in step_tokens.0.iter().zip(gradient.chunks_exact(WIDTH)) {
                scattered[token as usize * WIDTH..][..WIDTH].copy_from_slice(row);
            }
            let step = optimizer::embedding_step(&params, 0, 1e-3 * (number % 7) as f64, number);
            let mut gradients = GradientsParams::new();
            gradients.register(table.id, tensor(gradient, &device));
            embedding.step(&step_tokens, &table, &mut gradients, &step);
            assert!(gradients.is_empty(), "the table's gradient is removed");
            every_row = every_row.step(tensor(scattered, &device), step);

            // Put back in between, and resumed from the saved state.
            if number % 25 == 0 {
                embedding.put_table(&mut table);
                assert_eq!(elements(table.val()), elements(every_row.parameter.clone()));
                embedding = LazyEmbedding::resume(number, &table, &embedding.to_bytes()).unwrap();
            }
        }
        embedding.put_table(&mut table);
        let found = elements(table.val());
        assert_eq!(found, elements(every_row.parameter));
        assert_eq!(embedding.first_moments, elements(every_row.first_moment));
        assert_eq!(embedding.second_moments, elements(every_row.second_moment));
        for row in [&found[..WIDTH], &found[(ENTRIES - 1) * WIDTH..]] {
            assert!(
                row.iter()
                    .zip(&start)
                    .all(|(now, then)| now.to_bits() != then.to_bits())
            );
        }
    }

    #[test]
    fn the_state_of_another_table_is_not_used() {
        let device = device::open(DeviceChoice::Flex).unwrap();
        let table = Param::from_tensor(tensor(vec![0.5; 3 * WIDTH], &device));
        let state = LazyEmbedding::new(&table).to_bytes();
        assert!(LazyEmbedding::resume(1, &table, &state).is_some());
        let larger = Param::from_tensor(tensor(vec![0.5; 4 * WIDTH], &device));
        assert!(LazyEmbedding::resume(1, &larger, &state).is_none());
        assert!(LazyEmbedding::resume(1, &table, &state[1..]).is_none());
    }

    #[test]
    fn tokens_are_renumbered_to_their_rows() {
        let tokens = StepTokens::new([&[7, 3, 7][..], &[9]], 0);
        assert_eq!(tokens, StepTokens(vec![0, 3, 7, 9]));
        assert_eq!(tokens.renumber(&[9, 3, 0]), [3, 1, 0]);
    }
}
