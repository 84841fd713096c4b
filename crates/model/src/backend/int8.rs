//! Dense layers in whole numbers of 8 bits, for prediction: a fraction of the memory traffic, and several products for each that a
//! processor makes of floats.
//!
//! Responsible for turning floats into such numbers and sums of their products into floats again; the products between are LibTorch's. Each
//! column of a weight has a scale, and so has each row of the input, found when it is multiplied: value ≈ number × scale, without an offset,
//! the largest value of the row or column being ±127 (dynamic quantisation; Jacob et al. 2018, arXiv:1712.05877). Sums of whole numbers are
//! exact. So what a row gives does not depend on the batch, the threads, or which processor with such instructions it is.

use multiversion::multiversion;

use super::threads;

/// Rows that one thread takes at a time.
const ROWS: usize = 16;
/// Partial maxima, which one instruction compares with.
const LANES: usize = 16;
/// The largest number; -128 has no counterpart, and is left out.
pub(super) const LARGEST: f32 = 127.0;

/// The weight of a dense layer in whole numbers of 8 bits.
#[derive(Debug)]
pub struct Int8Weight {
    /// `[inputs, outputs]`, row-major.
    pub(super) numbers: Vec<i8>,
    /// `[outputs]`
    pub(super) scales: Vec<f32>,
}

impl Int8Weight {
    /// Of `weight`, `[inputs, outputs]`, row-major.
    pub fn of(weight: &[f32], outputs: usize) -> Self {
        let mut largest = vec![0.0; outputs];
        for row in weight.chunks_exact(outputs) {
            for (largest, value) in largest.iter_mut().zip(row) {
                *largest = larger(*largest, value.abs());
            }
        }
        let factors: Vec<f32> = largest.iter().map(|&largest| factor(largest)).collect();
        let numbers = weight.chunks_exact(outputs).flat_map(|row| {
            row.iter()
                .zip(&factors)
                .map(|(value, factor)| number(value * factor))
        });
        Self {
            numbers: numbers.collect(),
            scales: largest.into_iter().map(scale).collect(),
        }
    }

    /// Columns of what it is multiplied with.
    pub(super) fn inputs(&self) -> usize {
        self.numbers.len() / self.outputs()
    }

    /// Columns of the product.
    pub(super) fn outputs(&self) -> usize {
        self.scales.len()
    }

    /// What the numbers stand for, `[inputs, outputs]`, row-major.
    pub(super) fn restored(&self) -> Vec<f32> {
        let rows = self.numbers.chunks_exact(self.scales.len());
        rows.flat_map(|row| {
            row.iter()
                .zip(&self.scales)
                .map(|(&number, scale)| f32::from(number) * scale)
        })
        .collect()
    }
}

/// Turns `values`, `[rows, width]`, into numbers and a scale for each row.
pub(super) fn quantize(values: &[f32], width: usize, numbers: &mut [i8], scales: &mut [f32]) {
    let part = ROWS * width;
    let parts = values
        .chunks(part)
        .zip(numbers.chunks_mut(part))
        .zip(scales.chunks_mut(ROWS));
    threads::for_each(parts, |((values, numbers), scales)| {
        quantize_rows(values, width, numbers, scales);
    });
}

