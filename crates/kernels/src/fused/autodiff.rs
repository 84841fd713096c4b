//! The fused operations on LibTorch with a backward pass, for burn's autodiff.
//!
//! [`register`] is the one place that speaks with autodiff. An operation is its forward pass, which returns
//! the output and what the backward pass needs, and a [`Saved`] that computes the gradients from it.

#![expect(
    deprecated,
    reason = "as in `device`: nothing of burn comes near LibTorch on a processor"
)]

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::libtorch::TchTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, LibTorch};
use burn::tensor::FloatDType;

use super::accelerator::{self, Attention, Normalization, Residual};
use super::attention::Heads;
use super::dense::{bias_gradient, input_gradient, multiply, multiply_and_add, to_dtype_of, weight_gradient};
use super::libtorch::{accelerates_bfloat16, parameters};
use super::mask::Keep;
use super::memory::{
    elements, elements_mut, into_exclusive, is_float32_on_cpu, is_on_cpu, uninitialized_like, vector,
};
use super::{FusedOperations, composed};
use crate::dropout::KeepMask;
use crate::{gelu, residual};

/// What the forward pass of an operation with `N` inputs saved for its backward pass.
trait Saved<const N: usize>: Clone + Debug + Send + 'static {
    /// The gradients of the inputs from that of the output. A gradient that is not `needed` may be left out.
    fn backward(self, gradient: TchTensor, needed: [bool; N]) -> [Option<TchTensor>; N];
}

/// The step of burn's backward pass that asks a [`Saved`].
#[derive(Debug)]
struct BackwardStep<S>(PhantomData<S>);

impl<S: Saved<N>, const N: usize> Backward<LibTorch, N> for BackwardStep<S> {
    type State = S;

    fn backward(self, ops: Ops<S, N>, gradients: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = gradients.consume::<LibTorch>(&ops.node);
        let needed = ops.parents.each_ref().map(Option::is_some);
        let found = ops.state.backward(gradient, needed);
        for (parent, found) in ops.parents.into_iter().zip(found) {
            if let (Some(node), Some(found)) = (parent, found) {
                gradients.register::<LibTorch>(node.id, found);
            }
        }
    }
}

/// Runs an operation and registers its backward pass: `forward` where an input is tracked, `infer` where none
/// is.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "burn does not export the type whose methods they are"
)]
fn register<C: CheckpointStrategy, S: Saved<N>, const N: usize>(
    inputs: [FloatTensor<Autodiff<LibTorch, C>>; N],
    forward: impl FnOnce([TchTensor; N]) -> (TchTensor, S),
    infer: impl FnOnce([TchTensor; N]) -> TchTensor,
) -> FloatTensor<Autodiff<LibTorch, C>> {
    let nodes = inputs.each_ref().map(|input| input.node());
    let inputs = inputs.map(|input| input.into_primitive());
    let step = BackwardStep::<S>(PhantomData);
    match step.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let (output, saved) = forward(inputs);
            prepared.finish(saved, output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(infer(inputs)),
    }
}

/// Saved by a dense layer: input and weight, in the dtype of the input.
#[derive(Debug, Clone)]
struct SavedLinear {
    input: TchTensor,
    weight: TchTensor,
}

/// The gradients of input and weight of a layer without bias.
impl Saved<2> for SavedLinear {
    fn backward(self, gradient: TchTensor, [input, weight]: [bool; 2]) -> [Option<TchTensor>; 2] {
        [
            input.then(|| input_gradient(&gradient, &self.input, &self.weight)),
            weight.then(|| weight_gradient(&gradient, &self.input)),
        ]
    }
}

/// The gradients of input, weight and bias of a layer with bias.
impl Saved<3> for SavedLinear {
    fn backward(self, gradient: TchTensor, [input, weight, bias]: [bool; 3]) -> [Option<TchTensor>; 3] {
        let bias = bias.then(|| bias_gradient(&gradient));
        let [input, weight] = Saved::<2>::backward(self, gradient, [input, weight]);
        [input, weight, bias]
    }
}

/// Saved by a bias with GELU: the pre-activations.
#[derive(Debug, Clone)]
struct SavedGelu {
    sums: TchTensor,
}

impl Saved<2> for SavedGelu {
    fn backward(self, gradient: TchTensor, [_, bias]: [bool; 2]) -> [Option<TchTensor>; 2] {
        let found = TchTensor::new(self.sums.tensor.gelu_backward(&gradient.tensor, "none"));
        let bias = bias.then(|| bias_gradient(&found));
        [Some(found), bias]
    }
}

/// A layer normalisation saves its statistics, on every device.
impl Saved<3> for Normalization {
    fn backward(self, gradient: TchTensor, _: [bool; 3]) -> [Option<TchTensor>; 3] {
        Normalization::backward(&self, &gradient).map(Some)
    }
}

