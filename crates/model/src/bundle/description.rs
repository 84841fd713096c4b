//! What a bundle says of itself: the file `labelproof.json`.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::{BUNDLE, Digest, LabelMap, fs};
use labelproof_settings::encoder::EncoderConfig;
use labelproof_settings::{Pooling, Precision};
use labelproof_text::cleaning::Step;
use labelproof_text::tokenizer::Tokenizer;
use labelproof_text::windows::Windows;
use serde::{Deserialize, Serialize};

use super::canaries::Canary;
use crate::batch::Layout;
use crate::error::Error;
use crate::head::HeadSettings;

/// The file's name in the bundle.
pub(super) const DESCRIPTION_FILE: &str = "labelproof.json";

/// The version of the bundle's format.
const FORMAT: u32 = BUNDLE.format;

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    format: u32,
    /// The class names. The place of a class here is the place of its logit.
    pub labels: Vec<String>,
    /// The cleaning steps that are applied to a text before tokenisation, in order.
    pub clean: Vec<Step>,
    /// The length of the longest input in tokens, special tokens included.
    pub max_tokens: usize,
    /// How texts longer than one window are read; not written where they are read at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
    /// How the vectors of the tokens become the pooled vector.
    pub pooling: Pooling,
    /// The precision that the encoder computes in; not written where it is float32.
    #[serde(default, skip_serializing_if = "is_float32")]
    pub precision: Precision,
    /// The shape of the head.
    pub head: HeadSettings,
    /// The number that logits are divided by before softmax where calibrated probabilities are asked for;
    /// `None` in a bundle that was written before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The digests of the encoder's weights, before and after training.
    pub(super) encoder: Option<EncoderDigests>,
    /// The digests of the files that decide what the bundle computes.
    pub(super) files: BTreeMap<String, Digest>,
    pub(super) canaries: Vec<Canary>,
}

/// The digests of an encoder's tensors. They are the same where the encoder was frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EncoderDigests {
    /// Of what the training started from.
    pub(super) pretrained: Digest,
    /// Of what is in the bundle.
    pub(super) trained: Digest,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_float32(precision: &Precision) -> bool {
    *precision == Precision::Float32
}

impl Description {
    /// A description without digests and canaries, which [`save`](super::save) adds, and without calibration,
    /// which [`calibrate`](Self::calibrate) adds.
    pub fn new(
        labels: &LabelMap,
        clean: Vec<Step>,
        max_tokens: usize,
        pooling: Pooling,
        precision: Precision,
        head: HeadSettings,
    ) -> Self {
        Self {
            format: FORMAT,
            labels: labels.names().to_vec(),
            clean,
            max_tokens,
            windows: None,
            pooling,
            precision,
            head,
            temperature: None,
            encoder: None,
            files: BTreeMap::new(),
            canaries: Vec::new(),
        }
    }

    /// The same description of a bundle that reads long texts in windows.
    pub fn with_windows(self, windows: Option<Windows>) -> Self {
        Self { windows, ..self }
    }

    /// What rows of the bundle's tokenizer become in a batch.
    pub(super) fn layout(&self, bundle: &Path, tokenizer: &Tokenizer) -> Result<Layout, Error> {
        Layout::new(tokenizer, self.windows).ok_or_else(|| Error::Bundle {
            path: bundle.to_path_buf(),
            problem: "its windows have no tokens but those of the window before".to_owned(),
        })
    }

    /// Reads the description of a bundle, and checks that it is consistent in itself.
    pub(super) fn read(bundle: &Path) -> Result<Self, Error> {
        let problem = |problem: String| Error::Bundle {
            path: bundle.to_path_buf(),
            problem,
        };
        let file = bundle.join(DESCRIPTION_FILE);
        if !file.exists() {
            return Err(Error::NoBundle {
                path: bundle.to_path_buf(),
                file: DESCRIPTION_FILE,
            });
        }
        let text = fs::read_to_string(&file)?;
        let malformed = |error: serde_json::Error| problem(format!("`{DESCRIPTION_FILE}`: {error}"));
        let value: serde_json::Value = serde_json::from_str(&text).map_err(malformed)?;
        let format = value.get("format").and_then(serde_json::Value::as_u64);
        if format != Some(u64::from(FORMAT)) {
            let found = format.map_or("none".to_owned(), |format| format.to_string());
            return Err(problem(format!(
                "its format is {found}, this program reads {FORMAT}"
            )));
        }
        let description: Self = serde_json::from_value(value).map_err(malformed)?;
        match description.contradiction() {
            Some(found) => Err(problem(found)),
            None => Ok(description),
        }
    }

    /// The first contradiction within the description.
    fn contradiction(&self) -> Option<String> {
        let classes = self.labels.len();
        if classes < 2 || self.head.classes != classes {
            let head = self.head.classes;
            return Some(format!("it has {classes} labels and a head for {head}"));
        }
        if !(0.0..1.0).contains(&self.head.dropout) {
            return Some(format!("its dropout is {}", self.head.dropout));
        }
        if let Some(temperature) = self.temperature
            && !(temperature.is_finite() && temperature > 0.0)
        {
            return Some(format!("its temperature is {temperature}"));
        }
        let complete = |canary: &Canary| canary.logits.len() == classes;
        if !self.canaries.iter().all(complete) {
            return Some("a canary has not one logit a label".to_owned());
        }
        None
    }

    /// Checks that the head and the longest text fit the encoder.
    pub(super) fn check_encoder(&self, bundle: &Path, encoder: &EncoderConfig) -> Result<(), Error> {
        let (input, width) = (self.head.input, encoder.hidden_size);
        let tokens = self.windows.map_or(self.max_tokens, |windows| windows.tokens);
        let positions = encoder.longest_input;
        let problem = if input != width {
            format!("its head reads {input} values a text, its encoder gives {width}")
        } else if tokens > positions {
            format!("its texts have up to {tokens} tokens, its encoder takes {positions}")
        } else {
            return Ok(());
        };
        Err(Error::Bundle {
            path: bundle.to_path_buf(),
            problem,
        })
    }
}
