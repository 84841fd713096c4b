//! The table of word embeddings while it learns.
//!
//! Of the table's tens of thousands of rows, half of a small encoder's weights, a batch reads some hundred. AdamW changes all of
//! them in every step: it decays each weight, and a row's running means move it on for a while after the batch that it was in.
//! Going through the table for that is time that shows where texts are short.
//!
//! Here a module holds no more than the rows that the step at hand reads, and only these have a gradient. Any other row takes the
//! steps that it missed when somebody looks at it next: the same numbers in the same order, and so the same bits, as if it had
//! taken each in its turn. The table lies in the processor's memory, whatever device the network runs on.

use std::ops::Range;

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use labelproof_model::backend::adamw::{AdamwStep, Factors};
use rayon::prelude::*;

/// The tokens that a step reads, each once: the n-th stands in the n-th row of the module's table meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct StepWords(Vec<u32>);

impl StepWords {
    /// Those of some rows of tokens, and the one that stands for padding.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a [u32]>, pad_id: u32) -> Self {
        let mut tokens: Vec<u32> = rows.into_iter().flatten().copied().collect();
        tokens.push(pad_id);
        tokens.sort_unstable();
        tokens.dedup();
        Self(tokens)
    }

    /// Where a token stands in the module's table.
    pub fn place(&self, token: u32) -> u32 {
        let place = self.0.partition_point(|&known| known < token);
        u32::try_from(place).expect("there are no more tokens than 32-bit numbers")
    }

    /// [`Self::place`] of a row of tokens.
    pub fn places(&self, tokens: &[u32]) -> Vec<u32> {
        tokens.iter().map(|&token| self.place(token)).collect()
    }
}

/// The table of word embeddings, with what AdamW remembers of it.
#[derive(Debug)]
pub struct WordTable {
    width: usize,
    /// `[entries, width]`, and so are both means.
    weights: Vec<f32>,
    /// Running means of the gradients.
    means: Vec<f32>,
    /// Running means of their squares.
    squares: Vec<f32>,
    /// Steps that each row has taken.
    taken: Vec<usize>,
    /// Steps that every row has taken.
    settled: usize,
    /// The steps after these.
    steps: Vec<Factors>,
}

impl WordTable {
    /// The table of a module that has taken no step.
    pub fn new(table: &Param<Tensor<2>>) -> Self {
        let [entries, width] = table.shape().dims();
        let numbers = entries * width;
        Self {
            width,
            weights: numbers_of(table.val()),
            means: vec![0.0; numbers],
            squares: vec![0.0; numbers],
            taken: vec![0; entries],
            settled: 0,
            steps: Vec::new(),
        }
    }

    /// The table of a module that has taken steps, with what [`Self::remembered`] gave after them; nothing if that is of another
    /// table.
    pub fn after(steps: usize, table: &Param<Tensor<2>>, remembered: &[u8]) -> Option<Self> {
        let mut words = Self::new(table);
        let (means, squares) = remembered.split_at_checked(size_of::<f32>() * words.means.len())?;
        if means.len() != squares.len() {
            return None;
        }
        words.means = from_bytes(means);
        words.squares = from_bytes(squares);
        words.taken.fill(steps);
        words.settled = steps;
        Some(words)
    }

    /// The running means, as bytes for [`Self::after`]; asked for after [`Self::give_back`].
    pub fn remembered(&self) -> Vec<u8> {
        let numbers = self.means.iter().chain(&self.squares);
        numbers.flat_map(|number| number.to_le_bytes()).collect()
    }

    /// Puts the rows of a step's tokens in the place of a module's table. [`Self::give_back`] undoes it.
    pub fn lend(&mut self, words: &StepWords, table: &mut Param<Tensor<2>>) {
        let mut rows = Vec::with_capacity(words.0.len() * self.width);
        for &token in &words.0 {
            rows.extend_from_slice(self.up_to_date(token as usize));
        }
        put(table, rows, self.width);
    }

    /// Puts the whole table into the module again, every row with all steps taken.
    pub fn give_back(&mut self, table: &mut Param<Tensor<2>>) {
        let (steps, settled) = (&self.steps, self.settled);
        self.weights
            .par_chunks_mut(self.width)
            .zip(self.means.par_chunks_mut(self.width))
            .zip(self.squares.par_chunks_mut(self.width))
            .zip(&mut self.taken)
            .for_each(|(((weights, means), squares), taken)| {
                take(&steps[*taken - settled..], weights, means, squares);
                *taken = settled + steps.len();
            });
        self.settled += self.steps.len();
        self.steps.clear();
        put(table, self.weights.clone(), self.width);
    }

    /// Takes a step with the gradient of the rows that were lent, which it takes out of `gradients`.
    pub fn step(
        &mut self,
        words: &StepWords,
        table: &Param<Tensor<2>>,
        gradients: &mut GradientsParams,
        step: &AdamwStep,
    ) {
        let gradient = gradients.remove(table.id).map_or_else(Vec::new, numbers_of);
        let factors = step.factors();
        for (&token, gradient) in words.0.iter().zip(gradient.chunks_exact(self.width)) {
            let row = token as usize;
            self.up_to_date(row);
            let numbers = self.numbers(row);
            factors.step(
                &mut self.weights[numbers.clone()],
                gradient,
                &mut self.means[numbers.clone()],
                &mut self.squares[numbers],
            );
            self.taken[row] += 1;
        }
        self.steps.push(factors);
    }

