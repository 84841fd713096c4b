//! The tokenizer of an encoder's folder that has no `tokenizer.json`.
//!
//! Older folders hold a vocabulary and some settings. Of these transformers builds a tokenizer when it loads
//! the folder (`convert_slow_tokenizer`); the same one is built here, as the content of a `tokenizer.json`, so
//! that all that is read of a tokenizer later is read of such a file. Responsible for finding the files, the
//! family they belong to and the special tokens; what distinguishes the families is in `families`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use labelproof_artifact::encoder_files::{CONFIG_FILE, TOKENIZER_FILE, VOCABULARIES};
use serde_json::{Map, Value, json};
use tokenizers::AddedToken;

use super::families::{Family, Parts};
use crate::error::Error;

const SETTINGS_FILE: &str = "tokenizer_config.json";
const SPECIAL_TOKENS_FILE: &str = "special_tokens_map.json";
const ADDED_TOKENS_FILE: &str = "added_tokens.json";

/// Lengths that `tokenizer_config.json` states as the longest input; above, it means that there is none.
const LONGEST_INPUT: u64 = 1_000_000;

/// The content of the `tokenizer.json` of a folder, and the file that an error should name: read where the
/// folder has that file, else built of what it has.
pub(super) fn tokenizer_json(folder: &Path) -> Result<(PathBuf, Vec<u8>), Error> {
    let whole = folder.join(TOKENIZER_FILE);
    if whole.exists() {
        let bytes = read(&whole)?;
        return Ok((whole, bytes));
    }
    let Some(vocabulary) = VOCABULARIES
        .iter()
        .map(|file| folder.join(file))
        .find(|path| path.is_file())
    else {
        return Err(Error::NoTokenizer {
            folder: folder.to_path_buf(),
        });
    };
    let settings = Settings::read(folder)?;
    let family = family(folder, &settings, &vocabulary)?;
    let parts = family.parts(folder, &settings)?;
    let built = assemble(family, &settings, &parts);
    let bytes = serde_json::to_vec(&built).expect("its keys are strings and its scores finite");
    Ok((parts.vocabulary_path, bytes))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the error names the path and what to do"
    )]
    std::fs::read(path).map_err(|source| Error::ReadTokenizer {
        path: path.into(),
        source,
    })
}

pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    String::from_utf8(read(path)?).map_err(|error| unusable(path, error.to_string()))
}

pub(super) fn unusable(path: &Path, problem: impl Into<String>) -> Error {
    Error::TokenizerFile {
        path: path.into(),
        problem: problem.into(),
    }
}

/// The object in a JSON file; an empty one where there is no file.
fn object(path: &Path) -> Result<Map<String, Value>, Error> {
    if !path.exists() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&read(path)?) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(unusable(path, "it holds no object")),
        Err(error) => Err(unusable(path, error.to_string())),
    }
}

/// The family that the class of the tokenizer says, or else the type of the model.
///
/// The class is asked first because it may be that of another family than the model: multilingual models of
/// the architecture of BERT have the tokenizer of XLM-R.
fn family(folder: &Path, settings: &Settings, vocabulary: &Path) -> Result<Family, Error> {
    let config = object(&folder.join(CONFIG_FILE))?;
    let text = |object: &Map<String, Value>, key: &str| {
        let value = object.get(key).and_then(Value::as_str);
        value.map(str::to_owned)
    };
    // Saved with a `tokenizer.json` which is missing now, the class says nothing of what is in it.
    let says_nothing =
        |class: &String| matches!(class.as_str(), "PreTrainedTokenizerFast" | "TokenizersBackend");
    let other = |file: &str, class: &str| Error::OtherTokenizer {
        path: vocabulary.into(),
        reason: format!("`{file}` says that it is that of `{class}`"),
    };
    let classes = [
        (SETTINGS_FILE, text(&settings.values, "tokenizer_class")),
        (CONFIG_FILE, text(&config, "tokenizer_class")),
    ];
    for (file, class) in classes {
        if let Some(class) = class.filter(|class| !says_nothing(class)) {
            return Family::of_class(&class).ok_or_else(|| other(file, &class));
        }
    }
    match text(&config, "model_type") {
        Some(model_type) => Family::of_model_type(&model_type).ok_or_else(|| other(CONFIG_FILE, &model_type)),
        // The oldest folders of BERT say no type.
        None if vocabulary.ends_with("vocab.txt") => Ok(Family::Bert),
        None => Err(Error::OtherTokenizer {
            path: vocabulary.into(),
            reason: format!(
                "neither `{SETTINGS_FILE}` (`tokenizer_class`) nor `{CONFIG_FILE}` (`model_type`) says whose it is"
            ),
        }),
    }
}

