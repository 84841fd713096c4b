//! The part of `pipeline.yaml` that this stage reads, and the checks that need no file.
//!
//! The doc comments of the fields are what an editor shows while somebody writes `pipeline.yaml`.

mod conditions;
pub(crate) mod dialect;
mod labels;
mod part;
mod splits;

use std::collections::BTreeSet;
use std::fmt;

use labelproof_tables::Encoding;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use dialect::{Dialect, Header};
pub use labels::Labels;
pub use splits::Splits;

use crate::sources::shown_entry;
pub use conditions::{Values, Where};

/// Where the labelled texts come from, and which of them to take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What the sources are: a folder of text files with one folder per label, or a table.
    pub format: Format,
    /// Files, folders or globs (`data/*.csv`), relative to the folder of `pipeline.yaml`; `-` is standard input.
    /// Or addresses: `s3://`, `gs://`, `az://` or `abfs://`, `https://`, `hf://datasets/owner/name@revision/path`.
    /// What is packed with gzip, bzip2, xz or Zstandard is unpacked on the fly, and an archive (zip, tar) is
    /// read like a folder. Hidden files in folders and archives are skipped.
    pub paths: Vec<String>,
    /// For the format `lines`: files whose lines are the labels of the lines of `paths`. Those of an entry
    /// belong to the entry of `paths` at the same place. Left out, the names of the files say the labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label_paths: Vec<String>,
    /// Which sheet of a workbook is read, where several have rows. For the format `spreadsheet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Which table or view of a database is read, where there are several. For the format `sqlite`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The SELECT statement whose rows are read, in place of `table`. For the format `sqlite`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// How the bytes of the sources become characters. Parquet, workbooks and databases have no choice.
    #[serde(default)]
    pub encoding: Encoding,
    /// Which columns of a table hold what. `folder`, `lines` and `fasttext` have no columns. In JSON and
    /// Parquet a column may be within others: `data.text`, or an item of a list, from 0: `labels.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// How a table of the format `csv` or `tsv` is written. What is left out is told from the file, and said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// What stands between the text columns of a row where there are several. A column that is empty in a row
    /// is left out together with its separator.
    #[serde(default = "line_break")]
    pub join: String,
    /// Takes only rows whose column holds a value: `{answer: accept}`, or one of a list of values. The others
    /// are counted as not chosen.
    #[serde(default, rename = "where", skip_serializing_if = "Where::is_empty")]
    pub conditions: Where,
    /// Which labels to take, what to call them, and which are none.
    #[serde(default)]
    pub labels: Labels,
    /// Whether files and folders that are called after splits (`train.csv` beside `test.csv`, `train/` beside
    /// `test/`) say which rows are of which. `columns.split` goes first.
    #[serde(default)]
    pub splits: Splits,
    /// At most this many documents of each label, chosen by `seed` and not by their place in the source. All,
    /// if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_label: Option<u64>,
    /// Decides which rows `rows_per_label` keeps.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// What happens when a row cannot become a document.
    #[serde(default)]
    pub on_reject: OnReject,
}

fn line_break() -> String {
    "\n".to_owned()
}

fn default_seed() -> u64 {
    10
}

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A folder that holds one folder per label, which holds one text per file. Files beside these folders,
    /// and folders such as `unsup`, are left aside.
    Folder,
    /// Fields separated by commas, or what `ingest.dialect` says, and quoted as in RFC 4180.
    Csv,
    /// Fields separated by tabs. A quotation mark is text unless the file shows that it quotes.
    Tsv,
    /// A JSON object on each line.
    JsonLines,
    /// JSON in another shape: an array of objects, or an object of columns as pandas writes it.
    Json,
    /// Apache Parquet.
    Parquet,
    /// A sheet of a workbook: .xlsx, .xlsm, .xlsb, .xls or .ods.
    Spreadsheet,
    /// An SQLite database.
    Sqlite,
    /// A text on each line, with its label on the same line of a file of `label_paths` or in the name of the
    /// file.
    Lines,
    /// A text on each line, with its label as a word that begins with `__label__`.
    Fasttext,
}

