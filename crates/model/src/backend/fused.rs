//! Operations of the encoder as one kernel each, where LibTorch has one, with their gradients.
//!
//! burn's autodiff takes layer normalisation and attention apart into a dozen operations, each of which writes a tensor as large
//! as its input, or `[sequence, sequence]` for each head, to memory and keeps it for the way back. Here LibTorch's kernels do
//! both ways. Other backends compute the same from burn's own operations.

#![expect(
    deprecated,
    reason = "as in the parent module: nothing of burn comes near LibTorch on a processor"
)]

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::libtorch::TchTensor;
use burn::backend::ops::{FloatTensorOps, ModuleOps};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, LibTorch, TensorMetadata, backend_extension};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::{DType, FloatDType, Tensor};
use labelproof_settings::Precision;

use super::adamw::{self, AdamwStep};
use super::processor;

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

    /// See [`linear`].
    fn fused_linear(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear(input, weight, Some(bias))
    }

    /// See [`in_precision`].
    fn in_half(input: FloatTensor<Self>) -> FloatTensor<Self> {
        input
    }

    /// See [`attention`].
    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed_attention::<Self>(query, key, value, bias)
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
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    bias: FloatTensor<B>,
) -> FloatTensor<B> {
    let width = query.shape()[3];
    let scale = 1.0 / (width as f64).sqrt();
    let scores = B::float_matmul(query, B::float_swap_dims(key, 2, 3));
    let bias = B::float_cast(bias, scores.dtype().into());
    let scores = B::float_add(B::float_mul_scalar(scores, scale.into()), bias);
    B::float_matmul(B::softmax(scores, 3), value)
}

impl Fused for Flex {}
impl<C: CheckpointStrategy> Fused for Autodiff<Flex, C> {}

impl Fused for LibTorch {
    fn fused_linear(input: TchTensor, weight: TchTensor, bias: TchTensor) -> TchTensor {
        let [weight, bias] = [weight, bias].map(|part| in_numbers_of(&input, part));
        TchTensor::new(product(&input.tensor, &weight.tensor, &bias.tensor))
    }

    fn in_half(input: TchTensor) -> TchTensor {
        if gains_by_half(&input) {
            Self::float_cast(input, FloatDType::BF16)
        } else {
            input
        }
    }

    fn fused_attention(query: TchTensor, key: TchTensor, value: TchTensor, bias: TchTensor) -> TchTensor {
        if query.tensor.device() != tch::Device::Cpu {
            return composed_attention::<Self>(query, key, value, bias);
        }
        TchTensor::new(attend(&query, &key, &value, &bias).0)
    }

    fn fused_adamw(
        parameter: TchTensor,
        gradient: TchTensor,
        mean: TchTensor,
        square: TchTensor,
        step: AdamwStep,
    ) -> (TchTensor, TchTensor, TchTensor) {
        if parameter.tensor.device() != tch::Device::Cpu {
            return composed_adamw::<Self>(parameter, gradient, mean, square, &step);
        }
        let [mut parameter, mut mean, mut square] = [parameter, mean, square].map(to_be_written);
        let gradient = gradient.tensor.contiguous();
        adamw::step_in_place(
            &step,
            values_mut(&mut parameter),
            values(&gradient),
            values_mut(&mut mean),
            values_mut(&mut square),
        );
        (parameter, mean, square)
    }
}

/// A tensor that nobody else sees, and whose numbers lie one after the other: this one if it is so, else a copy.
fn to_be_written(tensor: TchTensor) -> TchTensor {
    if tensor.can_mut() && tensor.tensor.is_contiguous() {
        tensor
    } else {
        TchTensor::new(tensor.tensor.contiguous().copy())
    }
}

/// The numbers of a contiguous tensor of 32-bit floats in the processor's memory.
#[expect(unsafe_code, reason = "tch lends the numbers of a tensor as a pointer alone")]
fn values(tensor: &tch::Tensor) -> &[f32] {
    assert!(
        tensor.is_contiguous() && tensor.kind() == tch::Kind::Float && tensor.device() == tch::Device::Cpu
    );
    // SAFETY: the assertion says that as many floats lie there; they live and stay as they are while the tensor is borrowed,
    // since only `values_mut` writes through a pointer, to tensors of which there is one owner.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast_const().cast(), tensor.numel()) }
}

