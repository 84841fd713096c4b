//! Writing a bundle.

use std::path::Path;

use burn::tensor::Device;
use labelproof_artifact::encoder_files::{TOKENIZER_FILE, WEIGHTS_FILE};
use labelproof_artifact::{Digest, fs};
use labelproof_kernels::workers::Workers;
use labelproof_text::cleaning::Cleaner;
use labelproof_text::tokenizer::Tokenizer;

use super::canaries::Canary;
use super::description::{DESCRIPTION_FILE, EncoderDigests};
use super::{BUNDLE_FILES, Bundle, Description, transformers};
use crate::classifier::{BatchedRun, Classifier};
use crate::error::Error;
use crate::pretrained::Pretrained;

/// Writes a bundle and loads it again, which proves on every canary that the saved model is the trained one.
///
/// `classifier` must be on `device`, without autodiff.
pub fn save(
    folder: &Path,
    pretrained: &Pretrained,
    classifier: &Classifier,
    mut description: Description,
    canary_texts: &[String],
    device: &Device,
) -> Result<Bundle, Error> {
    description.canaries = record_canaries(pretrained, classifier, &description, canary_texts, device)?;
    description.encoder = Some(EncoderDigests {
        pretrained: pretrained.encoder.named_tensors().digest(),
        trained: classifier.encoder.named_tensors().digest(),
    });
    fs::create_dir_all(folder)?;
    let tokenizer = Tokenizer::json_of_folder(&pretrained.folder)?;
    fs::write_atomic(&folder.join(TOKENIZER_FILE), &tokenizer)?;
    transformers::write(folder, &pretrained.folder, &pretrained.tokenizer, &description)?;
    write_weights(&folder.join(WEIGHTS_FILE), classifier)?;
    for file in BUNDLE_FILES
        .into_iter()
        .chain(transformers::files(description.head.kind))
    {
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

/// Writes the tensors of encoder and head into one file, with the names that they have in the family's
/// `…ForSequenceClassification`.
pub fn write_weights(path: &Path, classifier: &Classifier) -> Result<(), Error> {
    let mut tensors = classifier
        .encoder
        .named_tensors()
        .prefixed(classifier.encoder.prefix());
    tensors.extend(classifier.head.named_tensors());
    tensors.write(path)
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
