//! The sample encoder against the values that transformers on PyTorch computes.
//!
//! `tests/fixtures/encoder.json` is made by `tests/fixtures/make_reference.py`.

mod families;

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::fs;
use labelproof_kernels::device;
use labelproof_text::tokenizer::Tokenizer;
use serde::Deserialize;

use super::*;
use crate::pooling::pool;
use crate::testing::{assert_close, encoder_folder, has_bfloat16};
use crate::{DeviceChoice, Pooling, Pretrained};

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

/// The buckets of distances from query to key, as transformers computes them for a family.
pub(super) fn expected_buckets(family: &str) -> Vec<(i64, usize)> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/families/buckets.json"
    );
    let buckets: serde_json::Value = serde_json::from_slice(&fs::read(path.as_ref()).unwrap()).unwrap();
    let first = buckets["first"].as_i64().unwrap();
    let found: Vec<usize> = serde_json::from_value(buckets[family].clone()).unwrap();
    assert!(found.len() > 2000);
    (first..).zip(found).collect()
}

fn check_vectors(device: DeviceChoice) {
    let reference = reference();
    let device = device::open(device).unwrap();
    let pretrained = Pretrained::load(&encoder_folder(), &device).unwrap();
    let rows: Vec<&[u32]> = reference
        .rows
        .iter()
        .map(|row| row.input_ids.as_slice())
        .collect();
    let pad_id = pretrained.tokenizer.pad_id();
    // Each alone, without padding; then all together, where the short ones are mostly padding.
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

/// The distances of PyTorch's vectors in another precision.
#[derive(Deserialize)]
struct PrecisionReference {
    distances: Vec<BTreeMap<String, Distance>>,
}

/// How far the components of a vector are from those in float32.
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
fn vectors_in_bfloat16_are_as_near_to_those_in_float32_as_under_pytorchs_autocast() {
    if has_bfloat16() {
        // Rounding is as good as random, its mean over 3,000 components is not.
        check_precision(Precision::Bfloat16, "encoder_bfloat16.json", [1.1, 1.5]);
    }
}

#[test]
fn vectors_in_int8_are_nearer_to_those_in_float32_than_with_pytorchs_dynamic_quantisation() {
    // PyTorch takes one scale for all rows of an input.
    check_precision(Precision::Int8, "encoder_int8.json", [0.6, 1.0]);
}

/// Checks that the distance of our vectors from those in float32 is at most so many times that of PyTorch's,
/// in the mean and at its largest.
fn check_precision(precision: Precision, fixture: &str, [most_mean, most_largest]: [f32; 2]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");
    let allowed = fs::read(&Path::new(path).join(fixture)).unwrap();
    let allowed: PrecisionReference = serde_json::from_slice(&allowed).unwrap();
    let device = device::open(DeviceChoice::Cpu).unwrap();
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
    let tokenizer = Tokenizer::from_file(encoder_folder().join("tokenizer.json")).unwrap();
    for row in &reference.rows {
        assert_eq!(
            tokenizer.encode(&row.text, reference.max_length).unwrap().ids,
            row.input_ids
        );
    }
}
