//! The encoder's folder, as far as this stage needs it: the tokenizer, and the limits that tokens must keep.
//!
//! The encoder itself is the train stage's affair.

use std::path::Path;

use labelproof_settings::encoder::EncoderConfig;
use labelproof_text::tokenizer::Tokenizer;

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
        let path = folder.join(EncoderConfig::FILE);
        if path.exists() {
            let config = EncoderConfig::read(folder)?;
            if max_tokens > config.longest_input {
                return Err(Error::TooManyTokens {
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
