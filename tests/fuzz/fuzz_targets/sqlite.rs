//! Databases of SQLite: the first table of each, and what a statement selects.
#![no_main]

use labelproof_tables::{Encoding, Error, Form, Format, Limits, Options, Part, Settings, Source, Table};
use libfuzzer_sys::fuzz_target;

fn read(source: Source, part: Part<'_>) -> Result<(), Error> {
    let options = Options {
        format: Format::Sqlite,
        part,
        encoding: Encoding::Utf8,
        form: Form::Text,
        limits: Limits::default(),
        settings: Settings {
            encoding: None,
            format: None,
            sheet: None,
            table: None,
            json_lines: "json_lines",
            json: "json",
            dialect: None,
        },
    };
    let mut table = Table::open(source, &options)?;
    let places: Vec<usize> = (0..table.columns()?.len()).collect();
    let mut rows = table.rows_by_place(&places)?;
    while rows.next_row()?.is_some() {}
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    let path = labelproof_fuzz::write("rows.db", bytes);
    for part in [
        Part::Only,
        Part::Table("posts"),
        Part::Query("SELECT text, label FROM posts ORDER BY label"),
    ] {
        let _ = read(Source::file("rows.db", &path), part);
    }
});
