//! Gradients on an accelerator, all of them at once.
//!
//! Responsible for what would wait for the device if it were done parameter by parameter from outside. Which
//! gradients there are is the caller's business.

#![expect(
    deprecated,
    reason = "as in `device`: nothing of burn comes near LibTorch on a processor"
)]

use std::collections::VecDeque;

use burn::backend::LibTorch;
use burn::backend::libtorch::TchTensor;
use burn::tensor::Tensor;

use crate::fused::into_exclusive;
use crate::operators;

/// Gradients of any ranks on one device of LibTorch, in their order.
#[derive(Debug, Default)]
pub struct GradientList(VecDeque<TchTensor>);

impl GradientList {
    /// Appends a gradient.
    ///
    /// # Panics
    /// Panics if the tensor is on another backend than LibTorch, or on an autodiff device.
    pub fn push<const D: usize>(&mut self, gradient: Tensor<D>) {
        let gradient = gradient.try_into_primitive::<LibTorch>();
        self.0
            .push_back(gradient.expect("an accelerator is a device of LibTorch"));
    }

    /// Takes the first gradient that is left.
    ///
    /// # Panics
    /// Panics if there is none.
    pub fn pop<const D: usize>(&mut self) -> Tensor<D> {
        let gradient = self
            .0
            .pop_front()
            .expect("a gradient was pushed for each that is taken");
        Tensor::from_primitive::<LibTorch>(gradient)
    }

    /// Scales all gradients so that their global norm, the Euclidean norm of all of them together, is at most
    /// `largest`. The norm stays on the device, and nothing waits for it.
    pub fn clip_norm(&mut self, largest: f64) {
        if self.0.is_empty() {
            return;
        }
        self.0 = std::mem::take(&mut self.0)
            .into_iter()
            .map(into_exclusive)
            .collect();
        let tensors: Vec<tch::Tensor> = self
            .0
            .iter()
            .map(|gradient| gradient.tensor.shallow_clone())
            .collect();
        operators::clip_norm(&tensors, largest);
    }
}
