//! What `encoder` in `pipeline.yaml` names: a folder, or a model of the Hugging Face Hub; and which files of a
//! model an encoder needs. Where the files come from is the crate `remote`'s affair.

use std::path::{Path, PathBuf};

use labelproof_artifact::encoder_files::{
    ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS, CONFIG_FILE, TOKENIZER_FILE, TOKENIZER_SOURCES, VOCABULARIES,
    WEIGHTS_FILE, WeightsForm, shards,
};
use serde::{Deserialize, Serialize};

/// A model of the Hugging Face Hub: `owner/name`, or `name` alone as old models are called, with an optional
/// `@revision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    /// `owner/name`.
    pub repository: String,
    /// A branch, tag or commit; none is the default branch.
    pub revision: Option<String>,
}

impl ModelName {
    /// Reads the value of `encoder` as the name of a model. None for what can be a path only, by the rules that
    /// the Hub has for names.
    pub fn parse(text: &str) -> Option<Self> {
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision)),
            None => (text, None),
        };
        let is_name = is_repository(repository) && revision.is_none_or(is_revision);
        is_name.then(|| Self {
            repository: repository.to_owned(),
            revision: revision.map(str::to_owned),
        })
    }
}

/// The characters of the longest name.
const LONGEST_NAME: usize = 96;

fn is_repository(text: &str) -> bool {
    let is_part = |part: &str| {
        let known = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        !part.is_empty()
            && part.chars().all(known)
            && !part.starts_with(['-', '.'])
            && !part.ends_with(['-', '.'])
    };
    text.len() <= LONGEST_NAME
        && text.split('/').count() <= 2
        && text.split('/').all(is_part)
        // `--` separates owner and name in the Hub's cache.
        && !text.contains("--")
        && !text.contains("..")
        && !text.to_ascii_lowercase().ends_with(".git")
}

/// By git's rules for the names of references. The name becomes a path in the Hub's cache: no part of it may
/// lead out of there.
fn is_revision(text: &str) -> bool {
    let is_odd =
        |letter: char| letter.is_control() || letter.is_whitespace() || "\\~^:?*[%#@".contains(letter);
    !text.contains(is_odd)
        && !text.contains("..")
        && text
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.'))
}

/// The encoder of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderSource {
    /// The folder of its files, and the model of the Hub that it holds.
    pub files: ModelFolder,
    /// The adapter that is merged into its weights, where `encoder` names one.
    pub adapter: Option<ModelFolder>,
}

/// A folder of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFolder {
    /// The folder.
    pub folder: PathBuf,
    /// The model of the Hugging Face Hub whose files it holds, where it was found under such a name.
    pub model: Option<HubModel>,
}

impl EncoderSource {
    /// The folder of the adapter, if there is one.
    pub fn adapter_folder(&self) -> Option<&Path> {
        self.adapter.as_ref().map(|adapter| adapter.folder.as_path())
    }

    /// The models of the Hub that it is made of: `owner/name@commit`, or `owner/adapter@commit on owner/name@commit`.
    /// None where all of it was found as folders.
    pub fn pinned(&self) -> Option<String> {
        let folders = self.adapter.iter().chain([&self.files]);
        let models: Vec<String> = folders
            .filter_map(|folder| Some(folder.model.as_ref()?.pinned()))
            .collect();
        (!models.is_empty()).then(|| models.join(" on "))
    }
}

/// A model of the Hub in one of its states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubModel {
    /// `owner/name`.
    pub repository: String,
    /// The commit.
    pub commit: String,
}

impl HubModel {
    /// `owner/name@commit`, which names these files and no others.
    pub fn pinned(&self) -> String {
        format!("{}@{}", self.repository, self.commit)
    }
}

