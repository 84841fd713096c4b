use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams};
use burn::tensor::TensorData;
use labelproof_kernels::{device, random};
use labelproof_model::weights::WeightFiles;
use labelproof_model::{
    BatchNormalization, DeviceChoice, Encoder, EncoderConfig, Head, HeadKind, HeadLayout, HeadSettings,
};

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
        assert_close(&steps(build(&adamw, 0), device), &steps(burns_adamw(), device));
        assert_close(&steps(build(&adam, 0), device), &steps(burns_adam(), device));
    }
    let undecayed = steps(build(&adam, 0), DeviceChoice::Cpu);
    let decayed = steps(build(&adamw, 0), DeviceChoice::Cpu);
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
        kind: HeadKind::Linear,
    };
    let whole = Whole {
        encoder: LinearConfig::new(4, 4).init(&device),
        head: Head::new(&settings, HeadLayout::LINEAR, 1, &device),
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
    let after = numbers(&build(&params, 0).step(1e-3, whole, gradients));
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
    let stepped = build(&Params::default(), 0).step(0.1, linear, gradients);
    assert_eq!(kept.weight.val().into_data(), before);
    assert_ne!(stepped.weight.val().into_data(), before);
}

/// The parameters of a module, one after the other.
struct Flat(Vec<f32>);

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.extend(param.val().into_data().iter::<f32>());
    }
}

/// Registers a gradient whose elements are all the same.
struct Constant<'a>(&'a mut GradientsParams, f32);

impl ModuleVisitor for Constant<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = Tensor::<D>::full(param.val().shape(), self.1, &param.val().device().inner());
        self.0.register(param.id, gradient);
    }
}

/// An encoder where a classifier has it.
#[derive(Module, Debug)]
struct Encoding {
    encoder: Encoder,
}

/// The encoder whose weights lie in a folder of `tests/fixtures/`, of a family of `families/`.
fn encoder(family: &str, weights: &str, device: &Device) -> Encoder {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    let config = EncoderConfig::read(&fixtures.join("families").join(family)).unwrap();
    let files = WeightFiles::open(&fixtures.join(weights).join(family)).unwrap();
    let mut source = files.source(device).unwrap();
    let encoder = Encoder::load(&mut source, &config);
    source.finish().unwrap();
    encoder
}

fn flat(encoder: &Encoder) -> Vec<f32> {
    let mut flat = Flat(Vec::new());
    encoder.visit(&mut flat);
    flat.0
}

#[test]
fn each_layer_takes_the_steps_of_pytorchs_adamw_with_a_group_of_parameters_for_each() {
    // As in `make_layer_rates.py`.
    let params = Params {
        trainable: Trainable::All,
        weight_decay: Some(0.1),
        layer_learning_rate_decay: Some(0.5),
        ..Params::default()
    };
    let device = device::open(DeviceChoice::Cpu).unwrap();
    for family in ["albert", "bert", "deberta-v3", "modernbert", "mpnet"] {
        let before = encoder(family, "families", &device);
        let mut optimizer = build(&params, before.depth());
        let mut trained = Encoding { encoder: before }.train();
        for gradient in [0.5, -0.2, 0.1] {
            let mut gradients = GradientsParams::new();
            trained.visit(&mut Constant(&mut gradients, gradient));
            trained = optimizer.step(1e-2, trained, gradients);
        }
        let expected = flat(&encoder(family, "layer_rates", &device));
        let found = flat(&trained.valid().encoder);
        assert_eq!(found.len(), expected.len());
        for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
            // A step is 1e-2, and the smallest differences of rates are a hundredth of it.
            assert!(
                (found - expected).abs() < 1e-6,
                "{family} {place}: {found}, {expected}"
            );
        }
    }
}
