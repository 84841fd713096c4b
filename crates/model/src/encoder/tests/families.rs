//! Tiny encoders of every family against the values that transformers on PyTorch computes.
//!
//! `tests/fixtures/families/` is made by `tests/fixtures/make_families.py`.

use std::path::PathBuf;

use burn::module::ModuleMapper;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, TensorData};

use super::*;
use crate::pretrained::load_weights;
use crate::testing;

const FAMILIES: [&str; 11] = [
    "bert",
    "roberta",
    "xlm-roberta",
    "distilbert",
    "electra",
    "albert",
    "mpnet",
    "modernbert",
    "modernbert-biased",
    "deberta-v3",
    "deberta-v2",
];

/// The width of all encoders.
const WIDTH: usize = 8;

fn folder(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/families")
        .join(family)
}

#[derive(Deserialize)]
struct Texts {
    rows: Vec<Vec<u32>>,
    pad: u32,
}

impl Texts {
    fn read(family: &str) -> Self {
        serde_json::from_slice(&fs::read(&folder(family).join("ids.json")).unwrap()).unwrap()
    }

    fn batch(&self, device: &Device) -> Batch {
        let rows: Vec<&[u32]> = self.rows.iter().map(Vec::as_slice).collect();
        Batch::new(&rows, self.pad, device)
    }
}

/// The values of the tensors of a file, by their names.
fn values(family: &str, file: &str) -> BTreeMap<String, Vec<f32>> {
    let tensors = testing::tensors(&folder(family).join(file));
    tensors
        .into_iter()
        .map(|(name, (_, values))| (name, values))
        .collect()
}

fn load(family: &str, device: &Device) -> Encoder {
    let config = EncoderConfig::read(&folder(family)).unwrap();
    load_weights(&folder(family), None, &config, device).unwrap().0
}

/// The hidden states of each text's own tokens, of a padded batch.
fn of_tokens(hidden: &[f32], texts: &Texts) -> Vec<Vec<f32>> {
    let longest = texts.rows.iter().map(Vec::len).max().unwrap();
    let rows = hidden.chunks_exact(longest * WIDTH).zip(&texts.rows);
    rows.map(|(hidden, row)| hidden[..row.len() * WIDTH].to_vec())
        .collect()
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Checks that components are within `share` of the largest, or of 1.
#[track_caller]
fn assert_near(found: &[f32], expected: &[f32], share: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected
        .iter()
        .fold(1.0_f32, |largest, value| largest.max(value.abs()));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= share * largest,
            "{what}, component {place}: {found}, expected {expected}"
        );
    }
}

fn check_hidden_states(choice: DeviceChoice) {
    let device = device::open(choice).unwrap();
    for family in FAMILIES {
        let texts = Texts::read(family);
        let encoder = load(family, &device);
        let expected = of_tokens(&values(family, "expected.safetensors")["hidden"], &texts);
        let padded = encoder.forward(&texts.batch(&device), Precision::Float32);
        for (found, expected) in of_tokens(&numbers(padded), &texts).iter().zip(&expected) {
            assert_near(found, expected, 1e-4, &format!("{family}, padded"));
        }
        for (row, expected) in texts.rows.iter().zip(&expected) {
            let alone = encoder.forward(&Batch::new(&[row], texts.pad, &device), Precision::Float32);
            assert_near(&numbers(alone), expected, 1e-4, &format!("{family}, alone"));
        }
    }
}

#[test]
fn hidden_states_are_those_of_transformers_on_libtorch() {
    check_hidden_states(DeviceChoice::Cpu);
}

#[test]
fn hidden_states_are_those_of_transformers_on_flex() {
    check_hidden_states(DeviceChoice::Flex);
}

/// Puts its gradient in the place of each parameter, and zeros where there is none.
struct Replace<'a> {
    gradients: &'a GradientsParams,
    device: &'a Device,
}

impl ModuleMapper for Replace<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let gradient = self.gradients.get::<D>(param.id);
        let shape = param.dims();
        Param::from_tensor(gradient.unwrap_or_else(|| Tensor::zeros(shape, self.device)))
    }
}

/// The gradients of the weighted sum of the hidden states, by the names of the tensors.
fn gradients(family: &str, device: &Device) -> BTreeMap<String, Vec<f32>> {
    let texts = Texts::read(family);
    let mut config = EncoderConfig::read(&folder(family)).unwrap();
    config.hidden_dropout_prob = 0.0;
    config.attention_probs_dropout_prob = 0.0;
    let training = load_weights(&folder(family), None, &config, device)
        .unwrap()
        .0
        .train();
    let autodiff = device.clone().autodiff();
    let batch = texts.batch(&autodiff);
    let hidden = training.forward(&batch, Precision::Float32);
    let shape = hidden.dims();
    let weights: Vec<f32> = (0..shape.iter().product())
        .map(|number: usize| (0.1 * number as f32).cos())
        .collect();
    let weights: Tensor<3> = Tensor::from_data(TensorData::new(weights, shape), &autodiff);
    let loss = (hidden * weights * batch.mask.unwrap().unsqueeze_dim(2)).sum();
    let gradients = GradientsParams::from_grads(loss.backward(), &training);
    let mut replace = Replace {
        gradients: &gradients,
        device,
    };
    let found = training.valid().map(&mut replace).named_tensors();
    let file = tempfile::NamedTempFile::new().unwrap();
    found.write(file.path()).unwrap();
    values(family, file.path().to_str().unwrap())
}

