//! Workbooks that other programs wrote.

use super::*;
use crate::testing::{options, read, said};

fn sheet(file: &str, part: Part<'_>) -> Vec<String> {
    read(file, &options(Format::Spreadsheet, part)).unwrap()
}

/// The rows that every writer was given, from this row on.
fn rows(first: u64, escape: &str) -> Vec<String> {
    [
        r#"Text("two\nlines") | Text("sport") | Text("1") | Text("2024-03-05")"#.to_owned(),
        r#"Text(" spaces at both ends ") | Text("tech") | Text("0.3") | Text("2024-03-05")"#.to_owned(),
        r#"Text("say \"no\", please; ünïcödé 😀") | Text("1") | Text("2.5") | Text("2024-03-05 18:00:00")"#
            .to_owned(),
        r#"Text("=no formula") | Text("TRUE") | Text("-3") | Missing"#.to_owned(),
        format!(r#"Text("a cell with {escape} in it") | Text("tech") | Text("1000000") | Missing"#),
    ]
    .into_iter()
    .zip(first..)
    .map(|(row, number)| format!("{number}: {row}"))
    .collect()
}

#[test]
fn a_title_and_empty_rows_are_no_rows() {
    let shown = sheet("xlsxwriter.xlsx", Part::Only);
    assert_eq!(shown[0], "text | label | score | date");
    assert_eq!(shown[1..6], rows(4, "_x000D_"));
    assert_eq!(
        shown[6..],
        [r#"10: Text("a sum") | Text("2") | Missing | Missing"#]
    );
}

#[test]
fn what_is_decided_is_said() {
    let path = crate::testing::fixture("xlsxwriter.xlsx");
    let options = options(Format::Spreadsheet, Part::Only);
    let workbook = Workbook::open(&Source::file("a.xlsx", path), &options).unwrap();
    assert_eq!(
        workbook.remarks(),
        ["without its hidden sheets `Codes`", "its header in row 3"]
    );
    assert_eq!(workbook.header_place(), "a.xlsx, sheet `Data`: row 3");
}

#[test]
fn what_a_cell_hides_is_no_empty_text() {
    let shown = sheet("openpyxl.xlsx", Part::Sheet("Data"));
    // This writer leaves to its user what Excel writes a carriage return as.
    assert_eq!(shown[1..6], rows(2, "\\r"));
    assert_eq!(
        shown[6..],
        [
            r#"7: Text("first of two") | Text("sport") | Missing | Missing"#,
            r#"8: Text("second of two") | Other("a part of merged cells, of which only the first has the value") | Missing | Missing"#,
            r#"9: Other("the error #N/A") | Text("tech") | Missing | Missing"#,
            r#"10: Other("a formula of which the file has no value: open it in a spreadsheet, and save it") | Text("tech") | Missing | Missing"#,
        ]
    );
}

#[test]
fn older_and_open_formats_give_the_same_rows() {
    assert_eq!(sheet("xlwt.xls", Part::Only)[1..], rows(2, "_x000D_"));
    assert_eq!(sheet("odf.ods", Part::Only)[1..], rows(2, "_x000D_"));
}

#[test]
fn which_sheet_is_meant_is_asked() {
    let all = |file, part| said(read(file, &options(Format::Spreadsheet, part)));
    assert_eq!(
        all("openpyxl.xlsx", Part::Only),
        "`openpyxl.xlsx` has 2 sheets: `Data`, `More` / say which in `sheet`, for example `Data`"
    );
    assert_eq!(
        all("openpyxl.xlsx", Part::Sheet("data")),
        "`openpyxl.xlsx` has no sheet `data`; there are: `Data`, `More` / did you mean `Data`?"
    );
    assert_eq!(
        all("xlsxwriter.xlsx", Part::Sheet("Empty")),
        "`xlsxwriter.xlsx, sheet `Empty`` is empty / name a source that has rows, or write this one again"
    );
    assert_eq!(
        all("python.db", Part::Only),
        "`python.db` is an SQLite database / set `format: sqlite`"
    );
    assert_eq!(
        all("rows.csv.gz", Part::Only),
        "`rows.csv.gz` is a text file / set the format to what it is: CSV, TSV, JSON or JSON lines"
    );
}
