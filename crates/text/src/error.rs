//! The one error type of this crate.
//!
//! Not responsible for printing: messages are fragments for a chain of causes, each says what to do.

use std::path::PathBuf;

use labelproof_artifact::encoder_files::VOCABULARIES;
use labelproof_artifact::{Advice, Diagnostic, Fault, wording};

/// An error in settings or in a tokenizer file; text itself is never an error.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// An entry of `add` or `keep` could never match a word of a text.
    #[error(
        "`stop_words.{list}` has the entry `{entry}`, which is not a single word: give letters and digits \
         without white space, one word per entry"
    )]
    StopWordIsNotAWord {
        /// The list, `add` or `keep`.
        list: &'static str,
        entry: String,
    },
    /// The same word is to be removed and to be kept.
    #[error("`stop_words` has `{entry}` both in `add` and in `keep`: delete it from one of them")]
    StopWordAddedAndKept { entry: String },
    /// The list of a language is not in this build.
    #[error("this build has no stop words for `{language}`: choose another `stop_words.language`")]
    NoStopWords { language: &'static str },
    /// A threshold that the bands of the sketch cannot serve.
    #[error(
        "`threshold` of near duplicates is {threshold}: give a number from {minimum} to 1, lower ones would \
         silently miss most pairs"
    )]
    Threshold {
        threshold: f64,
        /// The smallest threshold that the sketches can serve.
        minimum: f64,
    },
    /// The tokenizer file could not be read.
    #[error("cannot read the tokenizer `{}`: an encoder folder needs its `tokenizer.json`", path.display())]
    ReadTokenizer { path: PathBuf, source: std::io::Error },
    /// The folder of an encoder has no tokenizer of any form.
    #[error(
        "`{}` has no tokenizer: an encoder folder needs its `tokenizer.json`, or the vocabulary that one is \
         built from ({})",
        folder.display(),
        wording::alternatives(&VOCABULARIES)
    )]
    NoTokenizer { folder: PathBuf },
    /// The vocabulary of the folder is not the one that its tokenizer needs.
    #[error(
        "`{}` has no {}, which its tokenizer needs: fetch it from where the folder is from, or the \
         `tokenizer.json`",
        folder.display(),
        wording::alternatives(files)
    )]
    NoVocabulary { folder: PathBuf, files: Vec<String> },
    /// The vocabulary of the folder belongs to a tokenizer that is not built here.
    #[error(
        "no tokenizer can be built of `{}`: {reason}; write a `tokenizer.json` with \
         `AutoTokenizer.from_pretrained(folder).save_pretrained(folder)` of transformers",
        path.display()
    )]
    OtherTokenizer { path: PathBuf, reason: String },
    /// A file that a tokenizer is built from is damaged.
    #[error("`{}` is no usable part of a tokenizer: {problem}; fetch the file again", path.display())]
    TokenizerFile { path: PathBuf, problem: String },
    /// The tokenizer file is not what crate `tokenizers` understands.
    #[error(
        "`{}` is not a usable tokenizer: save it again with `tokenizer.save_pretrained` of transformers and \
         take the `tokenizer.json` written there",
        path.display()
    )]
    ParseTokenizer {
        /// The file, or a name for bytes from elsewhere.
        path: PathBuf,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The special tokens around a text cannot be told apart from the text.
    #[error(
        "the `post_processor` of the tokenizer `{}` does not put fixed tokens around one copy of the text: \
         use a template such as `[CLS] $A [SEP]`",
        path.display()
    )]
    PostProcessor {
        /// The file, or a name for bytes from elsewhere.
        path: PathBuf,
    },
    /// No room for the text beside the special tokens.
    #[error(
        "`max_tokens` is {max_tokens}, but the tokenizer adds {special_tokens} special tokens to every text: \
         give at least {}",
        special_tokens + 1
    )]
    MaxTokens {
        max_tokens: usize,
        special_tokens: usize,
    },
    /// The tokenizer's model refused a text.
    #[error(
        "the tokenizer cannot encode the text that begins with `{beginning}`: a vocabulary without an \
         unknown token does this, add one (`unk_token`)"
    )]
    Encode {
        /// The first characters of the text.
        beginning: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        match self {
            Self::ReadTokenizer { .. }
            | Self::NoTokenizer { .. }
            | Self::NoVocabulary { .. }
            | Self::OtherTokenizer { .. }
            | Self::TokenizerFile { .. }
            | Self::ParseTokenizer { .. }
            | Self::PostProcessor { .. }
            | Self::Encode { .. } => Fault::Model.into(),
            Self::StopWordIsNotAWord { .. }
            | Self::StopWordAddedAndKept { .. }
            | Self::NoStopWords { .. }
            | Self::Threshold { .. }
            | Self::MaxTokens { .. } => Fault::Configuration.into(),
        }
    }
}
