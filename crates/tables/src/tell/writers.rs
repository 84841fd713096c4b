//! What the field's usual writers write is read as the same rows, or is an error; never other rows.
//!
//! `tests/fixtures/make_dialects.py` had the writers write nasty tables. To see the counts of each writer:
//! `cargo test -p labelproof-tables writers -- --nocapture`.

#![expect(clippy::print_stdout, reason = "the counts of each writer are for people")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use labelproof_artifact::fs;
use serde::Deserialize;

use super::tests::{CSV, OPTIONS, TSV};
use super::*;
use crate::{Cell, Table};

/// A file that some writer wrote.
#[derive(Deserialize)]
struct Written {
    writer: String,
    format: String,
    /// What a user would declare who knows the writer; none where it cannot be declared.
    declared: Option<Keys>,
    header: bool,
    /// The bytes, as Latin-1.
    file: String,
    rows: Vec<[String; 2]>,
}

#[derive(Deserialize)]
struct Keys {
    quote: Quote,
    escape: Escape,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Same,
    Refused,
    Other,
}

const NAMES: [&str; 2] = ["text", "label"];

fn read(path: &Path, written: &Written, declared: &Declared) -> Outcome {
    let usual = if written.format == "tsv" { TSV } else { CSV };
    let source = || Source::file("a.csv", path);
    let options = Options {
        format: Format::Delimited(usual),
        ..OPTIONS
    };
    let rows = || -> Result<Option<Vec<[String; 2]>>, Error> {
        let told = tell(&source(), &options, declared, &NAMES)?;
        let options = Options {
            format: Format::Delimited(told.dialect),
            ..options
        };
        let mut table = Table::open(source(), &options)?;
        if declared.no_header.is_some() {
            table.name_columns(&NAMES.map(str::to_owned), "header")?;
        }
        let names: Vec<String> = table
            .columns()?
            .iter()
            .map(|column| column.name.clone())
            .collect();
        let place = |wanted| names.iter().position(|name| *name == wanted);
        let (Some(text), Some(label)) = (place("text"), place("label")) else {
            return Ok(None);
        };
        let mut rows = table.rows_by_place(&[text, label])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next_row()? {
            let Ok(cells) = row.cells else { return Ok(None) };
            let [Cell::Bytes(text), Cell::Bytes(label)] = cells[..] else {
                return Ok(None);
            };
            all.push([text, label].map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
        }
        Ok(Some(all))
    };
    match rows() {
        Ok(Some(rows)) if rows == written.rows => Outcome::Same,
        Ok(Some(rows)) => {
            println!("{}: {rows:?}\n  and not {:?}", written.writer, written.rows);
            Outcome::Other
        }
        Ok(None) | Err(_) => Outcome::Refused,
    }
}

/// The outcomes of each writer, without and with a declaration, as files that are the same, refused, other.
fn outcomes(lines: &str) -> BTreeMap<String, [[usize; 3]; 2]> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let mut all: BTreeMap<String, [[usize; 3]; 2]> = BTreeMap::new();
    for line in lines.lines() {
        let written: Written = serde_json::from_str(line).unwrap();
        let bytes: Vec<u8> = written
            .file
            .chars()
            .map(|character| u8::try_from(u32::from(character)).unwrap())
            .collect();
        fs::write_atomic(&path, &bytes).unwrap();
        let told = Declared {
            no_header: (!written.header).then_some(Width::Exactly(2)),
            ..Declared::default()
        };
        let counts = all.entry(written.writer.clone()).or_default();
        counts[0][read(&path, &written, &told) as usize] += 1;
        if let Some(keys) = &written.declared {
            let declared = Declared {
                quote: Some(keys.quote),
                escape: Some(keys.escape),
                ..told
            };
            counts[1][read(&path, &written, &declared) as usize] += 1;
        }
    }
    all
}

#[track_caller]
fn check(lines: &str) {
    println!("{:40} {:>22} {:>22}", "", "told", "declared");
    println!(
        "{:40} {:>22} {:>22}",
        "writer", "same refused other", "same refused other"
    );
    let all = outcomes(lines);
    let mut totals = [[0; 3]; 2];
    for (writer, counts) in &all {
        let [told, declared] = counts.map(|[same, refused, other]| format!("{same} {refused:>7} {other:>5}"));
        println!("{writer:40} {told:>22} {declared:>22}");
        for (total, counts) in totals.iter_mut().zip(counts) {
            for (total, count) in total.iter_mut().zip(counts) {
                *total += count;
            }
        }
    }
    println!("{:40} {:?}", "all", totals);
    for (writer, [told, declared]) in all {
        assert_eq!((told[2], declared[2]), (0, 0), "{writer}: other rows");
    }
}

#[test]
fn writers_files_are_read_as_written_or_refused() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/dialects/tables.jsonl"
    );
    check(&fs::read_to_string(Path::new(path)).unwrap());
}

#[test]
fn what_python_writes_today_is_read_as_written_or_refused() {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/make_dialects.py"
    );
    let arguments = ["--python-only", "--seed", "21", "--files", "40"];
    let Ok(output) = Command::new("python3").arg(script).args(arguments).output() else {
        println!("skipped: there is no python3");
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    check(&String::from_utf8(output.stdout).unwrap());
}
