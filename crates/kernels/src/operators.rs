//! LibTorch's operations that tch has no bindings for, through `operators/operators.cpp`, and a record of the
//! operations that are called, for tests.
//!
//! Responsible for the calls into C++ alone. Like those of tch, they panic where LibTorch refuses them.

#![expect(unsafe_code, reason = "LibTorch is a library in C++")]

use std::ffi::{CStr, c_char};
use std::ptr;

use tch::Tensor;
use torch_sys::C_tensor;

use crate::adamw::AdamwStep;

type Input = *const C_tensor;
type Outputs = *mut *mut C_tensor;
type Message = *const c_char;

unsafe extern "C" {
    fn labelproof_add_product(
        output: Outputs,
        input: Input,
        one: Input,
        other: Input,
        factor: f64,
    ) -> Message;
    fn labelproof_layer_norm_backward(
        gradients: Outputs,
        gradient: Input,
        input: Input,
        mean: Input,
        reciprocal_deviation: Input,
        gamma: Input,
        beta: Input,
    ) -> Message;
    fn labelproof_attention(output: Outputs, query: Input, key: Input, value: Input, bias: Input) -> Message;
    fn labelproof_attention_backward(
        gradients: Outputs,
        output: Input,
        gradient: Input,
        inputs: *const Input,
    ) -> Message;
    fn labelproof_adamw(
        parameters: *const Input,
        gradients: *const Input,
        first_moments: *const Input,
        second_moments: *const Input,
        count: usize,
        number: Input,
        learning_rate: f64,
        beta_1: f64,
        beta_2: f64,
        weight_decay: f64,
        epsilon: f64,
    ) -> Message;
    fn labelproof_clip_norm(gradients: *const Input, count: usize, largest: f64) -> Message;
    fn labelproof_record_calls();
    fn labelproof_recorded_calls() -> *const c_char;
}

/// Panics where a call gave the message of an error.
fn check(message: Message) {
    if !message.is_null() {
        // SAFETY: a message ends with a zero, and lives until this thread's next call.
        let message = unsafe { CStr::from_ptr(message) };
        panic!("LibTorch: {}", message.to_string_lossy());
    }
}

/// The tensors that a call writes.
fn outputs<const N: usize>(call: impl FnOnce(Outputs) -> Message) -> [Tensor; N] {
    let mut outputs = [ptr::null_mut(); N];
    check(call(outputs.as_mut_ptr()));
    // SAFETY: a call that gave no message has written a new tensor to each place.
    outputs.map(|output| unsafe { Tensor::from_ptr(output) })
}

/// The tensors of a list as the pointers that C++ takes.
fn pointers(tensors: &[Tensor]) -> Vec<Input> {
    tensors.iter().map(Tensor::as_ptr).collect()
}

/// `input + factor * one * other`, whose dtypes may differ, in one kernel.
pub(crate) fn add_product(input: &Tensor, one: &Tensor, other: &Tensor, factor: f64) -> Tensor {
    // SAFETY: the tensors are borrowed for the call.
    let [output] = outputs(|output| unsafe {
        labelproof_add_product(output, input.as_ptr(), one.as_ptr(), other.as_ptr(), factor)
    });
    output
}

/// The gradients of input, gamma and beta of `Tensor::native_layer_norm`, from that of the output and with
/// the two statistics that it returned.
pub(crate) fn layer_norm_backward(
    gradient: &Tensor,
    input: &Tensor,
    [mean, reciprocal_deviation]: [&Tensor; 2],
    [gamma, beta]: [&Tensor; 2],
) -> [Tensor; 3] {
    // SAFETY: the tensors are borrowed for the call.
    outputs(|gradients| unsafe {
        labelproof_layer_norm_backward(
            gradients,
            gradient.as_ptr(),
            input.as_ptr(),
            mean.as_ptr(),
            reciprocal_deviation.as_ptr(),
            gamma.as_ptr(),
            beta.as_ptr(),
        )
    })
}

