//! Whether an encoder's folder has the files that training needs, in one of the forms in which people have
//! them; which forms there are is in `artifact::encoder_files`.

use std::path::Path;

use labelproof_artifact::EncoderPart;
use labelproof_artifact::encoder_files::{self, TOKENIZER_FILE, VOCABULARIES, WeightsForm};

use crate::encoder::{EncoderError, require};

/// Checks that a folder has a configuration, a tokenizer and weights, and every file that an index names.
pub fn check(folder: &Path) -> Result<(), EncoderError> {
    for file in EncoderPart::Config.files(folder) {
        require(folder, &file)?;
    }
    check_tokenizer(folder)?;
    let form = weights_form(folder)?;
    if form.is_index() {
        for shard in encoder_files::shards(&folder.join(form.file()))? {
            require(folder, &shard)?;
        }
    }
    Ok(())
}

/// Checks that a folder has a tokenizer.
pub fn check_tokenizer(folder: &Path) -> Result<(), EncoderError> {
    let files = || [TOKENIZER_FILE].into_iter().chain(VOCABULARIES);
    if files().any(|file| folder.join(file).exists()) {
        return Ok(());
    }
    Err(EncoderError::MissingPart {
        folder: folder.to_path_buf(),
        part: "tokenizer",
        files: files().collect(),
    })
}

/// The form in which a folder has its weights.
pub fn weights_form(folder: &Path) -> Result<WeightsForm, EncoderError> {
    WeightsForm::of(folder).ok_or_else(|| EncoderError::MissingPart {
        folder: folder.to_path_buf(),
        part: "weights",
        files: WeightsForm::ALL.map(WeightsForm::file).to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use labelproof_artifact::fs;

    #[test]
    fn what_is_missing_is_named_with_its_alternatives() {
        let folder = tempfile::tempdir().unwrap();
        let add = |name: &str, text: &str| {
            fs::write_atomic(&folder.path().join(name), text.as_bytes()).unwrap();
        };
        let problem = || {
            let error = check(folder.path()).unwrap_err().to_string();
            error
                .split_once("is not the folder of an encoder: ")
                .unwrap()
                .1
                .to_owned()
        };
        assert_eq!(problem(), "it has no `config.json`");
        add("config.json", "{}");
        assert_eq!(
            problem(),
            "it has no tokenizer (`tokenizer.json`, `vocab.txt`, `vocab.json`, `sentencepiece.bpe.model`, \
             `spm.model` or `spiece.model`)"
        );
        add("vocab.txt", "");
        assert_eq!(
            problem(),
            "it has no weights (`model.safetensors`, `model.safetensors.index.json`, `pytorch_model.bin` or \
             `pytorch_model.bin.index.json`)"
        );
        let index = "pytorch_model.bin.index.json";
        add(
            index,
            r#"{"weight_map": {"a": "pytorch_model-00001-of-00002.bin"}}"#,
        );
        assert_eq!(problem(), "it has no `pytorch_model-00001-of-00002.bin`");
        add("pytorch_model-00001-of-00002.bin", "");
        check(folder.path()).unwrap();
    }
}
