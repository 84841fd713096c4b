//! Bundles of the sample encoder: written, loaded, and refused where they give other answers.

use std::path::Path;

use labelproof_artifact::fs;
use labelproof_kernels::device;
use labelproof_text::windows::{WindowPooling, Windows};

use super::*;
use crate::testing::encoder_folder;
use crate::{BatchNormalization, DeviceChoice, HeadKind, HeadSettings, Pooling, Precision, Pretrained};

fn settings(batch_normalization: BatchNormalization) -> HeadSettings {
    HeadSettings {
        input: 384,
        classes: 3,
        dropout: 0.1,
        batch_normalization,
        kind: HeadKind::Linear,
    }
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

/// The texts of the canaries. The last one is longer than the three that are predicted again when a bundle is
/// loaded.
const CANARIES: [&str; 4] = [
    "a canary sings",
    "and another one",
    "the dog jumps",
    "the quick brown fox jumps over the lazy dog and runs away from the dog and the fox",
];

fn save_sample(folder: &Path, normalization: BatchNormalization) -> (Classifier, Bundle) {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let pretrained = Pretrained::load(&encoder_folder(), &device).unwrap();
    let settings = settings(normalization);
    let classifier = Classifier {
        head: Head::new(&settings, HeadLayout::LINEAR, 10, &device),
        encoder: pretrained.encoder.clone(),
        pooling: Pooling::Mean,
        precision: Precision::Float32,
    };
    let texts = CANARIES.map(str::to_owned);
    let bundle = super::save(
        folder,
        &pretrained,
        &classifier,
        description(settings),
        &texts,
        &device,
    )
    .unwrap();
    (classifier, bundle)
}

#[test]
fn a_saved_bundle_gives_the_same_logits_when_it_is_loaded() {
    for normalization in [
        BatchNormalization::None,
        BatchNormalization::Trained,
        BatchNormalization::Frozen,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (classifier, bundle) = save_sample(folder.path(), normalization);
        let device = device::open(DeviceChoice::Cpu).unwrap();
        let texts = ["The quick brown fox", "jumps over the lazy dog and runs away"];
        let tokens = bundle.tokenize(&texts).unwrap();
        let rows: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
        let workers = Workers::alone();
        let run = BatchedRun {
            layout: Layout::padded(0),
            device: &device,
            workers: &workers,
        };
        let expected = run
            .outputs(
                &rows,
                bundle.labels.len(),
                |batch| classifier.forward(batch),
                |_| (),
            )
            .unwrap();
        assert_eq!(
            bundle.predict(&texts, &Workers::alone(), |_| ()).unwrap().values,
            expected
        );
    }
}

#[test]
fn a_bundle_has_a_tokenizer_and_safetensors_whatever_the_encoder_came_in() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/weights/tiny");
    let (encoder, bundle) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for file in ["config.json", "vocab.txt", "pytorch_model.bin"] {
        fs::copy(&fixtures.join(file), &encoder.path().join(file)).unwrap();
    }
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let pretrained = Pretrained::load(encoder.path(), &device).unwrap();
    let settings = HeadSettings {
        input: 8,
        ..settings(BatchNormalization::None)
    };
    let classifier = Classifier {
        head: Head::new(&settings, HeadLayout::LINEAR, 10, &device),
        encoder: pretrained.encoder.clone(),
        pooling: Pooling::Mean,
        precision: Precision::Float32,
    };
    let mut description = description(settings);
    description.max_tokens = 16;
    let texts = ["the fox runs".to_owned(), "dogs sing.".to_owned()];
    let tokens = pretrained.tokenizer.encode(&texts[1], 16).unwrap().ids;
    let saved = super::save(
        bundle.path(),
        &pretrained,
        &classifier,
        description,
        &texts,
        &device,
    );
    // Saving replays the canaries, with the tokenizer and the weights that were written.
    assert_eq!(saved.unwrap().tokenize(&texts[1..]).unwrap(), [tokens]);
    let tokenizer = Tokenizer::from_file(bundle.path().join("tokenizer.json")).unwrap();
    assert_eq!(tokenizer.vocabulary_size(), 12);

    // The encoder's names and values are those of the checkpoint.
    let written = fs::read(&bundle.path().join("model.safetensors")).unwrap();
    let written = safetensors::SafeTensors::deserialize(&written).unwrap();
    let whole = fs::read(&fixtures.join("model.safetensors")).unwrap();
    let whole = safetensors::SafeTensors::deserialize(&whole).unwrap();
    let of_encoder: Vec<_> = whole
        .tensors()
        .into_iter()
        .filter(|(name, _)| name.starts_with("embeddings.") || name.starts_with("encoder."))
        .collect();
    // Two more: weight and bias of the head.
    assert_eq!(written.len(), of_encoder.len() + 2);
    for (name, expected) in of_encoder {
        let found = written.tensor(&format!("bert.{name}")).unwrap();
        assert_eq!(
            (found.shape(), found.data()),
            (expected.shape(), expected.data()),
            "{name}"
        );
    }
}

