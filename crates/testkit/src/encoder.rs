//! A BERT encoder of two layers, written as the files of a Hugging Face model folder: `config.json`,
//! `model.safetensors` and `tokenizer.json`.

use std::collections::HashMap;
use std::path::Path;

use labelproof_artifact::fs;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;

/// The special tokens, whose ids are their places.
pub const SPECIAL_TOKENS: [&str; 4] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

const TOKENIZER: &str = include_str!("tokenizer.template.json");

const HIDDEN: usize = 16;
const INTERMEDIATE: usize = 32;
const LAYERS: usize = 2;
const POSITIONS: usize = 32;

/// Writes an encoder of hidden size 16 whose weights are fixed noise. Its vocabulary is the special tokens,
/// followed by `words`.
pub fn write(folder: &Path, words: &[&str]) {
    fs::create_dir_all(folder).expect("a test can make its own folders");
    let write = |name: &str, bytes: &[u8]| {
        fs::write_atomic(&folder.join(name), bytes).expect("a test can write its own files");
    };
    write("tokenizer.json", tokenizer_text(words).as_bytes());
    write("config.json", config(words.len()).as_bytes());
    write("model.safetensors", &weights(SPECIAL_TOKENS.len() + words.len()));
}

/// The `tokenizer.json` of a `WordPiece` tokenizer. Its vocabulary is the special tokens, followed by
/// `words`.
pub fn tokenizer(words: &[&str]) -> Value {
    serde_json::from_str(&tokenizer_text(words)).expect("the template is JSON")
}

fn tokenizer_text(words: &[&str]) -> String {
    let tokens = SPECIAL_TOKENS.iter().chain(words).enumerate();
    let entries: Vec<String> = tokens.map(|(id, token)| format!("\"{token}\": {id}")).collect();
    TOKENIZER.replace("VOCABULARY", &entries.join(", "))
}

fn config(words: usize) -> String {
    format!(
        r#"{{"model_type": "bert", "vocab_size": {}, "hidden_size": {}, "num_hidden_layers": {},
        "num_attention_heads": 2, "intermediate_size": {}, "max_position_embeddings": {}}}"#,
        SPECIAL_TOKENS.len() + words,
        HIDDEN,
        LAYERS,
        INTERMEDIATE,
        POSITIONS
    )
}

/// The tensors' names and shapes, in the order their noise is drawn.
fn shapes(vocabulary: usize) -> Vec<(String, Vec<usize>)> {
    let mut shapes: Vec<(String, Vec<usize>)> = [
        ("word_embeddings.weight", vec![vocabulary, HIDDEN]),
        ("position_embeddings.weight", vec![POSITIONS, HIDDEN]),
        ("token_type_embeddings.weight", vec![2, HIDDEN]),
        ("LayerNorm.weight", vec![HIDDEN]),
        ("LayerNorm.bias", vec![HIDDEN]),
    ]
    .map(|(name, shape)| (format!("embeddings.{name}"), shape))
    .into();
    for layer in 0..LAYERS {
        let mut push = |name: &str, shape: Vec<usize>| {
            shapes.push((format!("encoder.layer.{layer}.{name}"), shape));
        };
        for (name, output, input) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", INTERMEDIATE, HIDDEN),
            ("output.dense", HIDDEN, INTERMEDIATE),
        ] {
            push(&format!("{name}.weight"), vec![output, input]);
            push(&format!("{name}.bias"), vec![output]);
        }
        for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
            push(&format!("{name}.weight"), vec![HIDDEN]);
            push(&format!("{name}.bias"), vec![HIDDEN]);
        }
    }
    shapes
}

/// The tensors as safetensors: uniform noise of 0 ± 0.3, or 1 ± 0.3 for the weights of layer normalisation.
/// The digests of the end-to-end tests' artifacts follow from these bytes.
fn weights(vocabulary: usize) -> Vec<u8> {
    let shapes = shapes(vocabulary);
    let mut state = 7_u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(state >> 48).expect("the upper 16 bits")) / 65536.0 - 0.5
    };
    let data: Vec<Vec<u8>> = shapes
        .iter()
        .map(|(name, shape)| {
            let mean = if name.ends_with("LayerNorm.weight") {
                1.0
            } else {
                0.0
            };
            let numbers = 0..shape.iter().product::<usize>();
            numbers
                .flat_map(|_| (mean + 0.6 * uniform()).to_le_bytes())
                .collect()
        })
        .collect();
    let views = shapes.iter().zip(&data).map(|((name, shape), data)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), data);
        (name, view.expect("as many bytes as the shape has"))
    });
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).expect("tensors that were just made")
}
