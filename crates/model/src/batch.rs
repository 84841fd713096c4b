//! Batching: how rows of token ids become rectangular tensors.
//!
//! For prediction rows are batched by length, with slightly longer ones as long as the padding costs less
//! than another batch. For training, where a batch has a given number of rows, they are batched with rows of
//! about their length. Rows are padded to the longest of their batch.

use burn::tensor::{Device, Int, Tensor, TensorData};

use labelproof_kernels::device::is_accelerator;
use labelproof_kernels::fused::is_apart;
use labelproof_kernels::random;
use labelproof_text::tokenizer::Tokenizer;
use labelproof_text::windows::{WindowCutter, WindowPooling, Windows};

/// How large a batch for prediction may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// The largest number of tokens, padding included.
    tokens: usize,
    /// The largest number of padding tokens.
    padding: usize,
}

impl BatchLimits {
    /// On a processor: enough tokens for the matrix products to run at full speed, few enough for the
    /// activations between two layers to stay in its cache. Another batch, for which all weights are read
    /// once more, costs about as much as this padding.
    const PROCESSOR: Self = Self {
        tokens: 4096,
        padding: 64,
    };
    /// On an accelerator: enough tokens to occupy all of its cores, few enough for the activations of a large
    /// encoder's layer, some 30 kB a token in float32, to fit beside its weights in 8 GB. Another batch costs
    /// the calls of some hundred kernels, in whose time about this much padding is computed (estimates, not
    /// measured).
    const ACCELERATOR: Self = Self {
        tokens: 65_536,
        padding: 1024,
    };

    /// The limits on a device. Within [`apart`](labelproof_kernels::fused::apart) no row is padded.
    pub fn of(device: &Device) -> Self {
        let limits = if is_accelerator(device) {
            Self::ACCELERATOR
        } else {
            Self::PROCESSOR
        };
        Self {
            padding: if is_apart() { 0 } else { limits.padding },
            ..limits
        }
    }

    /// The largest number of tokens of a batch, padding included.
    pub fn tokens(self) -> usize {
        self.tokens
    }

    /// Whether a row of this length joins a batch of `rows` that are no longer, and have `tokens` tokens
    /// together.
    fn admit(self, length: usize, rows: usize, tokens: usize) -> bool {
        let padded = (rows + 1) * length;
        padded <= self.tokens && padded - tokens - length <= self.padding
    }
}

/// What rows of token ids become in a batch.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The token that fills up shorter rows.
    pub pad_id: u32,
    /// What cuts rows into windows, where they are not read at once.
    pub cutter: Option<WindowCutter>,
}

impl Layout {
    /// Rows that are read at once.
    pub fn padded(pad_id: u32) -> Self {
        Self { pad_id, cutter: None }
    }

    /// The rows of a tokenizer. `None` where its windows would not go on.
    pub fn new(tokenizer: &Tokenizer, windows: Option<Windows>) -> Option<Self> {
        let pad_id = tokenizer.pad_id();
        let cutter = match windows {
            Some(windows) => Some(tokenizer.cutter(windows)?),
            None => None,
        };
        Some(Self { pad_id, cutter })
    }

    /// Puts rows on a device.
    pub fn batch(self, rows: &[&[u32]], device: &Device) -> Batch {
        let Some(cutter) = self.cutter else {
            return Batch::new(rows, self.pad_id, device);
        };
        let windows: Vec<Vec<Vec<u32>>> = rows.iter().map(|row| cutter.cut(row)).collect();
        let counts: Vec<usize> = windows.iter().map(Vec::len).collect();
        let flat: Vec<&[u32]> = windows.iter().flatten().map(Vec::as_slice).collect();
        let batch = Batch::new(&flat, self.pad_id, device);
        let is_cut = flat.len() > rows.len();
        Batch {
            windows: is_cut.then(|| RowWindows {
                counts,
                pooling: cutter.pooling(),
            }),
            ..batch
        }
    }
}

/// Which rows of a batch are windows of the same text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowWindows {
    /// The number of windows of each text, which follow each other.
    pub counts: Vec<usize>,
    /// How their pooled vectors become that of the text.
    pub pooling: WindowPooling,
}

