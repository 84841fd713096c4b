//! The sample encoder against the values that transformers on PyTorch computes, and properties of the whole network.
//!
//! `tests/fixtures/encoder.json` is made by `tests/fixtures/make_reference.py`. The encoder is what `make setup`
//! fetches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use labelproof_artifact::{LabelMap, fs};
use serde::Deserialize;

use crate::batch::Batch;
use crate::bundle::{self, Bundle, Description, Pretrained};
use crate::head::HeadSettings;
use crate::pooling::pool;
use crate::{
    BatchNormalization, Classifier, DeviceChoice, Head, Pooling, Precision, backend, classifier,
    gradient_tests,
};

#[derive(Deserialize)]
struct Reference {
    max_length: usize,
    rows: Vec<ReferenceRow>,
}

#[derive(Deserialize)]
struct ReferenceRow {
    text: String,
    input_ids: Vec<u32>,
    cls: Vec<f32>,
    mean: Vec<f32>,
    max: Vec<f32>,
}

fn reference() -> Reference {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/encoder.json");
    serde_json::from_slice(&fs::read(path.as_ref()).unwrap()).unwrap()
}

fn encoder_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../external/encoders/all-minilm-l6-v2");
    assert!(
        folder.exists(),
        "the sample encoder is not there; `make setup` fetches it"
    );
    folder
}

/// The reference values are rounded to 7 digits, and sums run in another order here than there.
const TOLERANCE: f32 = 1e-4;

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= TOLERANCE,
            "{what}, component {place}: {found}, expected {expected}"
        );
    }
}

fn check_vectors(device: DeviceChoice) {
    let reference = reference();
    let device = backend::open(device).unwrap();
    let pretrained = Pretrained::load(&encoder_folder(), &device).unwrap();
    let rows: Vec<&[u32]> = reference
        .rows
        .iter()
        .map(|row| row.input_ids.as_slice())
        .collect();
    let pad_id = pretrained.tokenizer.pad_id();
    // Each alone, without padding; then all together, where most of the short ones is padding.
    let mut batches: Vec<Vec<usize>> = (0..rows.len()).map(|row| vec![row]).collect();
    batches.push((0..rows.len()).collect());
    for members in batches {
        let tokens: Vec<&[u32]> = members.iter().map(|&row| rows[row]).collect();
        let batch = Batch::new(&tokens, pad_id, &device);
        let hidden = pretrained.encoder.forward(&batch, Precision::Float32);
        for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Max] {
            let pooled = pool(pooling, hidden.clone(), &batch)
                .into_data()
                .try_to_vec::<f32>()
                .unwrap();
            for (&row, found) in members.iter().zip(pooled.chunks_exact(384)) {
                let expected = &reference.rows[row];
                let expected = match pooling {
                    Pooling::Cls => &expected.cls,
                    Pooling::Mean => &expected.mean,
                    Pooling::Max => &expected.max,
                };
                assert_close(
                    found,
                    expected,
                    &format!("{pooling:?} of row {row} in a batch of {}", members.len()),
                );
            }
        }
    }
}

#[test]
fn vectors_are_those_of_transformers_on_libtorch() {
    check_vectors(DeviceChoice::Cpu);
}

#[test]
fn vectors_are_those_of_transformers_on_flex() {
    check_vectors(DeviceChoice::Flex);
}

/// What PyTorch computes in another precision.
#[derive(Deserialize)]
struct PrecisionReference {
    distances: Vec<BTreeMap<String, Distance>>,
}

/// How far the components of a vector are from those in 32 bits.
#[derive(Deserialize)]
struct Distance {
    largest: f32,
    mean: f32,
}

fn mean(values: impl ExactSizeIterator<Item = f32>) -> f32 {
    let count = values.len() as f32;
    values.sum::<f32>() / count
}

#[test]
fn vectors_in_16_bits_are_as_near_to_those_in_32_as_under_pytorchs_autocast() {
    if gradient_tests::has_16_bits() {
        // Rounding is as good as random, its mean over 3,000 components is not.
        check_precision(Precision::Bfloat16, "encoder_bfloat16.json", [1.1, 1.5]);
    }
}

#[test]
fn vectors_in_8_bits_are_nearer_to_those_in_32_than_with_pytorchs_dynamic_quantisation() {
    // PyTorch takes one scale for all rows of an input.
    check_precision(Precision::Int8, "encoder_int8.json", [0.6, 1.0]);
}

