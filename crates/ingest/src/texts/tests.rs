//! Sources of every format, good, bad and cut short, as `labelproof predict` meets them.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use labelproof_artifact::{Diagnostic, Fault, fs};
use parquet::arrow::ArrowWriter;

use super::*;

/// A source of standard input, with the column `text` and no id.
fn source(format: TextFormat) -> TextSource {
    TextSource {
        path: None,
        format,
        sheet: None,
        table: None,
        query: None,
        encoding: Encoding::Utf8,
        dialect: params::Dialect::default(),
        text: vec!["text".to_owned()],
        id: None,
        join: "\n".to_owned(),
    }
}

/// The same with the columns `title` and `body`, and the id `key`.
fn table(format: TextFormat) -> TextSource {
    TextSource {
        text: vec!["title".to_owned(), "body".to_owned()],
        id: Some("key".to_owned()),
        join: " | ".to_owned(),
        ..source(format)
    }
}

#[test]
fn what_is_said_of_a_delimited_file_is_not_told_from_it() {
    let source = TextSource {
        dialect: params::Dialect {
            separator: Some('|'),
            quote: Some(labelproof_tables::Quote::None),
            header: params::Header::Absent,
            ..params::Dialect::default()
        },
        text: vec!["2".to_owned()],
        ..source(TextFormat::Csv)
    };
    let (rows, error) = filed(source, "a.csv", b"1|\"x\"|z\n2|y, w|z\n");
    assert!(error.is_none(), "{error:?}");
    let texts: Vec<_> = rows.into_iter().map(|row| row.text.unwrap()).collect();
    assert_eq!(texts, ["\"x\"", "y, w"]);
}

/// The rows up to the end or the error, from standard input.
fn piped(source: TextSource, content: &[u8]) -> (Vec<TextRow>, Option<Error>) {
    collected(texts_within(
        source,
        Cursor::new(content.to_vec()),
        Limits::default(),
    ))
}

/// The rows up to the end or the error, from a file of the name. Messages show it without its folder.
fn filed(source: TextSource, name: &str, content: &[u8]) -> (Vec<TextRow>, Option<Error>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write_atomic(&path, content).unwrap();
    let (mut rows, error) = collected(texts(TextSource {
        path: Some(path),
        ..source
    }));
    for row in &mut rows {
        row.text = row
            .text
            .clone()
            .map_err(|problem| relative(&problem, folder.path()));
    }
    (rows, error)
}

fn relative(message: &str, folder: &Path) -> String {
    message.replace(&format!("{}/", folder.display()), "")
}

fn collected(rows: TextRows) -> (Vec<TextRow>, Option<Error>) {
    let mut good = Vec::new();
    let mut error = None;
    for row in rows {
        assert!(error.is_none(), "a row follows an error");
        match row {
            Ok(row) => good.push(row),
            Err(found) => error = Some(found),
        }
    }
    (good, error)
}

/// `line/id/text`, and `!` in front of a problem.
fn shown(rows: &[TextRow]) -> Vec<String> {
    rows.iter()
        .map(|row| {
            let line = row.line.unwrap();
            let id = row.id.as_deref().unwrap_or("-");
            match &row.text {
                Ok(text) => format!("{line}/{id}/{text}"),
                Err(problem) => format!("{line}/{id}/!{problem}"),
            }
        })
        .collect()
}

/// Checks the rows of standard input.
#[track_caller]
fn check(source: TextSource, content: &[u8], expected: &[&str]) {
    let (rows, error) = piped(source, content);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(shown(&rows), expected);
}

/// Checks the rows of a file.
#[track_caller]
fn check_file(source: TextSource, name: &str, content: &[u8], expected: &[&str]) {
    let (rows, error) = filed(source, name, content);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(shown(&rows), expected);
}

/// Checks how standard input ends.
#[track_caller]
fn check_error(source: TextSource, content: &[u8], message: &str, hints: &[&str]) {
    let (_, error) = piped(source, content);
    let error = error.unwrap();
    assert_eq!(error.to_string(), message);
    assert_eq!(error.hints(), hints);
}

