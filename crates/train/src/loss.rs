//! The loss that training minimises: cross-entropy, with smoothed labels, or focal.
//!
//! Responsible for the gradient's loss alone. What the history calls loss is cross-entropy whatever is
//! minimised, so that training and validation can be compared.

use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::params::Params;

/// A loss on one device with autodiff.
pub(crate) struct Loss {
    cross_entropy: CrossEntropyLoss,
    objective: Objective,
    /// The weight of each class, `[classes]`.
    class_weights: Tensor<1>,
}

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Objective {
    CrossEntropy,
    /// The share of the target that is spread over all classes (Szegedy et al. 2015, arXiv:1512.00567).
    Smoothed(f64),
    /// The γ of the focal loss (Lin et al. 2017, arXiv:1708.02002).
    Focal(f64),
}

impl Loss {
    /// The loss that the parameters ask for.
    pub(crate) fn new(
        params: &Params,
        class_weights: Option<&[f32]>,
        classes: usize,
        device: &Device,
    ) -> Self {
        let objective = match (params.label_smoothing, params.focal_gamma) {
            (Some(share), _) => Objective::Smoothed(share),
            (None, Some(gamma)) => Objective::Focal(gamma),
            (None, None) => Objective::CrossEntropy,
        };
        let weights = class_weights.map_or_else(|| vec![1.0; classes], <[f32]>::to_vec);
        Self {
            cross_entropy: CrossEntropyLossConfig::new()
                .with_weights(class_weights.map(<[f32]>::to_vec))
                .init(device),
            objective,
            class_weights: Tensor::from_data(TensorData::new(weights, [classes]), device),
        }
    }

    /// The mean loss to be minimised, `[1]`, and the mean cross-entropy, `[1]` and without autodiff, of logits,
    /// `[batch, classes]`. Means are weighted by the weights of the rows' classes.
    pub(crate) fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> (Tensor<1>, Tensor<1>) {
        let minimised = match self.objective {
            Objective::CrossEntropy => {
                let loss = self.cross_entropy.forward(logits, targets);
                return (loss.clone(), loss.inner());
            }
            Objective::Smoothed(share) => self.smoothed(logits.clone(), targets.clone(), share),
            Objective::Focal(gamma) => self.focal(logits.clone(), targets.clone(), gamma),
        };
        (minimised, self.cross_entropy.forward(logits, targets).inner())
    }

    /// As PyTorch's `CrossEntropyLoss(label_smoothing=share)`: every class has a part of the target, by its
    /// own weight.
    fn smoothed(&self, logits: Tensor<2>, targets: Tensor<1, Int>, share: f64) -> Tensor<1> {
        let [_, classes] = logits.dims();
        let logarithms = log_softmax(logits, 1);
        let weights = self.class_weights.clone().select(0, targets.clone());
        let of_target = -of_targets(logarithms.clone(), targets) * weights.clone();
        let of_all = -(logarithms * self.class_weights.clone().unsqueeze())
            .sum_dim(1)
            .squeeze_dim::<1>(1);
        let sum = of_target.mul_scalar(1.0 - share) + of_all.mul_scalar(share / classes as f64);
        sum.sum() / weights.sum()
    }

    /// Cross-entropy, times `(1 - p)^gamma` for a row whose class has the probability `p`.
    fn focal(&self, logits: Tensor<2>, targets: Tensor<1, Int>, gamma: f64) -> Tensor<1> {
        let logarithms = of_targets(log_softmax(logits, 1), targets.clone());
        let weights = self.class_weights.clone().select(0, targets);
        // A row that is certain would have the power of 0, whose gradient is no number.
        let doubt = (logarithms.clone().exp().neg().add_scalar(1.0)).clamp_min(f32::EPSILON);
        let losses = doubt.powf_scalar(gamma) * logarithms.neg();
        (losses * weights.clone()).sum() / weights.sum()
    }
}

/// The value of each row's class, `[batch]`.
fn of_targets(values: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    values.gather(1, targets.unsqueeze_dim(1)).squeeze_dim(1)
}

#[cfg(test)]
mod tests {
    use labelproof_kernels::device;
    use labelproof_model::DeviceChoice;

    use super::*;