/// Rows of token ids on a device.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The token ids, `[batch, sequence]`.
    pub tokens: Tensor<2, Int>,
    /// The attention mask, `[batch, sequence]`, 1 for a token and 0 for padding; `None` where no row is
    /// padded.
    pub mask: Option<Tensor<2>>,
    /// The number of tokens of each row without padding, `[batch]`.
    pub lengths: Vec<usize>,
    /// The texts that the rows are windows of; `None` where each is a text.
    pub windows: Option<RowWindows>,
    /// The seed of the encoder's dropout, which has none in prediction.
    pub seed: u64,
}

impl Batch {
    /// Puts rows on a device, padded to the longest of them.
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
            windows: None,
            seed: 0,
        }
    }

    /// The same batch with another seed of the encoder's dropout.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// Splits rows into batches for prediction, shorter ones first. Every row is in exactly one batch; the
/// batches depend on the lengths and the limits alone.
pub fn by_length(lengths: &[usize], limits: BatchLimits) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&row| (lengths[row], row));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0;
    for row in order {
        let length = lengths[row];
        match batches.last_mut() {
            Some(batch) if limits.admit(length, batch.len(), tokens) => {
                batch.push(row);
                tokens += length;
            }
            _ => {
                batches.push(vec![row]);
                tokens = length;
            }
        }
    }
    batches
}

/// The number of batches that [`shuffled`] sorts together: enough to leave little padding, few enough to keep
/// the order random.
const SORTED_TOGETHER: usize = 32;

/// Splits rows into training batches of `batch_size` in a random order that follows from the seed: rows are
/// shuffled, then sorted by length within stretches of 32 batches, and the batches are shuffled. `lengths` has the
/// length of every row that there is.
pub fn shuffled(rows: Vec<usize>, lengths: &[usize], batch_size: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut stream = random::stream("batches", seed);
    let mut order = rows;
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
    use labelproof_kernels::device;
    use labelproof_settings::DeviceChoice;

    use super::*;

    #[test]
    fn every_row_is_in_one_batch() {
        let lengths: Vec<usize> = (0..500).map(|row| 3 + (row * 37) % 510).collect();
        let shuffled = |seed| shuffled((0..500).collect(), &lengths, 16, seed);
        for batches in [by_length(&lengths, BatchLimits::PROCESSOR), shuffled(7)] {
            let mut rows: Vec<usize> = batches.concat();
            rows.sort_unstable();
            assert_eq!(rows, (0..500).collect::<Vec<_>>());
        }
        assert_ne!(shuffled(7), shuffled(8));
    }

    #[test]
    fn a_prediction_batch_has_little_padding_and_is_not_too_large() {
        let lengths: Vec<usize> = (0..500).map(|row| 3 + (row * 37) % 510).collect();
        for (limits, most) in [(BatchLimits::PROCESSOR, 60), (BatchLimits::ACCELERATOR, 15)] {
            let batches = by_length(&lengths, limits);
            for batch in &batches {
                let longest = batch.iter().map(|&row| lengths[row]).max().unwrap();
                let tokens: usize = batch.iter().map(|&row| lengths[row]).sum();
                let padding = batch.len() * longest - tokens;
                assert!(padding <= limits.padding, "{padding}");
                assert!(batch.len() * longest <= limits.tokens);
            }
            assert!(batches.len() < most, "{}", batches.len());
            let longer = 10 + limits.padding;
            assert_eq!(by_length(&[longer, 10], limits), [[1, 0]]);
            assert_eq!(by_length(&[longer + 1, 10], limits), [[1], [0]]);
        }
        let of_one_length = by_length(&[512; 20], BatchLimits::PROCESSOR);
        assert_eq!(of_one_length.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 4]);
        assert_eq!(
            by_length(&[9000], BatchLimits::PROCESSOR),
            [[0]],
            "a row longer than a batch is a batch of its own"
        );
    }

    #[test]
    fn the_device_decides_how_large_a_batch_is() {
        for choice in [DeviceChoice::Cpu, DeviceChoice::Flex] {
            let device = device::open(choice).unwrap();
            assert_eq!(BatchLimits::of(&device), BatchLimits::PROCESSOR);
        }
        let device = device::open(DeviceChoice::Cpu).unwrap();
        let limits = device::as_accelerator(|| BatchLimits::of(&device));
        assert_eq!(limits, BatchLimits::ACCELERATOR);
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
