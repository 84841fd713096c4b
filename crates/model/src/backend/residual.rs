//! What stands at the end of each half of a layer: the bias of its last dense layer, dropout, the sum with what the half was given, and
//! layer normalisation of the sum (Ba et al. 2016, arXiv:1607.06450), in one pass over memory on each way.
//!
//! Responsible for the arithmetic on the processor. Taken apart it is a handful of operations on the way forward and a dozen on the
//! way back, each of which goes through memory and waits for its threads. The results are the same on every processor and with
//! any number of threads.

use multiversion::multiversion;

use super::threads;
use crate::dropout::Dropped;

/// Rows that one thread takes at a time, and whose dropout is drawn together.
const ROWS: usize = 32;
/// Partial sums, which one instruction adds to.
const LANES: usize = 16;

/// What a half has learnt that is as wide as a row, and the ε of its normalisation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Learnt<'a> {
    pub(super) bias: &'a [f32],
    pub(super) gamma: &'a [f32],
    pub(super) beta: &'a [f32],
    pub(super) epsilon: f32,
}

/// Numbers whose dropout is drawn together.
pub(super) fn part(width: usize) -> usize {
    ROWS * width
}

/// Where nothing learns: `output` holds the products of the last dense layer, and afterwards what the half gives. It and `input` are
/// `[rows, width]`.
pub(super) fn predict(output: &mut [f32], input: &[f32], learnt: Learnt<'_>) {
    let part = part(learnt.bias.len());
    let parts = output.chunks_mut(part).zip(input.chunks(part));
    threads::for_each(parts, |(output, input)| {
        let vectors = [learnt.bias, learnt.gamma, learnt.beta];
        predict_rows(output, input, vectors, learnt.epsilon);
    });
}

/// Where something learns: `output` holds the sum afterwards, and `normalized` what the half gives. Says which values were left.
pub(super) fn forward(
    output: &mut [f32],
    input: &[f32],
    normalized: &mut [f32],
    learnt: Learnt<'_>,
    dropped: Dropped,
) -> Vec<bool> {
    let part = part(learnt.bias.len());
    let mut left = vec![true; output.len()];
    let parts = output
        .chunks_mut(part)
        .zip(input.chunks(part))
        .zip(normalized.chunks_mut(part))
        .zip(left.chunks_mut(part))
        .enumerate();
    threads::for_each(parts, |(number, (((output, input), normalized), left))| {
        if dropped.any() {
            dropped.draw(number, left);
        }
        let vectors = [learnt.bias, learnt.gamma, learnt.beta];
        let left = (&*left, dropped.scale());
        forward_rows(output, input, normalized, left, vectors, learnt.epsilon);
    });
    left
}