/// Turns `sums` of products, `[rows, outputs]`, into floats and adds a bias: of each row by its scale, of each column by that of the
/// weight and the bias, `vectors`.
pub(super) fn restore(sums: &[i32], scales: &[f32], vectors: [&[f32]; 2], values: &mut [f32]) {
    let part = ROWS * vectors[0].len();
    let parts = sums
        .chunks(part)
        .zip(scales.chunks(ROWS))
        .zip(values.chunks_mut(part));
    threads::for_each(parts, |((sums, scales), values)| {
        restore_rows(sums, scales, vectors, values);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn quantize_rows(values: &[f32], width: usize, numbers: &mut [i8], scales: &mut [f32]) {
    let rows = values.chunks_exact(width).zip(numbers.chunks_exact_mut(width));
    for ((values, numbers), row_scale) in rows.zip(scales) {
        let largest = largest(values);
        *row_scale = scale(largest);
        let factor = factor(largest);
        for (rounded, value) in numbers.iter_mut().zip(values) {
            *rounded = number(value * factor);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn restore_rows(sums: &[i32], scales: &[f32], [of_weight, bias]: [&[f32]; 2], values: &mut [f32]) {
    let width = bias.len();
    let rows = sums.chunks_exact(width).zip(values.chunks_exact_mut(width));
    for ((sums, values), scale) in rows.zip(scales) {
        for (((sum, value), of_column), bias) in sums.iter().zip(values).zip(of_weight).zip(bias) {
            *value = *sum as f32 * (scale * of_column) + bias;
        }
    }
}

/// The largest absolute value of a row.
fn largest(row: &[f32]) -> f32 {
    let (whole, rest) = row.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for values in whole {
        for (lane, value) in lanes.iter_mut().zip(values) {
            *lane = larger(*lane, value.abs());
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = larger(*lane, value.abs());
    }
    lanes.into_iter().fold(0.0, larger)
}

/// The larger of both, or NaN if one is: what a broken network gives must not become an ordinary number.
fn larger(first: f32, second: f32) -> f32 {
    if second > first || second.is_nan() {
        second
    } else {
        first
    }
}

fn scale(largest: f32) -> f32 {
    largest / LARGEST
}

/// What makes numbers of values, of which this is the largest.
fn factor(largest: f32) -> f32 {
    // Where it would be infinite, all values are as good as nothing.
    if largest < f32::MIN_POSITIVE * LARGEST {
        0.0
    } else {
        LARGEST / largest
    }
}

/// The nearest whole number, of two the even one, of a value between -127 and 127.
fn number(value: f32) -> i8 {
    /// 1.5 × 2²³: between 2²³ and 2²⁴ floats are the whole numbers, so that the sum is rounded to one, and their lowest byte is the
    /// number that was added. One addition, where a cast is a handful of instructions, since it has an answer for every float.
    const WHOLE: f32 = 12_582_912.0;
    (value + WHOLE).to_bits().to_le_bytes()[0].cast_signed()
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use super::*;
    use crate::random;

    /// Neither a whole number of parts nor of lanes.
    const COUNT: usize = 3 * ROWS + 5;
    const WIDTH: usize = 83;

    fn draw() -> Vec<f32> {
        let mut stream = random::stream("int8", 1);
        (0..COUNT * WIDTH)
            .map(|_| random::uniform(&mut stream) * 8.0 - 4.0)
            .collect()
    }

    /// Compares with LibTorch's quantisation of the rows or columns of `values`.
    fn check(values: &[f32], axis: i64, numbers: &[i8], scales: &[f32]) {
        let size = [COUNT, WIDTH].map(|size| i64::try_from(size).unwrap());
        let values = Tensor::from_slice(values).reshape(size);
        let expected = values.abs().amax([1 - axis], false) / 127.0;
        assert_eq!(scales, Vec::<f32>::try_from(&expected).unwrap());
        let expected = values
            .quantize_per_channel(&expected, &expected.zeros_like(), axis, Kind::QInt8)
            .int_repr()
            .reshape(-1);
        let expected = Vec::<i8>::try_from(expected).unwrap();
        let differ: Vec<_> = numbers
            .iter()
            .zip(&expected)
            .filter(|(one, other)| one != other)
            .collect();
        // A value half-way between two numbers may become the other one when multiplied instead of divided.
        assert!(differ.len() < 5, "{differ:?}");
        assert!(
            differ.iter().all(|(one, other)| one.abs_diff(**other) == 1),
            "{differ:?}"
        );
        assert!(numbers.contains(&127) && numbers.contains(&-127));
    }

    #[test]
    fn numbers_are_those_of_libtorch() {
        let values = draw();
        let (mut numbers, mut scales) = (vec![0; values.len()], vec![0.0; COUNT]);
        quantize(&values, WIDTH, &mut numbers, &mut scales);
        check(&values, 0, &numbers, &scales);
        let weight = Int8Weight::of(&values, WIDTH);
        assert_eq!((weight.inputs(), weight.outputs()), (COUNT, WIDTH));
        check(&values, 1, &weight.numbers, &weight.scales);
    }

    #[test]
    fn numbers_times_scales_are_the_values_to_half_a_step() {
        let values = draw();
        let weight = Int8Weight::of(&values, WIDTH);
        for (place, (value, restored)) in values.iter().zip(weight.restored()).enumerate() {
            let step = weight.scales[place % WIDTH];
            assert!((value - restored).abs() <= 0.5001 * step, "{value}, {restored}");
        }
    }

    #[test]
    fn nothing_stays_nothing_and_what_is_no_number_does_not_become_one() {
        for value in [0.0, 1e-42, f32::NAN, f32::INFINITY] {
            let mut row = vec![0.0; WIDTH];
            row[70] = value;
            let (mut numbers, mut scales) = (vec![0; WIDTH], vec![0.0]);
            quantize(&row, WIDTH, &mut numbers, &mut scales);
            let sums: Vec<i32> = numbers.iter().map(|&number| i32::from(number)).collect();
            let mut restored = vec![0.0; WIDTH];
            restore(&sums, &scales, [&[1.0; WIDTH], &[0.0; WIDTH]], &mut restored);
            if value.is_finite() {
                assert_eq!(restored, [0.0; WIDTH], "{value}");
            } else {
                assert!(restored.iter().all(|value| value.is_nan()), "{value}");
            }
        }
    }
}
