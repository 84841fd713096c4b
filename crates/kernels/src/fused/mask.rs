//! Dropout's keep-masks as tensors, hashed by the device that they are for.

use std::sync::{Mutex, PoisonError};

use burn::backend::libtorch::TchTensor;
use tch::{Device, Kind, Tensor};

use crate::dropout::{KeepMask, random_number};

/// The least size of a table of random numbers: enough for the tokens of most batches, half a megabyte.
const TABLE: usize = 1 << 16;

/// The tables of random numbers by device. They do not depend on a seed: each is copied to its device once.
static TABLES: Mutex<Vec<(Device, Tensor)>> = Mutex::new(Vec::new());

/// The random numbers of `count` places and more, int64.
fn random_numbers(count: i64, device: Device) -> Tensor {
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = tables.iter().find(|(known, _)| *known == device);
    if let Some((_, table)) = found.filter(|(_, table)| table.size()[0] >= count) {
        return table.shallow_clone();
    }
    let count = usize::try_from(count).unwrap_or(0).max(TABLE).next_power_of_two();
    let numbers: Vec<i64> = (0..count)
        .map(|place| random_number(place).cast_signed())
        .collect();
    let table = Tensor::from_slice(&numbers).to_device(device);
    tables.retain(|(known, _)| *known != device);
    tables.push((device, table.shallow_clone()));
    table
}

/// A keep-mask on a device.
#[derive(Debug, Clone)]
pub(super) struct Keep {
    /// True for each element that is kept.
    pub(super) elements: TchTensor,
    /// The factor of these elements.
    pub(super) scale: f64,
}

impl Keep {
    /// The mask of a tensor of some shape, in which everything but the last dimension counts as rows; `None`
    /// if it drops nothing.
    ///
    /// Five kernels, two of which are for single rows and columns: LibTorch's integers wrap around like ours.
    pub(super) fn new(keep_mask: KeepMask, shape: &[i64], device: Device) -> Option<Self> {
        if !keep_mask.drops() {
            return None;
        }
        let (&width, rows) = shape.split_last()?;
        let rows: i64 = rows.iter().product();
        let numbers = random_numbers(rows.max(width), device);
        let hash = keep_mask.hash();
        let hashed = |count: i64, multiplier: u64| {
            let products = numbers.narrow(0, 0, count) * multiplier.cast_signed();
            // The upper halves: of two numbers of 32 bits the second, as every device stores the lower first.
            products.view_dtype(Kind::Int).slice(0, 1, None, 2)
        };
        let mut sums = hashed(rows, hash.row_multiplier).unsqueeze(1) + hashed(width, hash.column_multiplier);
        let factors = sums.shallow_clone();
        let squares = sums.g_mul_(&factors);
        let elements = squares.ge(i64::from(hash.least)).reshape(shape);
        Some(Self {
            elements: TchTensor::new(elements),
            scale: f64::from(keep_mask.scale()),
        })
    }

    /// Zero for each element that is dropped, the scaled one for the others. bfloat16 is rounded once.
    pub(super) fn apply(&self, tensor: &Tensor) -> Tensor {
        // The gradient of dropout is dropout of the gradient: it is the same operation.
        Tensor::native_dropout_backward(tensor, &self.elements.tensor, self.scale)
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::DropoutConfig;
    use labelproof_settings::DeviceChoice;

    use super::*;
    use crate::device;

    #[test]
    fn a_mask_is_the_same_from_tensors_and_from_the_loop() {
        let autodiff = device::open(DeviceChoice::Cpu).unwrap().autodiff();
        for (probability, seed, shape) in [
            (0.1, 1, [3, 50, 384]),
            (0.5, 2, [1, 70_000, 3]),
            (0.9, 3, [2, 7, 12]),
        ] {
            let keep_mask = KeepMask::new(&DropoutConfig::new(probability).init(), &autodiff, seed);
            let [rows, width] = [shape[0] * shape[1], shape[2]];
            let expected = keep_mask.factors(rows, width);
            let sizes = shape.map(|size| i64::try_from(size).unwrap());
            let keep = Keep::new(keep_mask, &sizes, Device::Cpu).unwrap();
            let ones = Tensor::ones(sizes, (Kind::Float, Device::Cpu));
            let found = Vec::<f32>::try_from(keep.apply(&ones).reshape(-1)).unwrap();
            assert_eq!(found, expected);
            let dropped = expected.iter().filter(|factor| **factor == 0.0).count();
            assert!(dropped > 0 && dropped < expected.len());
        }
        let nothing = KeepMask::new(&DropoutConfig::new(0.0).init(), &autodiff, 1);
        assert!(Keep::new(nothing, &[2, 3], Device::Cpu).is_none());
    }
}
