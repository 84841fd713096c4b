//! Gradient clipping by the global norm, that of all parameters together, as in PyTorch's `clip_grad_norm_`.
//! burn's own clips each tensor by its own norm, which changes the direction of the step.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

struct SquaredNorm<'a> {
    gradients: &'a GradientsParams,
    total: f64,
}

impl ModuleVisitor for SquaredNorm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.total += f64::from(gradient.square().sum().into_scalar::<f32>());
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients
                .register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

/// The global norm: the Euclidean norm of all gradients together.
pub(crate) fn norm<M: Module>(module: &M, gradients: &GradientsParams) -> f64 {
    let mut visitor = SquaredNorm {
        gradients,
        total: 0.0,
    };
    module.visit(&mut visitor);
    visitor.total.sqrt()
}

/// Scales all gradients down so that their global norm is at most `largest`.
pub(crate) fn clip<M: Module>(module: &M, gradients: &mut GradientsParams, largest: f64) {
    let norm = norm(module, gradients);
    if norm > largest {
        module.visit(&mut Scale {
            gradients,
            factor: largest / norm,
        });
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_global_norm_is_clipped_and_the_direction_kept() {
        let device = Device::flex().autodiff();
        let linear = LinearConfig::new(2, 2).init(&device);
        let input = Tensor::<2>::from_data([[3.0, 4.0]], &device);
        // The gradient of the sum is [[3, 3], [4, 4]] for the weight and [1, 1] for the bias: a norm of
        // sqrt(52).
        let gradients =
            || GradientsParams::from_grads(linear.forward(input.clone()).sum().backward(), &linear);
        let mut clipped = gradients();
        clip(&linear, &mut clipped, 2.0);
        assert!((norm(&linear, &clipped) - 2.0).abs() < 1e-6);
        let weight: Vec<f32> = clipped
            .get::<2>(linear.weight.id)
            .unwrap()
            .into_data()
            .iter::<f32>()
            .collect();
        let factor = 2.0 / 52.0_f32.sqrt();
        for (found, expected) in weight.iter().zip([3.0, 3.0, 4.0, 4.0]) {
            assert!((found - expected * factor).abs() < 1e-6, "{found}");
        }
        let mut untouched = gradients();
        clip(&linear, &mut untouched, 100.0);
        assert!((norm(&linear, &untouched) - 52.0_f64.sqrt()).abs() < 1e-6);
    }
}
