//! Tables of every format, as text and as numbers, by name and by place. The first byte chooses the format, or that it is to be found out.
#![no_main]

use labelproof_tables::{
    Accepts, Dialect, Encoding, Error, Expected, Form, Format, Limits, Options, Part, Rows, Selection,
    Settings, Source, Table, Wanted, sniff,
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

const SETTINGS: Settings = Settings {
    encoding: Some("encoding"),
    format: Some("format: "),
    sheet: Some("sheet"),
    table: Some("table"),
    json_lines: "json_lines",
    json: "json",
    dialect: None,
};

fn options(format: Format, form: Form) -> Options<'static> {
    Options {
        format,
        part: Part::Only,
        encoding: Encoding::Utf8,
        form,
        limits: Limits::default(),
        settings: SETTINGS,
    }
}

fn read(mut rows: Rows) -> Result<Selection, Error> {
    while rows.next_row()?.is_some() {}
    Ok(rows.into_selection())
}

fn read_all(source: Source, options: &Options<'_>) -> Result<(), Error> {
    let mut table = Table::open(source, options)?;
    let places: Vec<usize> = (0..table.columns()?.len()).collect();
    read(table.rows_by_place(&places)?).map(drop)
}

fn read_named(source: Source, options: &Options<'_>) -> Result<(), Error> {
    let wanted = Wanted {
        setting: "text".to_owned(),
        column: "text".to_owned(),
        accepts: Accepts::Text,
    };
    let rows = Table::open(source, options)?.rows_by_name(Selection::new(vec![wanted]))?;
    read(rows)?.check("table")
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
    let _ = read_all(source(), &options(*format, Form::Typed));
    let _ = read_all(source(), &options(*format, Form::Text));
    let _ = read_named(source(), &options(*format, Form::Text));
});
