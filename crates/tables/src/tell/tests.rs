//! What is told of files whose dialect nobody has declared.

use super::*;
use crate::encoding::Encoding;
use crate::limits::Limits;
use crate::testing::SETTINGS;
use crate::{Cell, Form, Settings, Table};

pub(super) const OPTIONS: Options<'static> = Options {
    format: Format::Delimited(Dialect::CSV),
    part: crate::Part::Only,
    encoding: Encoding::Utf8,
    form: Form::Text,
    limits: Limits {
        row_bytes: 1 << 20,
        batch_bytes: 1 << 20,
    },
    settings: Settings {
        encoding: Some("ingest.encoding"),
        dialect: Some("ingest.dialect"),
        ..SETTINGS
    },
};

/// The rows of `text` and `label`, with what was said of the file.
fn read(usual: Dialect, text: &str, declared: &Declared) -> Result<(Vec<[String; 2]>, Vec<String>), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    labelproof_artifact::fs::write_atomic(&path, text.as_bytes()).unwrap();
    let options = Options {
        format: Format::Delimited(usual),
        ..OPTIONS
    };
    let source = Source::file("a.csv", &path);
    let told = tell(&source, &options, declared, &["text", "label"])?;
    let options = Options {
        format: Format::Delimited(told.dialect),
        ..options
    };
    let mut table = Table::open(source, &options)?;
    if declared.no_header.is_some() {
        table.name_columns(&["text".to_owned(), "label".to_owned()], "header")?;
    }
    let places: Vec<usize> = ["text", "label"]
        .iter()
        .filter_map(|name| {
            table
                .columns()
                .unwrap()
                .iter()
                .position(|column| column.name == *name)
        })
        .collect();
    let mut rows = table.rows_by_place(&places)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next_row()? {
        let cells = row.cells.expect("the rows are even");
        let cell = |cell: &Cell<'_>| match cell {
            Cell::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => format!("{other:?}"),
        };
        all.push([cell(&cells[0]), cell(&cells[1])]);
    }
    Ok((all, told.remarks))
}

#[track_caller]
fn check(usual: Dialect, text: &str, texts: &[&str], remarks: &[&str]) {
    let (rows, said) = read(usual, text, &Declared::default()).unwrap();
    let found: Vec<&str> = rows.iter().map(|[text, _]| text.as_str()).collect();
    assert_eq!(found, texts, "{text}");
    assert_eq!(said, remarks, "{text}");
}

#[track_caller]
fn check_error(usual: Dialect, text: &str, message: &str, hint: &str) {
    let error = read(usual, text, &Declared::default()).unwrap_err();
    assert_eq!(error.to_string(), message, "{text}");
    assert_eq!(labelproof_artifact::Diagnostic::hints(&error), [hint], "{text}");
}

pub(super) const CSV: Dialect = Dialect::CSV;
pub(super) const TSV: Dialect = Dialect::TSV;

#[test]
fn names_tell_separator_and_header() {
    check(CSV, "text,label\na;b,x\n", &["a;b"], &[]);
    check(
        CSV,
        "text;label\na, b;x\n",
        &["a, b"],
        &["separated by semicolons"],
    );
    check(
        CSV,
        "sep=;\r\ntext;label\r\na, b;x\r\n",
        &["a, b"],
        &["separated by semicolons"],
    );
    check(
        CSV,
        "# made by hand\n\ntext,label\na,x\n",
        &["a"],
        &["the first line is skipped"],
    );
    check(TSV, "text,label\na,x\n", &["a"], &["separated by commas"]);
    check(CSV, "#text,label\na,x\n", &["a"], &[]);
}