/// What the folder says of its tokenizer beside the vocabulary.
pub(super) struct Settings {
    values: Map<String, Value>,
    /// The tokens with ids of their own, by id.
    added: BTreeMap<u32, AddedToken>,
}

impl Settings {
    /// Reads the settings as transformers does: tokens in `tokenizer_config.json`
    /// (`added_tokens_decoder`) make it leave the other two files aside.
    fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(SETTINGS_FILE);
        let mut values = object(&path)?;
        let mut added = BTreeMap::new();
        if let Some(decoder) = values.remove("added_tokens_decoder") {
            for (id, value) in decoder.as_object().into_iter().flatten() {
                let (Ok(id), Some(token)) = (id.parse(), token(value)) else {
                    return Err(unusable(
                        &path,
                        format!("`added_tokens_decoder` has no token at `{id}`"),
                    ));
                };
                added.insert(id, token);
            }
            return Ok(Self { values, added });
        }
        for (key, value) in object(&folder.join(SPECIAL_TOKENS_FILE))? {
            values.insert(key, value);
        }
        let path = folder.join(ADDED_TOKENS_FILE);
        for (content, id) in object(&path)? {
            let Some(id) = id.as_u64().and_then(|id| u32::try_from(id).ok()) else {
                return Err(unusable(&path, format!("`{content}` has no id")));
            };
            let is_special = names(&values).any(|name| name == content);
            added.insert(id, AddedToken::from(content, is_special));
        }
        Ok(Self { values, added })
    }

    /// A setting that is true or false.
    pub(super) fn is_set(&self, key: &str, default: bool) -> bool {
        self.values.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// A setting that may be null.
    pub(super) fn value(&self, key: &str) -> Value {
        self.values.get(key).cloned().unwrap_or_default()
    }

    /// The token with a role such as `cls_token`: as it was set, or the one that the family has by default.
    pub(super) fn role(&self, family: Family, role: &str) -> Option<AddedToken> {
        let usual = |name: &str| family.usual_token(role, name);
        let token = match self.values.get(role) {
            None => usual(family.usual_name(role)?),
            Some(Value::Null) => return None,
            Some(Value::String(name)) => usual(name),
            Some(value) => token(value)?,
        };
        Some(self.as_added(token).special(true))
    }

    /// The token, with the properties that it has where ids are stated.
    fn as_added(&self, token: AddedToken) -> AddedToken {
        let added = self.added.values().find(|added| added.content == token.content);
        added.cloned().unwrap_or(token)
    }
}

/// The names of all special tokens that are set.
fn names(values: &Map<String, Value>) -> impl Iterator<Item = String> {
    let of_roles = SPECIAL_TOKENS.iter().filter_map(|role| values.get(*role));
    let others = ADDITIONAL.iter().filter_map(|key| values.get(*key)?.as_array());
    of_roles
        .chain(others.flatten())
        .filter_map(|value| Some(token(value)?.content))
}

/// The roles of special tokens, by which transformers names them, in the order in which it adds them.
pub const SPECIAL_TOKENS: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// Under these keys are special tokens without a role, in old folders and in new ones.
const ADDITIONAL: [&str; 2] = ["additional_special_tokens", "extra_special_tokens"];

/// A token as it is written in JSON: its text alone, or with its properties.
fn token(value: &Value) -> Option<AddedToken> {
    let property = |key: &str| value.get(key).and_then(Value::as_bool);
    let is_set = |key: &str| property(key).unwrap_or(false);
    match value {
        Value::String(content) => Some(AddedToken::from(content, true)),
        Value::Object(object) => {
            let content = object.get("content")?.as_str()?;
            let token = AddedToken::from(content, is_set("special"));
            let normalized = property("normalized").unwrap_or(token.normalized);
            Some(
                token
                    .single_word(is_set("single_word"))
                    .lstrip(is_set("lstrip"))
                    .rstrip(is_set("rstrip"))
                    .normalized(normalized),
            )
        }
        _ => None,
    }
}

