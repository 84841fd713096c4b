//! The first `pipeline.yaml` of somebody's data: the sources as they were found to be, and the defaults of
//! everything else.

use std::fmt::Write as _;
use std::path::Path;

use labelproof_ingest::Params;
use serde_yaml::{Mapping, Value};

/// What stands where nobody has said which encoder there is.
const NO_ENCODER: &str = "path/to/an/encoder";

/// The text of a `pipeline.yaml` with these sources. `encoder` is relative to its folder; without it, a place
/// for it is left. `remarks` become comments above the sources.
pub fn text(ingest: &Params, encoder: Option<&Path>, remarks: &[String]) -> String {
    let mut text = String::from(
        "# Written by `labelproof init`; `labelproof run` runs it, and `labelproof schema` describes every key.\n\
         # Paths are relative to this file.\n\n",
    );
    let shown = encoder.map_or_else(|| NO_ENCODER.to_owned(), |path| path.display().to_string());
    let hint = "any BERT in the layout of Hugging Face, or owner/name of its Hub";
    let _ = writeln!(text, "encoder: {}   # {hint}\n", scalar(&shown));
    for line in remarks.iter().flat_map(|remark| remark.lines()) {
        let _ = writeln!(text, "# {line}");
    }
    text.push_str("ingest:\n");
    for line in yaml(&Value::Mapping(without_defaults(ingest))).lines() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// The keys that say something else than what holds without them.
fn without_defaults(params: &Params) -> Mapping {
    let plain = mapping(&Params::new(params.format, Vec::new()));
    let mut kept: Mapping = mapping(params)
        .into_iter()
        .filter(|(key, value)| plain.get(key) != Some(value) || key.as_str() == Some("format"))
        .collect();
    // One column of text needs no list.
    if let Some(columns) = kept.get_mut("columns").and_then(Value::as_mapping_mut)
        && let Some(Value::Sequence(names)) = columns.get("text")
        && let [name] = names.as_slice()
    {
        let name = name.clone();
        columns.insert("text".into(), name);
    }
    kept
}

fn mapping(params: &Params) -> Mapping {
    match serde_yaml::to_value(params) {
        Ok(Value::Mapping(mapping)) => mapping,
        _ => Mapping::new(),
    }
}

fn scalar(text: &str) -> String {
    yaml(&Value::from(text)).trim_end().to_owned()
}

fn yaml(value: &Value) -> String {
    serde_yaml::to_string(value).expect("a YAML value always serialises")
}

#[cfg(test)]
mod tests {
    use labelproof_ingest::{Columns, Encoding, Format};

    use super::*;
    use crate::config::Pipeline;

    #[test]
    fn what_is_written_is_read_back_and_says_nothing_that_holds_anyway() {
        let mut params = Params::new(Format::Csv, vec!["a b.csv".to_owned(), "#c.csv".to_owned()]);
        params.encoding = Encoding::Windows1252;
        params.columns = Some(Columns {
            text: vec!["yes".to_owned()],
            label: "1".to_owned(),
            id: None,
            group: None,
            split: None,
        });
        let written = text(
            &params,
            Some(Path::new("x/enc: oder")),
            &["separated by\nnothing".to_owned()],
        );
        let read: Pipeline = serde_yaml::from_str(&written).unwrap();
        assert_eq!(read.ingest, params);
        assert_eq!(read.encoder, Path::new("x/enc: oder"));
        for left_out in ["seed", "join", "on_reject", "labels", "rows_per_label"] {
            assert!(!written.contains(left_out), "{written}");
        }
        assert!(
            written.contains("\n# separated by\n# nothing\ningest:\n  format: csv\n"),
            "{written}"
        );
    }
}
