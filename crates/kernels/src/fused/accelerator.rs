//! The fused operations on the devices of LibTorch other than the processor, with their backward passes.
//!
//! Responsible for taking the fewest of LibTorch's kernels that there are, because a GPU is often done before
//! the next one is called, and for saving what the backward pass would otherwise compute again. Nothing here
//! is copied between the device and the processor. The tests run the same code on the processor.

use burn::backend::libtorch::TchTensor;
use tch::{Kind, Tensor};

use super::attention::{self, split_heads};
use super::dense::{bias_gradient, in_kind};
use super::mask::Keep;
use super::memory::into_exclusive;
use crate::dropout::KeepMask;
use crate::operators;

/// What a layer normalisation computed, and what its backward pass needs.
#[derive(Debug, Clone)]
pub(super) struct Normalization {
    input: TchTensor,
    gamma: TchTensor,
    beta: TchTensor,
    /// The mean of each row, and the reciprocal of its standard deviation.
    statistics: [TchTensor; 2],
}

impl Normalization {
    /// Normalises the last dimension; returns the output and what the backward pass needs.
    pub(super) fn forward(
        input: TchTensor,
        gamma: TchTensor,
        beta: TchTensor,
        epsilon: f64,
    ) -> (TchTensor, Self) {
        let (output, mean, reciprocal_deviation) = input.tensor.native_layer_norm(
            gamma.tensor.size(),
            Some(&gamma.tensor),
            Some(&beta.tensor),
            epsilon,
        );
        let saved = Self {
            input,
            gamma,
            beta,
            statistics: [mean, reciprocal_deviation].map(TchTensor::new),
        };
        (TchTensor::new(output), saved)
    }

    /// The gradients of input, gamma and beta.
    pub(super) fn backward(&self, gradient: &TchTensor) -> [TchTensor; 3] {
        let [mean, reciprocal_deviation] = &self.statistics;
        operators::layer_norm_backward(
            &gradient.tensor,
            &self.input.tensor,
            [&mean.tensor, &reciprocal_deviation.tensor],
            [&self.gamma.tensor, &self.beta.tensor],
        )
        .map(TchTensor::new)
    }
}

/// The end of a sub-layer, as [`super::bias_dropout_add_layer_norm`] has it.
#[derive(Debug, Clone)]
pub(super) struct Residual {
    keep: Option<Keep>,
    normalization: Normalization,
}

impl Residual {
    /// The normalised sum, and what the backward pass needs. `norm` are gamma, beta and ε.
    pub(super) fn forward(
        output: &TchTensor,
        bias: &TchTensor,
        residual: &TchTensor,
        (gamma, beta, epsilon): (TchTensor, TchTensor, f64),
        keep_mask: KeepMask,
    ) -> (TchTensor, Self) {
        let keep = Keep::new(keep_mask, &output.tensor.size(), output.tensor.device());
        let biased = &output.tensor + &bias.tensor;
        let sum = match &keep {
            Some(keep) => {
                operators::add_product(&residual.tensor, &biased, &keep.elements.tensor, keep.scale)
            }
            None => biased + &residual.tensor,
        };
        let (normalized, normalization) = Normalization::forward(TchTensor::new(sum), gamma, beta, epsilon);
        (normalized, Self { keep, normalization })
    }

    /// The gradients of output, bias, residual, gamma and beta.
    pub(super) fn backward(&self, gradient: &TchTensor) -> [TchTensor; 5] {
        let [of_sum, of_gamma, of_beta] = self.normalization.backward(gradient);
        let of_output = match &self.keep {
            Some(keep) => TchTensor::new(keep.apply(&of_sum.tensor)),
            None => of_sum.clone(),
        };
        let of_bias = bias_gradient(&of_output);
        [of_output, of_bias, of_sum, of_gamma, of_beta]
    }
}

/// The bias of a dense layer and GELU: returns the activations and the pre-activations.
pub(super) fn bias_gelu(input: TchTensor, bias: &TchTensor) -> (TchTensor, TchTensor) {
    let mut sums = into_exclusive(input);
    let _ = sums.tensor.g_add_(&bias.tensor);
    (TchTensor::new(sums.tensor.gelu("none")), sums)
}

/// Attention that was computed, and what its backward pass needs.
///
/// LibTorch chooses the kernel, and its own autograd knows the backward pass of the one that it chose. On
/// CUDA that is memory-efficient attention (Rabe and Staats 2021, arXiv:2112.05682), which writes nothing of
/// `[sequence, sequence]`. Its backward pass gives the same bits each time because one block of the GPU goes
/// through all keys of a head, instead of several that add up in any order: a cost where there are fewer
/// heads in the batch than the GPU has multiprocessors.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    /// Queries, keys and values after dropout, the leaves of LibTorch's graph.
    inputs: [TchTensor; 3],
    bias: TchTensor,
    keep: Option<Keep>,
    /// The output with its graph, `[batch, heads, sequence, width]`.
    attended: TchTensor,
}

