//! Whole runs over small sources of every format: what becomes of good rows, of bad rows and of bad files,
//! and that neither the order of rows nor of files shows. The rules of one module are tested in that module.

mod choice;
mod failures;
mod formats;
mod json_shapes;
mod labels;
pub(crate) mod layout;
mod lines;
mod order;
mod other_programs;
mod packed;
mod real_data;
mod rejects;
mod source_names;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
    StringArray, StringViewArray,
};
use arrow::datatypes::Int32Type;
use labelproof_artifact::{Diagnostic, Document, Fault, Row, Split, TableReader};
use labelproof_testkit::Recorder;
use parquet::arrow::ArrowWriter;

use super::*;

/// A folder with sources, and one for outputs.
pub(crate) struct World {
    pub(crate) base: tempfile::TempDir,
    out: tempfile::TempDir,
}

/// What a run gives.
#[derive(Debug, PartialEq)]
struct Output {
    documents: Vec<Document>,
    rejects: Vec<Reject>,
    labels: Vec<String>,
    message: String,
}

impl World {
    fn new() -> Self {
        Self {
            base: tempfile::tempdir().unwrap(),
            out: tempfile::tempdir().unwrap(),
        }
    }

    fn with(files: &[(&str, &[u8])]) -> Self {
        let world = Self::new();
        for (name, content) in files {
            world.write(name, content);
        }
        world
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.base.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write_atomic(&path, content).unwrap();
    }

    fn run_within(&self, yaml: &str, limits: Limits) -> Result<Output, Error> {
        let params: Params = serde_yaml::from_str(yaml).unwrap();
        let recorder = Recorder::default();
        run_within(&params, self.base.path(), self.out.path(), &recorder, limits)?;
        Ok(Output {
            documents: self.table(),
            rejects: self.table(),
            labels: self.labels(),
            message: recorder.text(),
        })
    }

    fn run(&self, yaml: &str) -> Result<Output, Error> {
        self.run_within(yaml, Limits::default())
    }

    fn table<R: Row>(&self) -> Vec<R> {
        let path = self.out.path().join(R::KIND.file);
        let batches: Vec<_> = TableReader::<R>::open_file(&path)
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        batches.into_iter().flatten().collect()
    }

    fn labels(&self) -> Vec<String> {
        let path = self.out.path().join(LabelMap::KIND.file);
        let map: LabelMap = labelproof_artifact::json::read_artifact_file(LabelMap::KIND, &path).unwrap();
        map.names().to_vec()
    }

    /// The bytes of the artifacts that must not depend on the order of rows.
    fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let read = |name: &str| fs::read(&self.out.path().join(name)).unwrap();
        (read("documents.parquet"), read("labels.json"))
    }
}

const CSV: &str = "format: csv\npaths: [a.csv]\ncolumns: {text: text, label: label}\n";
const CSV_ID: &str = "format: csv\npaths: [a.csv]\ncolumns: {text: text, label: label, id: id}\n";
const JSON: &str = "format: json_lines\npaths: [a.jsonl]\ncolumns: {text: text, label: label, id: id}\n";

/// `id/text/label` of each document.
fn rows_of(output: &Output) -> Vec<String> {
    output
        .documents
        .iter()
        .map(|document| format!("{}/{}/{}", document.id, document.text, document.label))
        .collect()
}

fn reject_lines(output: &Output) -> Vec<String> {
    output.rejects.iter().map(error::reject_line).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// The rejects of a source whose good rows are 1 and 2, as lines; the same rows fail by default.
#[track_caller]
fn check_rejects(file: &str, content: &[u8], yaml: &str, expected: &[&str]) -> Output {
    let world = World::with(&[(file, content)]);
    let output = world.run(&format!("{yaml}on_reject: continue\n")).unwrap();
    assert_eq!(reject_lines(&output), expected);
    let Err(Error::Rejected { rejects, total, .. }) = world.run(yaml) else {
        panic!("the rejects do not fail");
    };
    assert_eq!(total, expected.len() as u64);
    assert_eq!(rejects, output.rejects[..SHOWN_REJECTS.min(expected.len())]);
    output
}

/// The message of the failure.
#[track_caller]
fn check_error(file: &str, content: &[u8], yaml: &str, message: &str, hints: &[&str]) {
    let world = World::with(&[(file, content)]);
    check_failure(&world.run(yaml).unwrap_err(), message, hints);
}

#[track_caller]
fn check_failure(error: &Error, message: &str, hints: &[&str]) {
    assert_eq!(error.to_string(), message);
    assert_eq!(error.hints(), hints);
}
