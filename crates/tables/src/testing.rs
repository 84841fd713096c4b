//! What the tests of several readers share.

use std::path::PathBuf;

use labelproof_artifact::Diagnostic;

use crate::{Encoding, Error, Form, Format, Limits, Options, Part, Settings, Source, Table};

/// The settings of a caller that has them all.
pub(crate) const SETTINGS: Settings = Settings {
    encoding: Some("encoding"),
    format: Some("format: "),
    sheet: Some("sheet"),
    table: Some("table"),
    json_lines: "json_lines",
    json: "json",
    dialect: None,
};

/// A file that `tests/fixtures/make_tables.py` made.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/tables"
    ))
    .join(name)
}

/// How a table of this format is read as text.
pub(crate) fn options(format: Format, part: Part<'_>) -> Options<'_> {
    Options {
        format,
        part,
        encoding: Encoding::Utf8,
        form: Form::Text,
        limits: Limits::default(),
        settings: SETTINGS,
    }
}

/// The names of the columns, and `row: cell | cell` for each row of a fixture.
pub(crate) fn read(file: &str, options: &Options<'_>) -> Result<Vec<String>, Error> {
    let mut table = Table::open(Source::file(file, fixture(file)), options)?;
    let names: Vec<String> = table
        .columns()?
        .iter()
        .map(|column| column.name.clone())
        .collect();
    let mut shown = vec![names.join(" | ")];
    let places: Vec<usize> = (0..names.len()).collect();
    let mut rows = table.rows_by_place(&places)?;
    while let Some(row) = rows.next_row()? {
        let cells: Vec<String> = row
            .cells
            .unwrap()
            .iter()
            .map(|cell| format!("{cell:?}"))
            .collect();
        shown.push(format!("{}: {}", row.place.number(), cells.join(" | ")));
    }
    Ok(shown)
}

/// An error as it is printed, with its hint.
pub(crate) fn said<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => format!("{error} / {}", error.advice().hints.join(" / ")),
    }
}