impl Attention {
    /// The output, `[batch, sequence, heads * width]`, and what the backward pass needs.
    pub(super) fn forward(
        projections: &TchTensor,
        bias: TchTensor,
        heads: usize,
        keep_mask: KeepMask,
    ) -> (TchTensor, Self) {
        let keep = head_mask(&projections.tensor, heads, keep_mask);
        let inputs = inputs(projections, heads, keep.as_ref()).map(|input| input.set_requires_grad(true));
        let attended = attend(&inputs, &bias);
        let output = TchTensor::new(join_heads(&attended.detach()));
        let saved = Self {
            inputs: inputs.map(TchTensor::new),
            bias,
            keep,
            // It shares the memory of the output: with this owner nothing writes there.
            attended: TchTensor::from_existing(attended, output.storage.clone()),
        };
        (output, saved)
    }

    /// The output of inference.
    pub(super) fn infer(
        projections: &TchTensor,
        bias: &TchTensor,
        heads: usize,
        keep_mask: KeepMask,
    ) -> TchTensor {
        let keep = head_mask(&projections.tensor, heads, keep_mask);
        let inputs = inputs(projections, heads, keep.as_ref());
        TchTensor::new(join_heads(&attend(&inputs, bias)))
    }

    /// The gradient of the output by heads, `[batch, heads, sequence, width]`.
    fn by_heads(&self, gradient: &TchTensor) -> Tensor {
        let size = self.attended.tensor.size();
        let (batch, heads, sequence) = (size[0], size[1], size[2]);
        gradient
            .tensor
            .reshape([batch, sequence, heads, -1])
            .transpose(1, 2)
    }

    /// The gradient of the bias.
    pub(super) fn bias_gradient(&self, gradient: &TchTensor) -> TchTensor {
        let inputs = self.inputs.each_ref().map(|input| input.tensor.detach());
        TchTensor::new(attention::bias_gradient(
            inputs.each_ref(),
            &self.bias.tensor,
            &self.attended.tensor.detach(),
            &self.by_heads(gradient),
        ))
    }

    /// The gradient of the projections, `[batch, sequence, 3 * heads * width]`.
    pub(super) fn backward(&self, gradient: &TchTensor) -> TchTensor {
        let size = self.attended.tensor.size();
        let (batch, sequence) = (size[0], size[2]);
        let [query, key, value] = operators::attention_backward(
            &self.attended.tensor,
            &self.by_heads(gradient),
            self.inputs.each_ref().map(|input| &input.tensor),
        );
        let value = match &self.keep {
            Some(keep) => keep.apply(&value),
            None => value,
        };
        let parts = [query, key, value].map(|part| part.transpose(1, 2));
        TchTensor::new(Tensor::stack(&parts, 2).reshape([batch, sequence, -1]))
    }
}

/// The number of elements that CUDA's kernels for attention want the rows of a bias to lie apart.
const BIAS_ALIGNMENT: i64 = 16;

/// A bias of attention, `[batch, 1, 1, sequence]`, in the dtype of the queries, and in memory that is aligned
/// as LibTorch would else copy it in every layer.
pub(super) fn prepared_bias(bias: TchTensor, in_bfloat16: bool) -> TchTensor {
    let sequence = bias.tensor.size()[3];
    let missing = (BIAS_ALIGNMENT - sequence % BIAS_ALIGNMENT) % BIAS_ALIGNMENT;
    let bias = if in_bfloat16 {
        TchTensor::new(in_kind(&bias.tensor, Kind::BFloat16))
    } else {
        bias
    };
    if missing == 0 {
        return bias;
    }
    let padded = bias.tensor.constant_pad_nd([0, missing]);
    TchTensor::new(padded.narrow(3, 0, sequence))
}

/// The keep-mask of attention's values, `[batch, heads, sequence, 1]`.
fn head_mask(projections: &Tensor, heads: usize, keep_mask: KeepMask) -> Option<Keep> {
    let size = projections.size();
    let heads = i64::try_from(heads).expect("there are few heads");
    let keep = Keep::new(keep_mask, &[size[0], size[1], heads], projections.device())?;
    let elements = keep.elements.tensor.unsqueeze(3).transpose(1, 2);
    Some(Keep {
        elements: TchTensor::from_existing(elements, keep.elements.storage),
        ..keep
    })
}

/// Queries, keys and values after dropout, without a graph.
fn inputs(projections: &TchTensor, heads: usize, keep: Option<&Keep>) -> [Tensor; 3] {
    let [query, key, value] = split_heads(&projections.tensor, heads);
    let value = match keep {
        Some(keep) => keep.apply(&value),
        None => value,
    };
    [query, key, value].map(|input| input.detach())
}

fn attend(inputs: &[Tensor; 3], bias: &TchTensor) -> Tensor {
    let bias = in_kind(&bias.tensor, inputs[0].kind());
    operators::attention(inputs.each_ref(), &bias)
}

/// Puts the heads of `[batch, heads, sequence, width]` side by side.
fn join_heads(heads: &Tensor) -> Tensor {
    let size = heads.size();
    heads.transpose(1, 2).reshape([size[0], size[2], -1])
}
