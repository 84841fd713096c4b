//! A classifier that somebody else trained: a folder of transformers' `…ForSequenceClassification`, with its
//! head and its label names, and without what Labelproof writes.
//!
//! It becomes a [`Bundle`] that cleans nothing, pools as the family's class does, and has no canaries. What such
//! a folder does not say is not made up: without a head it is refused.

use std::path::Path;

use burn::tensor::Device;
use labelproof_artifact::encoder_files::CONFIG_FILE;
use labelproof_artifact::{Digest, LabelMap, fs};
use labelproof_settings::encoder::{EncoderConfig, Family};
use labelproof_settings::{BatchNormalization, HeadKind, Pooling, Precision};
use labelproof_text::cleaning::Cleaner;
use serde_json::Value;

use super::{Bundle, Description};
use crate::batch::Layout;
use crate::classifier::Classifier;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::head::{Head, HeadLayout, HeadSettings};
use crate::pretrained::{files_digest, load_tokenizer};
use crate::weights::{AdapterWeights, WeightFiles};

/// Whether a folder is a model of transformers and no bundle.
pub(super) fn is_one(folder: &Path) -> bool {
    !folder.join(super::description::DESCRIPTION_FILE).exists() && folder.join(CONFIG_FILE).exists()
}

/// Loads the folder of a classifier, with the adapter of another folder merged into its weights. An adapter may bring
/// the head, for other labels than the folder names.
pub(super) fn load(folder: &Path, adapter: Option<&Path>, device: &Device) -> Result<Bundle, Error> {
    let problem = |problem: String| Error::Classifier {
        path: folder.to_path_buf(),
        problem,
    };
    let text = fs::read_to_string(&folder.join(CONFIG_FILE))?;
    let encoder_config = EncoderConfig::read(folder)?;
    let config: Value = serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
    let layout = HeadLayout::new(HeadKind::Family, &encoder_config);
    let tokenizer = load_tokenizer(folder, &encoder_config)?;
    let files = WeightFiles::open(folder)?;
    let adapter_weights = adapter.map(AdapterWeights::open).transpose()?;
    let mut source = files.source(device)?;
    if let Some(adapter) = &adapter_weights {
        adapter.adapt(&mut source)?;
    }
    let encoder = Encoder::load(&mut source, &encoder_config);
    let missing = source.lacking(layout.tensors());
    if !missing.is_empty() {
        return Err(Error::NoHead {
            path: folder.to_path_buf(),
            missing,
        });
    }
    let outputs = source.outputs(layout.output);
    let mut names = label_names(&config, outputs).map_err(problem)?;
    if adapter.is_some() && names.len() != outputs {
        names = placeholders(outputs);
    }
    let labels = LabelMap::new(names);
    let head_settings = HeadSettings {
        input: encoder_config.hidden_size,
        classes: labels.len(),
        dropout: 0.0,
        batch_normalization: BatchNormalization::None,
        kind: HeadKind::Family,
    };
    let head = Head::load(&mut source, &head_settings, layout, device);
    source.finish()?;
    let pooling = match &encoder_config.family {
        Family::ModernBert(modern) => modern.classifier_pooling,
        _ => Pooling::Cls,
    };
    let max_tokens = longest_input(folder, &encoder_config);
    let description = Description::new(
        &labels,
        Vec::new(),
        max_tokens,
        pooling,
        Precision::Float32,
        head_settings,
    );
    Ok(Bundle {
        path: folder.to_path_buf(),
        labels,
        classifier: Classifier {
            encoder,
            head,
            pooling,
            precision: Precision::Float32,
        },
        encoder_config,
        cleaner: Cleaner::new(&description.clean)?,
        layout: Layout::padded(tokenizer.pad_id()),
        tokenizer,
        device: device.clone(),
        foreign: Some(Digest::of_bytes(
            format!("{} {max_tokens}", files_digest(folder, adapter)?).as_bytes(),
        )),
        description,
    })
}

/// The names by which transformers calls labels that have none.
fn placeholders(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("LABEL_{number}")).collect()
}

/// The names of the labels in the order of the logits; the error is what is wrong with them.
fn label_names(config: &Value, outputs: usize) -> Result<Vec<String>, String> {
    let names: Vec<String> = match &config["id2label"] {
        Value::Object(by_number) => {
            let name = |number: usize| {
                let name = by_number.get(&number.to_string())?;
                Some(name.as_str().map_or_else(|| name.to_string(), str::to_owned))
            };
            let names: Option<Vec<String>> = (0..by_number.len()).map(name).collect();
            names.ok_or("the keys of its `id2label` are not the numbers from 0")?
        }
        Value::Null => placeholders(outputs),
        other => return Err(format!("its `id2label` is {other}")),
    };
    match config["problem_type"].as_str() {
        None | Some("single_label_classification") => {}
        Some(other) => {
            return Err(format!(
                "its `problem_type` is `{other}`, only `single_label_classification` is supported"
            ));
        }
    }
    if names.len() < 2 {
        return Err("it has one output, which is a regression and no classification".to_owned());
    }
    let mut sorted = names.clone();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("its `id2label` has the label `{}` twice", pair[0])),
        None => Ok(names),
    }
}

/// The number of tokens that the tokenizer cuts a text to, if that is below what the encoder takes.
fn longest_input(folder: &Path, encoder: &EncoderConfig) -> usize {
    let config = fs::read_to_string(&folder.join("tokenizer_config.json")).ok();
    let config: Option<Value> = config.and_then(|text| serde_json::from_str(&text).ok());
    let told = config.and_then(|config| config["model_max_length"].as_u64());
    // Where nothing is known, transformers writes a number of thirty digits, which is no integer of 64 bits.
    told.and_then(|tokens| usize::try_from(tokens).ok())
        .filter(|tokens| (1..encoder.longest_input).contains(tokens))
        .unwrap_or(encoder.longest_input)
}

#[cfg(test)]
mod tests;
