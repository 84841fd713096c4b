//! Adapters that PEFT has written, merged at loading, against the hidden states that it computes with them beside the
//! weights.
//!
//! `tests/fixtures/adapters/` is made by `tests/fixtures/make_adapters.py`.

use labelproof_artifact::fs;
use labelproof_kernels::device;
use safetensors::SafeTensors;
use serde_json::Value;

use super::*;
use crate::batch::Batch;
use crate::pretrained::load_weights;
use crate::testing::assert_close;
use crate::{DeviceChoice, EncoderConfig, Precision};

const CASES: [(&str, &str); 9] = [
    ("bert", "bert"),
    ("bert-all", "bert"),
    ("bert-rank-stabilized", "bert"),
    ("bert-patterns", "bert"),
    ("bert-whole-layer", "bert"),
    ("bert-classifier", "bert"),
    ("distilbert", "distilbert"),
    ("modernbert", "modernbert"),
    ("deberta-v3", "deberta-v3"),
];

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures")
        .join(path)
}

/// The hidden states of the family's first text.
fn hidden(family: &str, adapter: Option<&Path>) -> Result<Vec<f32>, Error> {
    let device = device::open(DeviceChoice::Flex).unwrap();
    let folder = fixture("families").join(family);
    let config = EncoderConfig::read(&folder)?;
    let (encoder, _) = load_weights(&folder, adapter, &config, &device)?;
    let texts: Value = serde_json::from_slice(&fs::read(&folder.join("ids.json")).unwrap()).unwrap();
    let ids: Vec<u32> = serde_json::from_value(texts["rows"][0].clone()).unwrap();
    let hidden = encoder.forward(&Batch::new(&[&ids], 0, &device), Precision::Float32);
    Ok(hidden.into_data().iter::<f32>().collect())
}

#[test]
fn a_merged_adapter_gives_the_hidden_states_of_peft() {
    for (case, family) in CASES {
        let folder = fixture("adapters").join(case);
        let bytes = fs::read(&folder.join("expected.safetensors")).unwrap();
        let expected = SafeTensors::deserialize(&bytes).unwrap();
        let (expected, _) = expected.tensor("hidden").unwrap().data().as_chunks();
        let expected: Vec<f32> = expected.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        assert_close(&hidden(family, Some(&folder)).unwrap(), &expected, case);
        let before = hidden(family, None).unwrap();
        let moved = before
            .iter()
            .zip(&expected)
            .any(|(one, other)| (one - other).abs() > 0.01);
        assert!(moved, "{case}: the adapter does something");
    }
}

#[test]
fn the_adapter_of_another_encoder_is_refused_with_what_does_not_fit() {
    let refusal = |family: &str, case: &str| {
        let error = hidden(family, Some(&fixture("adapters").join(case)))
            .unwrap_err()
            .to_string();
        error.split_once("does not fit the model:").unwrap().1.to_owned()
    };
    // Names that the encoder does not have.
    let unused = refusal("roberta", "distilbert");
    assert!(
        unused.starts_with("\n  4 unused: transformer.layer.0.attention.q_lin.lora_A.weight"),
        "{unused}"
    );
    // The same names for another size.
    let folder = tempfile::tempdir().unwrap();
    let case = fixture("adapters").join("bert");
    fs::copy(
        &case.join("adapter_config.json"),
        &folder.path().join("adapter_config.json"),
    )
    .unwrap();
    let bytes = fs::read(&case.join("adapter_model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let cut = tensors.tensors().into_iter().map(|(name, view)| {
        let shape = if name.ends_with("layer.0.attention.self.query.lora_A.weight") {
            vec![4, 4]
        } else {
            view.shape().to_vec()
        };
        (
            name,
            safetensors::tensor::TensorView::new(view.dtype(), shape, view.data()).unwrap(),
        )
    });
    let bytes = safetensors::serialize(cut, None).unwrap();
    fs::write_atomic(&folder.path().join("adapter_model.safetensors"), &bytes).unwrap();
    let error = hidden("bert", Some(folder.path())).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "1 of another shape: encoder.layer.0.attention.self.query [8, 8] with adapter matrices [8, 2] and [4, 4]"
        ),
        "{error}"
    );
}

#[test]
fn a_tensor_of_another_method_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let case = fixture("adapters").join("bert");
    fs::copy(
        &case.join("adapter_config.json"),
        &folder.path().join("adapter_config.json"),
    )
    .unwrap();
    let data = [0; 4];
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &data).unwrap();
    let name = "base_model.model.encoder.layer.0.attention.self.query.lora_magnitude_vector.weight";
    let bytes = safetensors::serialize([(name, view)], None).unwrap();
    fs::write_atomic(&folder.path().join("adapter_model.safetensors"), &bytes).unwrap();
    let error = hidden("bert", Some(folder.path())).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "cannot be merged: `encoder.layer.0.attention.self.query.lora_magnitude_vector.weight` belongs to another \
             method than LoRA"
        ),
        "{error}"
    );
}
