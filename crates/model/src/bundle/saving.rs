//! Writing a bundle.

use std::path::Path;

use burn::tensor::Device;
use labelproof_artifact::encoder_files::{TOKENIZER_FILE, WEIGHTS_FILE, WeightsForm};
use labelproof_artifact::{Digest, fs};
use labelproof_kernels::workers::Workers;
use labelproof_text::cleaning::Cleaner;
use labelproof_text::tokenizer::Tokenizer;

use super::canaries::Canary;
use super::description::DESCRIPTION_FILE;
use super::{BUNDLE_FILES, Bundle, Description, HEAD_FILE};
use crate::classifier::{BatchedRun, Classifier};
use crate::error::Error;
use crate::pretrained::Pretrained;
use crate::weights::WeightFiles;

/// The files of an encoder's folder, beside its weights and its tokenizer, that other programs look for.
const COMPANION_FILES: [&str; 4] = [
    "config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
];

/// Writes a bundle and loads it again, which proves on every canary that the saved model is the trained one.
///
/// `classifier` must be on `device`, without autodiff. Where `encoder_changed` is false, the encoder's
/// weights are copied byte for byte, if they are one safetensors file.
pub fn save(
    folder: &Path,
    pretrained: Pretrained,
    classifier: &Classifier,
    encoder_changed: bool,
    mut description: Description,
    canary_texts: &[String],
    device: &Device,
) -> Result<Bundle, Error> {
    description.canaries = record_canaries(&pretrained, classifier, &description, canary_texts, device)?;
    fs::create_dir_all(folder)?;
    write_encoder(folder, pretrained, classifier, encoder_changed)?;
    classifier.head.named_tensors().write(&folder.join(HEAD_FILE))?;
    for file in BUNDLE_FILES {
        let digest = Digest::of_file(&folder.join(file))?;
        description.files.insert(file.to_owned(), digest);
    }
    let mut text = serde_json::to_string_pretty(&description).expect("a description has string keys only");
    text.push('\n');
    fs::write_atomic(&folder.join(DESCRIPTION_FILE), text.as_bytes())?;
    let bundle = Bundle::load_intact(folder, device)?;
    bundle.require(&bundle.replay()?)?;
    Ok(bundle)
}

/// Writes the encoder's folder: configuration, tokenizer and weights.
fn write_encoder(
    folder: &Path,
    pretrained: Pretrained,
    classifier: &Classifier,
    encoder_changed: bool,
) -> Result<(), Error> {
    for file in COMPANION_FILES {
        let from = pretrained.folder.join(file);
        if from.exists() {
            fs::copy(&from, &folder.join(file))?;
        }
    }
    // A bundle has one whether the encoder's folder has it or not.
    let tokenizer = Tokenizer::json_of_folder(&pretrained.folder)?;
    fs::write_atomic(&folder.join(TOKENIZER_FILE), &tokenizer)?;
    let weights = folder.join(WEIGHTS_FILE);
    if encoder_changed {
        let mut tensors = classifier.encoder.named_tensors();
        tensors.extend(pretrained.pre_training);
        tensors.write(&weights)?;
    } else if WeightsForm::of(&pretrained.folder) == Some(WeightsForm::Safetensors) {
        fs::copy(&pretrained.folder.join(WEIGHTS_FILE), &weights)?;
    } else {
        WeightFiles::open(&pretrained.folder)?.write(&weights)?;
    }
    Ok(())
}

/// Tokenises and predicts the texts of the canaries.
fn record_canaries(
    pretrained: &Pretrained,
    classifier: &Classifier,
    description: &Description,
    texts: &[String],
    device: &Device,
) -> Result<Vec<Canary>, Error> {
    let cleaner = Cleaner::new(&description.clean)?;
    let mut tokens = Vec::with_capacity(texts.len());
    for text in texts {
        let cleaned = cleaner.clean(text).into_owned();
        tokens.push(pretrained.tokenizer.encode(&cleaned, description.max_tokens)?.ids);
    }
    let rows: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
    let workers = Workers::alone();
    let run = BatchedRun {
        layout: description.layout(&pretrained.folder, &pretrained.tokenizer)?,
        device,
        workers: &workers,
    };
    let classes = description.labels.len();
    let logits = run.outputs(&rows, classes, |batch| classifier.forward(batch), |_| ())?;
    let canary = |((text, tokens), logits): ((&String, Vec<u32>), &[f32])| Canary {
        text: text.clone(),
        tokens,
        logits: logits.to_vec(),
    };
    let logits = logits.chunks_exact(classes);
    Ok(texts.iter().zip(tokens).zip(logits).map(canary).collect())
}
