//! The operations on LibTorch, and what their ways back are made of.

#![expect(
    deprecated,
    reason = "as in `backend`: nothing of burn comes near LibTorch on a processor"
)]

use std::sync::Arc;

use burn::backend::LibTorch;
use burn::backend::TensorMetadata;
use burn::backend::libtorch::TchTensor;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::FloatDType;
use tch::kind::Element;

use super::{
    Fused, composed_adamw, composed_add_and_normalize, composed_attention, composed_gelu,
    composed_int8_linear, value_mask,
};
use crate::backend::adamw::{self, AdamwStep};
use crate::backend::int8::{self, Int8Weight};
use crate::backend::residual::{self, Learnt};
use crate::backend::{gelu, processor};
use crate::dropout::Dropped;

impl Fused for LibTorch {
    fn fused_add_and_normalize(
        output: TchTensor,
        bias: TchTensor,
        input: TchTensor,
        gamma: TchTensor,
        beta: TchTensor,
        epsilon: f64,
        dropped: Dropped,
    ) -> TchTensor {
        if !is_in_memory(&output) {
            let norm = (gamma, beta, epsilon);
            return composed_add_and_normalize::<Self>(output, bias, input, norm, dropped);
        }
        let mut output = to_be_written(output);
        let learnt = [bias, gamma, beta].map(|part| part.tensor.contiguous());
        let input = input.tensor.contiguous();
        if !dropped.any() {
            residual::predict(
                values_mut(&mut output),
                values(&input),
                values_of(&learnt, epsilon),
            );
            return output;
        }
        let mut normalized = new_like(&output);
        residual::forward(
            values_mut(&mut output),
            values(&input),
            values_mut(&mut normalized),
            values_of(&learnt, epsilon),
            dropped,
        );
        normalized
    }

    fn fused_product(input: TchTensor, weight: TchTensor) -> TchTensor {
        let weight = in_numbers_of(&input, weight);
        TchTensor::new(multiply(&input.tensor, &weight.tensor))
    }

    fn fused_gelu(products: TchTensor, bias: TchTensor) -> TchTensor {
        if !is_in_memory(&products) {
            return composed_gelu::<Self>(products, bias);
        }
        let mut products = to_be_written(products);
        gelu::predict(values_mut(&mut products), values(&bias.tensor.contiguous()));
        products
    }

    fn fused_linear(input: TchTensor, weight: TchTensor, bias: TchTensor) -> TchTensor {
        let [weight, bias] = [weight, bias].map(|part| in_numbers_of(&input, part));
        TchTensor::new(multiply_and_add(&input.tensor, &weight.tensor, &bias.tensor))
    }

    fn fused_int8_linear(input: TchTensor, weight: Arc<Int8Weight>, bias: TchTensor) -> TchTensor {
        if !is_in_memory(&input) || !processor::multiplies_int8() {
            return composed_int8_linear::<Self>(input, &weight, bias);
        }
        let input = input.tensor.contiguous();
        let outputs = i64::try_from(weight.outputs()).expect("a layer is not that wide");
        let mut output = TchTensor::new(input.new_empty(
            shape_of_product(&input, outputs),
            (tch::Kind::Float, tch::Device::Cpu),
        ));
        multiply_int8(
            values(&input),
            &weight,
            values(&bias.tensor.contiguous()),
            values_mut(&mut output),
        );
        output
    }

    fn in_half(input: TchTensor) -> TchTensor {
        if gains_by_half(&input) {
            Self::float_cast(input, FloatDType::BF16)
        } else {
            input
        }
    }

