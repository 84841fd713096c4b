//! Integrated gradients against captum's, and the properties that make them worth reading.
//!
//! `tests/fixtures/attributions.json` is made by `tests/fixtures/make_attributions.py`.

use labelproof_artifact::fs;
use labelproof_kernels::device;
use labelproof_text::windows::{WindowCutter, WindowPooling, Windows};
use serde::Deserialize;

use super::*;
use crate::testing::{encoder_folder, tiny};
use crate::weights::{NamedTensors, TensorSource};
use crate::{
    BatchNormalization, DeviceChoice, Head, HeadKind, HeadLayout, HeadSettings, Pooling, Precision,
    Pretrained,
};

#[derive(Deserialize)]
struct Reference {
    rows: Vec<ReferenceRow>,
}

#[derive(Deserialize)]
struct ReferenceRow {
    text: String,
    input_ids: Vec<u32>,
    towards: usize,
    against: usize,
    margin: f32,
    reference_margin: f32,
    weights: Vec<f64>,
}

fn head(values: Vec<f32>, settings: &HeadSettings, device: &Device) -> Head {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head.safetensors");
    let mut tensors = NamedTensors::default();
    let shape = [settings.classes, settings.input];
    tensors.push::<2>(
        "classifier.weight",
        Tensor::from_data(TensorData::new(values, shape), device),
    );
    tensors.push::<1>("classifier.bias", Tensor::zeros([settings.classes], device));
    tensors.write(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    Head::load(
        &mut TensorSource::new(&path, &bytes, device).unwrap(),
        settings,
        HeadLayout::LINEAR,
        device,
    )
}

#[test]
fn tokens_weigh_what_captum_says() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/attributions.json"
    );
    let reference: Reference = serde_json::from_slice(&fs::read(path.as_ref()).unwrap()).unwrap();
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let pretrained = Pretrained::load(&encoder_folder(), &device).unwrap();
    let settings = HeadSettings {
        input: 384,
        classes: 3,
        dropout: 0.3,
        batch_normalization: BatchNormalization::None,
        kind: HeadKind::Linear,
    };
    #[expect(clippy::cast_possible_truncation, reason = "weights are float32")]
    let values = (0..3 * 384).map(|place| f64::from(place).sin() as f32).collect();
    let classifier = Classifier {
        encoder: pretrained.encoder,
        head: head(values, &settings, &device),
        pooling: Pooling::Mean,
        precision: Precision::Float32,
    };
    for row in &reference.rows {
        let encoding = pretrained.tokenizer.encode_with_spans(&row.text, 64).unwrap();
        assert_eq!(encoding.ids, row.input_ids);
        let question = Question {
            tokens: &encoding.ids,
            ordinary: encoding.first..encoding.first + encoding.spans.len(),
            layout: Layout::padded(pretrained.tokenizer.pad_id()),
            towards: row.towards,
            against: row.against,
        };
        // Without tolerance it takes the largest number of steps.
        let found = integrate(&classifier, &question, 0.0, &device);
        // Logits of size 10 in float32, from sums in another order.
        assert!((found.margin - row.margin).abs() < 1e-3, "{}", found.margin);
        assert!((found.reference_margin - row.reference_margin).abs() < 1e-3);
        let largest = row
            .weights
            .iter()
            .fold(0.0, |largest: f64, weight| largest.max(weight.abs()));
        assert_eq!(found.weights.len(), row.weights.len());
        for (place, (found, expected)) in found.weights.iter().zip(&row.weights).enumerate() {
            // The rest of the integral with 64 steps instead of 400.
            assert!(
                (found - expected).abs() <= 0.01 * largest,
                "token {place}: {found}, captum says {expected}"
            );
        }
    }
}

const TOKENS: [u32; 7] = [1, 5, 7, 3, 9, 10, 2];

fn explain(classifier: &Classifier, towards: usize, tolerance: f64, device: &Device) -> Integral {
    let question = Question {
        tokens: &TOKENS,
        ordinary: 1..6,
        layout: Layout::padded(0),
        towards,
        against: 1,
    };
    integrate(classifier, &question, tolerance, device)
}

#[test]
fn attributions_sum_to_the_difference_of_the_margins() {
    for choice in [DeviceChoice::Cpu, DeviceChoice::Flex] {
        let device = device::open(choice).unwrap();
        for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Max] {
            let classifier = tiny(&device, pooling);
            let found = explain(&classifier, 2, 0.01, &device);
            let logits = |tokens: &[u32]| -> Vec<f32> {
                let logits = classifier.forward(&Batch::new(&[tokens], 0, &device));
                logits.into_data().iter::<f32>().collect()
            };
            let (text, reference) = (logits(&TOKENS), logits(&[1, 0, 0, 0, 0, 0, 2]));
            // The fused attention of prediction rounds otherwise than the separate operations of a gradient.
            assert!(
                (found.margin - (text[2] - text[1])).abs() < 1e-4,
                "{choice} {pooling:?}"
            );
            assert!((found.reference_margin - (reference[2] - reference[1])).abs() < 1e-4);
            let difference = f64::from(found.margin - found.reference_margin);
            let sum: f64 = found.weights.iter().sum();
            assert!(
                (sum - difference).abs() <= 0.01 * difference.abs(),
                "{choice} {pooling:?}: {sum}, margins differ by {difference} ({} steps)",
                found.steps
            );
            let again = explain(&classifier, 2, 0.01, &device);
            assert_eq!(again.weights, found.weights, "the same bits");
            // The other way round everything changes its sign.
            let same = explain(&classifier, 1, 0.01, &device);
            assert!(
                same.weights.iter().all(|&weight| weight == 0.0),
                "a class against itself"
            );
        }
    }
}

