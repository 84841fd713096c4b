//! The configuration of an adapter as the Python library PEFT saves it, and whether it is one that can be merged into
//! the weights of its encoder: plain LoRA (Hu et al. 2021, arXiv:2106.09685). The tensors are read where weights are.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::encoder_files::ADAPTER_CONFIG_FILE;
use labelproof_artifact::fs;
use serde::Deserialize;
use serde_json::Value;

use crate::encoder::{EncoderError, require};

/// What is needed of an adapter's configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PeftConfig {
    /// The encoder that it belongs to: a folder, or a model of the Hugging Face Hub.
    #[serde(rename = "base_model_name_or_path")]
    pub base: Option<String>,
    /// The state of that model, where it is not the newest one.
    pub revision: Option<String>,
    lora_alpha: f64,
    #[serde(default)]
    alpha_pattern: BTreeMap<String, f64>,
    #[serde(default)]
    use_rslora: bool,
}

/// The keys of a configuration that change nothing of what its tensors mean, or that are read here.
const UNDERSTOOD: [&str; 27] = [
    "alpha_pattern",
    "auto_mapping",
    "base_model_name_or_path",
    "bias",
    "corda_config",
    "ensure_weight_tying",
    "eva_config",
    "exclude_modules",
    "fan_in_fan_out",
    "inference_mode",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_alpha",
    "lora_dropout",
    "megatron_core",
    "modules_to_save",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "r",
    "rank_pattern",
    "revision",
    "target_modules",
    "task_type",
    "use_rslora",
];

/// The ways to draw the first weights of an adapter that leave the weights of the encoder as they were. The others,
/// such as PiSSA, take from those what they give to the adapter.
const HARMLESS_STARTS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

impl PeftConfig {
    /// Reads and checks the configuration in the folder of an adapter.
    pub fn read(folder: &Path) -> Result<Self, EncoderError> {
        let path = require(folder, ADAPTER_CONFIG_FILE)?;
        let text = fs::read_to_string(&path)?;
        Self::parse(&text).map_err(|problem| EncoderError::Adapter { path, problem })
    }

    /// Reads and checks the text of a configuration; the error is what is wrong with it.
    fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match value.get("peft_type").and_then(Value::as_str) {
            Some("LORA") => {}
            other => {
                return Err(format!(
                    "its kind (`peft_type`) is `{}`, no LORA",
                    other.unwrap_or("none")
                ));
            }
        }
        if let Some(found) = not_plain(&value) {
            return Err(found);
        }
        let config: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        match config.alpha_pattern.keys().find(|key| key.contains(is_special)) {
            Some(key) => Err(format!(
                "`alpha_pattern` has the regular expression `{key}`, and names alone are read"
            )),
            None => Ok(config),
        }
    }

    /// What the product of the two matrices of a dense layer is multiplied with. `layer` is its name, `rank` that of
    /// its matrices.
    pub fn scale(&self, layer: &str, rank: usize) -> f64 {
        let is_meant = |name: &str| {
            let before = layer.strip_suffix(name);
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        let own = self.alpha_pattern.iter().find(|(name, _)| is_meant(name));
        let alpha = own.map_or(self.lora_alpha, |(_, alpha)| *alpha);
        let rank = rank as f64;
        alpha / if self.use_rslora { rank.sqrt() } else { rank }
    }
}

/// The first thing that makes a configuration one of another method than LoRA.
fn not_plain(config: &Value) -> Option<String> {
    if let Some(bias) = config
        .get("bias")
        .and_then(Value::as_str)
        .filter(|bias| *bias != "none")
    {
        return Some(format!(
            "`bias` is `{bias}`, and biases that were trained are not read"
        ));
    }
    let start = config.get("init_lora_weights").and_then(Value::as_str);
    if let Some(start) = start.filter(|start| !HARMLESS_STARTS.contains(start)) {
        return Some(format!(
            "`init_lora_weights` is `{start}`, which changes the weights of the encoder too"
        ));
    }
    let keys = config.as_object().into_iter().flatten();
    let mut others = keys.filter(|(key, value)| !UNDERSTOOD.contains(&key.as_str()) && is_set(value));
    others
        .next()
        .map(|(key, value)| format!("`{key}` is {value}, which makes it another method than LoRA"))
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

/// Whether a character makes a name a regular expression. A full stop is one in every name of a layer.
fn is_special(character: char) -> bool {
    "^$*+?()[]{}|\\".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(case: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/fixtures/adapters")
            .join(case)
            .join(ADAPTER_CONFIG_FILE);
        fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn what_peft_writes_is_read_and_scales_are_its() {
        let read = |case: &str| PeftConfig::parse(&fixture(case)).unwrap();
        let plain = read("bert");
        assert_eq!(plain.base.as_deref(), Some("families/bert"));
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
        // `scaling` of PEFT's layers.
        close(plain.scale("encoder.layer.0.attention.self.query", 2), 4.0);
        close(
            read("bert-rank-stabilized").scale("encoder.layer.0.attention.self.query", 2),
            5.656_854_249_492_381,
        );
        let patterns = read("bert-patterns");
        close(patterns.scale("encoder.layer.0.attention.self.query", 2), 1.0);
        close(patterns.scale("encoder.layer.10.attention.self.query", 2), 4.0);
        close(
            patterns.scale("encoder.layer.1.attention.self.value", 3),
            8.0 / 3.0,
        );
    }

    #[test]
    fn what_is_no_plain_lora_is_refused_by_name() {
        let mut value: Value = serde_json::from_str(&fixture("bert")).unwrap();
        let mut refusal = |key: &str, setting: Value| {
            let before = value[key].clone();
            value[key] = setting;
            let found = PeftConfig::parse(&value.to_string()).unwrap_err();
            value[key] = before;
            found
        };
        let cases = [
            (
                "peft_type",
                Value::from("IA3"),
                "its kind (`peft_type`) is `IA3`, no LORA",
            ),
            (
                "use_dora",
                Value::from(true),
                "`use_dora` is true, which makes it another method than LoRA",
            ),
            (
                "bias",
                Value::from("all"),
                "`bias` is `all`, and biases that were trained are not read",
            ),
            (
                "init_lora_weights",
                Value::from("pissa_niter_4"),
                "`init_lora_weights` is `pissa_niter_4`, which changes the weights of the encoder too",
            ),
            (
                "trainable_token_indices",
                serde_json::json!([1, 2]),
                "`trainable_token_indices` is [1,2], which makes it another method than LoRA",
            ),
            (
                "alpha_pattern",
                serde_json::json!({"^query": 2}),
                "`alpha_pattern` has the regular expression `^query`, and names alone are read",
            ),
        ];
        for (key, setting, expected) in cases {
            assert_eq!(refusal(key, setting), expected);
        }
    }
}