    fn fused_attention(projections: TchTensor, bias: TchTensor, heads: usize, dropped: Dropped) -> TchTensor {
        if projections.tensor.device() != tch::Device::Cpu {
            return composed_attention::<Self>(&projections, bias, heads, dropped);
        }
        let heads = Heads::of(&projections.tensor, heads, dropped);
        TchTensor::new(heads.attend(&bias.tensor).0)
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
pub(super) fn to_be_written(tensor: TchTensor) -> TchTensor {
    if tensor.can_mut() && tensor.tensor.is_contiguous() {
        tensor
    } else {
        TchTensor::new(tensor.tensor.contiguous().copy())
    }
}

/// The numbers of a contiguous tensor in the processor's memory.
#[expect(unsafe_code, reason = "tch lends the numbers of a tensor as a pointer alone")]
pub(super) fn values<T: Element>(tensor: &tch::Tensor) -> &[T] {
    assert!(tensor.is_contiguous() && tensor.kind() == T::KIND && tensor.device() == tch::Device::Cpu);
    // SAFETY: the assertion says that as many of them lie there; they live and stay as they are while the tensor is borrowed,
    // since only `values_mut` writes through a pointer, to tensors of which there is one owner.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast_const().cast(), tensor.numel()) }
}

/// [`values`], to be written to.
#[expect(unsafe_code, reason = "tch lends the numbers of a tensor as a pointer alone")]
pub(super) fn values_mut(tensor: &mut TchTensor) -> &mut [f32] {
    assert!(tensor.can_mut(), "somebody else sees this tensor");
    let numbers = values::<f32>(&tensor.tensor).len();
    // SAFETY: as in `values`; nobody else has this memory, as the assertion says.
    unsafe { std::slice::from_raw_parts_mut(tensor.tensor.data_ptr().cast(), numbers) }
}

/// Whether the kernels here can compute with it: 32-bit floats in the processor's memory.
pub(super) fn is_in_memory(tensor: &TchTensor) -> bool {
    tensor.tensor.device() == tch::Device::Cpu && tensor.tensor.kind() == tch::Kind::Float
}

/// A tensor of the same shape, whose numbers are still to be written.
pub(super) fn new_like(tensor: &TchTensor) -> TchTensor {
    TchTensor::new(tensor.tensor.contiguous().empty_like())
}

/// A vector as a tensor on the processor.
pub(super) fn tensor_of(numbers: &[f32]) -> TchTensor {
    TchTensor::new(tch::Tensor::from_slice(numbers))
}

/// Bias, gamma and beta, contiguous.
#[expect(clippy::cast_possible_truncation, reason = "the network computes in 32 bits")]
pub(super) fn values_of([bias, gamma, beta]: &[tch::Tensor; 3], epsilon: f64) -> Learnt<'_> {
    Learnt {
        bias: values(bias),
        gamma: values(gamma),
        beta: values(beta),
        epsilon: epsilon as f32,
    }
}

/// `[rows, inputs]`, whatever the shape before.
fn as_rows(tensor: &tch::Tensor) -> tch::Tensor {
    tensor.reshape([-1, tensor.size().last().copied().unwrap_or(1)])
}

/// Whether the tensor's device has instructions for numbers of 16 bits.
pub(super) fn gains_by_half(tensor: &TchTensor) -> bool {
    tensor.tensor.device() != tch::Device::Cpu || processor::multiplies_in_half()
}

/// A part of a layer in the numbers of its input. One that has them already stays itself, with its owners counted: a second one over
/// the same memory would let burn write into what is still needed.
pub(super) fn in_numbers_of(input: &TchTensor, part: TchTensor) -> TchTensor {
    LibTorch::float_cast(part, input.dtype().into())
}

/// One product over all rows.
pub(super) fn multiply(input: &tch::Tensor, weight: &tch::Tensor) -> tch::Tensor {
    as_rows(input)
        .mm(weight)
        .reshape(shape_of_product(input, weight.size()[1]))
}

/// The same, which starts from the bias instead of adding it afterwards.
pub(super) fn multiply_and_add(input: &tch::Tensor, weight: &tch::Tensor, bias: &tch::Tensor) -> tch::Tensor {
    bias.addmm(&as_rows(input), weight)
        .reshape(shape_of_product(input, weight.size()[1]))
}

fn shape_of_product(input: &tch::Tensor, outputs: i64) -> Vec<i64> {
    let mut shape = input.size();
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    shape
}

/// Rows whose sums of whole numbers are made together: few enough for them to stay in the processor's cache until they are floats.
const INT8_ROWS: usize = 256;

/// `output`, `[rows, outputs]`, of `input`, `[rows, inputs]`.
fn multiply_int8(input: &[f32], weight: &Int8Weight, bias: &[f32], output: &mut [f32]) {
    let (inputs, outputs) = (weight.inputs(), weight.outputs());
    let rows = INT8_ROWS.min(input.len() / inputs);
    let mut numbers = vec![0; rows * inputs];
    let mut scales = vec![0.0; rows];
    let parts = input.chunks(rows * inputs);
    for (input, output) in parts.zip(output.chunks_mut(rows * outputs)) {
        let numbers = &mut numbers[..input.len()];
        let scales = &mut scales[..input.len() / inputs];
        int8::quantize(input, inputs, numbers, scales);
        let sums = int8_sums(numbers, &weight.numbers, inputs);
        int8::restore(values(&sums), scales, [&weight.scales, bias], output);
    }
}

/// Sums of products of whole numbers, `[rows, outputs]` in 32 bits, from `[rows, inputs]` and `[inputs, outputs]`.
#[expect(
    unsafe_code,
    reason = "tch makes a tensor over borrowed memory from a pointer alone"
)]
fn int8_sums(numbers: &[i8], weight: &[i8], inputs: usize) -> tch::Tensor {
    let tensor = |numbers: &[i8], columns: usize| {
        let (rows, rest) = (numbers.len() / columns, numbers.len() % columns);
        assert_eq!(rest, 0, "a row is not whole");
        let [rows, columns] = [rows, columns].map(|size| i64::try_from(size).expect("memory is smaller"));
        let (memory, kind) = (numbers.as_ptr().cast(), tch::Kind::Int8);
        // SAFETY: as many numbers lie there, as was asserted. They outlive the tensor, which does not leave this function, and nothing
        // writes to it.
        unsafe { tch::Tensor::from_blob(memory, &[rows, columns], &[columns, 1], kind, tch::Device::Cpu) }
    };
    tensor(numbers, inputs).internal_int_mm(&tensor(weight, weight.len() / inputs))
}

