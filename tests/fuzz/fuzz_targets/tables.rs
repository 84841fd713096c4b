//! Tables of every format, as text and as numbers, by name and by place. The first byte chooses the format,
//! or that it is to be found out.
#![no_main]

use labelproof_fuzz::{SETTINGS, options, read_table};
use labelproof_tables::{
    Accepts, Dialect, Error, Expected, Form, Format, Options, Selection, Source, Table, Wanted, sniff,
};
use libfuzzer_sys::fuzz_target;

const FORMATS: [(Format, &str); 8] = [
    (Format::Lines, "table.txt"),
    (Format::Delimited(Dialect::CSV), "table.csv"),
    (Format::Delimited(Dialect::TSV), "table.tsv.gz"),
    (Format::JsonLines, "table.jsonl"),
    (Format::Json, "table.json"),
    (Format::Parquet, "table.parquet"),
    (Format::Npz, "table.npz"),
    (Format::Npy, "table.npy"),
];

fn read_named(source: Source, options: &Options<'_>) -> Result<(), Error> {
    let wanted = Wanted {
        setting: "text".to_owned(),
        column: "text".to_owned(),
        accepts: Accepts::Text,
    };
    let mut rows = Table::open(source, options)?.rows_by_name(Selection::new(vec![wanted]))?;
    while rows.next_row()?.is_some() {}
    rows.into_selection().check("table")
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, bytes)) = bytes.split_first() else {
        return;
    };
    let Some((format, name)) = FORMATS.get(usize::from(kind) % (FORMATS.len() + 1)) else {
        let path = labelproof_fuzz::write("table.csv", bytes);
        let expected = Expected {
            is_name: &|cell| cell == "text",
            no_header: false,
            settings: SETTINGS,
        };
        let _ = sniff("table", &path, expected);
        return;
    };
    let path = labelproof_fuzz::write(name, bytes);
    let source = || Source::file("table", &path);
    let as_text = options(*format, Form::Text, SETTINGS);
    let _ = read_table(source(), &options(*format, Form::Typed, SETTINGS));
    let _ = read_table(source(), &as_text);
    let _ = read_named(source(), &as_text);
});
