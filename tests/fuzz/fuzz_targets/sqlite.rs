//! Databases of SQLite: the first table of each, and what a statement selects.
#![no_main]

use labelproof_fuzz::{NO_SETTINGS, options, read_table};
use labelproof_tables::{Form, Format, Options, Part, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = labelproof_fuzz::write("rows.db", bytes);
    for part in [
        Part::Only,
        Part::Table("posts"),
        Part::Query("SELECT text, label FROM posts ORDER BY label"),
    ] {
        let options = Options {
            part,
            ..options(Format::Sqlite, Form::Text, NO_SETTINGS)
        };
        let _ = read_table(Source::file("rows.db", &path), &options);
    }
});