    /// The weights of a row after all steps so far.
    fn up_to_date(&mut self, row: usize) -> &[f32] {
        let numbers = self.numbers(row);
        take(
            &self.steps[self.taken[row] - self.settled..],
            &mut self.weights[numbers.clone()],
            &mut self.means[numbers.clone()],
            &mut self.squares[numbers.clone()],
        );
        self.taken[row] = self.settled + self.steps.len();
        &self.weights[numbers]
    }

    fn numbers(&self, row: usize) -> Range<usize> {
        row * self.width..(row + 1) * self.width
    }
}

/// Takes steps in which a row had no gradient.
fn take(steps: &[Factors], weights: &mut [f32], means: &mut [f32], squares: &mut [f32]) {
    let never_read = |numbers: &[f32]| numbers.iter().all(|&number| number == 0.0);
    if steps.is_empty() {
        return;
    }
    if never_read(means) && never_read(squares) {
        for step in steps {
            step.decay(weights);
        }
    } else {
        let gradient = vec![0.0; weights.len()];
        for step in steps {
            step.step(weights, &gradient, means, squares);
        }
    }
}

fn put(table: &mut Param<Tensor<2>>, rows: Vec<f32>, width: usize) {
    let shape = [rows.len() / width, width];
    *table = table.clone().map(|before| {
        let after = Tensor::from_data(TensorData::new(rows, shape), &before.device());
        after.set_require_grad(before.is_require_grad())
    });
}

fn numbers_of(tensor: Tensor<2>) -> Vec<f32> {
    tensor
        .into_data()
        .try_into_vec()
        .expect("the network has 32 bits")
}

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use labelproof_model::backend::adamw::Stepped;
    use labelproof_model::{DeviceChoice, backend, random};

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
        let device = backend::open(DeviceChoice::Cpu).unwrap();
        let mut stream = random::stream("words", 1);
        let mut draw = || random::uniform(&mut stream) - 0.5;
        let start: Vec<f32> = (0..ENTRIES * WIDTH).map(|_| draw()).collect();
        let mut table = Param::from_tensor(tensor(start.clone(), &device));
        let mut words = WordTable::new(&table);
        let mut every_row = Stepped::first(tensor(start.clone(), &device));
        let params = Params {
            weight_decay: Some(0.1),
            ..Params::default()
        };
        let mut order = random::stream("order", 1);
        let mut tokens: Vec<u32> = (0..READ).collect();
        for number in 1..=60_usize {
            random::shuffle(&mut tokens, &mut order);
            let step_words = StepWords::of([&tokens[..4]], 0);
            words.lend(&step_words, &mut table);
            assert_eq!(table.shape().dims(), [step_words.0.len(), WIDTH]);
            let lent = numbers_of(table.val());
            let whole = numbers_of(every_row.parameter.clone());
            for (&token, lent) in step_words.0.iter().zip(lent.chunks_exact(WIDTH)) {
                assert_eq!(lent, &whole[token as usize * WIDTH..][..WIDTH], "step {number}");
            }

            let gradient: Vec<f32> = lent.iter().map(|_| draw()).collect();
            let mut scattered = vec![0.0; ENTRIES * WIDTH];
            for (&token, row) in step_words.0.iter().zip(gradient.chunks_exact(WIDTH)) {
                scattered[token as usize * WIDTH..][..WIDTH].copy_from_slice(row);
            }
            let step = optimizer::step_of(&params, 1e-3 * (number % 7) as f64, number);
            let mut gradients = GradientsParams::new();
            gradients.register(table.id, tensor(gradient, &device));
            words.step(&step_words, &table, &mut gradients, &step);
            assert!(gradients.is_empty(), "the table's gradient is nobody else's");
            every_row = every_row.step(tensor(scattered, &device), step);

            // Looked at in between, and gone on from what was kept.
            if number % 25 == 0 {
                words.give_back(&mut table);
                assert_eq!(numbers_of(table.val()), numbers_of(every_row.parameter.clone()));
                words = WordTable::after(number, &table, &words.remembered()).unwrap();
            }
        }
        words.give_back(&mut table);
        let found = numbers_of(table.val());
        assert_eq!(found, numbers_of(every_row.parameter));
        assert_eq!(words.means, numbers_of(every_row.mean));
        assert_eq!(words.squares, numbers_of(every_row.square));
        for row in [&found[..WIDTH], &found[(ENTRIES - 1) * WIDTH..]] {
            assert!(
                row.iter()
                    .zip(&start)
                    .all(|(now, then)| now.to_bits() != then.to_bits())
            );
        }
    }

    #[test]
    fn what_is_remembered_of_another_table_is_not_used() {
        let device = backend::open(DeviceChoice::Flex).unwrap();
        let table = Param::from_tensor(tensor(vec![0.5; 3 * WIDTH], &device));
        let kept = WordTable::new(&table).remembered();
        assert!(WordTable::after(1, &table, &kept).is_some());
        let larger = Param::from_tensor(tensor(vec![0.5; 4 * WIDTH], &device));
        assert!(WordTable::after(1, &larger, &kept).is_none());
        assert!(WordTable::after(1, &table, &kept[1..]).is_none());
    }

    #[test]
    fn tokens_stand_where_their_rows_are() {
        let words = StepWords::of([&[7, 3, 7][..], &[9]], 0);
        assert_eq!(words, StepWords(vec![0, 3, 7, 9]));
        assert_eq!(words.places(&[9, 3, 0]), [3, 1, 0]);
    }
}
