//! The operations of an encoder, each as one call with a backward pass of its own.
//!
//! burn's autodiff decomposes layer normalisation and attention into a dozen operations, each of which writes
//! a tensor as large as its input, or `[sequence, sequence]` for each head, to memory and keeps it for the
//! backward pass. On a processor LibTorch's fused kernels and the loops of this crate compute both passes
//! (`libtorch`, `autodiff`), on LibTorch's other devices its kernels alone (`accelerator`, `mask`). Other
//! backends compute the same from burn's own operations (`composed`).

#![expect(
    deprecated,
    reason = "as in `device`: nothing of burn comes near LibTorch on a processor"
)]

mod accelerator;
mod attention;
mod autodiff;
mod composed;
mod dense;
mod libtorch;
mod mask;
mod memory;

pub use dense::{apart, is_apart};
pub(crate) use memory::into_exclusive;

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::{DType, Tensor};
use labelproof_settings::Precision;

use crate::adamw::AdamwStep;
use crate::dropout::KeepMask;
use crate::int8::Int8Weight;

/// The operations as an extension of burn's backends. By default each is composed of burn's own operations.
#[backend_extension(LibTorch, Flex, Autodiff)]
pub trait FusedOperations: Backend {
    /// See [`layer_norm`].
    fn fused_layer_norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        Self::layer_norm(input, gamma, Some(beta), epsilon)
    }

    /// See [`bias_dropout_add_layer_norm`].
    fn fused_bias_dropout_add_layer_norm(
        output: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        keep_mask: KeepMask,
    ) -> FloatTensor<Self> {
        let norm = (gamma, beta, epsilon);
        composed::bias_dropout_add_layer_norm::<Self>(output, bias, residual, norm, keep_mask)
    }

    /// See [`dropout`](crate::dropout::dropout).
    fn fused_dropout(input: FloatTensor<Self>, keep_mask: KeepMask) -> FloatTensor<Self> {
        composed::dropout::<Self>(input, keep_mask)
    }

    /// See [`linear_without_bias`].
    fn fused_linear_without_bias(input: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::linear(input, weight, None)
    }

    /// See [`bias_gelu`].
    fn fused_bias_gelu(input: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::bias_gelu::<Self>(input, bias)
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
        composed::int8_linear::<Self>(input, &weight, bias)
    }

    /// See [`to_precision`].
    fn to_bfloat16_if_faster(input: FloatTensor<Self>) -> FloatTensor<Self> {
        input
    }

    /// See [`attention`].
    fn fused_attention(
        projections: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        heads: usize,
        keep_mask: KeepMask,
    ) -> FloatTensor<Self> {
        composed::attention::<Self>(&projections, bias, heads, keep_mask)
    }

    /// See [`attention_bias`].
    fn prepared_attention_bias(bias: FloatTensor<Self>, in_bfloat16: bool) -> FloatTensor<Self> {
        // The kernels of processors take a bias of any dtype and alignment.
        let _ = in_bfloat16;
        bias
    }

    /// See [`ParameterState::step`](crate::adamw::ParameterState::step).
    fn fused_adamw(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first_moment: FloatTensor<Self>,
        second_moment: FloatTensor<Self>,
        step: AdamwStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::adamw::<Self>(parameter, gradient, first_moment, second_moment, &step)
    }
}

impl FusedOperations for Flex {}
impl<C: CheckpointStrategy> FusedOperations for Autodiff<Flex, C> {}

/// Layer normalisation (Ba et al. 2016, arXiv:1607.06450) over the last dimension, with a bias or without.
/// `epsilon` is the ε of `norm`, which burn keeps private.
pub fn layer_norm(norm: &LayerNorm, epsilon: f64, input: Tensor<3>) -> Tensor<3> {
    let gamma = norm.gamma.val();
    let beta = match &norm.beta {
        Some(beta) => beta.val(),
        None => gamma.zeros_like(),
    };
    Tensor::from_dispatch(<Dispatch as FusedOperations>::fused_layer_norm(
        input.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        epsilon,
    ))
}