fn check_gradients(choice: DeviceChoice) {
    let device = device::open(choice).unwrap();
    for family in FAMILIES {
        let found = gradients(family, &device);
        let expected = values(family, "gradients.safetensors");
        assert!(expected.len() > 20, "{family}");
        for (name, expected) in &expected {
            assert_near(&found[name], expected, 1e-4, &format!("{family}, {name}"));
        }
    }
}

#[test]
fn gradients_are_those_of_transformers_on_libtorch() {
    check_gradients(DeviceChoice::Cpu);
}

#[test]
fn gradients_are_those_of_transformers_on_flex() {
    check_gradients(DeviceChoice::Flex);
}

#[test]
fn an_accelerator_computes_the_gradients_of_transformers() {
    device::as_accelerator(|| check_gradients(DeviceChoice::Cpu));
}

#[test]
fn hidden_states_in_bfloat16_are_as_near_as_under_pytorchs_autocast() {
    if !has_bfloat16() {
        return;
    }
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let distance = |one: &[f32], other: &[f32]| mean(one.iter().zip(other).map(|(a, b)| (a - b).abs()));
    for family in FAMILIES {
        let texts = Texts::read(family);
        let expected = values(family, "expected.safetensors");
        let exact = of_tokens(&expected["hidden"], &texts).concat();
        let theirs = of_tokens(&expected["hidden_bfloat16"], &texts).concat();
        let found = load(family, &device).forward(&texts.batch(&device), Precision::Bfloat16);
        let ours = of_tokens(&numbers(found), &texts).concat();
        let (ours, theirs) = (distance(&ours, &exact), distance(&theirs, &exact));
        assert!(ours > 1e-4 && ours <= 1.3 * theirs, "{family}: {ours}, {theirs}");
    }
}

#[test]
fn a_saved_encoder_has_the_names_of_transformers_and_computes_the_same() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    for family in FAMILIES {
        let config = EncoderConfig::read(&folder(family)).unwrap();
        let (encoder, pre_training) = load_weights(&folder(family), None, &config, &device).unwrap();
        let saved_in = tempfile::tempdir().unwrap();
        let file = saved_in.path().join("model.safetensors");
        let mut saved = encoder.named_tensors();
        saved.extend(pre_training);
        saved.write(&file).unwrap();
        let prefix = names(&config.family).prefix;
        let own = |name: &String| name.strip_prefix(prefix).unwrap_or(name).to_owned();
        let expected: Vec<String> = values(family, "model.safetensors").keys().map(own).collect();
        let found: Vec<String> = values(family, file.to_str().unwrap()).into_keys().collect();
        let [expected, found] = [expected, found].map(|mut names| {
            names.sort_unstable();
            names
        });
        assert_eq!(found, expected, "{family}");
        let (again, _) = load_weights(saved_in.path(), None, &config, &device).unwrap();
        let batch = Texts::read(family).batch(&device);
        let [one, other] = [encoder, again].map(|encoder| encoder.forward(&batch, Precision::Float32));
        assert_eq!(numbers(one), numbers(other), "{family}");
    }
}

#[test]
fn dropout_and_frozen_layers_work_in_every_family() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    for family in FAMILIES {
        let mut config = EncoderConfig::read(&folder(family)).unwrap();
        config.hidden_dropout_prob = 0.2;
        config.attention_probs_dropout_prob = 0.2;
        let (encoder, _) = load_weights(&folder(family), None, &config, &device).unwrap();
        let depth = encoder.depth();
        let texts = Texts::read(family);
        let autodiff = device.clone().autodiff();
        let training = encoder.freeze_below(1).train();
        let of_seed = |seed: u64| {
            numbers(training.forward(&texts.batch(&autodiff).with_seed(seed), Precision::Float32))
        };
        assert_eq!(of_seed(1), of_seed(1), "{family}");
        assert_ne!(of_seed(1), of_seed(2), "{family}");
        let loss = training
            .forward(&texts.batch(&autodiff), Precision::Float32)
            .sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &training);
        assert!(!gradients.is_empty(), "{family}");
        let first = training.word_embeddings(&texts.batch(&autodiff));
        assert!(
            !first.is_require_grad(),
            "{family}, {depth} layers: the embeddings are frozen"
        );
    }
}

#[test]
fn int8_is_near_float32_in_every_family() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    for family in FAMILIES {
        let texts = Texts::read(family);
        let exact = of_tokens(&values(family, "expected.safetensors")["hidden"], &texts).concat();
        let encoder = load(family, &device).with_int8();
        let found = encoder.forward(&texts.batch(&device), Precision::Int8);
        let found = of_tokens(&numbers(found), &texts).concat();
        let distance = mean(found.iter().zip(&exact).map(|(a, b)| (a - b).abs()));
        let size = mean(exact.iter().map(|value| value.abs()));
        assert!(
            distance > 0.0 && distance < 0.1 * size,
            "{family}: {distance} of {size}"
        );
    }
}

#[test]
fn words_give_the_hidden_states_of_their_tokens() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    for family in FAMILIES {
        let texts = Texts::read(family);
        let encoder = load(family, &device);
        let batch = Batch::new(&[&texts.rows[0]], texts.pad, &device);
        let from_words = encoder.forward_words(encoder.word_embeddings(&batch));
        let from_tokens = encoder.forward(&batch, Precision::Float32);
        assert_eq!(from_words.dtype(), DType::F32);
        assert_eq!(numbers(from_words), numbers(from_tokens), "{family}");
    }
}