/// Asks for vectors whose distance from those in 32 bits is at most so many times that of PyTorch's, in the mean and at its largest.
fn check_precision(precision: Precision, fixture: &str, [most_mean, most_largest]: [f32; 2]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");
    let allowed = fs::read(&Path::new(path).join(fixture)).unwrap();
    let allowed: PrecisionReference = serde_json::from_slice(&allowed).unwrap();
    let device = backend::open(DeviceChoice::Cpu).unwrap();
    let encoder = Pretrained::load(&encoder_folder(), &device).unwrap().encoder;
    let encoder = encoder.with_int8();
    for (pooling, name) in [
        (Pooling::Cls, "cls"),
        (Pooling::Mean, "mean"),
        (Pooling::Max, "max"),
    ] {
        let mut found = Vec::new();
        for row in &reference().rows {
            let batch = Batch::new(&[&row.input_ids], 0, &device);
            let hidden = encoder.forward(&batch, precision);
            let vector: Vec<f32> = pool(pooling, hidden, &batch).into_data().iter::<f32>().collect();
            let expected = match pooling {
                Pooling::Cls => &row.cls,
                Pooling::Mean => &row.mean,
                Pooling::Max => &row.max,
            };
            let distances = vector
                .iter()
                .zip(expected)
                .map(|(one, other)| (one - other).abs());
            found.push(Distance {
                largest: distances.clone().fold(0.0, f32::max),
                mean: mean(distances),
            });
        }
        let allowed = allowed.distances.iter().map(|row| &row[name]);
        let means = (
            mean(found.iter().map(|row| row.mean)),
            mean(allowed.clone().map(|row| row.mean)),
        );
        assert!(
            means.0 > 1e-5 && means.0 <= most_mean * means.1,
            "{name}: {means:?}"
        );
        let largest = (
            found.iter().map(|row| row.largest).fold(0.0, f32::max),
            allowed.map(|row| row.largest).fold(0.0, f32::max),
        );
        assert!(largest.0 <= most_largest * largest.1, "{name}: {largest:?}");
    }
}

#[test]
fn token_ids_are_those_of_transformers() {
    let reference = reference();
    let tokenizer =
        labelproof_text::tokenizer::Tokenizer::from_file(encoder_folder().join("tokenizer.json")).unwrap();
    for row in &reference.rows {
        assert_eq!(
            tokenizer.encode(&row.text, reference.max_length).unwrap().ids,
            row.input_ids
        );
    }
}

fn settings(batch_normalization: BatchNormalization) -> HeadSettings {
    HeadSettings {
        input: 384,
        classes: 3,
        dropout: 0.1,
        batch_normalization,
    }
}

#[test]
fn a_batch_of_many_is_many_batches_of_one() {
    let device = backend::open(DeviceChoice::Cpu).unwrap();
    let pretrained = Pretrained::load(&encoder_folder(), &device).unwrap();
    let classifier = Classifier {
        head: Head::new(&settings(BatchNormalization::None), 10, &device),
        encoder: pretrained.encoder,
        pooling: Pooling::Max,
        precision: Precision::Float32,
    };
    let reference = reference();
    let rows: Vec<&[u32]> = reference
        .rows
        .iter()
        .map(|row| row.input_ids.as_slice())
        .collect();
    let logits =
        |rows: &[&[u32]]| classifier::in_batches(rows, 0, &device, |batch| classifier.forward(batch), |_| ());
    let together = logits(&rows);
    let alone: Vec<f32> = rows.iter().flat_map(|row| logits(&[row])).collect();
    assert_close(&together, &alone, "logits");
}