#[test]
fn a_quotation_mark_in_tabs_is_text_unless_a_writer_wrote_it() {
    let text = ["quotation marks are text"];
    let quoted = ["quoted with quotation marks"];
    check(TSV, "text\tlabel\n\"open\tx\nb\ty\n", &["\"open", "b"], &text);
    check(
        TSV,
        "text\tlabel\n\"whole\"\tx\nb\ty\n",
        &["\"whole\"", "b"],
        &text,
    );
    check(
        TSV,
        "text\tlabel\n\"say \"no\"\"\tx\nb\ty\n",
        &["\"say \"no\"\"", "b"],
        &text,
    );
    check(TSV, "text\tlabel\n5\" disk\tx\nb\ty\n", &["5\" disk", "b"], &[]);
    // A tab or a line break within.
    check(TSV, "text\tlabel\n\"a\tb\"\tx\nb\ty\n", &["a\tb", "b"], &quoted);
    check(TSV, "text\tlabel\n\"a\nb\"\tx\nb\ty\n", &["a\nb", "b"], &quoted);
    // All that is text is quoted.
    check(
        TSV,
        "\"text\"\t\"label\"\n\"a\"\t1\n\"b\"\t0\n",
        &["a", "b"],
        &quoted,
    );
    let many = "\"say \"\"no\"\"\"\tx\n".repeat(3);
    check(
        TSV,
        &format!("text\tlabel\n{many}b\ty\n"),
        &["say \"no\"", "say \"no\"", "say \"no\"", "b"],
        &quoted,
    );
}

const DECLARE: &str = "say which it is: set `ingest.dialect: { quote: none, escape: none }`, or set \
                       `ingest.dialect: { quote: '\"', escape: none }`";

#[test]
fn what_two_writers_may_have_written_is_an_error() {
    let question = "the quotation marks here may quote the field or be characters of the text, and the file \
                    fits both";
    check_error(
        TSV,
        "text\tlabel\nb\ty\n\"say \"\"no\"\"\"\tx\n",
        &format!("a.csv:3: {question}"),
        DECLARE,
    );
    check_error(
        TSV,
        "text\tlabel\na\ty\n\"open\tx\nb\ty\nclose\"\tx\n",
        "a.csv:3: a quoted field begins here and ends on line 5, or its quotation marks are characters of the \
         texts and each of these lines is a row; the file fits both",
        "say which it is: set `ingest.dialect: { quote: '\"', escape: none }`, or set `ingest.dialect: { \
         quote: none, escape: none }`",
    );
    // Every text is quoted and the header is not.
    check_error(
        TSV,
        "text\tlabel\n\"a\"\ty\n\"b\"\tx\n",
        &format!("a.csv:2: {question}"),
        DECLARE,
    );
    check_error(
        TSV,
        "text\tlabel\nC:\\\\temp\ty\n",
        "a.csv:2: the backslash here may escape what follows it or be a character of the text, and the file \
         fits both",
        "say which it is: set `ingest.dialect: { quote: none, escape: none }`, or set `ingest.dialect: { \
         quote: none, escape: '\\' }`",
    );
}

#[test]
fn csv_quotes_unless_something_speaks_against_it() {
    check(CSV, "text,label\n\"a\",x\n\"b\",y\n", &["a", "b"], &[]);
    check(
        CSV,
        "text,label\n\"a, \"\"b\"\"\",x\nb,y\n",
        &["a, \"b\"", "b"],
        &[],
    );
    check(CSV, "text,label\n5\" disk,x\nb,y\n", &["5\" disk", "b"], &[]);
    check(CSV, "text,label\n'tis,x\nb,y\n", &["'tis", "b"], &[]);
    check(
        CSV,
        "text,label\n'a, b',x\nb,y\n",
        &["a, b", "b"],
        &["quoted with apostrophes"],
    );
    let both = "set `ingest.dialect: { quote: '\"', escape: none }`, or set `ingest.dialect: { quote: none, \
                escape: none }`";
    let question = "the quotation marks here may quote the field or be characters of the text, and the file \
                    fits both";
    check_error(
        CSV,
        "text,label\nsay \"no\",x\n\"b\",y\n",
        &format!("a.csv:3: {question}"),
        &format!("say which it is: {both}"),
    );
    check_error(
        CSV,
        "text,label\na,x\n\"b,x\nc,y\nd,x\ne\",y\n",
        "a.csv:3: a quoted field begins here and ends on line 6, or its quotation marks are characters of the \
         texts and each of these lines is a row; the file fits both",
        &format!("say which it is: {both}"),
    );
    let close = "close the field with a quote, and write a quote inside a quoted field twice; if quotes are \
                 characters of the texts, set `ingest.dialect.quote: none`";
    check_error(
        CSV,
        "text,label\na,x\n\"b,x\n",
        "a.csv:3: a quote opens here and never closes",
        close,
    );
    check_error(
        CSV,
        "text,label\n\"a\"b,x\n",
        "a.csv:2: the quoted field that opens here closes and goes on with `b`",
        close,
    );
    check_error(
        CSV,
        "text,label\n\"a\nb\"b,x\n",
        "a.csv:2: the quoted field that opens here closes on line 3 and goes on with `b`",
        "close the field with a quote, and write a quote inside a quoted field twice",
    );
}

