//! Dynamic quantisation to int8 of a dense layer, for inference: a fraction of the memory traffic, and
//! several products for each one that a processor computes of float32.
//!
//! Responsible for quantising and dequantising; the integer matrix product between them is LibTorch's.
//! Quantisation is symmetric, value ≈ scale × integer without a zero point: each column of a weight has a
//! scale, and so has each row of the input, found when it is multiplied, so that the largest magnitude
//! becomes ±127 (Jacob et al. 2018, arXiv:1712.05877). Integer sums are exact. So the output of a row does
//! not depend on its batch, on the threads, or on which processor with such instructions computes it.

use multiversion::multiversion;

use crate::threads;

/// The number of rows that one thread takes at a time.
const ROWS: usize = 16;
/// The number of partial maxima of a row, which one vector instruction updates.
const LANES: usize = 16;
/// The largest quantised magnitude; -128 has no positive counterpart, and is not used.
pub(crate) const LARGEST: f32 = 127.0;

/// The weight of a dense layer, quantised to int8 with a scale for each column.
#[derive(Debug)]
pub struct Int8Weight {
    /// The quantised weight, `[inputs, outputs]`, row-major.
    pub(crate) integers: Vec<i8>,
    /// The scales of the columns, `[outputs]`.
    pub(crate) scales: Vec<f32>,
}

impl Int8Weight {
    /// Quantises `weight`, `[inputs, outputs]`, row-major.
    pub fn quantize(weight: &[f32], outputs: usize) -> Self {
        let mut largest = vec![0.0; outputs];
        for row in weight.chunks_exact(outputs) {
            for (largest, value) in largest.iter_mut().zip(row) {
                *largest = larger(*largest, value.abs());
            }
        }
        let factors: Vec<f32> = largest.iter().map(|&largest| factor(largest)).collect();
        let integers = weight.chunks_exact(outputs).flat_map(|row| {
            row.iter()
                .zip(&factors)
                .map(|(value, factor)| round(value * factor))
        });
        Self {
            integers: integers.collect(),
            scales: largest.into_iter().map(scale).collect(),
        }
    }

    /// The number of columns of the layer's input.
    pub(crate) fn inputs(&self) -> usize {
        self.integers.len() / self.outputs()
    }

    /// The number of columns of the layer's output.
    pub(crate) fn outputs(&self) -> usize {
        self.scales.len()
    }

    /// The dequantised weight, `[inputs, outputs]`, row-major.
    pub(crate) fn dequantize(&self) -> Vec<f32> {
        let rows = self.integers.chunks_exact(self.scales.len());
        rows.flat_map(|row| {
            row.iter()
                .zip(&self.scales)
                .map(|(&integer, scale)| f32::from(integer) * scale)
        })
        .collect()
    }
}

/// Quantises an input, `[rows, width]`, to `integers` of the same shape and a scale for each row.
pub(crate) fn quantize_input(values: &[f32], width: usize, integers: &mut [i8], scales: &mut [f32]) {
    let chunk = ROWS * width;
    let chunks = values
        .chunks(chunk)
        .zip(integers.chunks_mut(chunk))
        .zip(scales.chunks_mut(ROWS));
    threads::for_each(chunks, |((values, integers), scales)| {
        quantize_rows(values, width, integers, scales);
    });
}

