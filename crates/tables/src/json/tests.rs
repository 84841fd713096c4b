//! The shapes that rows are written in, and what is said of those that are damaged.

use std::io::Cursor;

use super::*;
use crate::{Format, Part, Source, Table, testing};

fn options(format: Format, form: Form) -> Options<'static> {
    Options {
        form,
        ..testing::options(format, Part::Only)
    }
}

/// `line: cell | cell` for each row, with all columns that the first row has.
fn read(format: Format, form: Form, text: &str) -> Result<Vec<String>, Error> {
    let source = Source::stream("a.json", Cursor::new(text.to_owned().into_bytes()));
    let mut table = Table::open(source, &options(format, form))?;
    let places: Vec<usize> = (0..table.columns()?.len()).collect();
    let mut rows = table.rows_by_place(&places)?;
    let mut shown = Vec::new();
    while let Some(row) = rows.next_row()? {
        let cells = row.cells.map_or_else(
            |problem| format!("!{problem}"),
            |cells| {
                cells
                    .iter()
                    .map(|cell| format!("{cell:?}"))
                    .collect::<Vec<_>>()
                    .join(" | ")
            },
        );
        shown.push(format!("{}: {cells}", row.place.number()));
    }
    Ok(shown)
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(read(Format::Json, Form::Text, text).unwrap(), expected);
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(
        read(Format::Json, Form::Text, text).unwrap_err().to_string(),
        expected
    );
}

const TWO_ROWS: [&str; 2] = [r#"1: Text("x") | Text("1")"#, r#"1: Text("y") | Missing"#];

#[test]
fn every_orientation_of_pandas_gives_the_same_rows() {
    check(r#"[{"a":"x","b":1},{"a":"y","b":null}]"#, &TWO_ROWS);
    check(r#"{"a":{"0":"x","1":"y"},"b":{"0":1,"1":null}}"#, &TWO_ROWS);
    check(r#"{"0":{"a":"x","b":1},"1":{"a":"y","b":null}}"#, &TWO_ROWS);
    check(
        r#"{"columns":["a","b"],"index":[0,1],"data":[["x",1],["y",null]]}"#,
        &TWO_ROWS,
    );
    check(r#"{"a":["x","y"],"b":[1,null]}"#, &TWO_ROWS);
    check(
        r#"{"schema":{"fields":[]},"data":[{"a":"x","b":1},{"a":"y","b":null}]}"#,
        &TWO_ROWS,
    );
    check(
        "{\n  \"a\": [\n    \"x\", \"y\"\n  ],\n  \"b\": [1, null]\n}\n",
        &TWO_ROWS,
    );
}

#[test]
fn lines_stay_lines_and_have_their_own_problems() {
    check(
        "\n{\"a\": \"x\"}\n{\"a\": \n{\"a\": [1]}\n",
        &[
            r#"2: Text("x")"#,
            "3: !no JSON object: column 5: EOF while parsing a value",
            r#"4: List([Text("1")])"#,
        ],
    );
    // One row, though it is alone: not all of its values are lists.
    check(
        r#"{"a": "x", "b": [1, 2]}"#,
        &[r#"1: Text("x") | List([Text("1"), Text("2")])"#],
    );
}

#[test]
fn elements_of_an_array_have_the_line_they_start_on() {
    check(
        "\n[\n  {\"a\": \"]},\\\"\"},\n\n  {\n    \"a\": 2 3\n  },\n  7,\n  {\"a\": 4}\n]\n",
        &[
            r#"3: Text("]},\"")"#,
            "5: !no JSON object: its line 2, column 12: expected `,` or `}`",
            "8: !no JSON object: column 1: invalid type: integer `7`, expected a JSON object",
            r#"9: Text("4")"#,
        ],
    );
}

#[test]
fn objects_as_jq_prints_them_have_the_line_they_start_on() {
    check(
        "{\n  \"a\": \"x\"\n}\n{\n  \"a\": \"y\"\n}\n",
        &[r#"1: Text("x")"#, r#"4: Text("y")"#],
    );
}

#[test]
fn what_is_cut_off_is_said_with_its_line() {
    check_error("", "`a.json` is empty");
    check_error("[]", "`a.json` is empty");
    check_error(
        "\n[{\"a\": 1},\n",
        "a.json:2: the array that opens here never closes",
    );
    check_error(
        "[{\"a\": 1}]\n[",
        "a.json:2: something follows after the end of the array",
    );
    check_error(
        "{\n  \"a\": 1\n",
        "a.json:1: the object that opens here never closes",
    );
    check_error(
        r#"{"a": [1, 2], "b": [1]}"#,
        "a.json: `a` has 2 rows and `b` has 1",
    );
}

#[test]
fn numbers_are_numbers_where_they_are_asked_for() {
    let text = r#"{"a": 1.50, "b": [0.5, "1"], "c": true, "d": {"x": 1e2}, "e": [[2]], "f": 7, "g": ["z"]}"#;
    assert_eq!(
        read(Format::JsonLines, Form::Typed, text).unwrap(),
        [
            r#"1: Number(1.5) | Numbers([0.5, 1.0]) | Text("true") | Number(100.0) | Nested("{\"x\": 1e2}") | Numbers([2.0]) | Text("7") | Nested("[\"z\"]")"#
        ]
    );
}
