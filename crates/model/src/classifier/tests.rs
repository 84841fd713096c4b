//! Gradients of a tiny classifier against central differences on both backends, batching, and freezing.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use labelproof_kernels::{device, random};
use labelproof_text::windows::{WindowCutter, WindowPooling, Windows};
use rand_chacha::rand_core::Rng;

use super::*;
use crate::testing::{LAYERS, assert_close, encoder_folder, has_bfloat16, tiny, tiny_with_dropout};
use crate::{BatchNormalization, DeviceChoice, HeadKind, HeadLayout, HeadSettings, Pretrained};

fn loss(classifier: &Classifier, device: &Device) -> Tensor<1> {
    let rows: [&[u32]; 3] = [&[1, 5, 2], &[1, 7, 3, 9, 10, 2], &[1, 4, 4, 2]];
    let targets = Tensor::<1, Int>::from_data(TensorData::new(vec![0_i64, 2, 1], [3]), device);
    let logits = classifier.forward(&Batch::new(&rows, 0, device));
    burn::nn::loss::CrossEntropyLossConfig::new()
        .init(device)
        .forward(logits, targets)
}

/// The gradient of every parameter in the order in which the module is visited; `None` for a frozen one.
struct Collect<'a> {
    gradients: &'a GradientsParams,
    found: Vec<Option<Vec<f32>>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id);
        self.found
            .push(gradient.map(|gradient| gradient.into_data().iter::<f32>().collect()));
    }
}

/// Moves one element of one parameter.
struct Nudge {
    parameter: usize,
    element: usize,
    by: f32,
    seen: usize,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.seen += 1;
        if self.seen - 1 != self.parameter {
            return param;
        }
        let (element, by) = (self.element, self.by);
        param.map(|tensor| {
            let (shape, device) = (tensor.shape(), tensor.device());
            let mut values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
            values[element] += by;
            Tensor::from_data(TensorData::new(values, shape), &device)
        })
    }
}

fn gradients(classifier: &Classifier, device: &Device) -> Vec<Option<Vec<f32>>> {
    let training = classifier.clone().train();
    let gradients = loss(&training, &device.clone().autodiff()).backward();
    let gradients = GradientsParams::from_grads(gradients, &training);
    let mut collect = Collect {
        gradients: &gradients,
        found: Vec::new(),
    };
    training.visit(&mut collect);
    collect.found
}

fn check_gradients(device: DeviceChoice, pooling: Pooling) {
    let device = device::open(device).unwrap();
    let plain = tiny(&device, pooling);
    let found = gradients(&plain, &device);
    let learning = found.iter().flatten().count();
    assert_eq!(
        learning,
        5 + 12 * LAYERS + 2,
        "embeddings, layers and the dense layer are trained; the frozen normalisation is not"
    );

    let mut stream = random::stream("elements", 10);
    let step = 5e-3;
    for (parameter, gradient) in found.iter().enumerate() {
        let Some(gradient) = gradient else { continue };
        for _ in 0..3 {
            let element = usize::try_from(stream.next_u64()).unwrap() % gradient.len();
            let moved = |by: f32| {
                let nudged = plain.clone().map(&mut Nudge {
                    parameter,
                    element,
                    by,
                    seen: 0,
                });
                loss(&nudged, &device).into_scalar::<f32>()
            };
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            let found = gradient[element];
            // Losses near 1 in float32 carry an error of 1e-7, which the division by the step makes 2e-5;
            // curvature adds the rest.
            let allowed = 1e-3 + 1e-2 * found.abs();
            assert!(
                (found - difference).abs() <= allowed,
                "parameter {parameter}, element {element}: {found}, by differences {difference}"
            );
        }
    }
}

#[test]
fn gradients_agree_with_differences_on_flex() {
    check_gradients(DeviceChoice::Flex, Pooling::Mean);
    check_gradients(DeviceChoice::Flex, Pooling::Cls);
}

#[test]
fn gradients_agree_with_differences_on_libtorch() {
    check_gradients(DeviceChoice::Cpu, Pooling::Mean);
    check_gradients(DeviceChoice::Cpu, Pooling::Max);
}