fn description(settings: HeadSettings) -> Description {
    let labels = LabelMap::new(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
    Description::new(
        &labels,
        Vec::new(),
        64,
        Pooling::Mean,
        Precision::Float32,
        settings,
    )
}

/// The last one is longer than the three that are predicted again when a bundle is loaded.
const CANARIES: [&str; 4] = [
    "a canary sings",
    "and another one",
    "the dog jumps",
    "the quick brown fox jumps over the lazy dog and runs away from the dog and the fox",
];

fn save(folder: &Path, encoder_changed: bool, normalization: BatchNormalization) -> (Classifier, Bundle) {
    let device = backend::open(DeviceChoice::Cpu).unwrap();
    let pretrained = Pretrained::load(&encoder_folder(), &device).unwrap();
    let settings = settings(normalization);
    let classifier = Classifier {
        head: Head::new(&settings, 10, &device),
        encoder: pretrained.encoder.clone(),
        pooling: Pooling::Mean,
        precision: Precision::Float32,
    };
    let texts = CANARIES.map(str::to_owned);
    let bundle = bundle::save(
        folder,
        pretrained,
        &classifier,
        encoder_changed,
        description(settings),
        &texts,
        &device,
    )
    .unwrap();
    (classifier, bundle)
}

#[test]
fn a_saved_bundle_gives_the_same_logits_when_it_is_loaded() {
    for (encoder_changed, normalization) in [
        (false, BatchNormalization::None),
        (true, BatchNormalization::Trained),
        (true, BatchNormalization::Frozen),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (classifier, bundle) = save(folder.path(), encoder_changed, normalization);
        let device = backend::open(DeviceChoice::Cpu).unwrap();
        let texts = ["The quick brown fox", "jumps over the lazy dog and runs away"];
        let tokens = bundle.tokenize(&texts).unwrap();
        let rows: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
        let expected = classifier::in_batches(&rows, 0, &device, |batch| classifier.forward(batch), |_| ());
        assert_eq!(bundle.predict(&texts, |_| ()).unwrap().logits, expected);
        let original = fs::read(&encoder_folder().join("model.safetensors")).unwrap();
        let written = fs::read(&folder.path().join("model.safetensors")).unwrap();
        let names = |bytes: &[u8]| {
            let mut names: Vec<String> = safetensors::SafeTensors::deserialize(bytes)
                .unwrap()
                .names()
                .iter()
                .map(|name| (*name).to_owned())
                .collect();
            names.sort();
            names
        };
        let names_of_floats: Vec<String> = names(&original)
            .into_iter()
            .filter(|name| !name.ends_with("position_ids"))
            .collect();
        let written_names: Vec<String> = names(&written)
            .into_iter()
            .filter(|name| !name.ends_with("position_ids"))
            .collect();
        assert_eq!(
            written_names, names_of_floats,
            "transformers finds every tensor it looks for"
        );
    }
}

#[test]
fn a_bundle_that_gives_other_answers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), false, BatchNormalization::None);
    let device = backend::open(DeviceChoice::Cpu).unwrap();
    let path = folder.path().join("head.safetensors");
    let head = fs::read(&path).unwrap();

    // Another head, of the right shape.
    Head::new(&settings(BatchNormalization::None), 11, &device)
        .named_tensors()
        .write(&path)
        .unwrap();
    let error = Bundle::load(folder.path(), &device).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "`{}` is not the file that was written with its bundle",
            path.display()
        )
    );
    fs::write_atomic(&path, &head).unwrap();
    Bundle::load(folder.path(), &device).unwrap();

    // Other answers recorded, as from a program that computed something else.
    let path = folder.path().join("labelproof.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut description: serde_json::Value = serde_json::from_str(&text).unwrap();
    let logit = &mut description["canaries"][0]["logits"][0];
    *logit = (logit.as_f64().unwrap() + 0.5).into();
    fs::write_atomic(&path, description.to_string().as_bytes()).unwrap();
    let error = Bundle::load(folder.path(), &device).unwrap_err().to_string();
    assert!(
        error.contains("does not give the answers it was saved with: on canary row 0"),
        "{error}"
    );

    // Another cleaning rule.
    let stop_words = r#""clean": [{"stop_words": {"language": "english"}}]"#;
    fs::write_atomic(&path, text.replace(r#""clean": []"#, stop_words).as_bytes()).unwrap();
    let error = Bundle::load(folder.path(), &device).unwrap_err().to_string();
    assert!(
        error.ends_with("does not tokenise canary row 0 as when it was saved"),
        "{error}"
    );

    // A label lost.
    fs::write_atomic(
        &path,
        text.replace("    \"c\"\n", "")
            .replace("\"b\",", "\"b\"")
            .as_bytes(),
    )
    .unwrap();
    let error = Bundle::load(folder.path(), &device).unwrap_err().to_string();
    assert!(error.ends_with("it has 2 labels and a head for 3"), "{error}");
}

#[test]
fn the_longest_canary_is_replayed_by_those_who_ask_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bundle) = save(folder.path(), false, BatchNormalization::None);
    let whole = bundle.replay().unwrap();
    assert_eq!((whole.rows, whole.other_logits), (CANARIES.len(), Vec::new()));

    let path = folder.path().join("labelproof.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut description: serde_json::Value = serde_json::from_str(&text).unwrap();
    let logit = &mut description["canaries"][3]["logits"][1];
    *logit = (logit.as_f64().unwrap() + 0.5).into();
    fs::write_atomic(&path, description.to_string().as_bytes()).unwrap();
    let device = backend::open(DeviceChoice::Cpu).unwrap();
    let loaded = Bundle::load(folder.path(), &device).unwrap();
    let others = loaded.replay().unwrap().other_logits;
    assert_eq!(others.iter().map(|other| other.row).collect::<Vec<_>>(), [3]);
}

fn loss(classifier: &Classifier, batch: &Batch, device: &Device) -> Tensor<1> {
    let targets = Tensor::<1, Int>::from_data(TensorData::new(vec![0_i64, 2], [2]), device);
    burn::nn::loss::CrossEntropyLossConfig::new()
        .init(device)
        .forward(classifier.forward(batch), targets)
}

#[test]
fn frozen_parts_have_no_gradient_and_no_dropout() {
    let device = backend::open(DeviceChoice::Cpu).unwrap();
    let autodiff = device.clone().autodiff();
    let pretrained = Pretrained::load(&encoder_folder(), &device).unwrap();
    let head = Head::new(
        &HeadSettings {
            dropout: 0.0,
            ..settings(BatchNormalization::None)
        },
        10,
        &device,
    );
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
        let loss = loss(classifier, &Batch::new(&rows, 0, &autodiff), &autodiff);
        burn::optim::GradientsParams::from_grads(loss.backward(), classifier).len()
    };
    let frozen = |trainable: usize| {
        Classifier {
            encoder: plain.encoder.clone().freeze_below(trainable),
            ..plain.clone()
        }
        .train()
    };
    // A layer has 4 linear layers and 2 normalisations of 2 tensors each; the head has 2 tensors.
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
        "an encoder that learns drops out"
    );
}
