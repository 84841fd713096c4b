//! Gradient clipping by the global norm, that of all parameters together, as in PyTorch's `clip_grad_norm_`.
//! burn's own clips each tensor by its own norm, which changes the direction of the step.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use labelproof_kernels::device::is_accelerator;
use labelproof_kernels::gradients::GradientList;

/// Takes the gradients of a module out, in the order of its parameters.
struct Take<'a> {
    gradients: &'a mut GradientsParams,
    list: GradientList,
    taken: HashSet<ParamId>,
}

impl ModuleVisitor for Take<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.list.push(gradient);
            self.taken.insert(param.id);
        }
    }
}

impl Take<'_> {
    /// Undoes the taking.
    fn put_back<M: Module>(self, module: &M) {
        module.visit(&mut PutBack(self));
    }
}

struct PutBack<'a>(Take<'a>);

impl ModuleVisitor for PutBack<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.0.taken.remove(&param.id) {
            self.0.gradients.register(param.id, self.0.list.pop::<D>());
        }
    }
}

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

/// Scales all gradients down so that their global norm is at most `largest`. On an accelerator the norm is
/// not read: the processor would wait for each gradient.
pub(crate) fn clip<M: Module>(module: &M, gradients: &mut GradientsParams, largest: f64) {
    if module.devices().iter().any(is_accelerator) {
        let mut taken = Take {
            gradients,
            list: GradientList::default(),
            taken: HashSet::new(),
        };
        module.visit(&mut taken);
        taken.list.clip_norm(largest);
        taken.put_back(module);
        return;
    }
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
    use labelproof_kernels::device;
    use labelproof_model::DeviceChoice;

    use super::*;

    /// Clips gradients whose norm is sqrt(52), by less and by more than that.
    fn check(device: &Device) {
        let linear = LinearConfig::new(2, 2).init(device);
        let input = Tensor::<2>::from_data([[3.0, 4.0]], device);
        // The gradient of the sum is [[3, 3], [4, 4]] for the weight and [1, 1] for the bias.
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

    #[test]
    fn the_global_norm_is_clipped_and_the_direction_kept() {
        check(&Device::flex().autodiff());
        let device = device::open(DeviceChoice::Cpu).unwrap().autodiff();
        check(&device);
        device::as_accelerator(|| check(&device));
    }
}