#[test]
fn what_is_dropped_has_no_part_in_the_gradients_of_either_backend() {
    let [flex, libtorch, undropped] = [
        (DeviceChoice::Flex, 0.3),
        (DeviceChoice::Cpu, 0.3),
        (DeviceChoice::Cpu, 0.0),
    ]
    .map(|(device, dropout)| {
        let device = device::open(device).unwrap();
        let classifier = tiny_with_dropout(&device, Pooling::Mean, dropout);
        let found = gradients(&classifier, &device);
        found
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect::<Vec<_>>()
    });
    for (parameter, (flex, libtorch)) in flex.iter().zip(&libtorch).enumerate() {
        for (flex, libtorch) in flex.iter().zip(libtorch) {
            // One backend composes burn's own operations, the other runs the fused kernels.
            let allowed = 1e-5 + 1e-4 * flex.abs();
            assert!(
                (flex - libtorch).abs() <= allowed,
                "parameter {parameter}: {flex}, {libtorch}"
            );
        }
    }
    let (cosine, _) = angle_and_ratio(&libtorch.concat(), &undropped.concat());
    assert!(cosine < 0.9, "{cosine}");
}

/// The cosine of the angle between two lists of numbers, and the ratio of their lengths.
fn angle_and_ratio(one: &[f32], other: &[f32]) -> (f64, f64) {
    let product = |one: &[f32], other: &[f32]| -> f64 {
        let pairs = one.iter().zip(other);
        pairs
            .map(|(one, other)| f64::from(*one) * f64::from(*other))
            .sum()
    };
    let (first, second) = (product(one, one).sqrt(), product(other, other).sqrt());
    (product(one, other) / (first * second), first / second)
}

#[test]
fn an_encoder_in_bfloat16_gives_nearly_the_same_gradients() {
    if !has_bfloat16() {
        return;
    }
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let plain = tiny(&device, Pooling::Mean);
    let full = gradients(&plain, &device);
    let in_bfloat16 = Classifier {
        precision: Precision::Bfloat16,
        ..plain.clone()
    };
    let found = gradients(&in_bfloat16, &device);
    assert_ne!(full, found);
    let all =
        |found: &[Option<Vec<f32>>]| -> Vec<f32> { found.iter().flatten().flatten().copied().collect() };
    let (cosine, ratio) = angle_and_ratio(&all(&full), &all(&found));
    // bfloat16 keeps eight bits of a factor: an error of 1/512 each, of which some dozen accumulate.
    assert!(cosine > 0.999, "{cosine}");
    assert!((ratio - 1.0).abs() < 0.02, "{ratio}");

    // Training and inference compute the same.
    let predicted = loss(&in_bfloat16, &device).into_scalar::<f32>();
    let learned = loss(&in_bfloat16, &device.clone().autodiff()).into_scalar::<f32>();
    assert_eq!(predicted.to_bits(), learned.to_bits());
    assert_ne!(
        predicted.to_bits(),
        loss(&plain, &device).into_scalar::<f32>().to_bits()
    );
}

#[test]
fn a_device_without_bfloat16_computes_in_float32() {
    let device = device::open(DeviceChoice::Flex).unwrap();
    let plain = tiny(&device, Pooling::Mean);
    let in_bfloat16 = Classifier {
        precision: Precision::Bfloat16,
        ..plain.clone()
    };
    assert_eq!(gradients(&plain, &device), gradients(&in_bfloat16, &device));
}

fn settings(dropout: f64) -> HeadSettings {
    HeadSettings {
        input: 384,
        classes: 3,
        dropout,
        batch_normalization: BatchNormalization::None,
        kind: HeadKind::Linear,
    }
}

#[test]
fn a_batch_of_many_is_many_batches_of_one() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let pretrained = Pretrained::load(&encoder_folder(), &device).unwrap();
    let classifier = Classifier {
        head: Head::new(&settings(0.1), HeadLayout::LINEAR, 10, &device),
        encoder: pretrained.encoder,
        pooling: Pooling::Max,
        precision: Precision::Float32,
    };
    let lengths = [3, 60, 7, 7, 33, 12];
    let rows: Vec<Vec<u32>> = lengths.map(|length| (2000..).take(length).collect()).to_vec();
    let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    let workers = Workers::alone();
    let run = BatchedRun {
        layout: Layout::padded(0),
        device: &device,
        workers: &workers,
    };
    let forward = |batch: &Batch| classifier.forward(batch);
    let logits = |rows: &[&[u32]]| run.outputs(rows, 3, forward, |_| ()).unwrap();
    let together = logits(&rows);
    let alone: Vec<f32> = rows.iter().flat_map(|row| logits(&[row])).collect();
    assert_close(&together, &alone, "logits");
}

