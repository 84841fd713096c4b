//! One step of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) over one parameter.
//!
//! Responsible for the arithmetic. Which parameters there are, which of them decay and at which rate they learn is known to
//! whoever calls.

use burn::tensor::Tensor;
use multiversion::multiversion;

use super::threads;

/// What a step needs to know beside the tensors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamwStep {
    /// Learning rate.
    pub rate: f64,
    /// How much of the running mean of the gradients is kept.
    pub beta_1: f64,
    /// How much of the running mean of the squared gradients is kept.
    pub beta_2: f64,
    /// Added to the root of the squares.
    pub epsilon: f64,
    /// Share of the parameter, times the rate, that decays; 0 makes it Adam (Kingma and Ba 2015, arXiv:1412.6980).
    pub decay: f64,
    /// This step's number, from 1.
    pub number: usize,
}

impl AdamwStep {
    /// What is left of a parameter after it decayed.
    pub(super) fn left(&self) -> f64 {
        1.0 - self.rate * self.decay
    }

    /// The rate over the mean's correction for having started from zero.
    pub(super) fn corrected_rate(&self) -> f64 {
        self.rate / (1.0 - self.power(self.beta_1))
    }

    /// The root of the squares' correction for having started from zero.
    pub(super) fn correction(&self) -> f64 {
        (1.0 - self.power(self.beta_2)).sqrt()
    }

    fn power(&self, beta: f64) -> f64 {
        beta.powi(i32::try_from(self.number).unwrap_or(i32::MAX))
    }

    /// What the step multiplies 32-bit numbers with.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "parameters and their gradients have 32 bits"
    )]
    pub fn factors(&self) -> Factors {
        Factors {
            old_1: self.beta_1 as f32,
            new_1: (1.0 - self.beta_1) as f32,
            old_2: self.beta_2 as f32,
            new_2: (1.0 - self.beta_2) as f32,
            left: self.left() as f32,
            rate: self.corrected_rate() as f32,
            correction: 1.0 / self.correction() as f32,
            epsilon: self.epsilon as f32,
        }
    }
}

/// A step's factors, the same for all numbers of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    old_1: f32,
    new_1: f32,
    old_2: f32,
    new_2: f32,
    left: f32,
    rate: f32,
    correction: f32,
    epsilon: f32,
}

impl Factors {
    /// The step, in one pass over memory: separate operations would go through it a dozen times, which takes longer than the
    /// gradients of a short batch. All slices are of one length.
    pub fn step(&self, parameter: &mut [f32], gradient: &[f32], mean: &mut [f32], square: &mut [f32]) {
        step(self, parameter, gradient, mean, square);
    }

    /// What [`Self::step`] does where gradient and running means are zero.
    pub fn decay(&self, parameter: &mut [f32]) {
        for parameter in parameter {
            *parameter *= self.left;
        }
    }
}

/// [`Factors::step`], which gives the same on every processor: no instruction does more than one operation.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn step(factors: &Factors, parameter: &mut [f32], gradient: &[f32], mean: &mut [f32], square: &mut [f32]) {
    let numbers = parameter.iter_mut().zip(gradient).zip(mean).zip(square);
    for (((parameter, &gradient), mean), square) in numbers {
        *mean = factors.old_1 * *mean + factors.new_1 * gradient;
        *square = factors.old_2 * *square + factors.new_2 * (gradient * gradient);
        let root = square.sqrt() * factors.correction + factors.epsilon;
        *parameter = factors.left * *parameter - factors.rate * *mean / root;
    }
}

/// Numbers that one thread takes at a time.
const CHUNK: usize = 1 << 16;

/// [`Factors::step`] on all threads.
pub(super) fn step_in_place(
    step: &AdamwStep,
    parameter: &mut [f32],
    gradient: &[f32],
    mean: &mut [f32],
    square: &mut [f32],
) {
    let factors = step.factors();
    let chunks = parameter
        .chunks_mut(CHUNK)
        .zip(gradient.chunks(CHUNK))
        .zip(mean.chunks_mut(CHUNK))
        .zip(square.chunks_mut(CHUNK));
    threads::for_each(chunks, |(((parameter, gradient), mean), square)| {
        factors.step(parameter, gradient, mean, square);
    });
}

/// A parameter and its running means after a step.
#[derive(Debug, Clone)]
pub struct Stepped<const D: usize> {
    /// The parameter.
    pub parameter: Tensor<D>,
    /// The running mean of its gradients.
    pub mean: Tensor<D>,
    /// The running mean of their squares.
    pub square: Tensor<D>,
}

impl<const D: usize> Stepped<D> {
    /// Where a parameter starts.
    pub fn first(parameter: Tensor<D>) -> Self {
        Self {
            mean: parameter.zeros_like(),
            square: parameter.zeros_like(),
            parameter,
        }
    }

    /// Goes a step along a gradient. No tensor may be on a device that records.
    pub fn step(self, gradient: Tensor<D>, step: AdamwStep) -> Self {
        let (parameter, mean, square) = <burn::backend::Dispatch as super::fused::Fused>::fused_adamw(
            self.parameter.into_dispatch(),
            gradient.into_dispatch(),
            self.mean.into_dispatch(),
            self.square.into_dispatch(),
            step,
        );
        Self {
            parameter: Tensor::from_dispatch(parameter),
            mean: Tensor::from_dispatch(mean),
            square: Tensor::from_dispatch(square),
        }
    }
}