/// A layout of windows of five tokens, the first and the last of which are special, with one token in common.
fn windows(pooling: WindowPooling) -> Layout {
    let windows = Windows {
        tokens: 5,
        overlap: 1,
        pooling,
    };
    Layout {
        pad_id: 0,
        cutter: WindowCutter::new(windows, [1, 1]),
    }
}

#[test]
fn attributions_of_a_text_in_windows_sum_to_the_difference_of_its_margins() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let classifier = tiny(&device, Pooling::Mean);
    for pooling in [WindowPooling::Mean, WindowPooling::Max] {
        let layout = windows(pooling);
        let question = Question {
            tokens: &TOKENS,
            ordinary: 1..6,
            layout,
            towards: 2,
            against: 1,
        };
        let found = integrate(&classifier, &question, 0.01, &device);
        let logits: Vec<f32> = classifier
            .forward(&layout.batch(&[&TOKENS], &device))
            .into_data()
            .iter::<f32>()
            .collect();
        assert!(
            (found.margin - (logits[2] - logits[1])).abs() < 1e-4,
            "{pooling:?}"
        );
        let whole = explain(&classifier, 2, 0.01, &device);
        assert!(
            (found.margin - whole.margin).abs() > 1e-3,
            "windows are read otherwise than the whole"
        );
        let difference = f64::from(found.margin - found.reference_margin);
        let sum: f64 = found.weights.iter().sum();
        assert!(
            (sum - difference).abs() <= 0.01 * difference.abs(),
            "{pooling:?}: {sum}, {difference}"
        );
    }
}

/// Running statistics that the batch would change must not: a text is explained as it is predicted.
#[test]
fn trained_batch_normalisation_and_dropout_are_those_of_prediction() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let settings = HeadSettings {
        input: 8,
        classes: 3,
        dropout: 0.5,
        batch_normalization: BatchNormalization::Trained,
        kind: HeadKind::Linear,
    };
    let classifier = Classifier {
        head: Head::new(&settings, HeadLayout::LINEAR, 10, &device),
        ..tiny(&device, Pooling::Mean)
    };
    let logits = classifier.forward(&Batch::new(&[&TOKENS], 0, &device));
    let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
    let found = explain(&classifier, 0, 0.01, &device);
    assert!((found.margin - (logits[0] - logits[1])).abs() < 1e-4);
}

/// The only word of a text has the whole attribution, and the blanks have none.
#[test]
fn the_only_word_has_the_whole_attribution() {
    let device = device::open(DeviceChoice::Flex).unwrap();
    let classifier = tiny(&device, Pooling::Mean);
    for place in 1..6 {
        let mut tokens = TOKENS;
        for (other, token) in tokens.iter_mut().enumerate().take(6).skip(1) {
            if other != place {
                *token = 0;
            }
        }
        let question = Question {
            tokens: &tokens,
            ordinary: 1..6,
            layout: Layout::padded(0),
            towards: 0,
            against: 1,
        };
        let found = integrate(&classifier, &question, 0.01, &device);
        let difference = f64::from(found.margin - found.reference_margin);
        for (word, &weight) in (1..).zip(&found.weights) {
            if word == place {
                assert!(
                    (weight - difference).abs() <= 0.01 * difference.abs(),
                    "{weight}, {difference}"
                );
            } else {
                assert!(weight.abs() < f64::MIN_POSITIVE, "{weight}");
            }
        }
    }
}

#[track_caller]
fn check_pieces(text: &str, spans: &[Range<usize>], read: Range<usize>, expected: &[(&str, f64)]) {
    let encoding = SpannedEncoding {
        ids: Vec::new(),
        spans: spans.to_vec(),
        first: 0,
        read,
    };
    let pieces = Pieces::split(text, &encoding);
    // Powers of two: each sum says which tokens are in it.
    let tokens: Vec<f64> = (0_i32..)
        .take(spans.len())
        .map(|token| 2_f64.powi(token))
        .collect();
    let found: Vec<(&str, f64)> = pieces.texts().zip(pieces.sums(&tokens)).collect();
    assert_eq!(found, expected);
    assert_eq!(pieces.texts().count(), pieces.sums(&tokens).count());
}

#[test]
fn tokens_of_a_word_go_into_one_piece() {
    check_pieces(
        " Un\u{e9}  car.\nx ",
        &[1..3, 3..5, 7..10, 10..11, 12..13],
        0..14,
        &[(" Un\u{e9}  ", 3.0), ("car.\n", 12.0), ("x ", 16.0)],
    );
    // Cut off within the second word.
    check_pieces("one two", &[0..3, 4..5], 0..5, &[("one ", 1.0), ("t", 2.0)]);
    // From the other end.
    check_pieces("one two", &[2..3, 4..7], 2..7, &[("e ", 1.0), ("two", 2.0)]);
    // A byte-level tokenizer's tokens begin with the space, and may end within a letter.
    check_pieces(
        "a b\u{e9}",
        &[0..1, 1..4, 4..5],
        0..5,
        &[("a ", 1.0), ("b\u{e9}", 6.0)],
    );
    // Without spaces.
    check_pieces(
        "see 東京は now",
        &[0..3, 4..7, 7..10, 10..13, 14..17],
        0..17,
        &[
            ("see ", 1.0),
            ("東", 2.0),
            ("京", 4.0),
            ("は ", 8.0),
            ("now", 16.0),
        ],
    );
    check_pieces("  ", &[], 0..2, &[("  ", 0.0)]);
    check_pieces("", &[], 0..0, &[]);
}