impl Format {
    /// The format's name in `pipeline.yaml`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "json_lines",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Spreadsheet => "spreadsheet",
            Self::Sqlite => "sqlite",
            Self::Lines => "lines",
            Self::Fasttext => "fasttext",
        }
    }

    /// Whether the rows have columns.
    pub(crate) fn has_columns(self) -> bool {
        !matches!(self, Self::Folder | Self::Lines | Self::Fasttext)
    }

    /// The format of the tables; none for folders of text files.
    pub(crate) fn table(self) -> Option<labelproof_tables::Format> {
        match self {
            Self::Folder => None,
            Self::Csv => Some(labelproof_tables::Format::Delimited(
                labelproof_tables::Dialect::CSV,
            )),
            Self::Tsv => Some(labelproof_tables::Format::Delimited(
                labelproof_tables::Dialect::TSV,
            )),
            Self::JsonLines => Some(labelproof_tables::Format::JsonLines),
            Self::Json => Some(labelproof_tables::Format::Json),
            Self::Parquet => Some(labelproof_tables::Format::Parquet),
            Self::Spreadsheet => Some(labelproof_tables::Format::Spreadsheet),
            Self::Sqlite => Some(labelproof_tables::Format::Sqlite),
            Self::Lines | Self::Fasttext => Some(labelproof_tables::Format::Lines),
        }
    }
}

/// Which column of a table holds what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The column or the columns of the text. Several are put together with `ingest.join` between them.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(schema_with = "one_or_several_schema")]
    pub text: Vec<String>,
    /// The column of the label.
    #[serde(deserialize_with = "name_or_number")]
    #[schemars(schema_with = "name_or_number_schema")]
    pub label: String,
    /// The column of a unique id. Left out, a row's id is the digest of its content.
    #[serde(
        default,
        deserialize_with = "optional_name",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "name_or_number_schema")]
    pub id: Option<String>,
    /// A column whose equal values mark rows that belong together, such as an author or a thread: they are
    /// never split apart.
    #[serde(
        default,
        deserialize_with = "optional_name",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "name_or_number_schema")]
    pub group: Option<String>,
    /// A column that says which split a row belongs to: train, validation (also val, valid, dev) or test.
    #[serde(
        default,
        deserialize_with = "optional_name",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "name_or_number_schema")]
    pub split: Option<String>,
}

/// What happens when a row cannot become a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnReject {
    /// The stage fails and shows the first such rows.
    #[default]
    Fail,
    /// The row goes to `rejects.parquet`, and the stage continues.
    Continue,
}

/// Reads a string or a list of strings. By hand, because the message of an untagged enum says nothing.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("the name of a column or a list of names")
        }

        fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
            Ok(vec![name.to_owned()])
        }

        fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
            Ok(vec![number.to_string()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            let mut names = Vec::new();
            while let Some(Name(name)) = sequence.next_element()? {
                names.push(name);
            }
            Ok(names)
        }
    }

    deserializer.deserialize_any(Names)
}

/// The name of a column, or its number as text where columns have no names.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Name;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of a column")
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(name.to_owned()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Name(number.to_string()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

fn name_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Name::deserialize(deserializer).map(|Name(name)| name)
}

fn optional_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = Option::<Name>::deserialize(deserializer)?;
    Ok(name.map(|Name(name)| name))
}

fn name_or_number_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "integer"], "minimum": 1 })
}

fn one_or_several_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": ["string", "integer"], "minimum": 1 },
            { "type": "array", "items": { "type": ["string", "integer"], "minimum": 1 }, "minItems": 1 }
        ]
    })
}

impl Params {
    /// The parameters of sources of a format, with the default of every other key.
    pub fn new(format: Format, paths: Vec<String>) -> Self {
        Self {
            format,
            paths,
            sheet: None,
            table: None,
            query: None,
            label_paths: Vec::new(),
            encoding: Encoding::default(),
            columns: None,
            dialect: None,
            join: line_break(),
            conditions: Where::new(),
            labels: Labels::default(),
            splits: Splits::default(),
            rows_per_label: None,
            seed: default_seed(),
            on_reject: OnReject::default(),
        }
    }

    /// The parameters for locks and reports: addresses without their queries, which may hold a signature. What
    /// such a query chose shows in the digest of what was fetched.
    pub fn without_secrets(&self) -> Self {
        let shown = |entries: &[String]| entries.iter().map(|entry| shown_entry(entry)).collect();
        Self {
            paths: shown(&self.paths),
            label_paths: shown(&self.label_paths),
            ..self.clone()
        }
    }

