//! The products of a dense layer on LibTorch, with their gradients.

use std::cell::Cell;

use burn::backend::TensorMetadata;
use burn::backend::libtorch::TchTensor;
use burn::backend::ops::FloatTensorOps;

use super::memory::elements;
use crate::int8::{self, Int8Weight};

/// A tensor as a matrix, `[rows, last dimension]`.
fn as_rows(tensor: &tch::Tensor) -> tch::Tensor {
    tensor.reshape([-1, tensor.size().last().copied().unwrap_or(1)])
}

/// Casts a parameter to the dtype of the input. One that has it already keeps its count of owners: a second
/// tensor over the same memory would let burn overwrite what is still needed.
#[expect(
    deprecated,
    reason = "as in `device`: nothing of burn comes near LibTorch on a processor"
)]
pub(super) fn to_dtype_of(input: &TchTensor, parameter: TchTensor) -> TchTensor {
    burn::backend::LibTorch::float_cast(parameter, input.dtype().into())
}

/// The product of an input with a weight, `[.., inputs]` by `[inputs, outputs]`, as one matrix product over
/// all rows.
pub(super) fn multiply(input: &tch::Tensor, weight: &tch::Tensor) -> tch::Tensor {
    let product = if is_apart() {
        in_blocks(input, weight, |rows, out| _ = rows.mm_out(out, weight))
    } else {
        as_rows(input).mm(weight)
    };
    product.reshape(output_shape(input, weight.size()[1]))
}

/// The product of [`multiply`] whose sums start from the bias.
pub(super) fn multiply_and_add(input: &tch::Tensor, weight: &tch::Tensor, bias: &tch::Tensor) -> tch::Tensor {
    let product = if is_apart() {
        in_blocks(input, weight, |rows, out| _ = bias.addmm_out(out, rows, weight))
    } else {
        bias.addmm(&as_rows(input), weight)
    };
    product.reshape(output_shape(input, weight.size()[1]))
}

thread_local! {
    /// Whether this thread is within [`apart`].
    static IS_APART: Cell<bool> = const { Cell::new(false) };
}

/// Runs some work in which the output of a text is the same bits whatever texts are beside it in the batch, as long
/// as none is padded: on a processor.
///
/// A matrix library sums in another order where a product has another number of rows. So products are taken in
/// blocks, each with the rows of as many texts as their length alone decides.
pub fn apart<T>(work: impl FnOnce() -> T) -> T {
    IS_APART.set(true);
    let result = work();
    IS_APART.set(false);
    result
}

/// Whether this thread is within [`apart`].
pub fn is_apart() -> bool {
    IS_APART.get()
}

/// About the rows of a block, unless a text has more: in blocks of 16 the products of MiniLM's layers took 1.7 times
/// the processor's time of one product over all rows, in blocks of 32 it was 1.4 times, of 64 1.2 times; and a short text
/// that comes alone takes the time of a whole block.
const BLOCK_ROWS: i64 = 32;

/// The number of rows of a block, for texts of `sequence` tokens.
fn block_rows(sequence: i64) -> i64 {
    sequence * (BLOCK_ROWS / sequence.max(1)).max(1)
}

/// A product over all rows of `[batch, sequence, inputs]`, in blocks whose size is that of [`block_rows`]; the last
/// one is filled up with zeros.
fn in_blocks(
    input: &tch::Tensor,
    weight: &tch::Tensor,
    multiply: impl Fn(&tch::Tensor, &tch::Tensor),
) -> tch::Tensor {
    let size = input.size();
    let sequence = if size.len() > 2 { size[size.len() - 2] } else { 1 };
    let rows = as_rows(input);
    let (count, block) = (rows.size()[0], block_rows(sequence));
    let like = (rows.kind(), rows.device());
    let output = tch::Tensor::empty([count, weight.size()[1]], like);
    let whole = count - count % block.max(1);
    for start in (0..whole).step_by(usize::try_from(block).unwrap_or(usize::MAX)) {
        multiply(&rows.narrow(0, start, block), &output.narrow(0, start, block));
    }
    let rest = count - whole;
    if rest > 0 {
        let filled = tch::Tensor::zeros([block, rows.size()[1]], like);
        filled.narrow(0, 0, rest).copy_(&rows.narrow(0, whole, rest));
        let product = tch::Tensor::empty([block, weight.size()[1]], like);
        multiply(&filled, &product);
        output.narrow(0, whole, rest).copy_(&product.narrow(0, 0, rest));
    }
    output
}

