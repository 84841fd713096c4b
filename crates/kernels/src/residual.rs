//! The end of a sub-layer of a transformer: the bias of its last dense layer, dropout, the residual
//! connection and layer normalisation (Ba et al. 2016, arXiv:1607.06450), in one pass over memory in the
//! forward and in the backward pass.
//!
//! Responsible for the arithmetic on the processor. As separate operations it is a handful in the forward
//! pass and a dozen in the backward pass, each of which goes through memory and waits for its threads. The
//! results are the same bits on every processor and with any number of threads.

use multiversion::multiversion;

use crate::dropout::KeepMask;
use crate::threads;

/// The number of rows that one thread takes at a time.
const ROWS: usize = 32;
/// The number of partial sums, which one vector instruction adds to.
const LANES: usize = 16;

/// The parameters of the end of a sub-layer, each `[width]`, and the ε of its layer normalisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters<'a> {
    pub(crate) bias: &'a [f32],
    pub(crate) gamma: &'a [f32],
    pub(crate) beta: &'a [f32],
    pub(crate) epsilon: f32,
}

/// The number of elements that one thread takes at a time.
fn chunk_len(width: usize) -> usize {
    ROWS * width
}

/// The forward pass of inference, in place: `output`, `[rows, width]`, holds the last dense layer's output
/// without its bias, and afterwards the normalised sum with `residual`, the input of the sub-layer.
pub(crate) fn infer(output: &mut [f32], residual: &[f32], parameters: Parameters<'_>) {
    let chunk = chunk_len(parameters.bias.len());
    let chunks = output.chunks_mut(chunk).zip(residual.chunks(chunk));
    threads::for_each(chunks, |(output, residual)| {
        let vectors = [parameters.bias, parameters.gamma, parameters.beta];
        infer_rows(output, residual, vectors, parameters.epsilon);
    });
}

/// The forward pass of training: `output` holds the residual sum afterwards, and `normalized` the normalised
/// sum, both of which are `[rows, width]`. Returns the keep-mask.
pub(crate) fn forward(
    output: &mut [f32],
    residual: &[f32],
    normalized: &mut [f32],
    parameters: Parameters<'_>,
    keep_mask: KeepMask,
) -> Vec<bool> {
    let width = parameters.bias.len();
    let chunk = chunk_len(width);
    let mut keep = vec![true; output.len()];
    let hash = keep_mask.hash();
    let columns = hash.columns(width);
    let chunks = output
        .chunks_mut(chunk)
        .zip(residual.chunks(chunk))
        .zip(normalized.chunks_mut(chunk))
        .zip(keep.chunks_mut(chunk))
        .enumerate();
    threads::for_each(chunks, |(number, (((output, residual), normalized), keep))| {
        if keep_mask.drops() {
            hash.rows(&columns, number * ROWS, keep);
        }
        let vectors = [parameters.bias, parameters.gamma, parameters.beta];
        let keep = (&*keep, keep_mask.scale());
        forward_rows(output, residual, normalized, keep, vectors, parameters.epsilon);
    });
    keep
}