#[test]
fn the_features_of_a_text_in_windows_are_pooled_from_those_of_each_window() {
    for choice in [DeviceChoice::Cpu, DeviceChoice::Flex] {
        let device = device::open(choice).unwrap();
        let classifier = tiny(&device, Pooling::Mean);
        let long: &[u32] = &[2, 4, 5, 6, 7, 8, 9, 10, 4, 6, 8, 3];
        // Of windows of six tokens, two of them special, with one in common; the last one ends with the text.
        let of_long: [&[u32]; 3] = [&[2, 4, 5, 6, 7, 3], &[2, 7, 8, 9, 10, 3], &[2, 10, 4, 6, 8, 3]];
        let short: &[u32] = &[2, 5, 9, 3];
        let alone = |row: &[u32]| -> Vec<f32> {
            let features = classifier.features(&Batch::new(&[row], 0, &device));
            features.into_data().iter::<f32>().collect()
        };
        let of_windows = of_long.map(alone);
        let width = of_windows[0].len();
        let component = |place: usize| of_windows.iter().map(move |features| features[place]);
        for pooling in [WindowPooling::Mean, WindowPooling::Max] {
            let windows = Windows {
                tokens: 6,
                overlap: 1,
                pooling,
            };
            let layout = Layout {
                pad_id: 0,
                cutter: WindowCutter::new(windows, [1, 1]),
            };
            let features = classifier.features(&layout.batch(&[short, long, short], &device));
            let features: Vec<f32> = features.into_data().iter::<f32>().collect();
            let pooled = (0..width).map(|place| match pooling {
                WindowPooling::Mean => component(place).sum::<f32>() / 3.0,
                WindowPooling::Max => component(place).fold(f32::MIN, f32::max),
            });
            let expected = [alone(short), pooled.collect(), alone(short)].concat();
            assert_close(&features, &expected, &format!("{choice} {pooling:?}"));
        }
    }
}

fn loss_of_two(classifier: &Classifier, batch: &Batch, device: &Device) -> Tensor<1> {
    let targets = Tensor::<1, Int>::from_data(TensorData::new(vec![0_i64, 2], [2]), device);
    burn::nn::loss::CrossEntropyLossConfig::new()
        .init(device)
        .forward(classifier.forward(batch), targets)
}

#[test]
fn frozen_parts_have_no_gradient_and_no_dropout() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let autodiff = device.clone().autodiff();
    let pretrained = Pretrained::load(&encoder_folder(), &device).unwrap();
    let head = Head::new(&settings(0.0), HeadLayout::LINEAR, 10, &device);
    let rows: [&[u32]; 2] = [&[101, 2023, 102], &[101, 2003, 1037, 3231, 102]];
    let plain = Classifier {
        encoder: pretrained.encoder,
        head,
        pooling: Pooling::Max,
        precision: Precision::Float32,
    };
    let expected = plain
        .forward(&Batch::new(&rows, 0, &device))
        .into_data()
        .try_to_vec::<f32>()
        .unwrap();
    let gradients = |classifier: &Classifier| {
        let loss = loss_of_two(classifier, &Batch::new(&rows, 0, &autodiff), &autodiff);
        burn::optim::GradientsParams::from_grads(loss.backward(), classifier).len()
    };
    let frozen = |trainable: usize| {
        Classifier {
            encoder: plain.encoder.clone().freeze_below(trainable),
            ..plain.clone()
        }
        .train()
    };
    // A layer has 4 dense layers and 2 layer normalisations of 2 tensors each; the head has 2 tensors.
    assert_eq!(gradients(&frozen(0)), 2);
    assert_eq!(gradients(&frozen(1)), 2 + 12);
    assert_eq!(gradients(&frozen(6)), 2 + 6 * 12);
    assert_eq!(
        gradients(&plain.clone().train()),
        2 + 6 * 12 + 5,
        "and the embeddings"
    );
    let training = frozen(0).forward(&Batch::new(&rows, 0, &autodiff));
    assert_close(
        &training.into_data().try_to_vec::<f32>().unwrap(),
        &expected,
        "a frozen encoder while training",
    );
    let dropped = plain.clone().train().forward(&Batch::new(&rows, 0, &autodiff));
    assert_ne!(
        dropped.into_data().try_to_vec::<f32>().unwrap(),
        expected,
        "an encoder that is trained has dropout"
    );
}
