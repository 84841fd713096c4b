//! What makes a bundle a classification model of Hugging Face's transformers: its `config.json`,
//! `tokenizer_config.json` and, where no class of transformers has such a head, `modeling_labelproof.py`.
//!
//! Nothing here decides what Labelproof computes. Texts are cleaned by Labelproof alone: whoever loads the bundle
//! with transformers gives it cleaned texts.

use std::path::Path;

use labelproof_artifact::encoder_files::CONFIG_FILE;
use labelproof_artifact::fs;
use labelproof_settings::encoder::EncoderConfig;
use labelproof_settings::{HeadKind, Pooling};
use labelproof_text::tokenizer::{SPECIAL_TOKENS, Tokenizer};
use serde_json::{Map, Value, json};

use super::Description;
use crate::error::Error;

/// The class for bundles whose head no class of transformers has.
const MODELING: &str = include_str!("modeling_labelproof.py");
const MODELING_FILE: &str = "modeling_labelproof.py";

const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";
const SPECIAL_TOKENS_FILE: &str = "special_tokens_map.json";

/// The classes of transformers, by the `model_type` of their configuration.
const CLASSES: [(&str, &str); 10] = [
    ("bert", "BertForSequenceClassification"),
    ("roberta", "RobertaForSequenceClassification"),
    ("camembert", "CamembertForSequenceClassification"),
    ("xlm-roberta", "XLMRobertaForSequenceClassification"),
    ("distilbert", "DistilBertForSequenceClassification"),
    ("electra", "ElectraForSequenceClassification"),
    ("albert", "AlbertForSequenceClassification"),
    ("mpnet", "MPNetForSequenceClassification"),
    ("modernbert", "ModernBertForSequenceClassification"),
    ("deberta-v2", "DebertaV2ForSequenceClassification"),
];

/// The keys by which configurations say the dropout of the head.
/// MPNet's head has the dropout of its encoder.
const DROPOUT_KEYS: [(&str, &str); 9] = [
    ("bert", "classifier_dropout"),
    ("roberta", "classifier_dropout"),
    ("camembert", "classifier_dropout"),
    ("xlm-roberta", "classifier_dropout"),
    ("distilbert", "seq_classif_dropout"),
    ("electra", "classifier_dropout"),
    ("albert", "classifier_dropout_prob"),
    ("modernbert", "classifier_dropout"),
    ("deberta-v2", "cls_dropout"),
];

/// The files that transformers alone reads. A program that runs or believes what was put in their place would be
/// misled, so that they have digests as well.
pub(super) fn files(head: HeadKind) -> impl Iterator<Item = &'static str> {
    let modeling = head.is_linear().then_some(MODELING_FILE);
    [TOKENIZER_CONFIG_FILE].into_iter().chain(modeling)
}

/// Writes what transformers reads beside weights and `tokenizer.json`.
pub(super) fn write(
    folder: &Path,
    encoder_folder: &Path,
    tokenizer: &Tokenizer,
    description: &Description,
) -> Result<(), Error> {
    let encoder = encoder_config(encoder_folder)?;
    let config = config(encoder, description);
    write_json(&folder.join(CONFIG_FILE), &config)?;
    // transformers reads a text at once: of one that is read in windows here, what fits into the first.
    let windows = description.windows;
    let longest = windows.map_or(description.max_tokens, |windows| windows.tokens);
    let tokenizer = tokenizer_config(encoder_folder, tokenizer, longest);
    write_json(&folder.join(TOKENIZER_CONFIG_FILE), &tokenizer)?;
    if description.head.kind == HeadKind::Linear {
        fs::write_atomic(&folder.join(MODELING_FILE), MODELING.as_bytes())?;
    }
    Ok(())
}

fn write_json(path: &Path, value: &Value) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(value).expect("JSON has string keys only");
    text.push('\n');
    Ok(fs::write_atomic(path, text.as_bytes())?)
}

/// The `config.json` of the encoder alone, of a folder that may be a bundle.
fn encoder_config(folder: &Path) -> Result<Map<String, Value>, Error> {
    let text = fs::read_to_string(&folder.join(CONFIG_FILE))?;
    let parsed: Option<Value> = serde_json::from_str(&text).ok();
    let encoder = parsed.map(|mut value| {
        let is_bundle = value["model_type"] == EncoderConfig::BUNDLE_TYPE;
        if is_bundle { value["encoder"].take() } else { value }
    });
    match encoder {
        Some(Value::Object(keys)) => Ok(keys),
        _ => Err(Error::Bundle {
            path: folder.to_path_buf(),
            problem: format!("its `{CONFIG_FILE}` is no JSON object"),
        }),
    }
}