/// The backward pass from `gradient`, that of the normalised sum, with the residual sum and the keep-mask of
/// [`forward`]. Writes the gradients of the dense layer's output and of the residual; returns those of bias,
/// gamma and beta.
pub(crate) fn backward(
    gradient: &[f32],
    sum: &[f32],
    parameters: Parameters<'_>,
    (keep, keep_mask): (&[bool], KeepMask),
    output_gradient: &mut [f32],
    residual_gradient: &mut [f32],
) -> [Vec<f32>; 3] {
    let width = parameters.gamma.len();
    let chunk = chunk_len(width);
    let mut partial = vec![0.0; gradient.len().div_ceil(chunk) * 3 * width];
    let chunks = gradient
        .chunks(chunk)
        .zip(sum.chunks(chunk))
        .zip(keep.chunks(chunk))
        .zip(output_gradient.chunks_mut(chunk))
        .zip(residual_gradient.chunks_mut(chunk))
        .zip(partial.chunks_mut(3 * width));
    threads::for_each(
        chunks,
        |(((((gradient, sum), keep), of_output), of_residual), partial)| {
            let keep = (keep, keep_mask.scale());
            let norm = (parameters.gamma, parameters.epsilon);
            backward_rows([gradient, sum], keep, norm, [of_output, of_residual], partial);
        },
    );
    // In the order of the rows: the sums are then the same whichever thread was first.
    let mut sums = vec![0.0; 3 * width];
    for partial in partial.chunks_exact(3 * width) {
        for (sum, partial) in sums.iter_mut().zip(partial) {
            *sum += partial;
        }
    }
    [0, 1, 2].map(|number| sums[number * width..(number + 1) * width].to_vec())
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn infer_rows(outputs: &mut [f32], residuals: &[f32], [bias, gamma, beta]: [&[f32]; 3], epsilon: f32) {
    let width = bias.len();
    let rows = outputs.chunks_exact_mut(width).zip(residuals.chunks_exact(width));
    for (output, residual) in rows {
        for ((output, residual), bias) in output.iter_mut().zip(residual).zip(bias) {
            *output = *output + bias + residual;
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
    residuals: &[f32],
    normalized: &mut [f32],
    (keep, scale): (&[bool], f32),
    [bias, gamma, beta]: [&[f32]; 3],
    epsilon: f32,
) {
    let width = bias.len();
    let rows = outputs
        .chunks_exact_mut(width)
        .zip(residuals.chunks_exact(width))
        .zip(keep.chunks_exact(width))
        .zip(normalized.chunks_exact_mut(width));
    for (((output, residual), keep), normalized) in rows {
        for (((output, residual), &keep), bias) in output.iter_mut().zip(residual).zip(keep).zip(bias) {
            let kept = if keep { (*output + bias) * scale } else { 0.0 };
            *output = kept + residual;
        }
        let (mean, inverse) = moments(output, epsilon);
        for (((normalized, sum), gamma), beta) in normalized.iter_mut().zip(&*output).zip(gamma).zip(beta) {
            *normalized = (sum - mean) * inverse * gamma + beta;
        }
    }
}

/// Adds to `vector_gradients` the gradients of bias, gamma and beta, `[3, width]`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn backward_rows(
    [gradients, sums]: [&[f32]; 2],
    (keep, scale): (&[bool], f32),
    (gamma, epsilon): (&[f32], f32),
    [output_gradients, residual_gradients]: [&mut [f32]; 2],
    vector_gradients: &mut [f32],
) {
    let width = gamma.len();
    let (bias_gradient, norm_gradients) = vector_gradients.split_at_mut(width);
    let (gamma_gradient, beta_gradient) = norm_gradients.split_at_mut(width);
    let rows = gradients
        .chunks_exact(width)
        .zip(sums.chunks_exact(width))
        .zip(keep.chunks_exact(width))
        .zip(output_gradients.chunks_exact_mut(width))
        .zip(residual_gradients.chunks_exact_mut(width));
    for ((((gradients, sums), keep), of_outputs), of_residuals) in rows {
        let (mean, inverse) = moments(sums, epsilon);
        let steady = total([gradients, gamma], |[gradient, gamma]| gradient * gamma) / width as f32;
        let slope = total([gradients, gamma, sums], |[gradient, gamma, sum]| {
            gradient * gamma * ((sum - mean) * inverse)
        }) / width as f32;
        let known = gradients.iter().zip(sums).zip(gamma);
        let norms = gamma_gradient.iter_mut().zip(beta_gradient.iter_mut());
        for ((of_residual, (of_gamma, of_beta)), ((gradient, sum), gamma)) in
            of_residuals.iter_mut().zip(norms).zip(known)
        {
            let standard = (sum - mean) * inverse;
            *of_residual = inverse * (gradient * gamma - steady - standard * slope);
            *of_gamma += gradient * standard;
            *of_beta += gradient;
        }
        let outputs = of_outputs.iter_mut().zip(bias_gradient.iter_mut());
        for ((of_output, of_bias), (of_residual, &keep)) in outputs.zip(of_residuals.iter().zip(keep)) {
            *of_output = if keep { of_residual * scale } else { 0.0 };
            *of_bias += *of_output;
        }
    }
}

/// The mean of a row, and the reciprocal of its standard deviation.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the instruction set of its caller"
)]
#[inline(always)]
fn moments(row: &[f32], epsilon: f32) -> (f32, f32) {
    let width = row.len() as f32;
    let mean = total([row], |[value]| value) / width;
    let variance = total([row], |[value]| (value - mean) * (value - mean)) / width;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

/// The sum of `term` over the columns of rows of one length.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the instruction set of its caller"
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
    use labelproof_settings::DeviceChoice;
    use tch::{Kind, Tensor};

    use super::*;
    use crate::{device, random};

    /// Several chunks, of which the last is short; a width that is no multiple of the lanes.
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

    /// Compares with LibTorch's operations and its gradients of them, in float64.
    fn check(probability: f64) {
        let mut stream = random::stream("residual", 1);
        let mut draw = |size: &[i64]| {
            let count = usize::try_from(size.iter().product::<i64>()).unwrap();
            let values: Vec<f32> = (0..count).map(|_| random::uniform(&mut stream) - 0.5).collect();
            Tensor::from_slice(&values).reshape(size)
        };
        let [output, residual, weights] = [0; 3].map(|_| draw(&SIZE));
        let [bias, gamma, beta] = [0; 3].map(|_| draw(&SIZE[1..]));
        let epsilon = 1e-3;
        let device = device::open(DeviceChoice::Cpu).unwrap().autodiff();
        let keep_mask = KeepMask::new(&DropoutConfig::new(probability).init(), &device, 7);
        let mask = Tensor::from_slice(&keep_mask.factors(77, 40)).reshape(SIZE);
        let kept = mask.ne(0.0).sum(Kind::Float).double_value(&[]) / output.numel() as f64;
        assert!((kept - (1.0 - probability)).abs() < 0.04, "{kept}");

        let leaf = |tensor: &Tensor| tensor.to_kind(Kind::Double).set_requires_grad(true);
        let leaves = [&output, &bias, &residual, &gamma, &beta].map(leaf);
        let [output_leaf, bias_leaf, residual_leaf, gamma_leaf, beta_leaf] = &leaves;
        let sum = (output_leaf + bias_leaf) * mask + residual_leaf;
        let expected = sum.layer_norm([SIZE[1]], Some(gamma_leaf), Some(beta_leaf), epsilon, false);
        let loss = (&expected * &weights).sum(Kind::Double);
        let expected_gradients = Tensor::run_backward(&[loss], &leaves, false, false);

        let [bias, gamma, beta] = [&bias, &gamma, &beta].map(numbers);
        let parameters = Parameters {
            bias: &bias,
            gamma: &gamma,
            beta: &beta,
            epsilon: 1e-3,
        };
        let residual = numbers(&residual);
        let mut sums = numbers(&output);
        let mut normalized = vec![0.0; sums.len()];
        let keep = forward(&mut sums, &residual, &mut normalized, parameters, keep_mask);
        assert_close(&normalized, &expected);
        if probability == 0.0 {
            let mut inferred = numbers(&output);
            infer(&mut inferred, &residual, parameters);
            assert_eq!(inferred, normalized);
        }

        let (mut of_output, mut of_residual) = (vec![0.0; sums.len()], vec![0.0; sums.len()]);
        let [of_bias, of_gamma, of_beta] = backward(
            &numbers(&weights),
            &sums,
            parameters,
            (&keep, keep_mask),
            &mut of_output,
            &mut of_residual,
        );
        let found = [of_output, of_bias, of_residual, of_gamma, of_beta];
        for (found, expected) in found.iter().zip(&expected_gradients) {
            assert_close(found, expected);
        }
    }

    #[test]
    fn without_dropout_it_is_the_normalised_sum() {
        check(0.0);
    }

    #[test]
    fn with_dropout_it_is_the_normalised_sum_of_what_was_kept() {
        check(0.3);
    }

    #[test]
    fn neither_masks_nor_sums_depend_on_the_number_of_threads() {
        let device = device::open(DeviceChoice::Cpu).unwrap().autodiff();
        let keep_mask = KeepMask::new(&DropoutConfig::new(0.3).init(), &device, 1);
        let vector: Vec<f32> = (0_u8..40).map(|place| 1.0 / (f32::from(place) + 3.0)).collect();
        let parameters = Parameters {
            bias: &vector,
            gamma: &vector,
            beta: &vector,
            epsilon: 1e-3,
        };
        let found = [1, 2, 7].map(|threads| {
            tch::set_num_threads(threads);
            let drawn = keep_mask.factors(2_500, 40);
            let mut sums = drawn.clone();
            let mut normalized = vec![0.0; sums.len()];
            let keep = forward(&mut sums, &drawn, &mut normalized, parameters, keep_mask);
            let (mut of_output, mut of_residual) = (normalized.clone(), normalized.clone());
            let of_vectors = backward(
                &normalized,
                &sums,
                parameters,
                (&keep, keep_mask),
                &mut of_output,
                &mut of_residual,
            );
            [
                vec![drawn, normalized, of_output, of_residual],
                of_vectors.to_vec(),
            ]
            .concat()
        });
        assert_eq!(found[0], found[1]);
        assert_eq!(found[0], found[2]);
    }
}
