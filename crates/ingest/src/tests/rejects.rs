//! What is said of rows that cannot become documents.

use super::*;

#[test]
fn each_bad_row_of_a_table_says_why() {
    let content = b"id,text,label,part\n\
        1,good,s,train\n\
        2,good,t,test\n\
        3,caf\xe9,s,train\n\
        4, \t,s,train\n\
        5,,s,train\n\
        6,x,,train\n\
        7,x,\" \",train\n\
        \"\",x,s,train\n\
        9,x,s,holdout\n\
        10,x,s,\n\
        11,x,s\n\
        12,\"x\n\ny\",s,train,more\n\
        13,a\0b,s,train\n\
        14,x,s\0,train\n\
        1,other,s,train\n";
    let yaml = "format: csv\npaths: [a.csv]\ncolumns: {text: text, label: label, id: id, split: part}\n";
    let output = check_rejects(
        "a.csv",
        content,
        yaml,
        &[
            "a.csv:4: not utf-8: `text` has the byte 0xE9 at offset 3; if the source is not UTF-8, say what \
             it is in `ingest.encoding`",
            "a.csv:5: empty text: `text` is nothing but white space",
            "a.csv:6: empty text: `text` is empty",
            "a.csv:7: missing label: `label` is empty",
            "a.csv:8: missing label: `label` is empty",
            "a.csv:9: missing id: `id` is empty",
            "a.csv:10: unknown split: `part` is `holdout`, expected train, validation or test",
            "a.csv:11: unknown split: `part` is empty, expected train, validation or test",
            "a.csv:12: ragged row: 3 fields, the header has 4",
            "a.csv:13: ragged row: 5 fields, the header has 4",
            "a.csv:16: nul byte: `text` has a nul byte at offset 1",
            "a.csv:17: nul byte: `label` has a nul byte at offset 1",
            "a.csv:18: repeated id: a.csv:2 has the same id and is kept",
        ],
    );
    let ids: Vec<_> = output.rejects.iter().map(|reject| reject.id.as_deref()).collect();
    let expected = [
        Some("3"),
        Some("4"),
        Some("5"),
        Some("6"),
        Some("7"),
        None,
        Some("9"),
        Some("10"),
        None,
        None,
        Some("13"),
        Some("14"),
        Some("1"),
    ];
    assert_eq!(ids, expected);
    assert_eq!(
        output.message,
        "15 rows read from 1 file, 2 documents of 2 labels\n  s  1\n  t  1\n\
         split given by the column `part`: train 1, test 1\n\
         warning: the train part has no row of `t`, which cannot be learnt\n\
         warning: the test part has no row of `s`, which cannot be measured\n\
         warning: 2 labels have only one row, which cannot be in train and test: `s`, `t`\n\
         rejects, listed in `rejects.parquet`: 13 (not utf-8 1, nul byte 2, ragged row 2, missing label 2, \
         missing id 1, unknown split 2, empty text 2, repeated id 1)\n  \
         a.csv:4: not utf-8: `text` has the byte 0xE9 at offset 3; if the source is not UTF-8, say what it is in \
         `ingest.encoding`\n  \
         a.csv:5: empty text: `text` is nothing but white space\n  \
         a.csv:6: empty text: `text` is empty\n  \
         a.csv:7: missing label: `label` is empty\n  \
         a.csv:8: missing label: `label` is empty\n  \
         a.csv:9: missing id: `id` is empty\n  \
         a.csv:10: unknown split: `part` is `holdout`, expected train, validation or test\n  \
         a.csv:11: unknown split: `part` is empty, expected train, validation or test\n  \
         a.csv:12: ragged row: 3 fields, the header has 4\n  \
         a.csv:13: ragged row: 5 fields, the header has 4\n  \
         and 3 more"
    );
}