    /// Every problem that shows without opening a file, each with the path of its key in front.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.paths.is_empty() {
            problems.push("ingest.paths: name at least one file, folder or glob".to_owned());
        }
        if self.paths.iter().any(|path| path.trim().is_empty()) {
            problems.push("ingest.paths: a path is empty".to_owned());
        }
        let has_own_encoding = match self.format {
            Format::Parquet => Some("Parquet is always UTF-8"),
            Format::Spreadsheet => Some("a workbook says itself how it is encoded"),
            Format::Sqlite => Some("a database says itself how it is encoded"),
            _ => None,
        };
        if let Some(reason) = has_own_encoding.filter(|_| self.encoding != Encoding::Utf8) {
            problems.push(format!(
                "ingest.encoding: {reason}, remove `{}`",
                self.encoding.name()
            ));
        }
        self.check_part(&mut problems);
        match (&self.columns, self.format) {
            (Some(_), Format::Folder) => problems.push(
                "ingest.columns: the format `folder` takes labels from the names of folders and has no \
                 columns, remove it"
                    .to_owned(),
            ),
            (Some(_), Format::Lines | Format::Fasttext) => problems.push(format!(
                "ingest.columns: the format `{}` has no columns, remove it",
                self.format.name()
            )),
            (None, format) if format.has_columns() => {
                problems.push(format!(
                    "ingest.columns: the format `{}` needs at least `text` and `label`",
                    self.format.name()
                ));
            }
            (Some(columns), _) => columns.check(&mut problems),
            (None, _) => {}
        }
        match (self.format, self.label_paths.len()) {
            (_, 0) => {}
            (Format::Lines, count) if count == self.paths.len() => {}
            (Format::Lines, _) => problems.push(
                "ingest.label_paths: name one for each of `ingest.paths`, in the same order".to_owned(),
            ),
            (format, _) => problems.push(format!(
                "ingest.label_paths: only the format `lines` has labels in files of their own, not `{}`",
                format.name()
            )),
        }
        if !self.format.has_columns() && !self.conditions.is_empty() {
            problems.push(format!(
                "ingest.where: the format `{}` has no columns, remove it",
                self.format.name()
            ));
        }
        Values::check(&self.conditions, &mut problems);
        if let Some(dialect) = &self.dialect {
            match self.format {
                Format::Csv | Format::Tsv => dialect.check(self.columns.as_ref(), &mut problems),
                _ => problems.push("ingest.dialect: only `csv` and `tsv` have one, remove it".to_owned()),
            }
        }
        self.labels.check(&mut problems);
        if self.rows_per_label == Some(0) {
            problems.push("ingest.rows_per_label: 0 keeps no row, leave it out to keep all".to_owned());
        }
        problems
    }
}

impl Columns {
    /// Every column that a key names, with that key; text columns first.
    pub(crate) fn named(&self) -> Vec<(&'static str, &str)> {
        let optional = [
            ("id", self.id.as_deref()),
            ("group", self.group.as_deref()),
            ("split", self.split.as_deref()),
        ];
        self.text
            .iter()
            .map(|name| ("text", name.as_str()))
            .chain([("label", self.label.as_str())])
            .chain(optional.into_iter().filter_map(|(key, name)| Some((key, name?))))
            .collect()
    }