#[test]
fn backslashes_escape_where_the_file_cannot_be_read_otherwise() {
    let said = ["with backslash escapes"];
    check(TSV, "text\tlabel\na\\\tb\\\\c\tx\n", &["a\tb\\c"], &said);
    check(
        TSV,
        "text\tlabel\na\\\nb\tx\n\\N\ty\n",
        &["a\nb", "Missing"],
        &said,
    );
    check(TSV, "text\tlabel\nC:\\users\tx\n", &["C:\\users"], &[]);
    let spark = ["with backslashes before quotation marks and backslashes, as Spark writes"];
    check(
        CSV,
        "text,label\n\"say \\\"no\\\", a\\\\b\",x\na\\b\\q,y\n\"\\\\\",y\n",
        &["say \"no\", a\\b", "a\\b\\q", "\\"],
        &spark,
    );
    check(
        CSV,
        "text,label\nsay \\\"no\\\"\\, a,x\n",
        &["say \"no\", a"],
        &said,
    );
    check(CSV, "text,label\n\"a \\ b\",x\n", &["a \\ b"], &[]);
}

#[test]
fn a_way_that_no_writer_writes_is_no_second_one() {
    // Python: `csv.QUOTE_ALL`. Where quotation marks were text, the columns would have other names.
    check(
        CSV,
        "\"text\",\"label\"\n\"a\\\",\"x\"\n\"b\",\"y\"\n",
        &["a\\", "b"],
        &[],
    );
    // pandas. What quotes quotes, whether or not a backslash escapes.
    check(
        CSV,
        "text,label\n\"and\\\"\" rates\",x\nb,y\n",
        &["and\\\" rates", "b"],
        &[],
    );
    // polars without quotes. Who escapes one quotation mark escapes the other.
    check(
        TSV,
        "text\tlabel\n10 \\\"the\tx\nsaid \"no\" and\ty\n",
        &["10 \\\"the", "said \"no\" and"],
        &[],
    );
}

#[test]
fn a_carriage_return_is_text_where_it_ends_no_row() {
    let said = ["carriage returns are text"];
    check(CSV, "text,label\na\rb,x\nc,y\n", &["a\rb", "c"], &said);
    check(CSV, "label,text\nx,a\r\ny,c\n", &["a\r", "c"], &said);
    check(CSV, "text,label\r\na\rb,x\r\nc,y\r\n", &["a\rb", "c"], &said);
    check(CSV, "text,label\ra,x\rc,y\r", &["a", "c"], &[]);
    check(
        CSV,
        "text,label\na,x\nb,x\nc,x\nd,x\r\ne,x\r\nf,y\r\n",
        &["a", "b", "c", "d", "e", "f"],
        &[],
    );
}

#[test]
fn what_is_declared_wins() {
    let declared = Declared {
        quote: Some(Quote::None),
        ..Declared::default()
    };
    let (rows, said) = read(CSV, "text,label\n\"a\",x\n", &declared).unwrap();
    assert_eq!((rows[0][0].as_str(), said), ("\"a\"", vec![]));
    let declared = Declared {
        no_header: Some(Width::Exactly(2)),
        comment: Some(b'#'),
        skip_lines: Some(1),
        ..Declared::default()
    };
    let (rows, said) = read(CSV, "made by hand\n#a;b\na, b;x\n#\nc;y\n", &declared).unwrap();
    assert_eq!(rows, [["a, b", "x"], ["c", "y"]]);
    assert_eq!(said, ["separated by semicolons"]);
}
