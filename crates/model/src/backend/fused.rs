//! Operations of the encoder as one each, with their gradients.
//!
//! burn's autodiff takes layer normalisation and attention apart into a dozen operations, each of which writes a tensor as large
//! as its input, or `[sequence, sequence]` for each head, to memory and keeps it for the way back. On a processor LibTorch's
//! kernels and those beside this module do both ways. Other devices compute the same from burn's own operations, which stand here.

#![expect(
    deprecated,
    reason = "as in the parent module: nothing of burn comes near LibTorch on a processor"
)]

mod learning;
mod libtorch;

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::{DType, FloatDType, Slice, Tensor, TensorData};
use labelproof_settings::Precision;

use super::adamw::AdamwStep;
use super::int8::{self, Int8Weight};
use super::residual;
use crate::dropout::{self, Dropped};

/// The operations, for each backend.
#[backend_extension(LibTorch, Flex, Autodiff)]
pub trait Fused: Backend {
    /// See [`layer_norm`].
    fn fused_layer_norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        Self::layer_norm(input, gamma, Some(beta), epsilon)
    }

    /// See [`add_and_normalize`].
    fn fused_add_and_normalize(
        output: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropped: Dropped,
    ) -> FloatTensor<Self> {
        composed_add_and_normalize::<Self>(output, bias, input, (gamma, beta, epsilon), dropped)
    }

    /// See [`product`].
    fn fused_product(input: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::linear(input, weight, None)
    }

    /// See [`add_and_gelu`].
    fn fused_gelu(products: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        composed_gelu::<Self>(products, bias)
    }

    /// See [`linear`].
    fn fused_linear(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear(input, weight, Some(bias))
    }

    /// See [`int8_linear`].
    fn fused_int8_linear(
        input: FloatTensor<Self>,
        weight: Arc<Int8Weight>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed_int8_linear::<Self>(input, &weight, bias)
    }

    /// See [`in_precision`].
    fn in_half(input: FloatTensor<Self>) -> FloatTensor<Self> {
        input
    }

    /// See [`attention`].
    fn fused_attention(
        projections: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        heads: usize,
        dropped: Dropped,
    ) -> FloatTensor<Self> {
        composed_attention::<Self>(&projections, bias, heads, dropped)
    }

    /// See [`Stepped::step`](super::adamw::Stepped::step).
    fn fused_adamw(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        step: AdamwStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed_adamw::<Self>(parameter, gradient, mean, square, &step)
    }
}

fn composed_add_and_normalize<B: Fused>(
    output: FloatTensor<B>,
    bias: FloatTensor<B>,
    input: FloatTensor<B>,
    (gamma, beta, epsilon): (FloatTensor<B>, FloatTensor<B>, f64),
    dropped: Dropped,
) -> FloatTensor<B> {
    let shape = output.shape();
    let output = add_to_rows::<B>(output, bias);
    let output = if dropped.any() {
        let mask = dropped.mask(shape.num_elements(), residual::part(shape[shape.num_dims() - 1]));
        let mask = B::float_from_data(TensorData::new(mask, shape), &output.device());
        B::float_mul(output, mask)
    } else {
        output
    };
    B::fused_layer_norm(B::float_add(output, input), gamma, beta, epsilon)
}

fn composed_gelu<B: Backend>(products: FloatTensor<B>, bias: FloatTensor<B>) -> FloatTensor<B> {
    B::gelu(add_to_rows::<B>(products, bias))
}

/// In floats, which hold the numbers as they are and their sums with 24 bits.
fn composed_int8_linear<B: Backend>(
    input: FloatTensor<B>,
    weight: &Int8Weight,
    bias: FloatTensor<B>,
) -> FloatTensor<B> {
    let size = [weight.inputs(), weight.outputs()];
    let weight = B::float_from_data(TensorData::new(weight.restored(), size), &input.device());
    let largest = B::float_max_dim(B::float_abs(input.clone()), 2);
    let scale = B::float_div_scalar(largest, int8::LARGEST.into());
    let scale = B::float_clamp_min(scale, f32::MIN_POSITIVE.into());
    let numbers = B::float_round(B::float_div(input, scale.clone()));
    B::linear(B::float_mul(numbers, scale), weight, Some(bias))
}

