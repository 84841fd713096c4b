//! The elements of LibTorch's tensors as slices, for the loops of this crate.

use burn::backend::libtorch::TchTensor;
use tch::kind::Element;

use crate::device;

/// Whether the processor computes with a tensor, with the loops of this crate and with LibTorch's kernels for
/// it.
pub(super) fn is_on_cpu(tensor: &TchTensor) -> bool {
    tensor.tensor.device() == tch::Device::Cpu && !device::plays_accelerator()
}

/// Whether the loops of this crate can work on a tensor: it is float32 in the processor's memory.
pub(super) fn is_float32_on_cpu(tensor: &TchTensor) -> bool {
    is_on_cpu(tensor) && tensor.tensor.kind() == tch::Kind::Float
}

/// A contiguous tensor with one owner, which may be written to: the given one if it is such, else a copy.
pub(crate) fn into_exclusive(tensor: TchTensor) -> TchTensor {
    if tensor.can_mut() && tensor.tensor.is_contiguous() {
        tensor
    } else {
        TchTensor::new(tensor.tensor.contiguous().copy())
    }
}

/// The elements of a contiguous tensor in the processor's memory.
#[expect(unsafe_code, reason = "tch lends the elements of a tensor as a pointer alone")]
pub(super) fn elements<T: Element>(tensor: &tch::Tensor) -> &[T] {
    assert!(tensor.is_contiguous() && tensor.kind() == T::KIND && tensor.device() == tch::Device::Cpu);
    // SAFETY: by the assertion that many elements of that type lie there. They live and stay unchanged while
    // the tensor is borrowed, since only `elements_mut` writes through a pointer, to tensors that have one
    // owner.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast_const().cast(), tensor.numel()) }
}

/// The elements of a tensor as [`elements`], to be written to.
#[expect(unsafe_code, reason = "tch lends the elements of a tensor as a pointer alone")]
pub(super) fn elements_mut(tensor: &mut TchTensor) -> &mut [f32] {
    assert!(tensor.can_mut(), "the tensor has another owner");
    let count = elements::<f32>(&tensor.tensor).len();
    // SAFETY: as in `elements`; nobody else has this memory, as the assertion says.
    unsafe { std::slice::from_raw_parts_mut(tensor.tensor.data_ptr().cast(), count) }
}

/// A tensor of the same shape and dtype with uninitialised elements.
pub(super) fn uninitialized_like(tensor: &TchTensor) -> TchTensor {
    TchTensor::new(tensor.tensor.contiguous().empty_like())
}

/// A vector as a tensor on the processor.
pub(super) fn vector(elements: &[f32]) -> TchTensor {
    TchTensor::new(tch::Tensor::from_slice(elements))
}