/// Checks how a file ends, which in the messages is called `name`.
#[track_caller]
fn check_file_error(source: TextSource, name: &str, content: &[u8], message: &str, hints: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write_atomic(&path, content).unwrap();
    let path = Some(path);
    let (_, error) = collected(texts(TextSource { path, ..source }));
    let error = error.unwrap();
    assert_eq!(relative(&error.to_string(), folder.path()), message);
    assert_eq!(error.hints(), hints);
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

mod formats {
    use super::*;

    #[test]
    fn each_line_is_a_text_and_the_last_needs_no_line_feed() {
        let content = "\u{feff}one, \"1\"\r\n two \n\n \t\r\nd\rrei";
        let expected = [
            "1/-/one, \"1\"",
            "2/-/ two ",
            "3/-/!standard input:3: empty text: the line is empty",
            "4/-/!standard input:4: empty text: the line is nothing but white space",
            "5/-/d\rrei",
        ];
        check(source(TextFormat::Lines), content.as_bytes(), &expected);
        check(source(TextFormat::Lines), b"one\n", &["1/-/one"]);
        check(source(TextFormat::Lines), b"one", &["1/-/one"]);
        check(source(TextFormat::Lines), b"", &[]);
        check(source(TextFormat::Lines), b"\xef\xbb\xbf", &[]);
    }

    #[test]
    fn bad_lines_keep_their_place() {
        check_file(
            source(TextFormat::Lines),
            "a.txt",
            b"one\ncaf\xe9\na\0b\nfour\n",
            &[
                "1/-/one",
                "2/-/!a.txt:2: not utf-8: the line has the byte 0xE9 at offset 3; if the source is not \
                 UTF-8, say what it is in `--encoding`",
                "3/-/!a.txt:3: nul byte: the line has a nul byte at offset 1",
                "4/-/four",
            ],
        );
    }

    #[test]
    fn encodings_are_decoded() {
        let encoded = |encoding| TextSource {
            encoding,
            ..source(TextFormat::Lines)
        };
        let content = b"caf\xe9 \x80\n";
        check(encoded(Encoding::Windows1252), content, &["1/-/café €"]);
        check(encoded(Encoding::Latin1), content, &["1/-/café \u{80}"]);
    }

    #[test]
    fn csv_joins_columns_and_bad_rows_keep_their_place() {
        let content = b"body,unused,key,title\r\n\
            b1,\xff,1,t1\r\n\
            \r\n\
            \"b\r\n2\",,2,\r\n\
            ,,3,t3\r\n\
            ,, 4 ,\r\n\
            b5,,5\r\n\
            b6,,,t6\r\n\
            caf\xe9,,7,t7\r\n\
            b8,,8,t8";
        let expected = [
            "2/1/t1 | b1",
            "4/2/b\r\n2",
            "6/3/t3",
            "7/ 4 /!standard input:7: empty text: `title` and `body` are empty",
            "8/-/!standard input:8: ragged row: 3 fields, the header has 4",
            "9/-/!standard input:9: missing id: `key` is empty",
            "10/7/!standard input:10: not utf-8: `body` has the byte 0xE9 at offset 3; if the source is not \
             UTF-8, say what it is in `--encoding`",
            "11/8/t8 | b8",
        ];
        check(table(TextFormat::Csv), content, &expected);
        let (rows, error) = filed(table(TextFormat::Csv), "a.csv.gz", &gzip(content));
        assert!(error.is_none());
        let expected = expected.map(|row| row.replace("standard input", "a.csv.gz"));
        assert_eq!(shown(&rows), expected);
    }

    #[test]
    fn tsv_splits_at_tabs_and_needs_no_label() {
        check(
            source(TextFormat::Tsv),
            b"id\ttext\n1\ta, b\n2\t\"c\td\"\n",
            &["2/-/a, b", "3/-/c\td"],
        );
    }

    #[test]
    fn bad_json_lines_keep_their_place() {
        let content = b"{\"key\": 1.50, \"title\": \"t1\", \"body\": \"b1\"}\n\
            \n\
            {\"key\": \"b\", \"body\": \"b2\"}\n\
            {\"key\": 3, \"title\": \n\
            {\"key\": 4, \"title\": [\"x\"]}\n\
            {\"key\": 5, \"title\": null}\n\
            {\"key\": {}, \"title\": \"t6\"}\n\
            {\"key\": 7, \"title\": \"a\\u0000\"}\n\
            {\"key\": 8, \"title\": \"\xe9\"}\n\
            {\"key\": 9, \"title\": \"t9\"}";
        let expected = [
            "1/1.50/t1 | b1",
            "3/b/b2",
            "4/-/!a.jsonl.gz:4: invalid json: column 19: EOF while parsing a value",
            "5/4/!a.jsonl.gz:5: wrong type: `title` is an array, expected a string",
            "6/5/!a.jsonl.gz:6: empty text: `title` and `body` are empty",
            "7/-/!a.jsonl.gz:7: wrong type: `key` is an object, expected a string",
            "8/7/!a.jsonl.gz:8: nul byte: `title` has a nul byte at offset 1",
            "9/-/!a.jsonl.gz:9: not utf-8: the line has the byte 0xE9 at offset 21; if the source is not \
             UTF-8, say what it is in `--encoding`",
            "10/9/t9",
        ];
        check_file(
            table(TextFormat::JsonLines),
            "a.jsonl.gz",
            &gzip(content),
            &expected,
        );
    }

    #[test]
    fn parquet_counts_rows() {
        let strings = |values: Vec<Option<&str>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
        let file = parquet(vec![
            ("body", strings(vec![Some("b1"), None, Some(" "), Some("b4")])),
            ("unused", strings(vec![None; 4])),
            (
                "key",
                Arc::new(Int64Array::from(vec![Some(7), Some(8), Some(9), None])),
            ),
            ("title", strings(vec![Some("t1"), Some("t2"), None, Some("t4")])),
        ]);
        check_file(
            table(TextFormat::Parquet),
            "a.parquet",
            &file,
            &[
                "1/7/t1 | b1",
                "2/8/t2",
                "3/9/!a.parquet:3: empty text: `title` and `body` are nothing but white space",
                "4/-/!a.parquet:4: missing id: `key` is empty",
            ],
        );
    }
}

mod failures {
    use super::*;

    #[test]
    fn a_column_that_is_not_there_is_told_by_its_option() {
        check_error(
            source(TextFormat::Csv),
            b"id,Text\n1,a\n",
            "standard input:1: no column is called `text`, which `--text` names; there are: `id`, `Text`",
            &["did you mean `Text`?"],
        );
        check_file_error(
            table(TextFormat::Tsv),
            "a.tsv",
            b"title\tbody\tkey\tkey\na\tb\tc\td\n",
            "a.tsv:1: two columns are called `key`, which `--id` names",
            &["rename one of them in the source"],
        );
        check_file_error(
            table(TextFormat::JsonLines),
            "a.jsonl",
            b"{\"title\": \"a\", \"body\": \"b\", \"keys\": 1}\n",
            "a.jsonl: no column is called `key`, which `--id` names; there are: `body`, `keys`, `title`",
            &["did you mean `keys`?"],
        );
        let file = parquet(vec![("text", Arc::new(Int64Array::from(vec![1])))]);
        check_file_error(
            source(TextFormat::Parquet),
            "a.parquet",
            &file,
            "a.parquet: the column `text`, which `--text` names, is Int64, expected a string",
            &["write the column in another type, or name another column"],
        );
    }

    #[test]
    fn sources_of_nothing_are_named() {
        check_file_error(
            source(TextFormat::Lines),
            "a.txt",
            b"",
            "`a.txt` is empty",
            &["name a source that has rows, or write this one again"],
        );
        check_error(
            source(TextFormat::Csv),
            b"",
            "`standard input` is empty",
            &["name a source that has rows, or write this one again"],
        );
        check_error(
            source(TextFormat::Csv),
            b"text\n",
            "`standard input` has columns and no row",
            &["name a source that has rows, or write this one again"],
        );
        check_error(
            source(TextFormat::JsonLines),
            b"\n",
            "`standard input` is empty",
            &["name a source that has rows, or write this one again"],
        );
        check_file_error(
            source(TextFormat::Parquet),
            "a.parquet",
            b"",
            "`a.parquet` is empty",
            &["name a source that has rows, or write this one again"],
        );
    }

    #[test]
    fn bytes_that_are_not_what_they_should_be_are_told_apart() {
        check_error(
            source(TextFormat::Csv),
            b"text,caf\xe9\na,b\n",
            "standard input:1: the header is not UTF-8",
            &["say in `--encoding` what the file is, for example `windows-1252`"],
        );
        check_error(
            TextSource {
                encoding: Encoding::Latin1,
                ..source(TextFormat::Lines)
            },
            b"\xef\xbb\xbfa\n",
            "`standard input` starts with the mark of UTF-8, and `--encoding` is `latin-1`",
            &["remove `--encoding`"],
        );
        check_error(
            source(TextFormat::Lines),
            b"\xff\xfet\0\x3d\xd8",
            "`standard input` is damaged UTF-16",
            &["save the file as UTF-8"],
        );
        check_error(
            source(TextFormat::JsonLines),
            b"[{\"text\": \"a\"}]\n",
            "no row of `standard input` is a JSON object",
            &[
                "write one JSON object for each row; arrays, and objects over several lines, are read with \
               `--format json`",
            ],
        );
        check_file_error(
            source(TextFormat::Parquet),
            "a.parquet",
            b"no parquet",
            "`a.parquet` is damaged or no Parquet file",
            &["fetch the file again: it may have been cut short"],
        );
        check_file_error(
            source(TextFormat::Lines),
            "a.txt.gz",
            b"a line that is not packed\n",
            "`a.txt.gz` is no gzip file, whatever its name says",
            &["fetch the file again, or remove `.gz` from its name if it is not packed"],
        );
    }

    #[test]
    fn a_file_that_is_not_there_or_no_file_is_named() {
        let of_path = |path: &Path| TextSource {
            path: Some(path.to_path_buf()),
            ..source(TextFormat::Lines)
        };
        let (rows, error) = collected(texts(of_path(Path::new("no/such.txt"))));
        assert_eq!(rows, []);
        let error = error.unwrap();
        assert_eq!(error.to_string(), "cannot read `no/such.txt`");
        assert_eq!(error.fault(), Fault::Input);
        let folder = tempfile::tempdir().unwrap();
        let (_, error) = collected(texts(of_path(folder.path())));
        let message = format!("`{}` is a folder", folder.path().display());
        assert_eq!(error.unwrap().to_string(), message);
    }

    #[test]
    fn rows_before_an_error_are_given_and_none_after_it() {
        // All of a delimited table is looked at before its first row is given.
        let (rows, error) = piped(source(TextFormat::Csv), b"text\na\nb\n\"c\nd\n");
        assert_eq!(rows, []);
        assert_eq!(
            error.unwrap().to_string(),
            "standard input:4: a quote opens here and never closes"
        );
        let mut packed = gzip(&b"a line\n".repeat(100));
        packed.extend(gzip(b"more\n"));
        packed.truncate(packed.len() - 9);
        let (rows, error) = filed(source(TextFormat::Lines), "a.txt.gz", &packed);
        assert!(rows.len() >= 100, "{}", rows.len());
        assert!(
            matches!(
                error,
                Some(Error::Table(labelproof_tables::Error::CutPacked { .. }))
            ),
            "{error:?}"
        );
    }

    #[test]
    fn a_row_beyond_the_limit_is_an_error_and_not_a_full_memory() {
        let limits = Limits {
            row_bytes: 1 << 20,
            ..Limits::default()
        };
        let content = format!("a\n{}\n", "x".repeat(2 << 20));
        let (rows, error) = collected(texts_within(
            source(TextFormat::Lines),
            Cursor::new(content),
            limits,
        ));
        assert_eq!(shown(&rows), ["1/-/a"]);
        assert_eq!(
            error.unwrap().to_string(),
            "standard input:2: the row is longer than 1 MiB"
        );
    }

    #[test]
    fn options_that_make_no_sense_are_told_all_at_once() {
        check_error(
            TextSource {
                encoding: Encoding::Latin1,
                text: ["a", "a", ""].map(str::to_owned).to_vec(),
                id: Some(String::new()),
                ..source(TextFormat::Parquet)
            },
            b"",
            "the parameters cannot be used\n  \
             --format: Parquet cannot be read from standard input, name a file\n  \
             --encoding: Parquet is always UTF-8, remove `latin-1`\n  \
             --text: `a` is named twice\n  \
             --text: the name of the column is empty\n  \
             --id: the name of the column is empty",
            &[],
        );
        check_error(
            TextSource {
                text: Vec::new(),
                ..source(TextFormat::Csv)
            },
            b"",
            "the parameters cannot be used\n  --text: name at least one column",
            &[],
        );
        check_error(
            TextSource {
                text: Vec::new(),
                id: Some("key".to_owned()),
                ..source(TextFormat::Lines)
            },
            b"",
            "the parameters cannot be used\n  --id: lines have no columns, remove `key`",
            &[],
        );
    }
}

mod stream {
    use super::*;

    /// Lines without end, which count what is taken of them and whose other half of the channel learns of
    /// their end.
    struct Endless {
        taken: Arc<AtomicUsize>,
        _alive: Sender<()>,
    }

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            const LINE: &[u8] = b"a line of 16 b.\n";
            let count = buffer.len().min(LINE.len());
            buffer[..count].copy_from_slice(&LINE[..count]);
            self.taken.fetch_add(1, Ordering::SeqCst);
            Ok(count)
        }
    }

    /// Far beyond what any of these takes.
    const PATIENCE: Duration = Duration::from_mins(1);

    #[test]
    fn dropping_the_rows_stops_the_reader_which_was_not_far_ahead() {
        for format in [TextFormat::Lines, TextFormat::JsonLines] {
            let (alive, ended) = channel::<()>();
            let taken = Arc::new(AtomicUsize::new(0));
            let endless = Endless {
                taken: Arc::clone(&taken),
                _alive: alive,
            };
            let mut rows = texts_within(source(format), endless, Limits::default());
            for _ in 0..10 {
                rows.next().unwrap().unwrap();
            }
            drop(rows);
            let result = ended.recv_timeout(PATIENCE);
            assert_eq!(result, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
            // Ten rows, those in the channel, and the one that is neither here nor there.
            let taken = taken.load(Ordering::SeqCst);
            assert!(taken <= ROWS_AHEAD + 11, "{taken}");
        }
    }

    #[test]
    fn the_first_row_comes_before_the_second_is_written() {
        let (input, mut output) = io::pipe().unwrap();
        let mut rows = texts_within(source(TextFormat::Lines), input, Limits::default());
        for number in 1..=3 {
            writeln!(output, "text {number}").unwrap();
            let row = rows.next().unwrap().unwrap();
            assert_eq!(row.text.unwrap(), format!("text {number}"));
        }
        drop(output);
        assert!(rows.next().is_none());
        assert!(rows.next().is_none());
    }

    #[test]
    fn a_hundred_thousand_rows_come_in_their_order() {
        let mut content = "key,title,body\n".to_owned();
        for number in 0..100_000 {
            writeln!(content, "k{number},title,body {number}").unwrap();
        }
        let (rows, error) = filed(table(TextFormat::Csv), "a.csv.gz", &gzip(content.as_bytes()));
        assert!(error.is_none());
        assert_eq!(rows.len(), 100_000);
        for (number, row) in (0_u64..).zip(rows) {
            let expected = TextRow {
                id: Some(format!("k{number}")),
                line: Some(number + 2),
                text: Ok(format!("title | body {number}")),
            };
            assert_eq!(row, expected);
        }
    }

    #[test]
    fn a_reader_that_panics_does_not_end_like_a_source() {
        struct Panics;

        impl Read for Panics {
            fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
                resume_unwind(Box::new("a bug"));
            }
        }

        let mut rows = texts_within(source(TextFormat::Lines), Panics, Limits::default());
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| rows.next()));
        assert_eq!(*result.unwrap_err().downcast::<&str>().unwrap(), "a bug");
    }

    #[test]
    fn a_failing_stream_is_an_error() {
        struct Fails;

        impl Read for Fails {
            fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }

        let (rows, error) = collected(texts_within(
            source(TextFormat::Lines),
            b"one\n".chain(Fails),
            Limits::default(),
        ));
        assert_eq!(shown(&rows), ["1/-/one"]);
        assert_eq!(error.unwrap().to_string(), "cannot read `standard input`");
    }
}
