//! Workbooks that were damaged on purpose.

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
fn what_is_cut_off_is_told_and_nothing_panics() {
    let bytes = whole();
    for length in (0..bytes.len()).step_by(7) {
        said(&bytes[..length]);
    }
    assert_eq!(said(&bytes[..512]), "a chain of its sectors leads out of it");
}