/// Of a dense layer's input, from the gradient of what it gives.
pub(super) fn input_gradient(gradient: &TchTensor, input: &TchTensor, weight: &TchTensor) -> TchTensor {
    let found = as_rows(&gradient.tensor).mm(&weight.tensor.transpose(0, 1));
    TchTensor::new(found.reshape(input.tensor.size()))
}

/// Of its weight, which is kept in 32 bits, whatever it is multiplied in.
pub(super) fn weight_gradient(gradient: &TchTensor, input: &TchTensor) -> TchTensor {
    let found = as_rows(&input.tensor)
        .transpose(0, 1)
        .mm(&as_rows(&gradient.tensor));
    TchTensor::new(found.to_kind(tch::Kind::Float))
}

/// Of its bias, which is kept in 32 bits as well.
pub(super) fn bias_gradient(gradient: &TchTensor) -> TchTensor {
    let rows = as_rows(&gradient.tensor);
    TchTensor::new(rows.sum_dim_intlist(0_i64, false, tch::Kind::Float))
}

/// What attention's kernel for processors reads: `[batch, heads, sequence, width]` each, where they lie in the projections.
#[derive(Debug)]
pub(super) struct Heads {
    query: tch::Tensor,
    key: tch::Tensor,
    /// Without the values that were dropped.
    value: tch::Tensor,
    /// `[batch, heads, sequence, 1]`, if some were.
    mask: Option<tch::Tensor>,
}

impl Heads {
    /// Of projections, `[batch, sequence, 3 * heads * width]`.
    pub(super) fn of(projections: &tch::Tensor, heads: usize, dropped: Dropped) -> Self {
        let size = projections.size();
        let (batch, sequence) = (size[0], size[1]);
        let heads = i64::try_from(heads).expect("there are few heads");
        let parts = projections.reshape([batch, sequence, 3, heads, -1]);
        let part = |number: i64| parts.select(2, number).transpose(1, 2);
        let mask = dropped.any().then(|| {
            let values = batch * sequence * heads;
            let values = usize::try_from(values).expect("a tensor has no negative sizes");
            let mask = tch::Tensor::from_slice(&value_mask(values, dropped));
            mask.reshape([batch, sequence, heads, 1]).transpose(1, 2)
        });
        let value = match &mask {
            Some(mask) => masked(&part(2), mask),
            None => part(2),
        };
        Self {
            query: part(0),
            key: part(1),
            value,
            mask,
        }
    }

    /// The result, `[batch, sequence, heads * width]`, and what the way back needs of the weights: the logarithms of their sums.
    pub(super) fn attend(&self, bias: &tch::Tensor) -> (tch::Tensor, tch::Tensor) {
        let (attended, log_sums) = tch::Tensor::internal_scaled_dot_product_flash_attention_for_cpu(
            &self.query,
            &self.key,
            &self.value,
            0.0,
            false,
            Some(bias),
            None,
        );
        let size = attended.size();
        let joined = attended.transpose(1, 2).reshape([size[0], size[2], -1]);
        (joined, log_sums)
    }

    /// The gradient of the projections, `[batch, sequence, 3 * heads * width]`, from that of what [`Self::attend`] gave, `attended`.
    pub(super) fn go_back(
        &self,
        gradient: &tch::Tensor,
        attended: &tch::Tensor,
        log_sums: &tch::Tensor,
        bias: &tch::Tensor,
    ) -> tch::Tensor {
        let numbers = self.query.kind();
        let size = self.query.size();
        let apart = |joined: &tch::Tensor| joined.reshape([size[0], size[2], size[1], -1]).transpose(1, 2);
        // In 32 bits: with 16 the kernel hands each head's small products to a library that prepares for longer than it
        // multiplies.
        let [gradient, query, key, value, attended] = [
            &apart(gradient),
            &self.query,
            &self.key,
            &self.value,
            &apart(attended),
        ]
        .map(|part| part.to_kind(tch::Kind::Float));
        let (query, key, value) = tch::Tensor::internal_scaled_dot_product_flash_attention_for_cpu_backward(
            &gradient,
            &query,
            &key,
            &value,
            &attended,
            log_sums,
            0.0,
            false,
            Some(bias),
            None,
        );
        let value = match &self.mask {
            Some(mask) => masked(&value, mask),
            None => value,
        };
        let parts = [query, key, value].map(|part| part.transpose(1, 2));
        tch::Tensor::stack(&parts, 2)
            .to_kind(numbers)
            .reshape([size[0], size[2], -1])
    }
}

/// In 32 bits on the way: 16 would round the scale, and with it the mean.
fn masked(values: &tch::Tensor, mask: &tch::Tensor) -> tch::Tensor {
    (values.to_kind(tch::Kind::Float) * mask).to_kind(values.kind())
}
