//! Gradients of a tiny classifier against central differences, on both backends.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use labelproof_artifact::fs;
use rand_chacha::rand_core::Rng;

use crate::batch::Batch;
use crate::encoder::load_encoder;
use crate::head::HeadSettings;
use crate::weights::NamedTensors;
use crate::{
    BatchNormalization, Classifier, DeviceChoice, EncoderConfig, Head, Pooling, Precision, backend, random,
};

const WIDTH: usize = 8;
const INNER: usize = 12;
const VOCABULARY: usize = 11;
const LAYERS: usize = 2;

/// A classifier of noise, without dropout.
pub(crate) fn tiny(device: &Device, pooling: Pooling) -> Classifier {
    tiny_with_dropout(device, pooling, 0.0)
}

fn tiny_with_dropout(device: &Device, pooling: Pooling, dropout: f64) -> Classifier {
    let mut stream = random::stream("tiny", 10);
    let mut tensors = NamedTensors::default();
    let mut noise = |name: &str, shape: [usize; 2], centre: f32| {
        let values: Vec<f32> = (0..shape[0] * shape[1])
            .map(|_| centre + random::uniform(&mut stream) - 0.5)
            .collect();
        let tensor: Tensor<2> = Tensor::from_data(TensorData::new(values, shape), device);
        if shape[0] == 1 {
            tensors.push::<1>(name, tensor.squeeze_dim(0));
        } else {
            tensors.push(name, tensor);
        }
    };
    noise("embeddings.word_embeddings.weight", [VOCABULARY, WIDTH], 0.0);
    noise("embeddings.position_embeddings.weight", [9, WIDTH], 0.0);
    noise("embeddings.token_type_embeddings.weight", [2, WIDTH], 0.0);
    noise("embeddings.LayerNorm.weight", [1, WIDTH], 1.0);
    noise("embeddings.LayerNorm.bias", [1, WIDTH], 0.0);
    for layer in 0..LAYERS {
        for (part, output, input) in [
            ("attention.self.query", WIDTH, WIDTH),
            ("attention.self.key", WIDTH, WIDTH),
            ("attention.self.value", WIDTH, WIDTH),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", INNER, WIDTH),
            ("output.dense", WIDTH, INNER),
        ] {
            noise(
                &format!("encoder.layer.{layer}.{part}.weight"),
                [output, input],
                0.0,
            );
            noise(&format!("encoder.layer.{layer}.{part}.bias"), [1, output], 0.0);
        }
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            noise(&format!("encoder.layer.{layer}.{part}.weight"), [1, WIDTH], 1.0);
            noise(&format!("encoder.layer.{layer}.{part}.bias"), [1, WIDTH], 0.0);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    tensors.write(&path).unwrap();
    let config = format!(
        r#"{{"model_type": "bert", "vocab_size": {VOCABULARY}, "hidden_size": {WIDTH}, "num_hidden_layers": {LAYERS},
        "num_attention_heads": 2, "intermediate_size": {INNER}, "max_position_embeddings": 9,
        "hidden_dropout_prob": {dropout}, "attention_probs_dropout_prob": {dropout}}}"#
    );
    fs::write_atomic(&folder.path().join("config.json"), config.as_bytes()).unwrap();
    let config = EncoderConfig::read(folder.path()).unwrap();
    let (encoder, _) = load_encoder(&path, &fs::read(&path).unwrap(), &config, device).unwrap();
    let settings = HeadSettings {
        input: WIDTH,
        classes: 3,
        dropout: 0.0,
        batch_normalization: BatchNormalization::Frozen,
    };
    Classifier {
        encoder,
        head: Head::new(&settings, 10, device),
        pooling,
        precision: Precision::Float32,
    }
}

fn loss(classifier: &Classifier, device: &Device) -> Tensor<1> {
    let rows: [&[u32]; 3] = [&[1, 5, 2], &[1, 7, 3, 9, 10, 2], &[1, 4, 4, 2]];
    let targets = Tensor::<1, Int>::from_data(TensorData::new(vec![0_i64, 2, 1], [3]), device);
    let logits = classifier.forward(&Batch::new(&rows, 0, device));
    burn::nn::loss::CrossEntropyLossConfig::new()
        .init(device)
        .forward(logits, targets)
}

/// The gradient of every parameter, in the order a module is visited; none for what does not learn.
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
    let device = backend::open(device).unwrap();
    let plain = tiny(&device, pooling);
    let found = gradients(&plain, &device);
    let learning = found.iter().flatten().count();
    assert_eq!(
        learning,
        5 + 12 * LAYERS + 2,
        "embeddings, layers and dense learn; the frozen normalisation does not"
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
            // 32-bit losses near 1 carry an error of 1e-7, which the division by the step makes 2e-5; curvature adds the
            // rest.
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
        let device = backend::open(device).unwrap();
        let classifier = tiny_with_dropout(&device, Pooling::Mean, dropout);
        let found = gradients(&classifier, &device);
        found
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect::<Vec<_>>()
    });
    for (parameter, (flex, libtorch)) in flex.iter().zip(&libtorch).enumerate() {
        for (flex, libtorch) in flex.iter().zip(libtorch) {
            // On one backend from burn's own operations, on the other in kernels of our own.
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

/// Whether this processor computes in 16 bits; says so if not, since a test is then left out.
#[expect(clippy::print_stderr, reason = "tests have no other way to say it")]
pub(crate) fn has_16_bits() -> bool {
    let found = backend::computes_in_half(DeviceChoice::Cpu);
    if !found {
        eprintln!("skipped: this processor has no instructions for bfloat16");
    }
    found
}

#[test]
fn an_encoder_in_16_bits_gives_nearly_the_same_gradients() {
    if !has_16_bits() {
        return;
    }
    let device = backend::open(DeviceChoice::Cpu).unwrap();
    let plain = tiny(&device, Pooling::Mean);
    let full = gradients(&plain, &device);
    let in_half = Classifier {
        precision: Precision::Bfloat16,
        ..plain.clone()
    };
    let half = gradients(&in_half, &device);
    assert_ne!(full, half);
    let all =
        |found: &[Option<Vec<f32>>]| -> Vec<f32> { found.iter().flatten().flatten().copied().collect() };
    let (cosine, ratio) = angle_and_ratio(&all(&full), &all(&half));
    // Eight bits of a factor are kept: an error of 1/512 each, of which some dozen meet on the way.
    assert!(cosine > 0.999, "{cosine}");
    assert!((ratio - 1.0).abs() < 0.02, "{ratio}");

    // What learns is what predicts.
    let predicted = loss(&in_half, &device).into_scalar::<f32>();
    let learned = loss(&in_half, &device.clone().autodiff()).into_scalar::<f32>();
    assert_eq!(predicted.to_bits(), learned.to_bits());
    assert_ne!(
        predicted.to_bits(),
        loss(&plain, &device).into_scalar::<f32>().to_bits()
    );
}

#[test]
fn a_device_without_16_bits_computes_in_32() {
    let device = backend::open(DeviceChoice::Flex).unwrap();
    let plain = tiny(&device, Pooling::Mean);
    let in_half = Classifier {
        precision: Precision::Bfloat16,
        ..plain.clone()
    };
    assert_eq!(gradients(&plain, &device), gradients(&in_half, &device));
}
