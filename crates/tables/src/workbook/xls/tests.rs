//! Workbooks that were damaged on purpose.

use super::strings::COUNTS;
use super::*;
use crate::testing::{self, fixture, options};
use crate::{Format, Part, Source, Table};

fn whole() -> Vec<u8> {
    labelproof_artifact::fs::read(&fixture("xlwt.xls")).unwrap()
}

/// What is said of a workbook.
fn said(bytes: &[u8]) -> String {
    match check(bytes) {
        Ok(()) => "fine".to_owned(),
        Err(Problem::Damaged(problem)) => problem,
        Err(Problem::TooLarge(bytes)) => format!("{} MiB", bytes >> 20),
    }
}

/// The place of the first record of this kind, with the number of its bytes.
fn record(bytes: &[u8], kind: u16, length: u16) -> usize {
    let [low, high] = kind.to_le_bytes();
    let [short, long] = length.to_le_bytes();
    let head = [low, high, short, long];
    bytes.windows(4).position(|window| window == head).unwrap()
}

#[test]
fn a_workbook_as_it_was_written_is_fine() {
    assert_eq!(said(&whole()), "fine");
}

/// A file whose directory goes on with itself.
fn endless() -> Vec<u8> {
    let mut bytes = whole();
    // The header says where the directory begins, and the first sector of the table which sector is next.
    let directory = four_bytes(&bytes, 48).unwrap();
    let table = four_bytes(&bytes, 76).unwrap() as usize;
    let place = 512 * (table + 1) + 4 * directory as usize;
    bytes[place..place + 4].copy_from_slice(&directory.to_le_bytes());
    bytes
}

#[test]
fn a_chain_that_comes_back_to_itself_is_told() {
    assert_eq!(said(&endless()), "a chain of its sectors comes back to itself");
}

#[test]
fn a_damaged_workbook_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xls");
    labelproof_artifact::fs::write_atomic(&path, &endless()).unwrap();
    let source = Source::file("a.xls", &path);
    let opened = Table::open(source, &options(Format::Spreadsheet, Part::Only));
    assert!(
        testing::said(opened)
            .starts_with("a.xls: the workbook is damaged: a chain of its sectors comes back to itself / "),
    );
}

#[test]
fn sizes_that_no_sheet_has_are_told() {
    let mut bytes = whole();
    let place = record(&bytes, kind::DIMENSIONS, 14) + 4;
    bytes[place + 4..place + 8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        said(&bytes),
        "a sheet says that it is larger than the format allows"
    );
    let mut bytes = whole();
    let place = record(&bytes, 0x00FD, 10) + 4;
    bytes[place + 2..place + 4].copy_from_slice(&u16::MAX.to_le_bytes());
    assert_eq!(
        said(&bytes),
        "a cell lies in column 65536, and a sheet of the format has 256"
    );
}

#[test]
fn the_lengths_of_shared_strings_are_those_that_were_written() {
    let compound = Compound::open(&whole()).map(|compound| compound.stream("Workbook").unwrap());
    // What xlwt was given in make_tables.py, each text once.
    let written = [
        "text",
        "label",
        "score",
        "date",
        "two\nlines",
        "sport",
        " spaces at both ends ",
        "tech",
        "say \"no\", please; ünïcödé 😀",
    ];
    let lengths = strings::lengths(&compound.unwrap());
    let expected: Vec<u16> = written
        .iter()
        .map(|text| u16::try_from(text.encode_utf16().count()).unwrap())
        .collect();
    assert_eq!(lengths[..expected.len()], expected);
}

#[test]
fn many_copies_of_a_long_string_are_too_large() {
    let record = |kind: u16, content: &[u8]| {
        let mut record = kind.to_le_bytes().to_vec();
        record.extend(u16::try_from(content.len()).unwrap().to_le_bytes());
        record.extend(content);
        record
    };
    // A string of 20,000 characters over two records, and cells that show it.
    let mut first = vec![0; COUNTS];
    first.extend(20_000_u16.to_le_bytes());
    first.extend([0]);
    first.extend([b'x'; 8_000]);
    let mut stream = record(kind::SHARED_STRINGS, &first);
    let mut rest = vec![0];
    rest.extend([b'x'; 12_000]);
    stream.extend(record(kind::CONTINUATION, &rest));
    assert_eq!(strings::lengths(&stream), [20_000]);
    let cell = record(kind::SHARED, &[0; 10]);
    let Ok(area) = area(&cell.repeat(50), &[20_000]) else {
        panic!("it is refused");
    };
    assert_eq!(area.characters, 1_000_000);
}

#[test]
fn what_is_cut_off_is_told_and_nothing_panics() {
    let bytes = whole();
    for length in (0..bytes.len()).step_by(7) {
        said(&bytes[..length]);
    }
    assert_eq!(said(&bytes[..512]), "a chain of its sectors leads out of it");
}