#[test]
fn a_bundle_that_gives_other_answers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    save_sample(folder.path(), BatchNormalization::None);
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let path = folder.path().join("model.safetensors");
    let weights = fs::read(&path).unwrap();

    // Other weights, of the right shape.
    let mut other = weights.clone();
    let last = other.len() - 1;
    other[last] ^= 1;
    fs::write_atomic(&path, &other).unwrap();
    let error = Bundle::load(folder.path(), &device).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "`{}` is not the file that was written with its bundle",
            path.display()
        )
    );
    fs::write_atomic(&path, &weights).unwrap();
    Bundle::load(folder.path(), &device).unwrap();

    // Other logits recorded, as by a program that computed something else.
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
    let (_, bundle) = save_sample(folder.path(), BatchNormalization::None);
    let whole = bundle.replay().unwrap();
    assert_eq!((whole.rows, whole.other_logits), (CANARIES.len(), Vec::new()));

    let path = folder.path().join("labelproof.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut description: serde_json::Value = serde_json::from_str(&text).unwrap();
    let logit = &mut description["canaries"][3]["logits"][1];
    *logit = (logit.as_f64().unwrap() + 0.5).into();
    fs::write_atomic(&path, description.to_string().as_bytes()).unwrap();
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let loaded = Bundle::load(folder.path(), &device).unwrap();
    let others = loaded.replay().unwrap().other_logits;
    assert_eq!(others.iter().map(|other| other.row).collect::<Vec<_>>(), [3]);
}

#[test]
fn logits_of_a_row_are_the_same_bits_in_any_company() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mut bundle) = save_sample(folder.path(), BatchNormalization::Trained);
    let row = |length: usize, number: usize| -> Vec<u32> {
        let inner = (2..length)
            .map(|place| 1000 + u32::try_from((number * 7919 + place * 104_729) % 20_000).unwrap());
        [101].into_iter().chain(inner).chain([102]).collect()
    };
    // On both sides of what a block of a product has, and several of a length.
    let lengths = [
        3, 12, 4, 12, 31, 12, 32, 33, 12, 4, 12, 60, 12, 12, 16, 17, 12, 31,
    ];
    let rows: Vec<Vec<u32>> = lengths
        .iter()
        .enumerate()
        .map(|(number, &length)| row(length, number))
        .collect();
    let windows = Windows {
        tokens: 16,
        overlap: 4,
        pooling: WindowPooling::Mean,
    };
    for windows in [None, Some(windows)] {
        bundle.layout = windows.map_or(Layout::padded(0), |windows| {
            Layout::new(&bundle.tokenizer, Some(windows)).unwrap()
        });
        let predict = |rows: &[Vec<u32>]| bundle.predict_apart(rows, &Workers::alone(), |_| ()).unwrap();
        let bits = |logits: &Logits| -> Vec<Vec<u32>> {
            logits
                .rows()
                .map(|row| row.iter().map(|logit| logit.to_bits()).collect())
                .collect()
        };
        let together = predict(&rows);
        let alone: Vec<Vec<u32>> = rows
            .iter()
            .flat_map(|row| bits(&predict(std::slice::from_ref(row))))
            .collect();
        assert_eq!(bits(&together), alone);
        let mut reversed = rows.clone();
        reversed.reverse();
        let mut found = bits(&predict(&reversed[..11]));
        found.reverse();
        assert_eq!(found, alone[rows.len() - 11..]);
        // They are those of the ordinary way but for rounding.
        let ordinary = bundle.predict_tokens(&rows, &Workers::alone(), |_| ()).unwrap();
        for (one, other) in together.values.iter().zip(&ordinary.values) {
            assert!((one - other).abs() < 1e-4, "{one} {other}");
        }
    }
}
