//! The folder of a pre-trained encoder in Hugging Face's layout: what training starts from, and what a bundle
//! contains.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use labelproof_artifact::encoder_files::adapter_files;
use labelproof_artifact::{Digest, EncoderPart};
use labelproof_settings::encoder::EncoderConfig;
use labelproof_settings::encoder_name::EncoderSource;
use labelproof_text::tokenizer::Tokenizer;

use crate::encoder::Encoder;
use crate::error::Error;
use crate::head::{self, Head, HeadLayout, HeadSettings};
use crate::weights::{AdapterWeights, NamedTensors, WeightFiles};

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
        Self::load_with_adapter(folder, None, device)
    }

    /// Reads the folder of an encoder onto a device, and merges the adapter of another folder into its weights.
    pub fn load_with_adapter(folder: &Path, adapter: Option<&Path>, device: &Device) -> Result<Self, Error> {
        let config = EncoderConfig::read(folder)?;
        let tokenizer = load_tokenizer(folder, &config)?;
        let (encoder, pre_training) = load_weights(folder, adapter, &config, device)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            config,
            tokenizer,
            encoder,
            pre_training,
        })
    }

    /// A new head on this encoder, which starts from the encoder's pooler where the head has one; see
    /// [`Head::new`].
    pub fn new_head(&self, settings: &HeadSettings, seed: u64, device: &Device) -> Head {
        let layout = HeadLayout::new(settings.kind, &self.config);
        Head::new(settings, layout, seed, device).with_pooler(&self.pre_training, device)
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

/// Reads the weights of an encoder's folder, and merges the adapter of another one into them; returns with them the
/// tensors that only pre-training needs.
pub(crate) fn load_weights(
    folder: &Path,
    adapter: Option<&Path>,
    config: &EncoderConfig,
    device: &Device,
) -> Result<(Encoder, NamedTensors), Error> {
    let files = WeightFiles::open(folder)?;
    let adapter = adapter.map(AdapterWeights::open).transpose()?;
    let mut source = files.source(device)?;
    if let Some(adapter) = &adapter {
        adapter.adapt(&mut source)?;
    }
    source.leave_aside(&head::TENSORS);
    let encoder = Encoder::load(&mut source, config);
    Ok((encoder, source.finish()?))
}

/// The digest of those files of an encoder that decide what it computes.
pub fn encoder_digest(source: &EncoderSource) -> Result<Digest, Error> {
    files_digest(&source.files.folder, source.adapter_folder())
}

/// The digest of those files of a folder, and of the folder of an adapter, that decide what it computes.
pub(crate) fn files_digest(folder: &Path, adapter: Option<&Path>) -> Result<Digest, Error> {
    let mut digests = String::new();
    for part in EncoderPart::ALL {
        for file in part.files(folder) {
            digests.push_str(Digest::of_file(&folder.join(file))?.as_str());
        }
    }
    if let Some(folder) = adapter {
        for file in adapter_files(folder) {
            digests.push_str(Digest::of_file(&folder.join(file))?.as_str());
        }
    }
    Ok(Digest::of_bytes(digests.as_bytes()))
}
