//! The folder of a pre-trained encoder in Hugging Face's layout: what training starts from, and what a bundle
//! contains.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use labelproof_artifact::{Digest, EncoderPart};
use labelproof_settings::encoder::EncoderConfig;
use labelproof_text::tokenizer::Tokenizer;

use crate::encoder::Encoder;
use crate::error::Error;
use crate::weights::{NamedTensors, WeightFiles};

/// A pre-trained encoder in memory.
#[derive(Debug)]
pub struct Pretrained {
    /// The folder it was read from.
    pub folder: PathBuf,
    /// The configuration of the encoder.
    pub config: EncoderConfig,
    /// The tokenizer that its vocabulary belongs to.
    pub tokenizer: Tokenizer,
    /// The encoder with its weights on the device.
    pub encoder: Encoder,
    /// The tensors of the file that only pre-training needs.
    pub(crate) pre_training: NamedTensors,
}

impl Pretrained {
    /// Reads the folder of an encoder onto a device.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, Error> {
        let config = EncoderConfig::read(folder)?;
        let tokenizer = load_tokenizer(folder, &config)?;
        let (encoder, pre_training) = load_weights(folder, &config, device)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            config,
            tokenizer,
            encoder,
            pre_training,
        })
    }
}

/// Reads the tokenizer of an encoder's folder, and checks that its ids fit the embedding table.
pub(crate) fn load_tokenizer(folder: &Path, config: &EncoderConfig) -> Result<Tokenizer, Error> {
    let tokenizer = Tokenizer::from_folder(folder)?;
    let (entries, vocabulary) = (tokenizer.vocabulary_size(), config.vocab_size);
    if entries > vocabulary {
        return Err(Error::Vocabulary {
            tokenizer: entries,
            encoder: vocabulary,
        });
    }
    Ok(tokenizer)
}

/// Reads the weights of an encoder's folder; returns with them the tensors that only pre-training needs.
pub(crate) fn load_weights(
    folder: &Path,
    config: &EncoderConfig,
    device: &Device,
) -> Result<(Encoder, NamedTensors), Error> {
    let files = WeightFiles::open(folder)?;
    let mut source = files.source(device)?;
    let encoder = Encoder::load(&mut source, config);
    Ok((encoder, source.finish()?))
}

/// The digest of those files of an encoder's folder that decide what it computes.
pub fn encoder_digest(folder: &Path) -> Result<Digest, Error> {
    let mut digests = String::new();
    for part in EncoderPart::ALL {
        for file in part.files(folder) {
            digests.push_str(Digest::of_file(&folder.join(file))?.as_str());
        }
    }
    Ok(Digest::of_bytes(digests.as_bytes()))
}
