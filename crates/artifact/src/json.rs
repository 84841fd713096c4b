//! JSON artifacts: objects that hold, beside their content, the name of the file and the version of its
//! format.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::artifacts::Artifacts;
use crate::fs;
use crate::stage::Kind;
use crate::table::ArtifactError;

/// Writes a value that serialises to an object as pretty JSON, with `file` and `format` beside its own keys.
pub fn write_artifact<T: Serialize>(kind: Kind, folder: &Path, content: &T) -> Result<(), ArtifactError> {
    let content = serde_json::to_value(content).expect("artifact types have string keys only");
    let mut object = match content {
        Value::Object(object) => object,
        other => Map::from_iter([("content".to_owned(), other)]),
    };
    object.insert("file".to_owned(), kind.file.into());
    object.insert("format".to_owned(), kind.format.into());
    let mut text = serde_json::to_string_pretty(&object).expect("a JSON value always serialises");
    text.push('\n');
    Ok(fs::write_atomic(&folder.join(kind.file), text.as_bytes())?)
}

/// Reads a value back from a folder of artifacts, checking file and format first.
pub fn read_artifact<T: DeserializeOwned>(kind: Kind, artifacts: Artifacts<'_>) -> Result<T, ArtifactError> {
    read_artifact_file(kind, &artifacts.path(kind))
}

/// Reads a value back from a path of its own, checking file and format first.
pub fn read_artifact_file<T: DeserializeOwned>(kind: Kind, path: &Path) -> Result<T, ArtifactError> {
    let Kind { stage, file, format } = kind;
    let path = path.to_path_buf();
    if !path.exists() {
        return Err(ArtifactError::Missing { path, stage });
    }
    let bytes = fs::read(&path)?;
    let damaged = |problem: String| ArtifactError::Damaged {
        path: path.clone(),
        stage,
        problem,
    };
    let mut object: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let found_file = object.remove("file");
    if found_file.as_ref().and_then(Value::as_str) != Some(file) {
        return Err(damaged(format!(
            "it does not say that it is a `{file}` of this program"
        )));
    }
    let found = object
        .remove("format")
        .and_then(|value| value.as_u64())
        .and_then(|value| u32::try_from(value).ok());
    match found {
        Some(found) if found == format => {}
        Some(found) => {
            return Err(ArtifactError::Format {
                path,
                stage,
                found,
                expected: format,
            });
        }
        None => return Err(damaged("it does not say its format".to_owned())),
    }
    serde_json::from_value(Value::Object(object)).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::LabelMap;

    #[test]
    fn a_label_map_comes_back_and_another_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let labels = LabelMap::new(vec!["sport".to_owned(), "business".to_owned()]);
        labels.write(folder.path()).unwrap();
        let path = folder.path().join("labels.json");
        let back: LabelMap = read_artifact_file(LabelMap::KIND, &path).unwrap();
        assert_eq!((back.index("business"), back.index("politics")), (Some(1), None));
        let newer = fs::read_to_string(&path)
            .unwrap()
            .replace("\"format\": 1", "\"format\": 99");
        fs::write_atomic(&path, newer.as_bytes()).unwrap();
        let error = read_artifact_file::<LabelMap>(LabelMap::KIND, &path).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("has format 99, this program reads format 1"),
            "{error}"
        );
    }
}