/// Saved by dropout of its own off the processor.
impl Saved<1> for Keep {
    fn backward(self, gradient: TchTensor, _: [bool; 1]) -> [Option<TchTensor>; 1] {
        [Some(TchTensor::new(self.apply(&gradient.tensor)))]
    }
}

/// Saved by the end of a sub-layer off the processor.
impl Saved<5> for Residual {
    fn backward(self, gradient: TchTensor, _: [bool; 5]) -> [Option<TchTensor>; 5] {
        Residual::backward(&self, &gradient).map(Some)
    }
}

/// Saved by attention off the processor. The inputs are projections and bias.
impl Saved<2> for Attention {
    fn backward(self, gradient: TchTensor, [projections, bias]: [bool; 2]) -> [Option<TchTensor>; 2] {
        [
            projections.then(|| Attention::backward(&self, &gradient)),
            bias.then(|| self.bias_gradient(&gradient)),
        ]
    }
}

/// Saved by the end of a sub-layer.
#[derive(Debug, Clone)]
struct SavedResidual {
    /// The residual sum.
    sum: TchTensor,
    /// Bias, gamma and beta.
    vectors: [TchTensor; 3],
    epsilon: f64,
    keep: Vec<bool>,
    keep_mask: KeepMask,
}

impl Saved<5> for SavedResidual {
    fn backward(self, gradient: TchTensor, _: [bool; 5]) -> [Option<TchTensor>; 5] {
        let gradient = gradient.tensor.contiguous();
        let vectors = self.vectors.map(|vector| vector.tensor.contiguous());
        let [mut of_output, mut of_residual] = [&self.sum; 2].map(uninitialized_like);
        let of_vectors = residual::backward(
            elements(&gradient),
            elements(&self.sum.tensor),
            parameters(&vectors, self.epsilon),
            (&self.keep, self.keep_mask),
            elements_mut(&mut of_output),
            elements_mut(&mut of_residual),
        );
        let [of_bias, of_gamma, of_beta] = of_vectors.map(|elements| vector(&elements));
        [of_output, of_bias, of_residual, of_gamma, of_beta].map(Some)
    }
}

/// Saved by attention. The keep-mask is drawn again in the backward pass: that takes less time than memory to
/// save it.
#[derive(Debug, Clone)]
struct SavedAttention {
    projections: TchTensor,
    bias: TchTensor,
    heads: usize,
    keep_mask: KeepMask,
    attended: TchTensor,
    log_sum_exp: TchTensor,
}

/// The inputs are projections and bias.
impl Saved<2> for SavedAttention {
    fn backward(self, gradient: TchTensor, [projections, bias]: [bool; 2]) -> [Option<TchTensor>; 2] {
        let heads = Heads::split(&self.projections.tensor, self.heads, self.keep_mask);
        let (gradient, attended) = (&gradient.tensor, &self.attended.tensor);
        let of_projections = projections
            .then(|| heads.backward(gradient, attended, &self.log_sum_exp.tensor, &self.bias.tensor));
        let of_bias = bias.then(|| heads.bias_gradient(gradient, attended, &self.bias.tensor));
        [of_projections, of_bias].map(|found| found.map(TchTensor::new))
    }
}

impl<C: CheckpointStrategy> FusedOperations for Autodiff<LibTorch, C> {
    fn fused_bias_dropout_add_layer_norm(
        output: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        keep_mask: KeepMask,
    ) -> FloatTensor<Self> {
        if !is_float32_on_cpu(output.primitive()) {
            return register::<C, Residual, 5>(
                [output, bias, residual, gamma, beta],
                |[output, bias, residual, gamma, beta]| {
                    Residual::forward(&output, &bias, &residual, (gamma, beta, epsilon), keep_mask)
                },
                |[output, bias, residual, gamma, beta]| {
                    let norm = (gamma, beta, epsilon);
                    Residual::forward(&output, &bias, &residual, norm, keep_mask).0
                },
            );
        }
        register::<C, SavedResidual, 5>(
            [output, bias, residual, gamma, beta],
            |[output, bias, residual, gamma, beta]| {
                let mut sum = into_exclusive(output);
                let mut normalized = uninitialized_like(&sum);
                let vectors = [bias, gamma, beta];
                let contiguous = vectors.each_ref().map(|vector| vector.tensor.contiguous());
                let keep = residual::forward(
                    elements_mut(&mut sum),
                    elements(&residual.tensor.contiguous()),
                    elements_mut(&mut normalized),
                    parameters(&contiguous, epsilon),
                    keep_mask,
                );
                let saved = SavedResidual {
                    sum,
                    vectors,
                    epsilon,
                    keep,
                    keep_mask,
                };
                (normalized, saved)
            },
            |[output, bias, residual, gamma, beta]| {
                LibTorch::fused_bias_dropout_add_layer_norm(
                    output, bias, residual, gamma, beta, epsilon, keep_mask,
                )
            },
        )
    }

