//! What is said of sources and parameters that are wrong as a whole.

use super::*;

#[test]
fn parameters_are_checked_again() {
    let error = World::new().run("{format: csv, paths: []}").unwrap_err();
    check_failure(
        &error,
        "the parameters cannot be used\n  ingest.paths: name at least one file, folder or glob\n  \
         ingest.columns: the format `csv` needs at least `text` and `label`",
        &[],
    );
    assert_eq!(error.fault(), Fault::Configuration);
}

#[test]
fn paths_that_lead_nowhere_are_named_as_given() {
    let world = World::with(&[("d/readme.md", b"x")]);
    let yaml = |path: &str| format!("format: csv\npaths: ['{path}']\ncolumns: {{text: t, label: y}}\n");
    let relative = "paths are relative to the folder of `pipeline.yaml`";
    let check = |path: &str, message: &str, hint: &str| {
        check_failure(&world.run(&yaml(path)).unwrap_err(), message, &[hint]);
    };
    check(
        "no.csv",
        "`ingest.paths` names `no.csv`, which does not exist",
        relative,
    );
    check(
        "d/*.csv",
        "`ingest.paths` names `d/*.csv`, which matches no file",
        relative,
    );
    check(
        "d/***",
        "`ingest.paths` names `d/***`, which is no glob",
        "put a `*`, `?` or `[` that is part of a name into brackets: `[*]`",
    );
    check(
        "d",
        "`ingest.paths` names `d`, which holds no `.csv` file",
        "name the files themselves, or another `ingest.format`",
    );
}

#[test]
fn tables_of_nothing_are_named() {
    check_error(
        "a.csv",
        b"",
        CSV,
        "`a.csv` is empty",
        &["name a source that has rows, or write this one again"],
    );
    check_error(
        "a.csv",
        b"\r\n\n",
        CSV,
        "`a.csv` is empty",
        &["name a source that has rows, or write this one again"],
    );
    check_error(
        "a.csv",
        b"text,label\n",
        CSV,
        "`a.csv` has columns and no row",
        &["name a source that has rows, or write this one again"],
    );
    check_error(
        "a.jsonl",
        b"\n \n",
        JSON,
        "`a.jsonl` is empty",
        &["name a source that has rows, or write this one again"],
    );
    check_error(
        "a.jsonl",
        b"[1]\n[2]\n",
        JSON,
        "no row of `a.jsonl` is a JSON object",
        &[
            "write one JSON object for each row; arrays, and objects over several lines, are read with \
           `ingest.format: json`",
        ],
    );
}

#[test]
fn a_column_that_is_not_there_is_named_with_those_that_are() {
    check_error(
        "a.csv",
        b"\nid,Text,label,label\n1,a,s,s\n",
        CSV,
        "a.csv:2: no column is called `text`, which `ingest.columns.text` names; there are: `id`, `Text`, \
         `label`, `label`",
        &["did you mean `Text`?"],
    );
    check_error(
        "a.csv",
        b"text,label,label\na,s,s\n",
        CSV,
        "a.csv:1: two columns are called `label`, which `ingest.columns.label` names",
        &["rename one of them in the source"],
    );
    check_error(
        "a.jsonl",
        b"{\"text\": \"a\", \"lable\": \"s\", \"id\": 1}\n{\"text\": \"b\", \"id\": 2}\n",
        JSON,
        "a.jsonl: no column is called `label`, which `ingest.columns.label` names; there are: `id`, `lable`, \
         `text`",
        &["did you mean `lable`?"],
    );
    check_error(
        "a.csv",
        b"text,lab\xe9l\na,s\n",
        CSV,
        "a.csv:1: the header is not UTF-8",
        &["say in `ingest.encoding` what the file is, for example `windows-1252`"],
    );
}

#[test]
fn bytes_that_are_not_what_they_should_be_are_told_apart() {
    let packed = gzip(&b"text,label\na,s\n".repeat(1000));
    let yaml = CSV.replace("a.csv", "a.csv.gz");
    check_error(
        "a.csv.gz",
        &packed[..packed.len() - 20],
        &yaml,
        "`a.csv.gz` is cut off: its gzip data has no end",
        &["fetch or pack the file again"],
    );
    check_error(
        "a.csv.gz",
        b"text,label\na,s\n",
        &yaml,
        "`a.csv.gz` is no gzip file, whatever its name says",
        &["fetch the file again, or remove `.gz` from its name if it is not packed"],
    );
    check_error(
        "a.csv",
        b"\xff\xfet\0e\0\0",
        CSV,
        "`a.csv` is damaged UTF-16",
        &["save the file as UTF-8"],
    );
    check_error(
        "a.csv",
        b"\xef\xbb\xbftext,label\n",
        &format!("{CSV}encoding: latin-1\n"),
        "`a.csv` starts with the mark of UTF-8, and `ingest.encoding` is `latin-1`",
        &["remove `ingest.encoding`"],
    );
    check_error(
        "a.csv",
        b"text,label\na,s\n\"b,t\nc,s\n",
        CSV,
        "a.csv:3: a quote opens here and never closes",
        &[
            "close the field with a quote, and write a quote inside a quoted field twice; if quotes are \
             characters of the texts, set `ingest.dialect.quote: none`",
        ],
    );
}