/// The way back from `gradient`, that of what [`forward`] gave, with the sum that it left and the values that it kept: writes the
/// gradients of `output` and `input`, and returns those of bias, gamma and beta.
pub(super) fn backward(
    gradient: &[f32],
    sum: &[f32],
    learnt: Learnt<'_>,
    (left, dropped): (&[bool], Dropped),
    of_output: &mut [f32],
    of_input: &mut [f32],
) -> [Vec<f32>; 3] {
    let width = learnt.gamma.len();
    let part = part(width);
    let mut partial = vec![0.0; gradient.len().div_ceil(part) * 3 * width];
    let parts = gradient
        .chunks(part)
        .zip(sum.chunks(part))
        .zip(left.chunks(part))
        .zip(of_output.chunks_mut(part))
        .zip(of_input.chunks_mut(part))
        .zip(partial.chunks_mut(3 * width));
    threads::for_each(
        parts,
        |(((((gradient, sum), left), of_output), of_input), partial)| {
            let left = (left, dropped.scale());
            let norm = (learnt.gamma, learnt.epsilon);
            backward_rows([gradient, sum], left, norm, [of_output, of_input], partial);
        },
    );
    // In the order of the rows, so that the sums are the same whichever thread was first.
    let mut sums = vec![0.0; 3 * width];
    for partial in partial.chunks_exact(3 * width) {
        for (sum, partial) in sums.iter_mut().zip(partial) {
            *sum += partial;
        }
    }
    [0, 1, 2].map(|number| sums[number * width..(number + 1) * width].to_vec())
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn predict_rows(outputs: &mut [f32], inputs: &[f32], [bias, gamma, beta]: [&[f32]; 3], epsilon: f32) {
    let width = bias.len();
    for (output, input) in outputs.chunks_exact_mut(width).zip(inputs.chunks_exact(width)) {
        for ((output, input), bias) in output.iter_mut().zip(input).zip(bias) {
            *output = *output + bias + input;
        }
        let (mean, inverse) = moments(output, epsilon);
        for ((value, gamma), beta) in output.iter_mut().zip(gamma).zip(beta) {
            *value = (*value - mean) * inverse * gamma + beta;
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn forward_rows(
    outputs: &mut [f32],
    inputs: &[f32],
    normalized: &mut [f32],
    (left, scale): (&[bool], f32),
    [bias, gamma, beta]: [&[f32]; 3],
    epsilon: f32,
) {
    let width = bias.len();
    let rows = outputs
        .chunks_exact_mut(width)
        .zip(inputs.chunks_exact(width))
        .zip(left.chunks_exact(width))
        .zip(normalized.chunks_exact_mut(width));
    for (((output, input), left), normalized) in rows {
        for (((output, input), &left), bias) in output.iter_mut().zip(input).zip(left).zip(bias) {
            let kept = if left { (*output + bias) * scale } else { 0.0 };
            *output = kept + input;
        }
        let (mean, inverse) = moments(output, epsilon);
        for (((normalized, sum), gamma), beta) in normalized.iter_mut().zip(&*output).zip(gamma).zip(beta) {
            *normalized = (sum - mean) * inverse * gamma + beta;
        }
    }
}

/// Adds to the gradients of bias, gamma and beta, which stand one after the other in `of_vectors`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn backward_rows(
    [gradients, sums]: [&[f32]; 2],
    (left, scale): (&[bool], f32),
    (gamma, epsilon): (&[f32], f32),
    [of_outputs, of_inputs]: [&mut [f32]; 2],
    of_vectors: &mut [f32],
) {
    let width = gamma.len();
    let (of_bias, of_norm) = of_vectors.split_at_mut(width);
    let (of_gamma, of_beta) = of_norm.split_at_mut(width);
    let rows = gradients
        .chunks_exact(width)
        .zip(sums.chunks_exact(width))
        .zip(left.chunks_exact(width))
        .zip(of_outputs.chunks_exact_mut(width))
        .zip(of_inputs.chunks_exact_mut(width));
    for ((((gradients, sums), left), of_outputs), of_inputs) in rows {
        let (mean, inverse) = moments(sums, epsilon);
        let steady = total([gradients, gamma], |[gradient, gamma]| gradient * gamma) / width as f32;
        let slope = total([gradients, gamma, sums], |[gradient, gamma, sum]| {
            gradient * gamma * ((sum - mean) * inverse)
        }) / width as f32;
        let known = gradients.iter().zip(sums).zip(gamma);
        let norms = of_gamma.iter_mut().zip(of_beta.iter_mut());
        for ((of_input, (of_gamma, of_beta)), ((gradient, sum), gamma)) in
            of_inputs.iter_mut().zip(norms).zip(known)
        {
            let standard = (sum - mean) * inverse;
            *of_input = inverse * (gradient * gamma - steady - standard * slope);
            *of_gamma += gradient * standard;
            *of_beta += gradient;
        }
        let outputs = of_outputs.iter_mut().zip(of_bias.iter_mut());
        for ((of_output, of_bias), (of_input, &left)) in outputs.zip(of_inputs.iter().zip(left)) {
            *of_output = if left { of_input * scale } else { 0.0 };
            *of_bias += *of_output;
        }
    }
}

/// The mean of a row, and one over its standard deviation.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the instructions of whoever calls"
)]
#[inline(always)]
fn moments(row: &[f32], epsilon: f32) -> (f32, f32) {
    let width = row.len() as f32;
    let mean = total([row], |[value]| value) / width;
    let variance = total([row], |[value]| (value - mean) * (value - mean)) / width;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

/// The sum of what `term` makes of the numbers that stand at one place of rows of one length.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the instructions of whoever calls"
)]
#[inline(always)]
fn total<const N: usize>(rows: [&[f32]; N], term: impl Fn([f32; N]) -> f32) -> f32 {
    let rows = rows.map(<[f32]>::as_chunks::<LANES>);
    let mut lanes = [0.0; LANES];
    for place in 0..rows[0].0.len() {
        let numbers = rows.map(|(whole, _)| &whole[place]);
        for (lane, total) in lanes.iter_mut().enumerate() {
            *total += term(numbers.map(|numbers| numbers[lane]));
        }
    }
    for (place, total) in lanes.iter_mut().enumerate().take(rows[0].1.len()) {
        *total += term(rows.map(|(_, rest)| rest[place]));
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use burn::nn::DropoutConfig;
    use tch::{Kind, Tensor};

    use super::*;
    use crate::random;
    use crate::{DeviceChoice, backend};

    /// Several parts, of which the last is short; a width that fills no whole number of lanes.
    const SIZE: [i64; 2] = [77, 40];

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        Vec::try_from(tensor.reshape(-1)).unwrap()
    }

    fn assert_close(found: &[f32], expected: &Tensor) {
        let expected = numbers(&expected.to_kind(Kind::Float));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() <= 1e-5 + 1e-5 * expected.abs(),
                "{found}, {expected}"
            );
        }
    }

    /// Against LibTorch's operations and its gradients of them, in 64 bits.
    fn check(share: f64) {
        let mut stream = random::stream("residual", 1);
        let mut draw = |size: &[i64]| {
            let count = usize::try_from(size.iter().product::<i64>()).unwrap();
            let values: Vec<f32> = (0..count).map(|_| random::uniform(&mut stream) - 0.5).collect();
            Tensor::from_slice(&values).reshape(size)
        };
        let [output, input, weights] = [0; 3].map(|_| draw(&SIZE));
        let [bias, gamma, beta] = [0; 3].map(|_| draw(&SIZE[1..]));
        let epsilon = 1e-3;
        let device = backend::open(DeviceChoice::Cpu).unwrap().autodiff();
        let dropped = Dropped::of(&DropoutConfig::new(share).init(), &device, 7);
        let mask = Tensor::from_slice(&dropped.mask(output.numel(), part(40))).reshape(SIZE);
        let kept = mask.ne(0.0).sum(Kind::Float).double_value(&[]) / output.numel() as f64;
        assert!((kept - (1.0 - share)).abs() < 0.04, "{kept}");

        let leaf = |tensor: &Tensor| tensor.to_kind(Kind::Double).set_requires_grad(true);
        let leaves = [&output, &bias, &input, &gamma, &beta].map(leaf);
        let [of_output, of_bias, of_input, of_gamma, of_beta] = &leaves;
        let sum = (of_output + of_bias) * mask + of_input;
        let expected = sum.layer_norm([SIZE[1]], Some(of_gamma), Some(of_beta), epsilon, false);
        let loss = (&expected * &weights).sum(Kind::Double);
        let expected_gradients = Tensor::run_backward(&[loss], &leaves, false, false);

        let [bias, gamma, beta] = [&bias, &gamma, &beta].map(numbers);
        let learnt = Learnt {
            bias: &bias,
            gamma: &gamma,
            beta: &beta,
            epsilon: 1e-3,
        };
        let input = numbers(&input);
        let mut sums = numbers(&output);
        let mut normalized = vec![0.0; sums.len()];
        let left = forward(&mut sums, &input, &mut normalized, learnt, dropped);
        assert_close(&normalized, &expected);
        if share == 0.0 {
            let mut predicted = numbers(&output);
            predict(&mut predicted, &input, learnt);
            assert_eq!(predicted, normalized);
        }

        let (mut of_output, mut of_input) = (vec![0.0; sums.len()], vec![0.0; sums.len()]);
        let [of_bias, of_gamma, of_beta] = backward(
            &numbers(&weights),
            &sums,
            learnt,
            (&left, dropped),
            &mut of_output,
            &mut of_input,
        );
        let found = [of_output, of_bias, of_input, of_gamma, of_beta];
        for (found, expected) in found.iter().zip(&expected_gradients) {
            assert_close(found, expected);
        }
    }

    #[test]
    fn without_dropout_it_is_the_normalised_sum() {
        check(0.0);
    }

    #[test]
    fn with_dropout_it_is_the_normalised_sum_of_what_was_left() {
        check(0.3);
    }

    #[test]
    fn neither_masks_nor_sums_depend_on_the_number_of_threads() {
        let device = backend::open(DeviceChoice::Cpu).unwrap().autodiff();
        let dropped = Dropped::of(&DropoutConfig::new(0.3).init(), &device, 1);
        let vector: Vec<f32> = (0_u8..40).map(|place| 1.0 / (f32::from(place) + 3.0)).collect();
        let learnt = Learnt {
            bias: &vector,
            gamma: &vector,
            beta: &vector,
            epsilon: 1e-3,
        };
        let found = [1, 2, 7].map(|threads| {
            tch::set_num_threads(threads);
            let drawn = dropped.mask(100_000, part(40));
            let mut sums = drawn.clone();
            let mut normalized = vec![0.0; sums.len()];
            let left = forward(&mut sums, &drawn, &mut normalized, learnt, dropped);
            let (mut of_output, mut of_input) = (normalized.clone(), normalized.clone());
            let kept = (&*left, dropped);
            let of_vectors = backward(&normalized, &sums, learnt, kept, &mut of_output, &mut of_input);
            [vec![drawn, normalized, of_output, of_input], of_vectors.to_vec()].concat()
        });
        assert_eq!(found[0], found[1]);
        assert_eq!(found[0], found[2]);
    }
}