/// The added tokens with their ids: a token that the vocabulary has keeps its id, others follow behind it.
fn added_tokens(family: Family, settings: &Settings, parts: &Parts) -> Vec<(u32, AddedToken)> {
    let mut tokens: Vec<AddedToken> = Vec::new();
    // The last one counts of several with the same text, as the tokenizer's library has it.
    let mut add = |token: AddedToken| match tokens.iter_mut().find(|known| known.content == token.content) {
        _ if token.content.is_empty() => {}
        Some(known) => *known = token,
        None => tokens.push(token),
    };
    parts.added.iter().cloned().for_each(&mut add);
    let of_roles = SPECIAL_TOKENS
        .iter()
        .filter_map(|role| settings.role(family, role));
    let additional = || {
        let values = ADDITIONAL
            .iter()
            .filter_map(|key| settings.values.get(*key)?.as_array());
        let tokens = values.flatten().filter_map(token);
        tokens.map(|token| settings.as_added(token).special(true))
    };
    let specials: Vec<AddedToken> = if ADDITIONAL.iter().any(|key| settings.values.contains_key(*key)) {
        of_roles.chain(additional()).collect()
    } else {
        let usual = family.usual_additional().iter();
        of_roles
            .chain(usual.map(|name| AddedToken::from(*name, true)))
            .collect()
    };
    for token in settings.added.values() {
        let is_special = specials.iter().any(|special| special.content == token.content);
        add(token.clone().special(token.special || is_special));
    }
    // Of two roles with the same token the first one says how it is matched.
    let mut seen: Vec<&str> = Vec::new();
    for token in &specials {
        if !seen.contains(&token.content.as_str()) {
            seen.push(&token.content);
            add(token.clone());
        }
    }
    let mut next = parts.size;
    let mut with_ids: Vec<(u32, AddedToken)> = tokens
        .into_iter()
        .map(|token| {
            let id = parts.ids.get(&token.content).copied().unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            (id, token)
        })
        .collect();
    with_ids.sort_by_key(|(id, _)| *id);
    with_ids
}

/// Puts the parts of a tokenizer together, in the form of a `tokenizer.json`.
fn assemble(family: Family, settings: &Settings, parts: &Parts) -> Value {
    let added = added_tokens(family, settings, parts);
    let id = |name: &str| {
        let of_added = added.iter().find(|(_, token)| token.content == name);
        of_added.map(|(id, _)| *id)
    };
    let role = |role: &str| {
        let content = settings.role(family, role)?.content;
        Some((id(&content)?, content))
    };
    let around = role("cls_token").zip(role("sep_token"));
    let post_processor = around.map(|(first, last)| family.post_processor(settings, first, last));
    // A name that readers of the file would not think of is written down.
    let padding = role("pad_token")
        .filter(|(_, name)| !matches!(name.as_str(), "[PAD]" | "<pad>"))
        .map(|(id, name)| {
            json!({"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
                   "pad_id": id, "pad_type_id": 0, "pad_token": name})
        });
    let longest = settings.values.get("model_max_length").and_then(Value::as_u64);
    let truncation = (settings.value("truncation_side") == "left").then(|| {
        let longest = longest.filter(|length| *length <= LONGEST_INPUT).unwrap_or(512);
        json!({"direction": "Left", "max_length": longest, "strategy": "LongestFirst", "stride": 0})
    });
    let added: Vec<Value> = added
        .iter()
        .map(|(id, token)| {
            json!({"id": id, "content": token.content, "single_word": token.single_word,
                   "lstrip": token.lstrip, "rstrip": token.rstrip, "normalized": token.normalized,
                   "special": token.special})
        })
        .collect();
    json!({
        "version": "1.0",
        "truncation": truncation,
        "padding": padding,
        "added_tokens": added,
        "normalizer": parts.normalizer,
        "pre_tokenizer": parts.pre_tokenizer,
        "post_processor": post_processor,
        "decoder": parts.decoder,
        "model": parts.model,
    })
}

#[cfg(test)]
mod tests;