#[test]
fn each_bad_row_of_json_lines_says_why() {
    let content = b"{\"id\": 1, \"text\": \"good\", \"label\": \"s\"}\n\
        {\"id\": 2, \"text\": \"good\", \"label\": \"t\"}\n\
        {\"id\": 3, \"text\": \"x\", \"label\": \"s\"\n\
        [1]\n\
        {\"id\": 5, \"text\": \"caf\xe9\", \"label\": \"s\"}\n\
        {\"id\": 6, \"text\": [\"x\"], \"label\": \"s\"}\n\
        {\"id\": 7, \"text\": true, \"label\": \"s\"}\n\
        {\"id\": {}, \"text\": \"x\", \"label\": \"s\"}\n\
        {\"id\": 9, \"text\": null, \"label\": \"s\"}\n\
        {\"id\": 10, \"text\": \"x\"}\n\
        {\"id\": null, \"text\": \"x\", \"label\": \"s\"}\n\
        {\"id\": 12, \"text\": \"a\\u0000\", \"label\": \"s\"}\n\
        {\"id\": 13, \"text\": \"\\ud800\", \"label\": \"s\"}\n\
        {\"id\": 14, \"text\": \"x\", \"label\": \"s\"} {}\n";
    check_rejects(
        "a.jsonl",
        content,
        JSON,
        &[
            "a.jsonl:3: invalid json: column 35: EOF while parsing an object",
            "a.jsonl:4: invalid json: column 1: invalid type: sequence, expected a JSON object",
            "a.jsonl:5: not utf-8: the line has the byte 0xE9 at offset 22; if the source is not UTF-8, say \
             what it is in `ingest.encoding`",
            "a.jsonl:6: wrong type: `text` is an array, expected a string",
            "a.jsonl:7: wrong type: `text` is a boolean, expected a string",
            "a.jsonl:8: wrong type: `id` is an object, expected a string",
            "a.jsonl:9: empty text: `text` is empty",
            "a.jsonl:10: missing label: `label` is empty",
            "a.jsonl:11: missing id: `id` is empty",
            "a.jsonl:12: nul byte: `text` has a nul byte at offset 1",
            "a.jsonl:13: wrong type: `text` is a string with half a surrogate pair, expected a string",
            "a.jsonl:14: invalid json: column 39: trailing characters",
        ],
    );
}

#[test]
fn each_bad_file_of_a_folder_says_why() {
    let world = World::with(&[
        ("d/s/1.txt", b"good"),
        ("d/t/1.txt", b"good"),
        ("d/t/2.txt", b"pound \xa3"),
        ("d/t/3.txt", b"\n"),
        ("d/license", b"free"),
    ]);
    let output = world
        .run("{format: folder, paths: [d], on_reject: continue}")
        .unwrap();
    assert_eq!(
        reject_lines(&output),
        [
            "d/license: missing label: the file lies in no label's folder",
            "d/t/2.txt: not utf-8: the file has the byte 0xA3 at offset 6; if the source is not UTF-8, say \
             what it is in `ingest.encoding`",
            "d/t/3.txt: empty text: the file is nothing but white space",
        ]
    );
    assert_eq!(output.rejects[1].id.as_deref(), Some("t/2"));
}

#[test]
fn by_default_the_first_ten_are_shown_and_the_rest_counted() {
    let mut content = "id,text,label\n1,a,s\n2,b,t\n".to_owned();
    for number in 3..15 {
        writeln!(content, "{number},,s").unwrap();
    }
    let world = World::with(&[("a.csv", content.as_bytes())]);
    let error = world.run(CSV_ID).unwrap_err();
    let mut message = "12 rows cannot become documents".to_owned();
    for line in 4..14 {
        write!(message, "\n  a.csv:{line}: empty text: `text` is empty").unwrap();
    }
    message.push_str("\n  and 2 more");
    check_failure(
        &error,
        &message,
        &["mend the rows, or set `ingest.on_reject: continue` to go on without them"],
    );
    assert_eq!(error.fault(), Fault::Input);
}

#[test]
fn one_reject_is_told_in_the_singular() {
    check_error(
        "a.csv",
        b"text,label\na,s\n,t\n",
        CSV,
        "1 row cannot become a document\n  a.csv:3: empty text: `text` is empty",
        &["mend the rows, or set `ingest.on_reject: continue` to go on without them"],
    );
}

#[test]
fn of_a_repeated_id_the_first_in_the_order_of_content_is_kept() {
    for content in [
        "id,text,label\n1,b,s\n1,a,t\n1,a,t\n2,x,s\n",
        "id,text,label\n1,a,t\n2,x,s\n1,a,t\n1,b,s\n",
    ] {
        let world = World::with(&[("a.csv", content.as_bytes())]);
        let output = world.run(&format!("{CSV_ID}on_reject: continue\n")).unwrap();
        assert_eq!(rows_of(&output), ["1/a/t", "2/x/s"]);
        assert_eq!(output.rejects.len(), 2);
    }
}
