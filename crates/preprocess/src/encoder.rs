//! The encoder's folder, as far as this stage needs it: the tokenizer, and the limits that tokens must keep.
//!
//! The encoder itself is the train stage's affair.

use std::path::Path;

use labelproof_settings::encoder::EncoderConfig;
use labelproof_text::tokenizer::Tokenizer;
use labelproof_text::windows::Windows;

use crate::error::Error;

/// What this stage uses of an encoder's folder.
pub(crate) struct Encoder {
    pub(crate) tokenizer: Tokenizer,
}

impl Encoder {
    /// Reads the tokenizer, and `config.json` where there is one, and checks that `max_tokens` fits both, or else
    /// the windows in which so many are read.
    pub(crate) fn open(folder: &Path, max_tokens: usize, windows: Option<Windows>) -> Result<Self, Error> {
        let tokenizer = Tokenizer::from_folder(folder)?;
        tokenizer.check_max_tokens(max_tokens)?;
        if let Some(windows) = windows.filter(|windows| tokenizer.cutter(*windows).is_none()) {
            let Windows { tokens, overlap, .. } = windows;
            return Err(Error::Overlap {
                tokens,
                overlap,
                special_tokens: tokenizer.special_tokens_count(),
            });
        }
        let (key, max_tokens) = match windows {
            Some(windows) => ("windows.tokens", windows.tokens),
            None => ("max_tokens", max_tokens),
        };
        let path = folder.join(EncoderConfig::FILE);
        if path.exists() {
            let config = EncoderConfig::read(folder)?;
            if max_tokens > config.longest_input {
                return Err(Error::TooManyTokens {
                    key,
                    max_tokens,
                    longest_input: config.longest_input,
                    path,
                });
            }
            if tokenizer.vocabulary_size() > config.vocab_size {
                return Err(Error::Vocabulary {
                    tokenizer: tokenizer.vocabulary_size(),
                    encoder: config.vocab_size,
                    path,
                });
            }
        }
        Ok(Self { tokenizer })
    }
}
