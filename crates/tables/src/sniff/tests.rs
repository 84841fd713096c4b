//! What people's files are found to be.

use super::*;
use crate::dialect::Quote;

fn found(name: &str, text: &str) -> Sniffed {
    let is_name = |cell: &str| ["label", "pred", "text", "prediction", "y_true"].contains(&cell);
    let expected = Expected {
        is_name: &is_name,
        no_header: false,
        settings: Settings::default(),
    };
    of_text(text, true, Format::of_name(Path::new(name)), expected)
}

#[track_caller]
fn check(name: &str, text: &str, separator: u8, header: Header, remarks: &[&str]) {
    let sniffed = found(name, text);
    let Format::Delimited(dialect) = sniffed.format else {
        panic!("{sniffed:?}");
    };
    assert_eq!((dialect.separator, dialect.header), (separator, header), "{text}");
    assert_eq!(sniffed.remarks, remarks, "{text}");
}

#[test]
fn separators_are_those_that_make_even_rows() {
    let names = Header::Names;
    check("a.csv", "text,label\nx,a\ny,b\n", b',', names, &[]);
    check(
        "a.csv",
        "text;label\na, b;a\nc;b\n",
        b';',
        names,
        &["separated by semicolons"],
    );
    check(
        "a.csv",
        "text|label\na, b|a\nc|b\n",
        b'|',
        names,
        &["separated by pipes"],
    );
    check("a.tsv", "text\tlabel\na, b\ta\nc\tb\n", b'\t', names, &[]);
    check(
        "a.txt",
        "text\tlabel\na, b\ta\nc\tb\n",
        b'\t',
        names,
        &["separated by tabs"],
    );
    check(
        "a.tsv",
        "text,label\nx,a\ny,b\n",
        b',',
        names,
        &["separated by commas"],
    );
    check(
        "a.csv",
        "label;p\na;0,25\nb;0,5\n",
        b';',
        names,
        &["separated by semicolons", "with decimal commas"],
    );
    // Excel says it, and write.csv2 and write.table of R do it.
    check(
        "a.csv",
        "sep=;\r\ntext;label\r\nx;a\r\n",
        b';',
        names,
        &["separated by semicolons"],
    );
    check(
        "a.txt",
        "\"label\" \"pred\"\n\"1\" 0 1\n\"2\" 1 1\n",
        b' ',
        Header::NamesButFirst,
        &[
            "separated by spaces",
            "with row names that the header does not name",
        ],
    );
    check(
        "a.txt",
        "# y_true pred\n0 1\n1 1\n",
        b' ',
        Header::Comment,
        &["separated by spaces"],
    );
}

#[test]
fn a_first_row_that_is_like_the_others_is_a_row() {
    let none = Header::None;
    let said = "without a header: its first row is a row";
    check("a.tsv", "0.25\t0.75\n0.5\t0.5\n", b'\t', none, &[said]);
    check("a.csv", "1,0\n0,0\n1,1\n", b',', none, &[said]);
    check("a.csv", "good\nbad\ngood\ngood\n", b',', none, &[said]);
    check(
        "a.csv",
        "a text,good\nanother,bad\na third,good\na last,bad\n",
        b',',
        none,
        &[said],
    );
    check(
        "a.csv",
        "0,445;0,555\n0,25;0,75\n",
        b';',
        none,
        &["separated by semicolons", said, "with decimal commas"],
    );
    check(
        "a.txt",
        "  0.25   0.75\n 10.50 0.5\n",
        b' ',
        none,
        &["separated by spaces", said],
    );
}

#[test]
fn a_first_row_that_names_the_others_is_a_header() {
    let names = Header::Names;
    // The numbers of classes, as pandas names the columns of an array.
    check("a.csv", ",0,1\n0,0.25,0.75\n1,0.5,0.5\n", b',', names, &[]);
    check("a.csv", "0,1,2\n0,1,0\n1,0,0\n", b',', names, &[]);
    check("a.csv", "comment,thing\nx,a\ny,b\n", b',', names, &[]);
    check("a.csv", "text\nx\ny\nx\n", b',', names, &[]);
    check(
        "a.csv",
        "What do you think of it?\ngood\nnothing\n",
        b',',
        names,
        &[],
    );
}

#[test]
fn quotes_are_text_where_they_quote_nothing() {
    let quotes = |text: &str| match found("a.tsv", text).format {
        Format::Delimited(dialect) => dialect.quote != Quote::None,
        _ => panic!("{text}"),
    };
    assert!(!quotes("text\tlabel\n\"open\ta\nb\tb\n"));
    assert!(!quotes("text\tlabel\n\"one\ta\nb\tb\n\"two\ta\nc\ta\n"));
    assert!(quotes("text\tlabel\n\"a \"\"quoted\"\" word\"\ta\nb\tb\n"));
    assert!(quotes("text\tlabel\n\"two\nlines\"\ta\nb\tb\n"));
}

#[test]
fn json_is_told_by_its_first_rows() {
    let check = |text: &str, format| assert_eq!(found("a.json", text).format, format, "{text}");
    let array = |has_header, is_lines| Format::JsonArrays { has_header, is_lines };
    let value = |is_lines| Format::JsonValues { is_lines };
    check("[{\"label\": 1}]", Format::Json);
    check("{\"label\": [1, 2]}", Format::Json);
    check(
        "[[\"text\", \"label\"], [\"x\", \"a\"], [\"y\", \"b\"]]",
        array(true, false),
    );
    check("[[\"x\", 1], [\"y\", 0]]", array(false, false));
    check("[\"x\", 1]\n[\"y\", 0]\n", array(false, true));
    check(
        "[[{\"label\": \"a\", \"score\": 1}], [{\"label\": \"b\", \"score\": 1}]]",
        value(false),
    );
    check(
        "[{\"label\": \"a\", \"score\": 1}]\n[{\"label\": \"b\", \"score\": 1}]\n",
        value(true),
    );
    check("[[0.25, 0.75], [0.5, 0.5]]", value(false));
    check("[0, 1, 1]", value(false));
    assert_eq!(
        found("a.csv", "{\"a\": 1}\n{\"a\": 2}\n").remarks,
        ["JSON, whatever its name says"]
    );
}

#[test]
fn encodings_are_told_by_all_bytes() {
    let check = |bytes: &[u8], expected: &str| {
        let mut scan = Scan::default();
        for chunk in bytes.chunks(7) {
            scan.take(chunk);
        }
        assert_eq!(scan.encoding().name(), expected);
    };
    check("text,label\né,ü\n".as_bytes(), "utf-8");
    let (latin, ..) = encoding_rs::WINDOWS_1252.encode("Das schönste Café für Gäste – größer, heißt es\n");
    check(&latin, "windows-1252");
    let (cyrillic, ..) = encoding_rs::WINDOWS_1251.encode("Это очень хороший текст для проверки кодировки\n");
    check(&cyrillic, "windows-1251");
    // A sign of currency alone is not Polish.
    check(b"spam,Win \xA31000 now\n", "windows-1252");
    let (polish, ..) = encoding_rs::WINDOWS_1250.encode("Zażółć gęślą jaźń, łódź i źdźbło\n");
    check(&polish, "windows-1250");
    // One broken byte among many right ones is damage.
    let mut damaged = "äöü".repeat(20).into_bytes();
    damaged.push(0xE4);
    check(&damaged, "utf-8");
}