/// [`values`], to be written to.
#[expect(unsafe_code, reason = "tch lends the numbers of a tensor as a pointer alone")]
fn values_mut(tensor: &mut TchTensor) -> &mut [f32] {
    assert!(tensor.can_mut(), "somebody else sees this tensor");
    let numbers = values(&tensor.tensor).len();
    // SAFETY: as in `values`; nobody else has this memory, as the assertion says.
    unsafe { std::slice::from_raw_parts_mut(tensor.tensor.data_ptr().cast(), numbers) }
}

/// `[rows, inputs]`, whatever the shape before.
fn as_rows(tensor: &tch::Tensor) -> tch::Tensor {
    tensor.reshape([-1, tensor.size().last().copied().unwrap_or(1)])
}

/// Whether the tensor's device has instructions for numbers of 16 bits.
fn gains_by_half(tensor: &TchTensor) -> bool {
    tensor.tensor.device() != tch::Device::Cpu || processor::multiplies_in_half()
}

/// A part of a layer in the numbers of its input. One that has them already stays itself, with its owners counted: a second one over
/// the same memory would let burn write into what is still needed.
fn in_numbers_of(input: &TchTensor, part: TchTensor) -> TchTensor {
    LibTorch::float_cast(part, input.dtype().into())
}

/// One product over all rows, which starts from the bias instead of adding it afterwards.
fn product(input: &tch::Tensor, weight: &tch::Tensor, bias: &tch::Tensor) -> tch::Tensor {
    let mut shape = input.size();
    if let Some(last) = shape.last_mut() {
        *last = weight.size()[1];
    }
    bias.addmm(&as_rows(input), weight).reshape(shape)
}

/// The kernel for processors: the result, and what the way back needs of the weights: the logarithms of their sums.
fn attend(
    query: &TchTensor,
    key: &TchTensor,
    value: &TchTensor,
    bias: &TchTensor,
) -> (tch::Tensor, tch::Tensor) {
    tch::Tensor::internal_scaled_dot_product_flash_attention_for_cpu(
        &query.tensor,
        &key.tensor,
        &value.tensor,
        0.0,
        false,
        Some(&bias.tensor),
        None,
    )
}

impl<C: CheckpointStrategy> Fused for Autodiff<LibTorch, C> {
    fn fused_layer_norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Normalize;