    const CLASSES: usize = 3;
    const LOGITS: [[f32; CLASSES]; 4] = [
        [1.5, -0.5, 0.25],
        [0.1, 2.0, -1.0],
        [-0.7, 0.3, 0.9],
        [3.0, -2.0, 0.5],
    ];
    const TARGETS: [i64; 4] = [0, 2, 2, 1];
    const WEIGHTS: [f32; CLASSES] = [0.5, 2.0, 1.25];

    /// The expected loss and gradient are those of PyTorch 2.15 in float64: `CrossEntropyLoss(weight,
    /// label_smoothing=0.1)`, and the definition of the focal loss by its own autograd.
    #[track_caller]
    fn check(params: &Params, weights: Option<&[f32]>, loss: f32, gradient: [f32; 12]) {
        for choice in [DeviceChoice::Cpu, DeviceChoice::Flex] {
            let device = device::open(choice).unwrap().autodiff();
            let logits = Tensor::<2>::from_data(LOGITS, &device).require_grad();
            let targets = Tensor::from_data(TARGETS, &device);
            let of_params = Loss::new(params, weights, CLASSES, &device);
            let (minimised, cross_entropy) = of_params.forward(logits.clone(), targets.clone());
            let found = minimised.clone().into_scalar::<f32>();
            assert!((found - loss).abs() < 1e-5, "{found}, expected {loss}");
            let found = logits.grad(&minimised.backward()).unwrap();
            for (found, expected) in found.into_data().iter::<f32>().zip(gradient) {
                assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
            }
            let plain = Loss::new(&Params::default(), weights, CLASSES, &device);
            let (plain, _) = plain.forward(logits, targets);
            assert_eq!(plain.into_data(), cross_entropy.into_data());
        }
    }

    #[test]
    fn smoothed_labels_are_those_of_pytorch() {
        let params = Params {
            label_smoothing: Some(0.1),
            ..Params::default()
        };
        #[rustfmt::skip]
        let gradient = [
            -0.057_504_84, 0.015_462_47, 0.042_042_37, 0.022_843_54, 0.200_111_92, -0.222_955_46,
            0.020_497_36, 0.070_036_62, -0.090_533_98, 0.221_272_41, -0.231_786_26, 0.010_513_85,
        ];
        check(&params, None, 2.243_463_5, gradient);
        #[rustfmt::skip]
        let gradient = [
            -0.012_452_23, -0.002_387_27, 0.014_839_49, 0.027_843_54, 0.195_111_92, -0.222_955_46,
            0.025_497_36, 0.065_036_62, -0.090_533_98, 0.350_259_5, -0.370_950_84, 0.020_691_33,
        ];
        check(&params, Some(&WEIGHTS), 2.902_938_1, gradient);
    }

    #[test]
    fn the_focal_loss_is_its_definition() {
        let params = Params {
            focal_gamma: Some(2.0),
            ..Params::default()
        };
        #[rustfmt::skip]
        let gradient = [
            -0.017_423, 0.005_589_67, 0.011_833_33, 0.036_536_04, 0.244_276_12, -0.280_812_16,
            0.013_210_35, 0.035_909_44, -0.049_119_79, 0.241_133_86, -0.260_927_33, 0.019_793_47,
        ];
        check(&params, None, 2.019_853_4, gradient);
        #[rustfmt::skip]
        let gradient = [
            -0.006_969_2, 0.002_235_87, 0.004_733_33, 0.036_536_04, 0.244_276_12, -0.280_812_16,
            0.013_210_35, 0.035_909_44, -0.049_119_79, 0.385_814_2, -0.417_483_73, 0.031_669_56,
        ];
        check(&params, Some(&WEIGHTS), 2.768_559_8, gradient);
    }

    #[test]
    fn a_row_that_is_certain_has_a_gradient_that_is_a_number() {
        let params = Params {
            focal_gamma: Some(0.5),
            ..Params::default()
        };
        let device = device::open(DeviceChoice::Cpu).unwrap().autodiff();
        let logits = Tensor::<2>::from_data([[200.0_f32, -200.0]], &device).require_grad();
        let (loss, _) =
            Loss::new(&params, None, 2, &device).forward(logits.clone(), Tensor::from_data([0_i64], &device));
        let gradient = logits.grad(&loss.backward()).unwrap();
        assert!(gradient.into_data().iter::<f32>().all(f32::is_finite));
    }
}