/// The bundle's `config.json`.
fn config(mut encoder: Map<String, Value>, description: &Description) -> Value {
    // What the encoder was saved as says nothing of the bundle.
    for stale in [
        "architectures",
        "auto_map",
        "torch_dtype",
        "_name_or_path",
        "id2label",
        "label2id",
    ] {
        encoder.remove(stale);
    }
    encoder.insert("dtype".to_owned(), json!("float32"));
    let mut config = match description.head.kind {
        HeadKind::Family => of_family(encoder, description),
        HeadKind::Linear => of_our_class(&encoder, description),
    };
    config.extend(labels(&description.labels));
    Value::Object(config)
}

/// The names of the labels, and what the model is for.
fn labels(names: &[String]) -> Map<String, Value> {
    let by_number = names.iter().enumerate();
    let by_number: Map<String, Value> = by_number
        .map(|(number, name)| (number.to_string(), json!(name)))
        .collect();
    let by_name = names.iter().enumerate();
    let by_name: Map<String, Value> = by_name
        .map(|(number, name)| (name.clone(), json!(number)))
        .collect();
    Map::from_iter([
        ("id2label".to_owned(), Value::Object(by_number)),
        ("label2id".to_owned(), Value::Object(by_name)),
        ("problem_type".to_owned(), json!("single_label_classification")),
    ])
}

/// A configuration of the family's own class.
fn of_family(mut encoder: Map<String, Value>, description: &Description) -> Map<String, Value> {
    let model_type = encoder
        .get("model_type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let of_type = |table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(name, _)| *name == model_type);
        found.map_or("", |(_, value)| value)
    };
    let (class, dropout) = (of_type(&CLASSES), of_type(&DROPOUT_KEYS));
    if model_type == "modernbert" {
        let pooling = match description.pooling {
            Pooling::Mean => "mean",
            Pooling::Cls | Pooling::Max => "cls",
        };
        encoder.insert("classifier_pooling".to_owned(), json!(pooling));
    }
    encoder.insert("architectures".to_owned(), json!([class]));
    if !dropout.is_empty() {
        encoder.insert(dropout.to_owned(), json!(description.head.dropout));
    }
    encoder
}

/// A configuration of the class in `modeling_labelproof.py`. Its `model_type` is not the encoder's, so that a
/// program that does not run that file fails, instead of taking the encoder's class with a head of noise.
fn of_our_class(encoder: &Map<String, Value>, description: &Description) -> Map<String, Value> {
    let config = json!({
        "architectures": ["LabelproofForSequenceClassification"],
        "auto_map": {
            "AutoConfig": "modeling_labelproof.LabelproofConfig",
            "AutoModel": "modeling_labelproof.LabelproofModel",
            "AutoModelForSequenceClassification": "modeling_labelproof.LabelproofForSequenceClassification",
        },
        "batch_normalization": description.head.batch_normalization,
        "classifier_dropout": description.head.dropout,
        "dtype": "float32",
        "encoder": encoder,
        "model_type": EncoderConfig::BUNDLE_TYPE,
        "pooling": description.pooling,
    });
    match config {
        Value::Object(keys) => keys,
        _ => Map::new(),
    }
}

/// The `tokenizer_config.json`: `tokenizer.json` as it is, cut to the length that the bundle reads.
fn tokenizer_config(encoder_folder: &Path, tokenizer: &Tokenizer, max_tokens: usize) -> Value {
    let mut config = Map::from_iter([
        ("clean_up_tokenization_spaces".to_owned(), json!(false)),
        // A text is one segment, of which some encoders have no embedding.
        (
            "model_input_names".to_owned(),
            json!(["input_ids", "attention_mask"]),
        ),
        ("model_max_length".to_owned(), json!(max_tokens)),
        ("padding_side".to_owned(), json!("right")),
        ("tokenizer_class".to_owned(), json!("PreTrainedTokenizerFast")),
        ("truncation_side".to_owned(), json!(tokenizer.truncation_side())),
    ]);
    for file in [SPECIAL_TOKENS_FILE, TOKENIZER_CONFIG_FILE] {
        let named = fs::read_to_string(&encoder_folder.join(file)).ok();
        let named: Option<Value> = named.and_then(|text| serde_json::from_str(&text).ok());
        let Some(named) = named else { continue };
        for role in SPECIAL_TOKENS {
            // Either the token, or an object with it and how it is cut out of a text, which `tokenizer.json` says.
            let token = named[role].as_str().or_else(|| named[role]["content"].as_str());
            if let Some(token) = token {
                config.insert(role.to_owned(), json!(token));
            }
        }
    }
    if let Some(token) = tokenizer.pad_token() {
        config.insert("pad_token".to_owned(), json!(token));
    }
    Value::Object(config)
}