/// Scaled dot-product attention, by whichever of its deterministic kernels LibTorch prefers: queries, keys,
/// values and output are `[batch, heads, sequence, width]`, `bias` is one that broadcasts to
/// `[batch, heads, sequence, sequence]`. Where the inputs require gradients, the output holds what
/// [`attention_backward`] needs.
pub(crate) fn attention([query, key, value]: [&Tensor; 3], bias: &Tensor) -> Tensor {
    // SAFETY: the tensors are borrowed for the call.
    let [output] = outputs(|output| unsafe {
        labelproof_attention(
            output,
            query.as_ptr(),
            key.as_ptr(),
            value.as_ptr(),
            bias.as_ptr(),
        )
    });
    output
}

/// The gradients of queries, keys and values from that of the output of [`attention`].
pub(crate) fn attention_backward(output: &Tensor, gradient: &Tensor, inputs: [&Tensor; 3]) -> [Tensor; 3] {
    let inputs = inputs.map(Tensor::as_ptr);
    // SAFETY: the tensors are borrowed for the call.
    outputs(|gradients| unsafe {
        labelproof_attention_backward(gradients, output.as_ptr(), gradient.as_ptr(), inputs.as_ptr())
    })
}

/// Parameters with their gradients and both moments, four lists of one length, float32 and on one device.
#[derive(Debug, Default)]
pub(crate) struct AdamwLists(pub(crate) [Vec<Tensor>; 4]);

impl AdamwLists {
    /// Takes a step of `AdamW` with all parameters, in place.
    pub(crate) fn step(&self, step: &AdamwStep) {
        let [parameters, gradients, first_moments, second_moments] = &self.0;
        let count = parameters.len();
        assert!(self.0.iter().all(|list| list.len() == count), "a list is short");
        let Some(first) = parameters.first() else {
            return;
        };
        let options = (tch::Kind::Float, first.device());
        // Filled on the device: the number is an argument of the kernel.
        let number = Tensor::full([0_i64; 0], step.number as f64, options);
        let lists = [parameters, gradients, first_moments, second_moments].map(|list| pointers(list));
        // SAFETY: the tensors are borrowed for the call; each list has `count` of them.
        check(unsafe {
            labelproof_adamw(
                lists[0].as_ptr(),
                lists[1].as_ptr(),
                lists[2].as_ptr(),
                lists[3].as_ptr(),
                count,
                number.as_ptr(),
                step.learning_rate,
                step.beta_1,
                step.beta_2,
                step.weight_decay,
                step.epsilon,
            )
        });
    }
}

/// Scales gradients in place so that their global norm is at most `largest`. The norm is not read: nothing
/// waits for the device.
pub(crate) fn clip_norm(gradients: &[Tensor], largest: f64) {
    let gradients = pointers(gradients);
    // SAFETY: the tensors are borrowed for the call.
    check(unsafe { labelproof_clip_norm(gradients.as_ptr(), gradients.len(), largest) });
}

/// A call of one of LibTorch's operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The number of operations that this one is part of; 0 for one that was called from outside of LibTorch.
    pub depth: usize,
    /// Its name, such as `aten::mm`.
    pub name: String,
}

/// Runs some work, and returns what it returned with the operations that this thread called meanwhile, for
/// tests that count them.
pub fn recorded<T>(work: impl FnOnce() -> T) -> (T, Vec<Call>) {
    // SAFETY: the call takes nothing.
    unsafe { labelproof_record_calls() };
    let result = work();
    // SAFETY: the text ends with a zero, and lives until this thread's next record.
    let text = unsafe { CStr::from_ptr(labelproof_recorded_calls()) };
    let text = text.to_string_lossy();
    let calls = text.lines().filter_map(|line| {
        let (depth, name) = line.split_once(' ')?;
        Some(Call {
            depth: depth.parse().ok()?,
            name: name.to_owned(),
        })
    });
    (result, calls.collect())
}