    fn check(&self, problems: &mut Vec<String>) {
        if self.text.is_empty() {
            problems.push("ingest.columns.text: name at least one column".to_owned());
        }
        let mut seen = BTreeSet::new();
        for name in &self.text {
            if !seen.insert(name) {
                problems.push(format!("ingest.columns.text: `{name}` is named twice"));
            }
        }
        for (key, name) in self.named() {
            if name.is_empty() {
                problems.push(format!("ingest.columns.{key}: the name of the column is empty"));
            } else if key == "text" && name == self.label {
                problems.push(format!(
                    "ingest.columns.text: `{name}` is also the label, so the text would give the label away"
                ));
            } else if key != "label" && name == self.label {
                problems.push(format!("ingest.columns.{key}: `{name}` is also the label"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn problems_of(yaml: &str) -> Vec<String> {
        serde_yaml::from_str::<Params>(yaml).unwrap().check()
    }

    #[test]
    fn what_is_left_out_has_the_documented_default() {
        let params: Params = serde_yaml::from_str("format: folder\npaths: [texts]\n").unwrap();
        assert_eq!(params.check(), Vec::<String>::new());
        assert_eq!(params.encoding, Encoding::Utf8);
        assert_eq!(params.on_reject, OnReject::Fail);
        assert_eq!((params.join.as_str(), params.seed), ("\n", 10));
        assert_eq!((params.columns, params.rows_per_label), (None, None));
        assert_eq!(params.labels, Labels::default());
    }

    #[test]
    fn the_full_example_is_read_and_written_back() {
        let yaml = "
format: json_lines
paths: [a.jsonl.gz, 'more/*.jsonl']
encoding: windows-1252
columns: {text: [title, description], label: category, id: key, group: thread, split: part}
join: ' '
where: {answer: [accept, 1], flagged: false}
labels: {keep: [sport, tech], rename: {sports: sport}}
rows_per_label: 10000
seed: 7
on_reject: continue
";
        let params: Params = serde_yaml::from_str(yaml).unwrap();
        assert_eq!(params.check(), Vec::<String>::new());
        let written = serde_yaml::to_string(&params).unwrap();
        assert_eq!(serde_yaml::from_str::<Params>(&written).unwrap(), params);
    }

    #[test]
    fn one_text_column_needs_no_list_and_anything_else_is_refused_in_words() {
        let columns: Columns = serde_yaml::from_str("{text: body, label: y}").unwrap();
        assert_eq!(columns.text, ["body"]);
        let error = serde_yaml::from_str::<Columns>("{text: 1.5, label: y}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "text: invalid type: floating point `1.5`, expected the name of a column or a list of names at \
             line 1 column 8"
        );
    }

    #[test]
    fn the_signature_of_an_address_does_not_reach_a_lock() {
        let yaml = "{format: csv, paths: [a.csv, 'https://me:pass@host/a.csv?sig=secret', 's3://b/a?.csv']}";
        let params: Params = serde_yaml::from_str(yaml).unwrap();
        assert_eq!(
            params.without_secrets().paths,
            ["a.csv", "https://host/a.csv", "s3://b/a?.csv"]
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_known_ones() {
        let error = serde_yaml::from_str::<Params>("format: csv\npath: [a]\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown field `path`, expected one of `format`, `paths`, `label_paths`, `sheet`, `table`, `query`, \
             `encoding`, `columns`, `dialect`, `join`, `where`, `labels`, `splits`, `rows_per_label`, `seed`, `on_reject` at \
             line 2 column 1"
        );
    }

    #[test]
    fn all_problems_of_a_table_are_told_at_once() {
        let yaml = "
format: parquet
paths: ['']
encoding: latin-1
columns: {text: [a, a, y, ''], label: y, group: y}
labels: {keep: [sports, sports], rename: {sports: sport, x: ' '}}
rows_per_label: 0
";
        assert_eq!(
            problems_of(yaml),
            [
                "ingest.paths: a path is empty",
                "ingest.encoding: Parquet is always UTF-8, remove `latin-1`",
                "ingest.columns.text: `a` is named twice",
                "ingest.columns.text: `y` is also the label, so the text would give the label away",
                "ingest.columns.text: the name of the column is empty",
                "ingest.columns.group: `y` is also the label",
                "ingest.labels.rename: `x` is renamed to nothing",
                "ingest.labels.keep: `sports` is renamed to `sport`, name `sport` instead",
                "ingest.labels.keep: `sports` is named twice",
                "ingest.labels.keep: `sports` is renamed to `sport`, name `sport` instead",
                "ingest.rows_per_label: 0 keeps no row, leave it out to keep all",
            ]
        );
    }

    #[test]
    fn folders_have_no_columns_and_tables_need_them() {
        assert_eq!(
            problems_of("{format: folder, paths: [], columns: {text: [], label: y}, labels: {keep: [a]}}"),
            [
                "ingest.paths: name at least one file, folder or glob",
                "ingest.columns: the format `folder` takes labels from the names of folders and has no \
                 columns, remove it",
                "ingest.labels.keep: name at least two labels, one leaves nothing to tell apart",
            ]
        );
        assert_eq!(
            problems_of("{format: json_lines, paths: [a]}"),
            ["ingest.columns: the format `json_lines` needs at least `text` and `label`"]
        );
        assert_eq!(
            problems_of("{format: csv, paths: [a], columns: {text: [], label: y}}"),
            ["ingest.columns.text: name at least one column"]
        );
    }

    #[test]
    fn the_schema_describes_every_key_for_editors() {
        let schema = serde_json::to_value(schemars::schema_for!(Params)).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), 16);
        for (key, property) in properties {
            assert!(property["description"].is_string(), "{key} has no description");
        }
        assert_eq!(
            schema["$defs"]["Columns"]["properties"]["text"]["anyOf"][0]["type"][0],
            "string"
        );
    }
}
