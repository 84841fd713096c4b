//! The fused operations on LibTorch, without a backward pass.

#![expect(
    deprecated,
    reason = "as in `device`: nothing of burn comes near LibTorch on a processor"
)]

use std::sync::Arc;

use burn::backend::LibTorch;
use burn::backend::libtorch::TchTensor;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::FloatDType;

use super::accelerator::{self, Attention, Residual};
use super::attention::Heads;
use super::dense::{multiply, multiply_and_add, multiply_int8, output_shape, to_dtype_of};
use super::mask::Keep;
use super::memory::{
    elements, elements_mut, into_exclusive, is_float32_on_cpu, is_on_cpu, uninitialized_like,
};
use super::{FusedOperations, composed};
use crate::adamw::{self, AdamwStep};
use crate::dropout::KeepMask;
use crate::int8::Int8Weight;
use crate::{gelu, processor, residual};

impl FusedOperations for LibTorch {
    fn fused_bias_dropout_add_layer_norm(
        output: TchTensor,
        bias: TchTensor,
        residual: TchTensor,
        gamma: TchTensor,
        beta: TchTensor,
        epsilon: f64,
        keep_mask: KeepMask,
    ) -> TchTensor {
        if !is_float32_on_cpu(&output) {
            return Residual::forward(&output, &bias, &residual, (gamma, beta, epsilon), keep_mask).0;
        }
        let mut output = into_exclusive(output);
        let vectors = [bias, gamma, beta].map(|vector| vector.tensor.contiguous());
        let residual = residual.tensor.contiguous();
        if !keep_mask.drops() {
            residual::infer(
                elements_mut(&mut output),
                elements(&residual),
                parameters(&vectors, epsilon),
            );
            return output;
        }
        let mut normalized = uninitialized_like(&output);
        residual::forward(
            elements_mut(&mut output),
            elements(&residual),
            elements_mut(&mut normalized),
            parameters(&vectors, epsilon),
            keep_mask,
        );
        normalized
    }

    fn fused_linear_without_bias(input: TchTensor, weight: TchTensor) -> TchTensor {
        let weight = to_dtype_of(&input, weight);
        TchTensor::new(multiply(&input.tensor, &weight.tensor))
    }

    fn fused_dropout(input: TchTensor, keep_mask: KeepMask) -> TchTensor {
        if is_on_cpu(&input) {
            return composed::dropout::<Self>(input, keep_mask);
        }
        match Keep::new(keep_mask, &input.tensor.size(), input.tensor.device()) {
            Some(keep) => TchTensor::new(keep.apply(&input.tensor)),
            None => input,
        }
    }

    fn fused_bias_gelu(input: TchTensor, bias: TchTensor) -> TchTensor {
        if !is_float32_on_cpu(&input) {
            return accelerator::bias_gelu(input, &bias).0;
        }
        let mut values = into_exclusive(input);
        gelu::infer(elements_mut(&mut values), elements(&bias.tensor.contiguous()));
        values
    }

    fn fused_linear(input: TchTensor, weight: TchTensor, bias: TchTensor) -> TchTensor {
        let [weight, bias] = [weight, bias].map(|parameter| to_dtype_of(&input, parameter));
        TchTensor::new(multiply_and_add(&input.tensor, &weight.tensor, &bias.tensor))
    }

    fn fused_int8_linear(input: TchTensor, weight: Arc<Int8Weight>, bias: TchTensor) -> TchTensor {
        if !is_float32_on_cpu(&input) || !processor::has_int8_dot_products() {
            return composed::int8_linear::<Self>(input, &weight, bias);
        }
        let input = input.tensor.contiguous();
        let outputs = i64::try_from(weight.outputs()).expect("a layer is not that wide");
        let mut output = TchTensor::new(input.new_empty(
            output_shape(&input, outputs),
            (tch::Kind::Float, tch::Device::Cpu),
        ));
        multiply_int8(
            elements(&input),
            &weight,
            elements(&bias.tensor.contiguous()),
            elements_mut(&mut output),
        );
        output
    }

    fn to_bfloat16_if_faster(input: TchTensor) -> TchTensor {
        if accelerates_bfloat16(&input) {
            Self::float_cast(input, FloatDType::BF16)
        } else {
            input
        }
    }

    fn fused_attention(
        projections: TchTensor,
        bias: TchTensor,
        heads: usize,
        keep_mask: KeepMask,
    ) -> TchTensor {
        if !is_on_cpu(&projections) {
            return Attention::infer(&projections, &bias, heads, keep_mask);
        }
        let heads = Heads::split(&projections.tensor, heads, keep_mask);
        TchTensor::new(heads.attend(&bias.tensor).0)
    }

    fn prepared_attention_bias(bias: TchTensor, in_bfloat16: bool) -> TchTensor {
        if is_on_cpu(&bias) {
            return bias;
        }
        accelerator::prepared_bias(bias, in_bfloat16)
    }

    fn fused_adamw(
        parameter: TchTensor,
        gradient: TchTensor,
        first_moment: TchTensor,
        second_moment: TchTensor,
        step: AdamwStep,
    ) -> (TchTensor, TchTensor, TchTensor) {
        let on_cpu = is_on_cpu(&parameter);
        let [mut parameter, mut first_moment, mut second_moment] =
            [parameter, first_moment, second_moment].map(into_exclusive);
        let gradient = gradient.tensor.contiguous();
        if !on_cpu {
            let [of_parameter, first, second] =
                [&parameter, &first_moment, &second_moment].map(|tensor| tensor.tensor.shallow_clone());
            adamw::step_on_device(&step, [of_parameter, gradient, first, second]);
            return (parameter, first_moment, second_moment);
        }
        adamw::step_in_place(
            &step,
            elements_mut(&mut parameter),
            elements(&gradient),
            elements_mut(&mut first_moment),
            elements_mut(&mut second_moment),
        );
        (parameter, first_moment, second_moment)
    }
}

/// Whether the device of a tensor computes faster in bfloat16 than in float32.
pub(super) fn accelerates_bfloat16(tensor: &TchTensor) -> bool {
    !is_on_cpu(tensor) || processor::has_bfloat16()
}

/// Bias, gamma and beta, contiguous, as the parameters of the end of a sub-layer.
#[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
pub(super) fn parameters([bias, gamma, beta]: &[tch::Tensor; 3], epsilon: f64) -> residual::Parameters<'_> {
    residual::Parameters {
        bias: elements(bias),
        gamma: elements(gamma),
        beta: elements(beta),
        epsilon: epsilon as f32,
    }
}
