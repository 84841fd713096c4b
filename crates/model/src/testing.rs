//! What the tests of several modules share: a tiny classifier of noise, and the sample encoder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use labelproof_artifact::fs;
use labelproof_kernels::{device, random};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use crate::pretrained::load_weights;
use crate::weights::NamedTensors;
use crate::{
    BatchNormalization, Classifier, DeviceChoice, EncoderConfig, Head, HeadKind, HeadLayout, HeadSettings,
    Pooling, Precision,
};

const WIDTH: usize = 8;
const INNER: usize = 12;
const VOCABULARY: usize = 11;
pub(crate) const LAYERS: usize = 2;

/// The tensors of a file of float32 by their names: shape and values.
pub(crate) fn tensors(path: &Path) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let bytes = fs::read(path).unwrap();
    let parsed = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |(name, view): (String, TensorView<'_>)| {
        let (values, _) = view.data().as_chunks();
        let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        (name, (view.shape().to_vec(), values))
    };
    parsed.tensors().into_iter().map(floats).collect()
}

/// A classifier of noise, without dropout.
pub(crate) fn tiny(device: &Device, pooling: Pooling) -> Classifier {
    tiny_with_dropout(device, pooling, 0.0)
}

pub(crate) fn tiny_with_dropout(device: &Device, pooling: Pooling, dropout: f64) -> Classifier {
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
        r#"{{"model_type": "bert", "vocab_size": {VOCABULARY}, "hidden_size": {WIDTH},
        "num_hidden_layers": {LAYERS}, "num_attention_heads": 2, "intermediate_size": {INNER},
        "max_position_embeddings": 9, "hidden_dropout_prob": {dropout},
        "attention_probs_dropout_prob": {dropout}}}"#
    );
    fs::write_atomic(&folder.path().join("config.json"), config.as_bytes()).unwrap();
    let config = EncoderConfig::read(folder.path()).unwrap();
    let (encoder, _) = load_weights(folder.path(), None, &config, device).unwrap();
    let settings = HeadSettings {
        input: WIDTH,
        classes: 3,
        dropout: 0.0,
        batch_normalization: BatchNormalization::Frozen,
        kind: HeadKind::Linear,
    };
    Classifier {
        encoder,
        head: Head::new(&settings, HeadLayout::LINEAR, 10, device),
        pooling,
        precision: Precision::Float32,
    }
}

/// The folder of the sample encoder, which `make setup` fetches.
pub(crate) fn encoder_folder() -> PathBuf {
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
pub(crate) fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= TOLERANCE,
            "{what}, component {place}: {found}, expected {expected}"
        );
    }
}

/// Whether this processor computes in bfloat16; says so if not, since a test is then skipped.
#[expect(clippy::print_stderr, reason = "tests have no other way to say it")]
pub(crate) fn has_bfloat16() -> bool {
    let found = device::accelerates_bfloat16(DeviceChoice::Cpu);
    if !found {
        eprintln!("skipped: this processor has no instructions for bfloat16");
    }
    found
}
