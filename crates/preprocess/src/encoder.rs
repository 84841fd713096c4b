//! The encoder's folder, as far as this stage needs it: the tokenizer, and the limits that tokens must keep.
//!
//! The encoder itself, and whether it is one that can be used, is the train stage's affair.

use std::path::Path;

use labelproof_artifact::fs;
use labelproof_text::tokenizer::Tokenizer;
use serde_json::Value;

use crate::error::Error;

/// What this stage uses of an encoder's folder.
pub(crate) struct Encoder {
    pub(crate) tokenizer: Tokenizer,
}

impl Encoder {
    /// Reads the tokenizer, and `config.json` where there is one, and checks that `max_tokens` fits both.
    pub(crate) fn open(folder: &Path, max_tokens: usize) -> Result<Self, Error> {
        let tokenizer = Tokenizer::from_folder(folder)?;
        tokenizer.check_max_tokens(max_tokens)?;
        let path = folder.join("config.json");
        if path.exists() {
            let text = fs::read_to_string(&path)?;
            let config: Value = serde_json::from_str(&text).map_err(|error| Error::BadEncoderConfig {
                path: path.clone(),
                problem: error.to_string(),
            })?;
            if let Some(max_positions) = count(&config, "max_position_embeddings")
                && max_tokens > max_positions
            {
                return Err(Error::TooManyTokens {
                    max_tokens,
                    max_positions,
                    path,
                });
            }
            if let Some(encoder) = count(&config, "vocab_size")
                && tokenizer.vocabulary_size() > encoder
            {
                return Err(Error::Vocabulary {
                    tokenizer: tokenizer.vocabulary_size(),
                    encoder,
                    path,
                });
            }
        }
        Ok(Self { tokenizer })
    }
}

/// A count in the description; one that is missing or none is for the train stage to complain about.
fn count(config: &Value, key: &str) -> Option<usize> {
    config.get(key)?.as_u64()?.try_into().ok()
}
