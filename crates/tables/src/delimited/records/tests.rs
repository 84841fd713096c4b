//! What records are split into, against the csv crate.

use proptest::prelude::*;

use super::Records;
use crate::dialect::{Dialect, Settings};
use crate::encoding::Encoding;
use crate::error::Error;
use crate::source::{Input, Source};

type Fields = Vec<Vec<u8>>;

/// Each record's line and fields.
fn split(text: &[u8], separator: u8) -> Result<Vec<(u64, Fields)>, Error> {
    let settings = Settings {
        dialect: Some("ingest.dialect"),
        ..Settings::default()
    };
    let source = Source::stream("a.csv", std::io::Cursor::new(text.to_vec()));
    let input = Input::open(source, Encoding::Utf8, settings)?;
    let dialect = Dialect {
        separator,
        ..Dialect::CSV
    };
    let mut records = Records::new(input, dialect, 1 << 20, settings);
    let mut all = Vec::new();
    while records.next()? {
        let fields = (0..records.len())
            .map(|index| records.field(index).to_vec())
            .collect();
        all.push((records.start(), fields));
    }
    Ok(all)
}

#[track_caller]
fn check(text: &str, expected: &[(u64, &[&str])]) {
    let found: Vec<(u64, Vec<String>)> = split(text.as_bytes(), b',')
        .unwrap()
        .into_iter()
        .map(|(line, fields)| {
            let fields = fields.into_iter().map(|field| String::from_utf8(field).unwrap());
            (line, fields.collect())
        })
        .collect();
    let expected: Vec<(u64, Vec<String>)> = expected
        .iter()
        .map(|(line, fields)| (*line, fields.iter().map(|field| (*field).to_owned()).collect()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_record_has_the_line_it_starts_on() {
    check("a,b\n1,2\n", &[(1, &["a", "b"]), (2, &["1", "2"])]);
    check(
        "a,b\r\n1,2\r\n3,4",
        &[(1, &["a", "b"]), (2, &["1", "2"]), (3, &["3", "4"])],
    );
    check("\n\r\na\n\n\nb\n", &[(3, &["a"]), (6, &["b"])]);
    check("a\rb\r", &[(1, &["a"]), (2, &["b"])]);
    check(
        "\"x\r\ny\n\",1\r\nz,\"\"\"q\"\"\"\r\nw,\r\n",
        &[(1, &["x\r\ny\n", "1"]), (4, &["z", "\"q\""]), (5, &["w", ""])],
    );
    check("\u{feff}a,b\n", &[(1, &["a", "b"])]);
    check(",\n\"\"", &[(1, &["", ""]), (2, &[""])]);
    check("a \"b\" c,\"d\"\"e\"\n", &[(1, &["a \"b\" c", "d\"e"])]);
    check("", &[]);
}

#[test]
fn a_quote_that_never_closes_is_an_error_on_its_line() {
    let error = split(b"a,b\n1,\"x\ny\n2,3\n", b',').unwrap_err();
    assert_eq!(error.to_string(), "a.csv:2: a quote opens here and never closes");
}

proptest! {
    #[test]
    fn splits_as_the_csv_crate_does(bytes in "[ab,\"\r\n\t]{0,60}", separator in prop_oneof![Just(b','), Just(b'\t')]) {
        let Ok(found) = split(bytes.as_bytes(), separator) else { return Ok(()) };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(bytes.as_bytes());
        let expected: Vec<Fields> = reader
            .byte_records()
            .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
            .collect();
        let found: Vec<_> = found.into_iter().map(|(_, fields)| fields).collect();
        prop_assert_eq!(found, expected);
    }
}