/// The shape of an input with its last dimension replaced.
pub(super) fn output_shape(input: &tch::Tensor, outputs: i64) -> Vec<i64> {
    let mut shape = input.size();
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    shape
}

/// The number of rows that go through the integer product together: few enough for their sums to stay in the
/// processor's cache until they are dequantised.
const INT8_ROWS: usize = 256;

/// Computes `output`, `[rows, outputs]`, from `input`, `[rows, inputs]`, by dynamic quantisation.
pub(super) fn multiply_int8(input: &[f32], weight: &Int8Weight, bias: &[f32], output: &mut [f32]) {
    let (inputs, outputs) = (weight.inputs(), weight.outputs());
    let rows = INT8_ROWS.min(input.len() / inputs);
    let mut integers = vec![0; rows * inputs];
    let mut scales = vec![0.0; rows];
    let chunks = input.chunks(rows * inputs);
    for (input, output) in chunks.zip(output.chunks_mut(rows * outputs)) {
        let integers = &mut integers[..input.len()];
        let scales = &mut scales[..input.len() / inputs];
        int8::quantize_input(input, inputs, integers, scales);
        let sums = integer_product(integers, &weight.integers, inputs);
        int8::dequantize_output(elements(&sums), scales, &weight.scales, bias, output);
    }
}

/// The product of int8 matrices, `[rows, inner]` and `[inner, columns]`, in int32: `[rows, columns]`.
#[expect(
    unsafe_code,
    reason = "tch makes a tensor over borrowed memory from a pointer alone"
)]
fn integer_product(left: &[i8], right: &[i8], inner: usize) -> tch::Tensor {
    let matrix = |elements: &[i8], columns: usize| {
        let (rows, rest) = (elements.len() / columns, elements.len() % columns);
        assert_eq!(rest, 0, "the last row is incomplete");
        let [rows, columns] = [rows, columns].map(|size| i64::try_from(size).expect("memory is smaller"));
        let (memory, kind) = (elements.as_ptr().cast(), tch::Kind::Int8);
        // SAFETY: by the assertion that many elements lie there. They outlive the tensor, which does not
        // leave this function, and nothing writes to it.
        unsafe { tch::Tensor::from_blob(memory, &[rows, columns], &[columns, 1], kind, tch::Device::Cpu) }
    };
    matrix(left, inner).internal_int_mm(&matrix(right, right.len() / inner))
}

/// The gradient of a dense layer's input, from that of its output.
pub(super) fn input_gradient(gradient: &TchTensor, input: &TchTensor, weight: &TchTensor) -> TchTensor {
    let found = as_rows(&gradient.tensor).mm(&weight.tensor.transpose(0, 1));
    TchTensor::new(found.reshape(input.tensor.size()))
}

/// The gradient of a dense layer's weight, in float32 like the weight itself, whatever dtype it is multiplied
/// in.
pub(super) fn weight_gradient(gradient: &TchTensor, input: &TchTensor) -> TchTensor {
    let found = as_rows(&input.tensor)
        .transpose(0, 1)
        .mm(&as_rows(&gradient.tensor));
    TchTensor::new(in_kind(&found, tch::Kind::Float))
}

/// A tensor in a dtype: itself where it has it, without a call of LibTorch.
pub(super) fn in_kind(tensor: &tch::Tensor, kind: tch::Kind) -> tch::Tensor {
    if tensor.kind() == kind {
        tensor.shallow_clone()
    } else {
        tensor.to_kind(kind)
    }
}

/// The gradient of a dense layer's bias, in float32 like the bias itself.
pub(super) fn bias_gradient(gradient: &TchTensor) -> TchTensor {
    let rows = as_rows(&gradient.tensor);
    TchTensor::new(rows.sum_dim_intlist(0_i64, false, tch::Kind::Float))
}
