//! The bias of a dense layer and the activation after it, GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415), in one pass over memory.
//!
//! Responsible for the arithmetic on the processor. The results are the same on every processor and with any number of threads.

use std::f32::consts::FRAC_1_SQRT_2;

use multiversion::multiversion;

use super::threads;

/// Rows that one thread takes at a time.
const ROWS: usize = 16;

/// The polynomials of [`error_function`] in the square of its argument, the highest power first.
const ABOVE: [f32; 7] = [
    -2.726_142_4e-10,
    2.770_681_5e-8,
    -2.101_024e-6,
    -5.692_506_2e-5,
    -7.349_906_4e-4,
    -2.954_6e-3,
    -1.609_603_3e-2,
];
const BELOW: [f32; 5] = [
    -1.456_607_15e-5,
    -2.133_740_5e-4,
    -1.682_827e-3,
    -7.373_329_3e-3,
    -1.426_473_9e-2,
];

/// Where nothing learns: `values`, `[rows, width]`, hold the products of a dense layer, and afterwards what the activation gives.
pub(super) fn predict(values: &mut [f32], bias: &[f32]) {
    threads::for_each(values.chunks_mut(ROWS * bias.len()), |values| {
        activate(values, bias);
    });
}

/// Where something learns: `values` hold the sums with the bias afterwards, and `activated` what the activation gives.
pub(super) fn forward(values: &mut [f32], bias: &[f32], activated: &mut [f32]) {
    let part = ROWS * bias.len();
    let parts = values.chunks_mut(part).zip(activated.chunks_mut(part));
    threads::for_each(parts, |(values, activated)| {
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

/// x Φ(x).
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the instructions of whoever calls"
)]
#[inline(always)]
fn gelu(value: f32) -> f32 {
    0.5 * value * (1.0 + error_function(value * FRAC_1_SQRT_2))
}

/// erf(x) as a quotient of polynomials, right to 4.3e-7: Eigen's approximation, beyond ±4 that of ±4.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the instructions of whoever calls"
)]
#[inline(always)]
fn error_function(value: f32) -> f32 {
    let value = value.clamp(-4.0, 4.0);
    let square = value * value;
    // One operation with one rounding on every processor, also where it takes more than one instruction.
    let polynomial = |coefficients: &[f32]| {
        let sum = |sum: f32, coefficient: &f32| sum.mul_add(square, *coefficient);
        coefficients.iter().fold(0.0, sum)
    };
    value * polynomial(&ABOVE) / polynomial(&BELOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_gelu_with_a_bias() {
        let count = 120_001_usize;
        let values: Vec<f32> = (0..count).map(|place| place as f32 / 10_000.0 - 6.0).collect();
        // In 64 bits, by LibTorch.
        let expected = tch::Tensor::from_slice(&values).to_kind(tch::Kind::Double) + 0.25;
        let expected = Vec::<f64>::try_from(expected.gelu("none")).unwrap();

        let bias = vec![0.25; 317];
        let rows = count.div_ceil(bias.len());
        let mut sums = values.clone();
        sums.resize(rows * bias.len(), 0.0);
        let mut predicted = sums.clone();
        predict(&mut predicted, &bias);
        let mut activated = vec![0.0; sums.len()];
        forward(&mut sums, &bias, &mut activated);

        assert_eq!(predicted, activated);
        for ((value, sum), (found, expected)) in values.iter().zip(&sums).zip(predicted.iter().zip(expected))
        {
            assert_eq!(sum.to_bits(), (value + 0.25).to_bits());
            assert!(
                (f64::from(*found) - expected).abs() < 1.5e-6,
                "{value}: {found}, {expected}"
            );
        }
    }
}
