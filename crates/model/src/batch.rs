//! How rows of token ids become rectangular batches.
//!
//! For prediction a batch holds rows of one length only: nothing is padded, no mask is needed, and attention runs in the
//! backend's fused kernel, which never writes its `[sequence, sequence]` weights to memory. For training, where batches have
//! a given number of rows, rows are batched with rows of about their length and padded to the longest of their batch.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::random;

/// Tokens a prediction batch: enough for the matrix products to run at full speed, few enough for what lies between two
/// layers to stay in the processor's cache.
pub const PREDICTION_BATCH_TOKENS: usize = 4096;

/// Rows of token ids on a device.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[batch, sequence]`
    pub tokens: Tensor<2, Int>,
    /// `[batch, sequence]`, 1 for a token and 0 for padding; nothing where no row is padded.
    pub mask: Option<Tensor<2>>,
    /// Tokens a row, without padding: `[batch]`
    pub lengths: Vec<usize>,
    /// Of the encoder's dropout, where there is any.
    pub seed: u64,
}

impl Batch {
    /// Puts rows on a device, padded to the longest.
    pub fn new(rows: &[&[u32]], pad_id: u32, device: &Device) -> Self {
        let lengths: Vec<usize> = rows.iter().map(|row| row.len()).collect();
        let sequence = lengths.iter().copied().max().unwrap_or(0);
        let mut tokens = Vec::with_capacity(rows.len() * sequence);
        let mut mask = Vec::with_capacity(rows.len() * sequence);
        for row in rows {
            tokens.extend(row.iter().map(|&token| i64::from(token)));
            tokens.resize(tokens.len() + sequence - row.len(), i64::from(pad_id));
            mask.resize(mask.len() + row.len(), 1.0_f32);
            mask.resize(mask.len() + sequence - row.len(), 0.0);
        }
        let shape = [rows.len(), sequence];
        let padded = lengths.iter().any(|&length| length < sequence);
        Self {
            tokens: Tensor::from_data(TensorData::new(tokens, shape), device),
            mask: padded.then(|| Tensor::from_data(TensorData::new(mask, shape), device)),
            lengths,
            seed: 0,
        }
    }

    /// The same batch with another seed of the encoder's dropout.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// Cuts rows into batches for prediction: rows of one length, at most `max_tokens` a batch. Every row is in exactly one
/// batch; the result depends on the lengths alone.
pub fn by_length(lengths: &[usize], max_tokens: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&row| (lengths[row], row));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for row in order {
        let length = lengths[row];
        match batches.last_mut() {
            Some(batch) if lengths[batch[0]] == length && (batch.len() + 1) * length <= max_tokens => {
                batch.push(row);
            }
            _ => batches.push(vec![row]),
        }
    }
    batches
}

/// How many batches are sorted together by [`shuffled`]: enough to leave little padding, few enough to keep the
/// order random.
const SORTED_TOGETHER: usize = 32;

/// Cuts rows into training batches of `batch_size` in a random order that follows the seed: rows are shuffled, then
/// sorted by length within stretches of 32 batches, and the batches are shuffled.
pub fn shuffled(lengths: &[usize], batch_size: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut stream = random::stream("batches", seed);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    random::shuffle(&mut order, &mut stream);
    for stretch in order.chunks_mut(batch_size * SORTED_TOGETHER) {
        stretch.sort_by_key(|&row| lengths[row]);
    }
    let mut batches: Vec<Vec<usize>> = order.chunks(batch_size).map(<[usize]>::to_vec).collect();
    random::shuffle(&mut batches, &mut stream);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_batch_and_no_batch_is_too_large() {
        let lengths: Vec<usize> = (0..500).map(|row| 3 + (row * 37) % 510).collect();
        for batches in [by_length(&lengths, 4096), shuffled(&lengths, 16, 7)] {
            let mut rows: Vec<usize> = batches.concat();
            rows.sort_unstable();
            assert_eq!(rows, (0..500).collect::<Vec<_>>());
        }
        for batch in by_length(&lengths, 4096) {
            assert!(
                batch.iter().all(|&row| lengths[row] == lengths[batch[0]]),
                "nothing is padded"
            );
            assert!(batch.len() * lengths[batch[0]] <= 4096);
        }
        assert_eq!(by_length(&[5, 7, 5], 4096), [vec![0, 2], vec![1]]);
        assert_eq!(
            by_length(&[9000], 4096),
            [[0]],
            "a row longer than a batch is a batch of its own"
        );
        assert_ne!(shuffled(&lengths, 16, 7), shuffled(&lengths, 16, 8));
    }

    #[test]
    fn rows_are_padded_to_the_longest_of_their_batch_and_masked_only_where_padded() {
        let device = Device::flex();
        let batch = Batch::new(&[&[5, 6, 7], &[8]], 9, &device);
        assert_eq!(
            batch.tokens.into_data().iter::<i64>().collect::<Vec<_>>(),
            [5, 6, 7, 8, 9, 9]
        );
        let mask = batch.mask.unwrap().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(mask, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        assert!(Batch::new(&[&[1, 2], &[3, 4]], 0, &device).mask.is_none());
    }
}