        impl Backward<LibTorch, 3> for Normalize {
            type State = (TchTensor, TchTensor, TchTensor, f64);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let (input, gamma, beta, epsilon) = ops.state;
                let gradient = gradients.consume::<LibTorch>(&ops.node).tensor;
                // LibTorch's kernel for the way back is reached through its own autograd alone. Running the normalisation
                // again costs less than to have kept its result.
                let leaf = |tensor: &TchTensor| tensor.tensor.detach().set_requires_grad(true);
                let leaves = [leaf(&input), leaf(&gamma), leaf(&beta)];
                let width = gamma.tensor.size();
                let output = leaves[0].layer_norm(width, Some(&leaves[1]), Some(&leaves[2]), epsilon, false);
                let loss = output.reshape(-1).dot(&gradient.reshape(-1));
                let found = tch::Tensor::run_backward(&[loss], &leaves, false, false);
                for (parent, found) in ops.parents.into_iter().zip(found) {
                    if let Some(node) = parent {
                        gradients.register::<LibTorch>(node.id, TchTensor::new(found));
                    }
                }
            }
        }

        let ((input, of_input), (gamma, of_gamma), (beta, of_beta)) =
            (input.into_parts(), gamma.into_parts(), beta.into_parts());
        let nodes = [of_input, of_gamma, of_beta];
        let output = <LibTorch as ModuleOps<LibTorch>>::layer_norm(
            input.clone(),
            gamma.clone(),
            Some(beta.clone()),
            epsilon,
        );
        match Normalize.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((input, gamma, beta, epsilon), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn fused_linear(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Product;

        impl Backward<LibTorch, 3> for Product {
            /// Input and weight, in the numbers of the input.
            type State = (TchTensor, TchTensor);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let (input, weight) = ops.state;
                let gradient = gradients.consume::<LibTorch>(&ops.node);
                let [of_input, of_weight, of_bias] = ops.parents;
                let rows = as_rows(&gradient.tensor);
                // Weight and bias are kept in 32 bits, whatever they are multiplied in.
                if let Some(node) = of_bias {
                    let found = rows.sum_dim_intlist(0_i64, false, tch::Kind::Float);
                    gradients.register::<LibTorch>(node.id, TchTensor::new(found));
                }
                if let Some(node) = of_input {
                    let found = rows
                        .mm(&weight.tensor.transpose(0, 1))
                        .reshape(input.tensor.size());
                    gradients.register::<LibTorch>(node.id, TchTensor::new(found));
                }
                if let Some(node) = of_weight {
                    let found = as_rows(&input.tensor).transpose(0, 1).mm(&rows);
                    let found = TchTensor::new(found.to_kind(tch::Kind::Float));
                    gradients.register::<LibTorch>(node.id, found);
                }
            }
        }

        let ((input, of_input), (weight, of_weight), (bias, of_bias)) =
            (input.into_parts(), weight.into_parts(), bias.into_parts());
        let nodes = [of_input, of_weight, of_bias];
        let [weight, bias] = [weight, bias].map(|part| in_numbers_of(&input, part));
        let output = TchTensor::new(product(&input.tensor, &weight.tensor, &bias.tensor));
        match Product.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((input, weight), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn in_half(input: FloatTensor<Self>) -> FloatTensor<Self> {
        if gains_by_half(input.primitive()) {
            Self::float_cast(input, FloatDType::BF16)
        } else {
            input
        }
    }

    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Attend;

        #[derive(Debug, Clone)]
        struct Kept {
            query: TchTensor,
            key: TchTensor,
            value: TchTensor,
            bias: TchTensor,
            output: TchTensor,
            log_sums: TchTensor,
        }

        impl Backward<LibTorch, 3> for Attend {
            type State = Kept;

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let kept = ops.state;
                let numbers = kept.query.tensor.kind();
                let gradient = gradients.consume::<LibTorch>(&ops.node);
                // In 32 bits: with 16 the kernel hands each head's small products to a library that prepares for longer than it
                // multiplies.
                let [gradient, query, key, value, output] =
                    [gradient, kept.query, kept.key, kept.value, kept.output]
                        .map(|part| part.tensor.to_kind(tch::Kind::Float));
                let (query, key, value) =
                    tch::Tensor::internal_scaled_dot_product_flash_attention_for_cpu_backward(
                        &gradient,
                        &query,
                        &key,
                        &value,
                        &output,
                        &kept.log_sums.tensor,
                        0.0,
                        false,
                        Some(&kept.bias.tensor),
                        None,
                    );
                for (parent, found) in ops.parents.into_iter().zip([query, key, value]) {
                    if let Some(node) = parent {
                        let found = TchTensor::new(found.to_kind(numbers));
                        gradients.register::<LibTorch>(node.id, found);
                    }
                }
            }
        }

        if query.primitive().tensor.device() != tch::Device::Cpu {
            return composed_attention::<Self>(query, key, value, bias);
        }
        let ((query, of_query), (key, of_key), (value, of_value)) =
            (query.into_parts(), key.into_parts(), value.into_parts());
        let nodes = [of_query, of_key, of_value];
        let bias = bias.into_primitive();
        let (output, log_sums) = attend(&query, &key, &value, &bias);
        let (output, log_sums) = (TchTensor::new(output), TchTensor::new(log_sums));
        match Attend.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let kept = Kept {
                    query,
                    key,
                    value,
                    bias,
                    output: output.clone(),
                    log_sums,
                };
                prepared.finish(kept, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

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

/// A tensor in the numbers that a precision computes in, where [`computes_in_half`](super::computes_in_half) says so; elsewhere it
/// stays in 32 bits.
pub fn in_precision(input: Tensor<3>, precision: Precision) -> Tensor<3> {
    match precision {
        Precision::Float32 => input,
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
    let Some(bias) = &layer.bias else {
        return layer.forward(input);
    };
    Tensor::from_dispatch(<Dispatch as Fused>::fused_linear(
        input.into_dispatch(),
        layer.weight.val().into_dispatch(),
        bias.val().into_dispatch(),
    ))
}

/// Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762). `query`, `key`, `value` and the result are
/// `[batch, heads, sequence, width]`; `bias`, `[batch, 1, 1, sequence]`, is added to the scores, and gets no gradient on LibTorch.
pub fn attention(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>, bias: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as Fused>::fused_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        bias.into_dispatch(),
    ))
}
