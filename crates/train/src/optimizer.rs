//! The optimiser: Adam and AdamW for burn's modules, with the fused step of `labelproof_kernels::adamw`.
//!
//! Responsible for the hyperparameters and for which parameters decay; burn keeps the state of each
//! parameter.

use burn::module::ParamGroup;
use burn::optim::{AdaptiveMomentumState, LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::{Device, Tensor};
use labelproof_kernels::adamw::{AdamwStep, ParameterState};

use crate::params::{OptimizerKind, Params};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
/// The ε of PyTorch and transformers. burn's default is a thousand times larger.
const EPSILON: f64 = 1e-8;
const DEFAULT_WEIGHT_DECAY: f64 = 0.01;

/// The parameters without weight decay: biases and layer normalisations, as in BERT's own training.
const NOT_DECAYED: [&str; 3] = ["bias", "gamma", "beta"];

/// The dense layer of a classifier's head, and what of the head has no weight decay.
const HEAD: [&str; 1] = ["head."];
const HEAD_NOT_DECAYED: [&str; 3] = [
    "head.dense.bias",
    "head.normalization.gamma",
    "head.normalization.beta",
];

/// The optimiser that the parameters of the stage ask for.
pub fn build(params: &Params) -> ModuleOptimizer {
    let group = |names: &[&'static str], weight_decay: f64, rate_factor: f64| {
        let group = ParamGroup::from_any_predicates(names.to_vec());
        let optimizer = Adamw {
            weight_decay,
            rate_factor,
        };
        (group, optimizer)
    };
    let all = Adamw {
        weight_decay: weight_decay(params),
        rate_factor: 1.0,
    };
    // Where a parameter is in several groups, the last one counts.
    let mut groups = vec![group(&NOT_DECAYED, 0.0, 1.0)];
    if let Some(rate) = params.head_learning_rate {
        let factor = rate / params.learning_rate;
        groups.push(group(&HEAD, weight_decay(params), factor));
        groups.push(group(&HEAD_NOT_DECAYED, 0.0, factor));
    }
    groups
        .into_iter()
        .fold(ModuleOptimizer::from(all), |optimizer, (group, of_group)| {
            optimizer.with_group(group, of_group, None)
        })
}

/// The step that this optimiser takes with parameters that decay. `number` counts from 1.
pub fn step_of(params: &Params, rate: LearningRate, number: usize) -> AdamwStep {
    Adamw {
        weight_decay: weight_decay(params),
        rate_factor: 1.0,
    }
    .numbered(rate, number)
}

fn weight_decay(params: &Params) -> f64 {
    match params.optimizer {
        OptimizerKind::Adam => 0.0,
        OptimizerKind::Adamw => params.weight_decay.unwrap_or(DEFAULT_WEIGHT_DECAY),
    }
}

/// AdamW, which without weight decay is Adam.
#[derive(Debug, Clone)]
struct Adamw {
    weight_decay: f64,
    /// What the learning rate is multiplied with.
    rate_factor: f64,
}

impl Adamw {
    fn numbered(&self, rate: LearningRate, number: usize) -> AdamwStep {
        AdamwStep {
            learning_rate: rate * self.rate_factor,
            beta_1: BETA_1,
            beta_2: BETA_2,
            epsilon: EPSILON,
            weight_decay: self.weight_decay,
            number,
        }
    }
}

impl Optimizer for Adamw {
    type State<const D: usize> = AdaptiveMomentumState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (before, number) = match state {
            Some(state) => (
                ParameterState {
                    parameter,
                    first_moment: state.moment_1,
                    second_moment: state.moment_2,
                },
                state.time + 1,
            ),
            None => (ParameterState::new(parameter), 1),
        };
        let after = before.step(gradient, self.numbered(rate, number));
        let state = AdaptiveMomentumState::new(number, after.first_moment, after.second_moment);
        (after.parameter, Some(state))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.to_device(device)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{Module, ModuleVisitor, Param};
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::{AdamConfig, AdamWConfig, GradientsParams};
    use burn::tensor::TensorData;
    use labelproof_kernels::{device, random};
    use labelproof_model::{BatchNormalization, DeviceChoice, Head, HeadSettings};

    use super::*;
    use crate::params::Trainable;

    const WIDTH: usize = 300;

    /// Takes some steps of different rates from random weights with random gradients; returns weight and
    /// bias.
    fn steps(mut optimizer: ModuleOptimizer, device: DeviceChoice) -> Vec<f32> {
        let device = device::open(device).unwrap();
        let mut stream = random::stream("optimizer", 1);
        let mut noise = |size: f32| -> Tensor<2> {
            let values: Vec<f32> = (0..WIDTH * WIDTH)
                .map(|_| (random::uniform(&mut stream) - 0.5) * size)
                .collect();
            Tensor::from_data(TensorData::new(values, [WIDTH, WIDTH]), &device)
        };
        let mut linear = LinearConfig::new(WIDTH, WIDTH).init(&device);
        linear.weight = Param::from_tensor(noise(0.1));
        linear.bias = Some(Param::from_tensor(noise(0.1).sum_dim(0).squeeze_dim(0)));
        let mut linear = linear.train();
        for rate in [1e-3, 2e-3, 5e-4, 1e-3] {
            let mut gradients = GradientsParams::new();
            gradients.register(linear.weight.id, noise(1e-3));
            let bias = linear.bias.as_ref().unwrap().id;
            gradients.register(bias, noise(1e-3).sum_dim(0).squeeze_dim::<1>(0));
            linear = optimizer.step(rate, linear, gradients);
        }
        let bias = linear.bias.unwrap().val();
        let numbers = [linear.weight.val().into_data(), bias.into_data()];
        numbers.iter().flat_map(|data| data.iter::<f32>()).collect()
    }

    fn assert_close(one: &[f32], other: &[f32]) {
        assert_eq!(one.len(), WIDTH * WIDTH + WIDTH);
        for (one, other) in one.iter().zip(other) {
            assert!((one - other).abs() < 1e-6, "{one} {other}");
        }
    }

    #[test]
    fn steps_are_those_of_burns_own_optimisers_on_both_backends() {
        let adamw = Params {
            weight_decay: Some(0.3),
            ..Params::default()
        };
        let adam = Params {
            optimizer: OptimizerKind::Adam,
            ..Params::default()
        };
        let burns_adamw = || {
            let config = AdamWConfig::new().with_epsilon(1e-8);
            config.clone().with_weight_decay(0.3).init().with_group(
                ParamGroup::from_any_predicates(NOT_DECAYED.to_vec()),
                config.with_weight_decay(0.0).build(),
                None,
            )
        };
        let burns_adam = || AdamConfig::new().with_epsilon(1e-8).init();
        for device in [DeviceChoice::Cpu, DeviceChoice::Flex] {
            assert_close(&steps(build(&adamw), device), &steps(burns_adamw(), device));
            assert_close(&steps(build(&adam), device), &steps(burns_adam(), device));
        }
        let undecayed = steps(build(&adam), DeviceChoice::Cpu);
        let decayed = steps(build(&adamw), DeviceChoice::Cpu);
        assert_ne!(undecayed[..WIDTH * WIDTH], decayed[..WIDTH * WIDTH]);
        assert_eq!(
            undecayed[WIDTH * WIDTH..],
            decayed[WIDTH * WIDTH..],
            "a bias does not decay"
        );
    }

    /// A module with the head that a classifier has.
    #[derive(Module, Debug)]
    struct Whole {
        encoder: Linear,
        head: Head,
    }

    /// Registers a gradient of ones for each parameter.
    struct Ones<'a>(&'a mut GradientsParams);

    impl ModuleVisitor for Ones<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.register(param.id, param.val().inner().ones_like());
        }
    }

    /// The numbers of each parameter, in the order in which the module is visited.
    struct Numbers(Vec<Vec<f32>>);

    impl ModuleVisitor for Numbers {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().into_data().iter::<f32>().collect());
        }
    }

    #[test]
    fn the_head_has_a_learning_rate_of_its_own() {
        /// Weight and bias of two dense layers and a normalisation, whose running statistics come last.
        const TRAINED: usize = 6;
        let params = Params {
            trainable: Trainable::All,
            optimizer: OptimizerKind::Adam,
            learning_rate: 1e-3,
            head_learning_rate: Some(1e-2),
            ..Params::default()
        };
        let device = device::open(DeviceChoice::Cpu).unwrap();
        let settings = HeadSettings {
            input: 4,
            classes: 3,
            dropout: 0.0,
            batch_normalization: BatchNormalization::Trained,
        };
        let whole = Whole {
            encoder: LinearConfig::new(4, 4).init(&device),
            head: Head::new(&settings, 1, &device),
        };
        let whole = whole.train();
        let numbers = |module: &Whole| {
            let mut numbers = Numbers(Vec::new());
            module.visit(&mut numbers);
            numbers.0
        };
        let before = numbers(&whole);
        let mut gradients = GradientsParams::new();
        whole.visit(&mut Ones(&mut gradients));
        let after = numbers(&build(&params).step(1e-3, whole, gradients));
        // The first step of Adam is the learning rate itself.
        let trained = before.iter().zip(&after).take(TRAINED);
        for (place, (before, after)) in trained.enumerate() {
            let expected = if place < 2 { 1e-3 } else { 1e-2 };
            for (before, after) in before.iter().zip(after) {
                assert!((before - after - expected).abs() < 1e-6, "parameter {place}");
            }
        }
    }

    #[test]
    fn a_copy_that_was_kept_stays_as_it_was() {
        let device = device::open(DeviceChoice::Cpu).unwrap();
        let linear: Linear = LinearConfig::new(3, 3).init(&device).train();
        let kept = linear.clone();
        let before = kept.weight.val().into_data();
        let mut gradients = GradientsParams::new();
        gradients.register(linear.weight.id, Tensor::<2>::ones([3, 3], &device));
        let stepped = build(&Params::default()).step(0.1, linear, gradients);
        assert_eq!(kept.weight.val().into_data(), before);
        assert_ne!(stepped.weight.val().into_data(), before);
    }
}