    fn fused_linear_without_bias(input: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        register::<C, SavedLinear, 2>(
            [input, weight],
            |[input, weight]| {
                let weight = to_dtype_of(&input, weight);
                let output = multiply(&input.tensor, &weight.tensor);
                (TchTensor::new(output), SavedLinear { input, weight })
            },
            |[input, weight]| LibTorch::fused_linear_without_bias(input, weight),
        )
    }

    fn fused_bias_gelu(input: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self> {
        if !is_float32_on_cpu(input.primitive()) {
            return register::<C, SavedGelu, 2>(
                [input, bias],
                |[input, bias]| {
                    let (activated, sums) = accelerator::bias_gelu(input, &bias);
                    (activated, SavedGelu { sums })
                },
                |[input, bias]| accelerator::bias_gelu(input, &bias).0,
            );
        }
        register::<C, SavedGelu, 2>(
            [input, bias],
            |[input, bias]| {
                let mut sums = into_exclusive(input);
                let mut activated = uninitialized_like(&sums);
                let bias = bias.tensor.contiguous();
                gelu::forward(
                    elements_mut(&mut sums),
                    elements(&bias),
                    elements_mut(&mut activated),
                );
                (activated, SavedGelu { sums })
            },
            |[input, bias]| LibTorch::fused_bias_gelu(input, bias),
        )
    }

    fn fused_layer_norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        register::<C, Normalization, 3>(
            [input, gamma, beta],
            |[input, gamma, beta]| Normalization::forward(input, gamma, beta, epsilon),
            |[input, gamma, beta]| LibTorch::fused_layer_norm(input, gamma, beta, epsilon),
        )
    }

    fn fused_dropout(input: FloatTensor<Self>, keep_mask: KeepMask) -> FloatTensor<Self> {
        let (size, device) = (input.primitive().tensor.size(), input.primitive().tensor.device());
        if is_on_cpu(input.primitive()) {
            return composed::dropout::<Self>(input, keep_mask);
        }
        let Some(keep) = Keep::new(keep_mask, &size, device) else {
            return input;
        };
        let infer_keep = keep.clone();
        register::<C, Keep, 1>(
            [input],
            |[input]| (TchTensor::new(keep.apply(&input.tensor)), keep),
            |[input]| TchTensor::new(infer_keep.apply(&input.tensor)),
        )
    }

    fn fused_linear(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        register::<C, SavedLinear, 3>(
            [input, weight, bias],
            |[input, weight, bias]| {
                let [weight, bias] = [weight, bias].map(|parameter| to_dtype_of(&input, parameter));
                let output = multiply_and_add(&input.tensor, &weight.tensor, &bias.tensor);
                (TchTensor::new(output), SavedLinear { input, weight })
            },
            |[input, weight, bias]| LibTorch::fused_linear(input, weight, bias),
        )
    }

    fn to_bfloat16_if_faster(input: FloatTensor<Self>) -> FloatTensor<Self> {
        if accelerates_bfloat16(input.primitive()) {
            Self::float_cast(input, FloatDType::BF16)
        } else {
            input
        }
    }

    fn prepared_attention_bias(bias: FloatTensor<Self>, in_bfloat16: bool) -> FloatTensor<Self> {
        // It is made of the padding, which has no gradient.
        Self::from_inner(LibTorch::prepared_attention_bias(
            bias.into_primitive(),
            in_bfloat16,
        ))
    }

    fn fused_attention(
        projections: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        heads: usize,
        keep_mask: KeepMask,
    ) -> FloatTensor<Self> {
        if !is_on_cpu(projections.primitive()) {
            return register::<C, Attention, 2>(
                [projections, bias],
                |[projections, bias]| Attention::forward(&projections, bias, heads, keep_mask),
                |[projections, bias]| Attention::infer(&projections, &bias, heads, keep_mask),
            );
        }
        register::<C, SavedAttention, 2>(
            [projections, bias],
            |[projections, bias]| {
                let split = Heads::split(&projections.tensor, heads, keep_mask);
                let (attended, log_sum_exp) = split.attend(&bias.tensor);
                let attended = TchTensor::new(attended);
                let saved = SavedAttention {
                    projections,
                    bias,
                    heads,
                    keep_mask,
                    attended: attended.clone(),
                    log_sum_exp: TchTensor::new(log_sum_exp),
                };
                (attended, saved)
            },
            |[projections, bias]| LibTorch::fused_attention(projections, bias, heads, keep_mask),
        )
    }
}