/// The files of a model that an encoder needs, of those that there are: `config.json`, the tokenizer, and the
/// weights in one of their forms. The shards of an index are among them once the index lies in `folder`. Where there
/// is an adapter and no weights, its two files.
///
/// # Errors
/// The name of a file that is needed and is not there.
pub fn model_files(there: &[&str], folder: &Path) -> Result<Vec<String>, String> {
    let is_there = |file: &&str| there.contains(file);
    let form = WeightsForm::ALL.into_iter().find(|form| is_there(&form.file()));
    if form.is_none() && is_there(&ADAPTER_CONFIG_FILE) {
        let weights = ADAPTER_WEIGHTS.into_iter().find(is_there);
        let weights = weights.ok_or_else(|| ADAPTER_WEIGHTS[0].to_owned())?;
        return Ok(vec![ADAPTER_CONFIG_FILE.to_owned(), weights.to_owned()]);
    }
    if !is_there(&CONFIG_FILE) {
        return Err(CONFIG_FILE.to_owned());
    }
    let mut vocabularies = [TOKENIZER_FILE].into_iter().chain(VOCABULARIES);
    if !vocabularies.any(|file| is_there(&file)) {
        return Err(TOKENIZER_FILE.to_owned());
    }
    let form = form.ok_or_else(|| WEIGHTS_FILE.to_owned())?;
    let beside = [TOKENIZER_FILE].into_iter().chain(TOKENIZER_SOURCES);
    let mut files: Vec<String> = [CONFIG_FILE, form.file()]
        .into_iter()
        .chain(beside.filter(|file| is_there(file)))
        .map(str::to_owned)
        .collect();
    if form.is_index() {
        // Before the index is there, it names none; what is wrong with it is said where the weights are read.
        let shards = shards(&folder.join(form.file())).unwrap_or_default();
        if let Some(missing) = shards.iter().find(|shard| !there.contains(&shard.as_str())) {
            return Err(missing.clone());
        }
        files.extend(shards);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use labelproof_artifact::fs;

    use super::*;

    fn shown(text: &str) -> String {
        match ModelName::parse(text) {
            None => "a path".to_owned(),
            Some(ModelName { repository, revision }) => {
                format!("{repository} at {}", revision.unwrap_or_default())
            }
        }
    }

    #[test]
    fn names_of_the_hub_are_told_apart_from_paths() {
        // What `validate_repo_id` of huggingface_hub accepts and refuses.
        for name in [
            "foo",
            "foo/bar",
            "123",
            "Foo-BAR_foo.bar123",
            "google-bert/bert-base-uncased",
        ] {
            assert_eq!(shown(name), format!("{name} at "));
        }
        let long = "a".repeat(97);
        for path in [
            "datasets/foo/bar",
            ".repo_id",
            "foo--bar",
            "foo.git",
            "./foo",
            "/foo",
            "../foo",
            "foo/",
            "a\\b",
            "a b",
            "foo/-bar",
            "foo../bar",
            "",
            "@main",
            "~/foo",
            &long,
        ] {
            assert_eq!(shown(path), "a path", "{path}");
        }
    }

    #[test]
    fn a_revision_is_a_branch_a_tag_a_commit_or_a_pull_request() {
        for revision in [
            "main",
            "v1.0",
            "refs/pr/3",
            "86b5e0934494bd15c9632b12f734a8a67f723594",
        ] {
            let name = format!("owner/name@{revision}");
            assert_eq!(shown(&name), format!("owner/name at {revision}"));
        }
        for revision in [
            "", "../../x", "a/../b", "/a", "a//b", "a b", ".x", "a@b", "a\\b", "a%2e",
        ] {
            assert_eq!(shown(&format!("owner/name@{revision}")), "a path", "{revision}");
        }
    }

    #[track_caller]
    fn check(there: &[&str], index: &str, expected: Result<&[&str], &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors.index.json");
        fs::write_atomic(&path, index.as_bytes()).unwrap();
        let found = model_files(there, folder.path());
        let expected = expected
            .map(|files| files.iter().map(ToString::to_string).collect())
            .map_err(str::to_owned);
        assert_eq!(found, expected);
    }

    #[test]
    fn an_encoder_needs_its_configuration_a_tokenizer_and_one_format_of_its_weights() {
        // The files of google-bert/bert-base-uncased.
        let bert = [
            ".gitattributes",
            "LICENSE",
            "README.md",
            "config.json",
            "coreml/fill-mask/float32_model.mlpackage/Manifest.json",
            "flax_model.msgpack",
            "model.onnx",
            "model.safetensors",
            "pytorch_model.bin",
            "rust_model.ot",
            "tf_model.h5",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.txt",
        ];
        let wanted = [
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "vocab.txt",
            "tokenizer_config.json",
        ];
        check(&bert, "", Ok(&wanted));
        check(
            &["config.json", "vocab.json", "merges.txt", "pytorch_model.bin"],
            "",
            Ok(&["config.json", "pytorch_model.bin", "vocab.json", "merges.txt"]),
        );
        check(&["model.safetensors", "vocab.txt"], "", Err("config.json"));
        check(&["config.json", "model.safetensors"], "", Err("tokenizer.json"));
        check(
            &["config.json", "vocab.txt", "model.onnx", "onnx/model.safetensors"],
            "",
            Err("model.safetensors"),
        );
    }

    #[test]
    fn an_adapter_needs_its_two_files_unless_there_are_weights() {
        let adapter = [
            "README.md",
            "adapter_config.json",
            "adapter_model.bin",
            "tokenizer.json",
        ];
        check(&adapter, "", Ok(&["adapter_config.json", "adapter_model.bin"]));
        check(&adapter[..2], "", Err("adapter_model.safetensors"));
        let beside = [&adapter[..], &["config.json", "model.safetensors"]].concat();
        let wanted = ["config.json", "model.safetensors", "tokenizer.json"];
        check(&beside, "", Ok(&wanted));
    }

    #[test]
    fn an_encoder_with_an_adapter_is_called_by_both_names() {
        let folder = |name: Option<&str>| ModelFolder {
            folder: PathBuf::from("somewhere"),
            model: name.map(|name| HubModel {
                repository: name.to_owned(),
                commit: "1".to_owned(),
            }),
        };
        let pinned = |adapter: Option<ModelFolder>, files: Option<&str>| {
            let files = folder(files);
            EncoderSource { files, adapter }.pinned()
        };
        assert_eq!(pinned(None, None), None);
        assert_eq!(pinned(None, Some("a/b")).as_deref(), Some("a/b@1"));
        assert_eq!(pinned(Some(folder(None)), Some("a/b")).as_deref(), Some("a/b@1"));
        assert_eq!(
            pinned(Some(folder(Some("c/d"))), Some("a/b")).as_deref(),
            Some("c/d@1 on a/b@1")
        );
    }

    #[test]
    fn an_index_brings_its_shards_once_it_is_there() {
        let index = r#"{"metadata": {"total_size": 2}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors",
            "c": "m-1.safetensors"}}"#;
        let there = [
            "config.json",
            "vocab.txt",
            "model.safetensors.index.json",
            "m-1.safetensors",
            "m-2.safetensors",
            "m-3.safetensors",
        ];
        let without = ["config.json", "model.safetensors.index.json", "vocab.txt"];
        let with = [&without[..], &["m-1.safetensors", "m-2.safetensors"]].concat();
        check(&there, "not yet", Ok(&without));
        check(&there, index, Ok(&with));
        check(&there[..4], index, Err("m-2.safetensors"));
    }
}