#[test]
fn a_row_beyond_the_limit_is_an_error_and_not_a_full_memory() {
    let limits = Limits {
        tables: labelproof_tables::Limits {
            row_bytes: 1 << 20,
            ..labelproof_tables::Limits::default()
        },
        ..Limits::default()
    };
    let long = "x".repeat(2 << 20);
    let csv = format!("text,label\na,s\n\"{long}\",t\n");
    let json = format!("{{\"text\": \"{long}\"}}\n");
    let world = World::with(&[
        ("a.csv", csv.as_bytes()),
        ("a.jsonl", json.as_bytes()),
        ("d/s/1.txt", long.as_bytes()),
    ]);
    let hint = "look for a quote or a line break that is missing before; split the text if it is meant";
    let check = |yaml: &str, message: &str| {
        check_failure(&world.run_within(yaml, limits).unwrap_err(), message, &[hint]);
    };
    check(CSV, "a.csv:3: the row is longer than 1 MiB");
    check(JSON, "a.jsonl:1: the row is longer than 1 MiB");
    check(
        "{format: folder, paths: [d]}",
        "d/s/1.txt: the row is longer than 1 MiB",
    );
}

#[test]
fn rows_that_make_no_classification_are_refused() {
    check_error(
        "a.csv",
        b"text,label\na,s\nb,s\n",
        CSV,
        "all 2 documents have the label `s`, expected at least two labels",
        &["does `ingest.columns.label` name the right column? A classifier needs two labels at least"],
    );
    check_error(
        "a.csv",
        b"text,label\na,s\n,t\n",
        &format!("{CSV}on_reject: continue\nlabels: {{keep: [t, u]}}\n"),
        "no document is left of 2 rows; rejects: 1, not chosen by `ingest.labels.keep`: 1, without a label by \
         `ingest.labels.missing`: 0",
        &["do `ingest.columns` and `ingest.labels.keep` name what the sources hold?"],
    );
    check_error(
        "a.csv",
        b"text,label\na,sport\nb,tech\nc,world\n",
        &format!("{CSV}labels: {{keep: [sport, teck]}}\n"),
        "`ingest.labels.keep` names `teck`, which no document has; there are: `sport`, `tech`, `world`",
        &["did you mean `tech`?"],
    );
}

#[test]
fn labels_that_are_one_are_refused_with_the_renaming_to_paste() {
    let two = "where they are two classes, rename one to a name that says what it is";
    let yaml = "make them one:\ningest:\n  labels:\n    rename:\n      \"Sport\": \"sport\"";
    let content = b"text,label\na,sport\nb,sport\nc,Sport\nd,tech\n";
    check_error(
        "a.csv",
        content,
        CSV,
        "the labels \"sport\" (rows: 2) and \"Sport\" (rows: 1) differ only in case",
        &[yaml, two],
    );
    let world = World::with(&[("a.csv", content)]);
    let pasted = yaml.split_once("ingest:\n").unwrap().1.replace("\n  ", "\n");
    let pasted = format!("{}\n", pasted.trim_start());
    let output = world.run(&format!("{CSV}{pasted}")).unwrap();
    assert_eq!(output.labels, ["sport", "tech"]);
    check_error(
        "a.csv",
        "text,label\na,s\nb,s \nc,é\nd,é\ne,e\u{301}\n".as_bytes(),
        CSV,
        "2 pairs of labels are almost the same\n  \
         the labels \"\\u00e9\" (rows: 2) and \"e\\u0301\" (rows: 1) differ only in Unicode form\n  \
         the labels \"s\" (rows: 1) and \"s \" (rows: 1) differ only in white space",
        &[
            "make them one:\ningest:\n  labels:\n    rename:\n      \"e\\u0301\": \"\\u00e9\"\n      \"s \": \"s\"",
            two,
        ],
    );
}