/// Dequantises the integer product of an input and a weight, `sums`, and adds the bias: `values`,
/// `[rows, outputs]`.
pub(crate) fn dequantize_output(
    sums: &[i32],
    scales_of_rows: &[f32],
    scales_of_columns: &[f32],
    bias: &[f32],
    values: &mut [f32],
) {
    let chunk = ROWS * bias.len();
    let chunks = sums
        .chunks(chunk)
        .zip(scales_of_rows.chunks(ROWS))
        .zip(values.chunks_mut(chunk));
    threads::for_each(chunks, |((sums, scales), values)| {
        dequantize_rows(sums, scales, scales_of_columns, bias, values);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn quantize_rows(values: &[f32], width: usize, integers: &mut [i8], scales: &mut [f32]) {
    let rows = values.chunks_exact(width).zip(integers.chunks_exact_mut(width));
    for ((values, integers), row_scale) in rows.zip(scales) {
        let largest = largest(values);
        *row_scale = scale(largest);
        let factor = factor(largest);
        for (integer, value) in integers.iter_mut().zip(values) {
            *integer = round(value * factor);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn dequantize_rows(
    sums: &[i32],
    scales_of_rows: &[f32],
    scales_of_columns: &[f32],
    bias: &[f32],
    values: &mut [f32],
) {
    let width = bias.len();
    let rows = sums.chunks_exact(width).zip(values.chunks_exact_mut(width));
    for ((sums, values), of_row) in rows.zip(scales_of_rows) {
        let columns = sums.iter().zip(values).zip(scales_of_columns).zip(bias);
        for (((sum, value), of_column), bias) in columns {
            *value = *sum as f32 * (of_row * of_column) + bias;
        }
    }
}

/// The largest magnitude in a row.
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

/// The larger of two numbers, or NaN if one of them is: a broken network must not look like a working one.
fn larger(first: f32, second: f32) -> f32 {
    if second > first || second.is_nan() {
        second
    } else {
        first
    }
}

/// The scale of a row or column whose largest magnitude this is.
fn scale(largest: f32) -> f32 {
    largest / LARGEST
}

/// The reciprocal of the scale.
fn factor(largest: f32) -> f32 {
    // Where the reciprocal would be infinite, every value of the row is as good as zero.
    if largest < f32::MIN_POSITIVE * LARGEST {
        0.0
    } else {
        LARGEST / largest
    }
}

/// Rounds a value between -127 and 127 to the nearest integer, half-way cases to the even one.
fn round(value: f32) -> i8 {
    /// 1.5 × 2²³. Between 2²³ and 2²⁴ the floats are the integers, so that the addition rounds, and the
    /// lowest byte of the sum is the integer. A cast would be a handful of instructions, since it is defined
    /// for every float.
    const MAGIC: f32 = 12_582_912.0;
    (value + MAGIC).to_bits().to_le_bytes()[0].cast_signed()
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use super::*;
    use crate::random;

    /// The number of rows, not a multiple of those of a chunk; nor is the width a multiple of the lanes.
    const COUNT: usize = 3 * ROWS + 5;
    const WIDTH: usize = 83;

    fn draw() -> Vec<f32> {
        let mut stream = random::stream("int8", 1);
        (0..COUNT * WIDTH)
            .map(|_| random::uniform(&mut stream) * 8.0 - 4.0)
            .collect()
    }

    /// Compares with LibTorch's quantisation of the rows or columns of `values`.
    fn check(values: &[f32], axis: i64, integers: &[i8], scales: &[f32]) {
        let size = [COUNT, WIDTH].map(|size| i64::try_from(size).unwrap());
        let values = Tensor::from_slice(values).reshape(size);
        let expected = values.abs().amax([1 - axis], false) / 127.0;
        assert_eq!(scales, Vec::<f32>::try_from(&expected).unwrap());
        let expected = values
            .quantize_per_channel(&expected, &expected.zeros_like(), axis, Kind::QInt8)
            .int_repr()
            .reshape(-1);
        let expected = Vec::<i8>::try_from(expected).unwrap();
        let differ: Vec<_> = integers
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
        assert!(integers.contains(&127) && integers.contains(&-127));
    }

    #[test]
    fn quantised_values_are_those_of_libtorch() {
        let values = draw();
        let (mut integers, mut scales) = (vec![0; values.len()], vec![0.0; COUNT]);
        quantize_input(&values, WIDTH, &mut integers, &mut scales);
        check(&values, 0, &integers, &scales);
        let weight = Int8Weight::quantize(&values, WIDTH);
        assert_eq!((weight.inputs(), weight.outputs()), (COUNT, WIDTH));
        check(&values, 1, &weight.integers, &weight.scales);
    }

    #[test]
    fn dequantised_values_are_right_to_half_a_step() {
        let values = draw();
        let weight = Int8Weight::quantize(&values, WIDTH);
        for (place, (value, found)) in values.iter().zip(weight.dequantize()).enumerate() {
            let step = weight.scales[place % WIDTH];
            assert!((value - found).abs() <= 0.5001 * step, "{value}, {found}");
        }
    }

    #[test]
    fn zero_stays_zero_and_nan_stays_nan() {
        for value in [0.0, 1e-42, f32::NAN, f32::INFINITY] {
            let mut row = vec![0.0; WIDTH];
            row[70] = value;
            let (mut integers, mut scales) = (vec![0; WIDTH], vec![0.0]);
            quantize_input(&row, WIDTH, &mut integers, &mut scales);
            let sums: Vec<i32> = integers.iter().map(|&integer| i32::from(integer)).collect();
            let mut found = vec![0.0; WIDTH];
            dequantize_output(&sums, &scales, &[1.0; WIDTH], &[0.0; WIDTH], &mut found);
            if value.is_finite() {
                assert_eq!(found, [0.0; WIDTH], "{value}");
            } else {
                assert!(found.iter().all(|value| value.is_nan()), "{value}");
            }
        }
    }
}
