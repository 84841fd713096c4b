//! The fused operations composed of burn's own, for every device that has no kernels for them.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{FloatDType, Slice, TensorData};

use super::FusedOperations;
use crate::adamw::AdamwStep;
use crate::dropout::KeepMask;
use crate::int8::{self, Int8Weight};

/// Composes [`bias_dropout_add_layer_norm`](super::bias_dropout_add_layer_norm).
pub(super) fn bias_dropout_add_layer_norm<B: FusedOperations>(
    output: FloatTensor<B>,
    bias: FloatTensor<B>,
    residual: FloatTensor<B>,
    (gamma, beta, epsilon): (FloatTensor<B>, FloatTensor<B>, f64),
    keep_mask: KeepMask,
) -> FloatTensor<B> {
    let output = add_to_rows::<B>(output, bias);
    let output = if keep_mask.drops() {
        dropout::<B>(output, keep_mask)
    } else {
        output
    };
    B::fused_layer_norm(B::float_add(output, residual), gamma, beta, epsilon)
}

/// Composes [`dropout`](crate::dropout::dropout).
pub(super) fn dropout<B: Backend>(input: FloatTensor<B>, keep_mask: KeepMask) -> FloatTensor<B> {
    let shape = input.shape();
    let width = shape[shape.num_dims() - 1];
    let factors = keep_mask.factors(shape.num_elements() / width, width);
    let factors = B::float_from_data(TensorData::new(factors, shape), &input.device());
    B::float_mul(input, factors)
}

/// Composes [`bias_gelu`](super::bias_gelu).
pub(super) fn bias_gelu<B: Backend>(input: FloatTensor<B>, bias: FloatTensor<B>) -> FloatTensor<B> {
    B::gelu(add_to_rows::<B>(input, bias))
}

/// Composes [`int8_linear`](super::int8_linear) in float32, which holds the quantised values exactly and
/// rounds their sums to 24 bits.
pub(super) fn int8_linear<B: Backend>(
    input: FloatTensor<B>,
    weight: &Int8Weight,
    bias: FloatTensor<B>,
) -> FloatTensor<B> {
    let shape = [weight.inputs(), weight.outputs()];
    let weight = B::float_from_data(TensorData::new(weight.dequantize(), shape), &input.device());
    let largest = B::float_max_dim(B::float_abs(input.clone()), 2);
    let scale = B::float_div_scalar(largest, int8::LARGEST.into());
    let scale = B::float_clamp_min(scale, f32::MIN_POSITIVE.into());
    let integers = B::float_round(B::float_div(input, scale.clone()));
    B::linear(B::float_mul(integers, scale), weight, Some(bias))
}

/// Adds a vector to every row of `[batch, sequence, width]`.
fn add_to_rows<B: Backend>(rows: FloatTensor<B>, vector: FloatTensor<B>) -> FloatTensor<B> {
    let width = vector.shape()[0];
    let vector = B::float_cast(vector, rows.dtype().into());
    B::float_add(rows, B::float_reshape(vector, [1, 1, width].into()))
}

/// Composes [`ParameterState::step`](crate::adamw::ParameterState::step).
pub(super) fn adamw<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    first_moment: FloatTensor<B>,
    second_moment: FloatTensor<B>,
    step: &AdamwStep,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let scaled = |tensor, factor: f64| B::float_mul_scalar(tensor, factor.into());
    let squared = B::float_mul(gradient.clone(), gradient.clone());
    let first_moment = B::float_add(
        scaled(first_moment, step.beta_1),
        scaled(gradient, 1.0 - step.beta_1),
    );
    let second_moment = B::float_add(
        scaled(second_moment, step.beta_2),
        scaled(squared, 1.0 - step.beta_2),
    );
    let root = scaled(B::float_sqrt(second_moment.clone()), 1.0 / step.root_correction());
    let root = B::float_add_scalar(root, step.epsilon.into());
    let change = B::float_div(scaled(first_moment.clone(), step.corrected_rate()), root);
    let parameter = B::float_sub(scaled(parameter, step.decay_factor()), change);
    (parameter, first_moment, second_moment)
}

/// Composes [`attention`](super::attention).
pub(super) fn attention<B: Backend>(
    projections: &FloatTensor<B>,
    bias: FloatTensor<B>,
    heads: usize,
    keep_mask: KeepMask,
) -> FloatTensor<B> {
    let shape = projections.shape();
    let (batch, sequence, width) = (shape[0], shape[1], shape[2] / 3);
    let projection = |number: usize| {
        let columns = Slice::from(number * width..(number + 1) * width);
        let projection = B::float_slice(projections.clone(), &[Slice::full(), Slice::full(), columns]);
        B::float_reshape(projection, [batch, sequence, heads, width / heads].into())
    };
    let swap = |tensor| B::float_swap_dims(tensor, 1, 2);
    let (query, key) = (swap(projection(0)), swap(projection(1)));
    let mut value = projection(2);
    if keep_mask.drops() {
        let factors = keep_mask.factors(batch * sequence, heads);
        let factors = TensorData::new(factors, [batch, sequence, heads, 1]);
        let factors = B::float_from_data(factors, &value.device());
        // In float32: bfloat16 would round the scale, and with it the mean.
        let dtype: FloatDType = value.dtype().into();
        let kept = B::float_mul(B::float_cast(value, FloatDType::F32), factors);
        value = B::float_cast(kept, dtype);
    }
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let scores = B::float_matmul(query, B::float_swap_dims(key, 2, 3));
    let bias = B::float_cast(bias, scores.dtype().into());
    let scores = B::float_add(B::float_mul_scalar(scores, scale.into()), bias);
    let attended = B::float_matmul(B::softmax(scores, 3), swap(value));
    B::float_reshape(swap(attended), [batch, sequence, width].into())
}