/// The end of a sub-layer whose last dense layer is `layer`: the layer's bias is added to its `output`,
/// dropout is applied, `residual`, the input of the sub-layer, is added, and the sum is normalised. Both
/// tensors are `[batch, sequence, hidden]` in float32.
pub fn bias_dropout_add_layer_norm(
    layer: &Linear,
    norm: &LayerNorm,
    epsilon: f64,
    keep_mask: KeepMask,
    output: Tensor<3>,
    residual: Tensor<3>,
) -> Tensor<3> {
    let beta = norm.beta.as_ref().expect("post-norm layers have one");
    Tensor::from_dispatch(<Dispatch as FusedOperations>::fused_bias_dropout_add_layer_norm(
        output.into_dispatch(),
        bias_of(layer).into_dispatch(),
        residual.into_dispatch(),
        norm.gamma.val().into_dispatch(),
        beta.val().into_dispatch(),
        epsilon,
        keep_mask,
    ))
}

/// The bias of a dense layer that has one, `[outputs]`.
pub fn bias_of(layer: &Linear) -> Tensor<1> {
    layer
        .bias
        .as_ref()
        .expect("the caller knows that there is one")
        .val()
}

/// Casts a tensor to the dtype that a precision computes in: to bfloat16 where
/// [`accelerates_bfloat16`](crate::device::accelerates_bfloat16) says so. Elsewhere it stays float32.
pub fn to_precision(input: Tensor<3>, precision: Precision) -> Tensor<3> {
    match precision {
        // A dense layer quantises its input to int8 itself.
        Precision::Float32 | Precision::Int8 => input,
        Precision::Bfloat16 => Tensor::from_dispatch(<Dispatch as FusedOperations>::to_bfloat16_if_faster(
            input.into_dispatch(),
        )),
    }
}

/// Casts a tensor back to float32.
pub fn to_float32<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    match input.dtype() {
        DType::F32 => input,
        _ => input.cast(DType::F32),
    }
}

/// A dense layer, from `[batch, sequence, inputs]` to `[batch, sequence, outputs]` of the same dtype.
pub fn linear(layer: &Linear, input: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as FusedOperations>::fused_linear(
        input.into_dispatch(),
        layer.weight.val().into_dispatch(),
        bias_of(layer).into_dispatch(),
    ))
}

/// A dense layer without its bias, which [`bias_dropout_add_layer_norm`] or [`bias_gelu`] adds.
pub fn linear_without_bias(layer: &Linear, input: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as FusedOperations>::fused_linear_without_bias(
        input.into_dispatch(),
        layer.weight.val().into_dispatch(),
    ))
}

/// A dense layer of an int8 weight: its `input`, `[batch, sequence, inputs]` in float32, is quantised row by
/// row, and the output, `[batch, sequence, outputs]`, is float32 again. For inference: it has no backward
/// pass.
pub fn int8_linear(weight: &Arc<Int8Weight>, bias: Tensor<1>, input: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as FusedOperations>::fused_int8_linear(
        input.into_dispatch(),
        Arc::clone(weight),
        bias.into_dispatch(),
    ))
}

/// The bias of a dense layer and GELU, applied to the layer's output in float32 without its bias.
pub fn bias_gelu(layer: &Linear, output: Tensor<3>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as FusedOperations>::fused_bias_gelu(
        output.into_dispatch(),
        bias_of(layer).into_dispatch(),
    ))
}

/// The `bias` of [`attention`] for all layers, from one of each key, `[batch, sequence]`: as an accelerator's
/// kernels want it, which each layer would otherwise prepare for itself.
pub fn attention_bias(bias: Tensor<2>, precision: Precision) -> Tensor<4> {
    let [rows, sequence] = bias.dims();
    // The same for every head and every query.
    let bias = bias.reshape([rows, 1, 1, sequence]);
    Tensor::from_dispatch(<Dispatch as FusedOperations>::prepared_attention_bias(
        bias.into_dispatch(),
        precision == Precision::Bfloat16,
    ))
}

/// Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762). `projections`,
/// `[batch, sequence, 3 * hidden]`, are queries, keys and values side by side; dropout is applied to the
/// values. The output is `[batch, sequence, hidden]`. `bias`, which broadcasts to
/// `[batch, heads, sequence, sequence]`, is added to the scores.
pub fn attention(projections: Tensor<3>, bias: Tensor<4>, heads: usize, keep_mask: KeepMask) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as FusedOperations>::fused_attention(
        projections.into_dispatch(),
        bias.into_dispatch(),
        heads,
        keep_mask,
    ))
}

#[cfg(test)]
mod tests;