/// Adds a vector to every row of `[batch, sequence, width]`.
fn add_to_rows<B: Backend>(rows: FloatTensor<B>, vector: FloatTensor<B>) -> FloatTensor<B> {
    let width = vector.shape()[0];
    let vector = B::float_cast(vector, rows.dtype().into());
    B::float_add(rows, B::float_reshape(vector, [1, 1, width].into()))
}

fn composed_adamw<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    mean: FloatTensor<B>,
    square: FloatTensor<B>,
    step: &AdamwStep,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let scaled = |tensor, factor: f64| B::float_mul_scalar(tensor, factor.into());
    let gradients = B::float_mul(gradient.clone(), gradient.clone());
    let mean = B::float_add(scaled(mean, step.beta_1), scaled(gradient, 1.0 - step.beta_1));
    let square = B::float_add(scaled(square, step.beta_2), scaled(gradients, 1.0 - step.beta_2));
    let root = scaled(B::float_sqrt(square.clone()), 1.0 / step.correction());
    let root = B::float_add_scalar(root, step.epsilon.into());
    let change = B::float_div(scaled(mean.clone(), step.corrected_rate()), root);
    let parameter = B::float_sub(scaled(parameter, step.left()), change);
    (parameter, mean, square)
}

fn composed_attention<B: Backend>(
    projections: &FloatTensor<B>,
    bias: FloatTensor<B>,
    heads: usize,
    dropped: Dropped,
) -> FloatTensor<B> {
    let shape = projections.shape();
    let (batch, sequence, width) = (shape[0], shape[1], shape[2] / 3);
    let part = |number: usize| {
        let columns = Slice::from(number * width..(number + 1) * width);
        let part = B::float_slice(projections.clone(), &[Slice::full(), Slice::full(), columns]);
        B::float_reshape(part, [batch, sequence, heads, width / heads].into())
    };
    let swap = |part| B::float_swap_dims(part, 1, 2);
    let (query, key) = (swap(part(0)), swap(part(1)));
    let mut value = part(2);
    if dropped.any() {
        let mask = value_mask(batch * sequence * heads, dropped);
        let mask = TensorData::new(mask, [batch, sequence, heads, 1]);
        let mask = B::float_from_data(mask, &value.device());
        // In 32 bits: 16 would round the scale, and with it the mean.
        let numbers: FloatDType = value.dtype().into();
        let kept = B::float_mul(B::float_cast(value, FloatDType::F32), mask);
        value = B::float_cast(kept, numbers);
    }
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let scores = B::float_matmul(query, B::float_swap_dims(key, 2, 3));
    let bias = B::float_cast(bias, scores.dtype().into());
    let scores = B::float_add(B::float_mul_scalar(scores, scale.into()), bias);
    let attended = B::float_matmul(B::softmax(scores, 3), swap(value));
    B::float_reshape(swap(attended), [batch, sequence, width].into())
}

/// One number for each value of a head.
///
/// Dropping a weight is the same as dropping the value that it is multiplied with. One draw serves all tokens that ask for that
/// value: each weight is dropped as often as if all were drawn, and the weights are never written to memory.
fn value_mask(values: usize, dropped: Dropped) -> Vec<f32> {
    dropped.mask(values, dropout::CHUNK)
}

impl Fused for Flex {}
impl<C: CheckpointStrategy> Fused for Autodiff<Flex, C> {}

