//! One step of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) over one parameter, or over many
//! together.
//!
//! Responsible for the arithmetic, in one pass over memory: on a processor by a loop, on LibTorch's other
//! devices by its fused kernel, which takes many parameters at once ([`together`]). Which parameters there
//! are, which of them decay and at which learning rate is the caller's business.

use std::cell::RefCell;

use burn::tensor::Tensor;
use multiversion::multiversion;

use crate::fused::FusedOperations;
use crate::operators::AdamwLists;
use crate::threads;

/// The hyperparameters of one step, and its number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamwStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// The decay rate of the first moment, the running mean of the gradients.
    pub beta_1: f64,
    /// The decay rate of the second moment, the running mean of the squared gradients.
    pub beta_2: f64,
    /// The constant that is added to the root of the second moment.
    pub epsilon: f64,
    /// The weight decay; 0 makes the step one of Adam (Kingma and Ba 2015, arXiv:1412.6980).
    pub weight_decay: f64,
    /// The number of the step, from 1.
    pub number: usize,
}

impl AdamwStep {
    /// The factor of a parameter by weight decay, `1 - learning_rate * weight_decay`.
    pub(crate) fn decay_factor(&self) -> f64 {
        1.0 - self.learning_rate * self.weight_decay
    }

    /// The learning rate over the bias correction of the first moment.
    pub(crate) fn corrected_rate(&self) -> f64 {
        self.learning_rate / (1.0 - self.power(self.beta_1))
    }

    /// The square root of the bias correction of the second moment.
    pub(crate) fn root_correction(&self) -> f64 {
        (1.0 - self.power(self.beta_2)).sqrt()
    }

    fn power(&self, beta: f64) -> f64 {
        beta.powi(i32::try_from(self.number).unwrap_or(i32::MAX))
    }

    /// The factors that float32 parameters are multiplied with.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "parameters and their gradients are float32"
    )]
    pub fn factors(&self) -> StepFactors {
        StepFactors {
            old_1: self.beta_1 as f32,
            new_1: (1.0 - self.beta_1) as f32,
            old_2: self.beta_2 as f32,
            new_2: (1.0 - self.beta_2) as f32,
            decay: self.decay_factor() as f32,
            rate: self.corrected_rate() as f32,
            correction: 1.0 / self.root_correction() as f32,
            epsilon: self.epsilon as f32,
        }
    }
}

/// The scalar factors of a step, the same for every element of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepFactors {
    old_1: f32,
    new_1: f32,
    old_2: f32,
    new_2: f32,
    decay: f32,
    rate: f32,
    correction: f32,
    epsilon: f32,
}

impl StepFactors {
    /// Takes the step in one pass over memory: separate operations would go through it a dozen times, which
    /// takes longer than the backward pass of a short batch. All slices have the same length.
    pub fn step(
        &self,
        parameter: &mut [f32],
        gradient: &[f32],
        first_moment: &mut [f32],
        second_moment: &mut [f32],
    ) {
        step(self, parameter, gradient, first_moment, second_moment);
    }

    /// Takes the step of a parameter whose gradient and moments are all zero: only weight decay is left of
    /// it.
    pub fn decay(&self, parameter: &mut [f32]) {
        for parameter in parameter {
            *parameter *= self.decay;
        }
    }
}

/// Takes the step of [`StepFactors::step`], with the same bits on every processor: there is no fused
/// multiply-add in it.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn step(
    factors: &StepFactors,
    parameter: &mut [f32],
    gradient: &[f32],
    first_moment: &mut [f32],
    second_moment: &mut [f32],
) {
    let elements = parameter
        .iter_mut()
        .zip(gradient)
        .zip(first_moment)
        .zip(second_moment);
    for (((parameter, &gradient), mean), square) in elements {
        *mean = factors.old_1 * *mean + factors.new_1 * gradient;
        *square = factors.old_2 * *square + factors.new_2 * (gradient * gradient);
        let root = square.sqrt() * factors.correction + factors.epsilon;
        *parameter = factors.decay * *parameter - factors.rate * *mean / root;
    }
}

/// The number of elements that one thread takes at a time.
const CHUNK: usize = 1 << 16;

/// Takes the step of [`StepFactors::step`] on all threads.
pub(crate) fn step_in_place(
    step: &AdamwStep,
    parameter: &mut [f32],
    gradient: &[f32],
    first_moment: &mut [f32],
    second_moment: &mut [f32],
) {
    let factors = step.factors();
    let chunks = parameter
        .chunks_mut(CHUNK)
        .zip(gradient.chunks(CHUNK))
        .zip(first_moment.chunks_mut(CHUNK))
        .zip(second_moment.chunks_mut(CHUNK));
    threads::for_each(chunks, |(((parameter, gradient), mean), square)| {
        factors.step(parameter, gradient, mean, square);
    });
}

thread_local! {
    /// The steps that wait for the end of [`together`], where this thread is within it.
    static WAITING: RefCell<Option<Vec<(AdamwStep, AdamwLists)>>> = const { RefCell::new(None) };
}

/// Runs some work in which [`ParameterState::step`] is called for many parameters. On an accelerator their
/// steps are taken together at the end of it, by one call for all that have the same hyperparameters, and the
/// parameters must not be read before.
pub fn together<T>(work: impl FnOnce() -> T) -> T {
    WAITING.set(Some(Vec::new()));
    let result = work();
    for (step, lists) in WAITING.take().unwrap_or_default() {
        lists.step(&step);
    }
    result
}

/// Takes the step of a parameter off the processor, or lets it wait for the others. The tensors are the
/// parameter, its gradient and both moments; the gradient alone may have other owners.
pub(crate) fn step_on_device(step: &AdamwStep, tensors: [tch::Tensor; 4]) {
    WAITING.with_borrow_mut(|waiting| match waiting {
        Some(waiting) => {
            let place = waiting.iter().position(|(other, _)| other == step);
            let place = place.unwrap_or_else(|| {
                waiting.push((*step, AdamwLists::default()));
                waiting.len() - 1
            });
            for (list, tensor) in waiting[place].1.0.iter_mut().zip(tensors) {
                list.push(tensor);
            }
        }
        None => AdamwLists(tensors.map(|tensor| vec![tensor])).step(step),
    });
}

/// A parameter with the optimiser's state of it.
#[derive(Debug, Clone)]
pub struct ParameterState<const D: usize> {
    /// The parameter.
    pub parameter: Tensor<D>,
    /// The running mean of its gradients.
    pub first_moment: Tensor<D>,
    /// The running mean of its squared gradients.
    pub second_moment: Tensor<D>,
}

impl<const D: usize> ParameterState<D> {
    /// The state before the first step, in which both moments are zero.
    pub fn new(parameter: Tensor<D>) -> Self {
        Self {
            first_moment: parameter.zeros_like(),
            second_moment: parameter.zeros_like(),
            parameter,
        }
    }

    /// Takes a step along a gradient. No tensor may be on an autodiff device.
    pub fn step(self, gradient: Tensor<D>, step: AdamwStep) -> Self {
        let (parameter, first_moment, second_moment) =
            <burn::backend::Dispatch as FusedOperations>::fused_adamw(
                self.parameter.into_dispatch(),
                gradient.into_dispatch(),
                self.first_moment.into_dispatch(),
                self.second_moment.into_dispatch(),
                step,
            );
        Self {
            parameter: Tensor::from_dispatch(parameter),
            first_moment: Tensor::from_dispatch(first_moment),
            second_moment: Tensor::from_dispatch(second_moment),
        }
    }
}
