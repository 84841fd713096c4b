//! The bias of a dense layer and the activation after it, GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415),
//! in one pass over memory.
//!
//! Responsible for the arithmetic on the processor. The results are the same bits on every processor and with
//! any number of threads.

use std::f32::consts::FRAC_1_SQRT_2;

use multiversion::multiversion;

use crate::threads;

/// The number of rows that one thread takes at a time.
const ROWS: usize = 16;

/// The numerator of [`error_function`]: a polynomial in the square of the argument, the highest power first.
const NUMERATOR: [f32; 7] = [
    -2.726_142_4e-10,
    2.770_681_5e-8,
    -2.101_024e-6,
    -5.692_506_2e-5,
    -7.349_906_4e-4,
    -2.954_6e-3,
    -1.609_603_3e-2,
];
/// The denominator of [`error_function`], likewise.
const DENOMINATOR: [f32; 5] = [
    -1.456_607_15e-5,
    -2.133_740_5e-4,
    -1.682_827e-3,
    -7.373_329_3e-3,
    -1.426_473_9e-2,
];

/// The forward pass of inference, in place: `values`, `[rows, width]`, hold the dense layer's output without
/// its bias, and afterwards the activations.
pub(crate) fn infer(values: &mut [f32], bias: &[f32]) {
    threads::for_each(values.chunks_mut(ROWS * bias.len()), |values| {
        activate(values, bias);
    });
}

/// The forward pass of training: `values` hold the pre-activations afterwards, which the backward pass needs,
/// and `activated` the activations.
pub(crate) fn forward(values: &mut [f32], bias: &[f32], activated: &mut [f32]) {
    let chunk = ROWS * bias.len();
    let chunks = values.chunks_mut(chunk).zip(activated.chunks_mut(chunk));
    threads::for_each(chunks, |(values, activated)| {
        activate_into(values, bias, activated);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn activate(values: &mut [f32], bias: &[f32]) {
    for row in values.chunks_exact_mut(bias.len()) {
        for (value, bias) in row.iter_mut().zip(bias) {
            *value = gelu(*value + bias);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn activate_into(values: &mut [f32], bias: &[f32], activated: &mut [f32]) {
    let rows = values.chunks_exact_mut(bias.len());
    for (row, activated) in rows.zip(activated.chunks_exact_mut(bias.len())) {
        for ((value, bias), activated) in row.iter_mut().zip(bias).zip(activated) {
            *value += bias;
            *activated = gelu(*value);
        }
    }
}

/// GELU: x Φ(x), where Φ is the distribution function of the standard normal distribution.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the instruction set of its caller"
)]
#[inline(always)]
fn gelu(value: f32) -> f32 {
    0.5 * value * (1.0 + error_function(value * FRAC_1_SQRT_2))
}

/// erf(x) as a rational function, right to 4.3e-7: Eigen's approximation, which is constant beyond ±4.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the instruction set of its caller"
)]
#[inline(always)]
fn error_function(value: f32) -> f32 {
    let value = value.clamp(-4.0, 4.0);
    let square = value * value;
    // A fused multiply-add rounds once on every processor, also where it takes more than one instruction.
    let polynomial = |coefficients: &[f32]| {
        let sum = |sum: f32, coefficient: &f32| sum.mul_add(square, *coefficient);
        coefficients.iter().fold(0.0, sum)
    };
    value * polynomial(&NUMERATOR) / polynomial(&DENOMINATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_gelu_with_a_bias() {
        let count = 120_001_usize;
        let values: Vec<f32> = (0..count).map(|place| place as f32 / 10_000.0 - 6.0).collect();
        // In float64, by LibTorch.
        let expected = tch::Tensor::from_slice(&values).to_kind(tch::Kind::Double) + 0.25;
        let expected = Vec::<f64>::try_from(expected.gelu("none")).unwrap();

        let bias = vec![0.25; 317];
        let rows = count.div_ceil(bias.len());
        let mut sums = values.clone();
        sums.resize(rows * bias.len(), 0.0);
        let mut inferred = sums.clone();
        infer(&mut inferred, &bias);
        let mut activated = vec![0.0; sums.len()];
        forward(&mut sums, &bias, &mut activated);

        assert_eq!(inferred, activated);
        for ((value, sum), (found, expected)) in values.iter().zip(&sums).zip(inferred.iter().zip(expected)) {
            assert_eq!(sum.to_bits(), (value + 0.25).to_bits());
            assert!(
                (f64::from(*found) - expected).abs() < 1.5e-6,
                "{value}: {found}, {expected}"
            );
        }
    }
}