/// Layer normalisation (Ba et al. 2016, arXiv:1607.06450) over the last dimension, with the ε that `norm` does not tell.
pub fn layer_norm(norm: &LayerNorm, epsilon: f64, input: Tensor<3>) -> Tensor<3> {
    let Some(beta) = &norm.beta else {
        return norm.forward(input);
    };
    Tensor::from_dispatch(<Dispatch as Fused>::fused_layer_norm(
        input.into_dispatch(),
        norm.gamma.val().into_dispatch(),
        beta.val().into_dispatch(),
        epsilon,
    ))
}

/// What ends a half of a layer, whose last dense layer is `layer`: its bias is added to its `products`, some values of the sum are dropped,
/// the half's `input` is added, and all of it is normalised. Both tensors are `[batch, sequence, hidden]` in 32 bits.
pub fn add_and_normalize(
    layer: &Linear,
    norm: &LayerNorm,
    epsilon: f64,
    dropped: Dropped,
    products: Tensor<3>,
    input: Tensor<3>,
) -> Tensor<3> {
    let beta = norm.beta.as_ref().expect("BERT's normalisations have one");
    Tensor::from_dispatch(<Dispatch as Fused>::fused_add_and_normalize(
        products.into_dispatch(),
        bias_of(layer).into_dispatch(),
        input.into_dispatch(),
        norm.gamma.val().into_dispatch(),
        beta.val().into_dispatch(),
        epsilon,
        dropped,
    ))
}

/// Of one of BERT's dense layers.
pub fn bias_of(layer: &Linear) -> Tensor<1> {
    layer.bias.as_ref().expect("BERT's dense layers have one").val()
}

/// A tensor in the numbers that a precision computes in, where [`computes_in_half`](super::computes_in_half) says so; elsewhere it
/// stays in 32 bits.
pub fn in_precision(input: Tensor<3>, precision: Precision) -> Tensor<3> {
    match precision {
        // Numbers of 8 bits are made within a dense layer.
        Precision::Float32 | Precision::Int8 => input,
        Precision::Bfloat16 => Tensor::from_dispatch(<Dispatch as Fused>::in_half(input.into_dispatch())),
    }
}

/// A tensor in 32 bits again.
pub fn in_full<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    match input.dtype() {
        DType::F32 => input,
        _ => input.cast(DType::F32),
    }
}

/// A dense layer: `input` is `[batch, sequence, inputs]`, the result `[batch, sequence, outputs]` in the same numbers, on both ways.
pub fn linear(layer: &Linear, input: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::fused_linear(
        input.into_dispatch(),
        layer.weight.val().into_dispatch(),
        bias_of(layer).into_dispatch(),
    ))
}

/// The same without its bias, for [`add_and_normalize`].
pub fn product(layer: &Linear, input: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::fused_product(
        input.into_dispatch(),
        layer.weight.val().into_dispatch(),
    ))
}

/// A dense layer whose weight is in whole numbers of 8 bits, and whose `input`, `[batch, sequence, inputs]` in 32 bits, is turned into such;
/// the result is in 32 again. For prediction: there is no way back.
pub fn int8_linear(weight: &Arc<Int8Weight>, bias: Tensor<1>, input: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::fused_int8_linear(
        input.into_dispatch(),
        Arc::clone(weight),
        bias.into_dispatch(),
    ))
}

/// What follows a [`product`] in 32 bits where a dense layer ends in GELU: its bias and the activation.
pub fn add_and_gelu(layer: &Linear, products: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::fused_gelu(
        products.into_dispatch(),
        bias_of(layer).into_dispatch(),
    ))
}

/// Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762). `projections`, `[batch, sequence, 3 * hidden]`, are queries, keys
/// and values, of which some are dropped; the result is `[batch, sequence, hidden]`. `bias`, `[batch, 1, 1, sequence]`, is added to the
/// scores, and gets no gradient on LibTorch.
pub fn attention(projections: Tensor<3>, bias: Tensor<4>, heads: usize, dropped: Dropped) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::fused_attention(
        projections.into_dispatch(),
        bias.into_dispatch(),
        heads,
        dropped,
    ))
}
