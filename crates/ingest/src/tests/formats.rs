//! What becomes of good rows of each format.

use super::*;

#[test]
fn a_folder_takes_labels_and_ids_from_names_and_skips_hidden_files() {
    let world = World::with(&[
        ("bbc/sport/001.txt", b"one\n"),
        ("bbc/sport/002.txt.gz", &gzip(b"two")),
        ("bbc/tech/001.txt", b"three"),
        ("bbc/tech/deep/1.txt", b"four"),
        ("bbc/.DS_Store", b"\0"),
        ("bbc/tech/.hidden/x.txt", b"\0"),
    ]);
    let output = world.run("{format: folder, paths: [./bbc/]}").unwrap();
    assert_eq!(
        rows_of(&output),
        [
            "sport/001/one\n/sport",
            "sport/002/two/sport",
            "tech/001/three/tech",
            "tech/deep/1/four/tech"
        ]
    );
    assert_eq!(output.labels, ["sport", "tech"]);
    assert_eq!(
        output.message,
        "4 rows read from 4 files, 4 documents of 2 labels\n  sport  2\n  tech   2"
    );
}

#[test]
fn a_file_of_two_roots_keeps_an_id_of_its_own() {
    let world = World::with(&[("x/s/1.txt", b"a"), ("x/t/1.txt", b"b"), ("y/s/1.txt", b"c")]);
    let output = world.run("{format: folder, paths: [x, y]}").unwrap();
    assert_eq!(rows_of(&output), ["t/1/b/t", "x/s/1.txt/a/s", "y/s/1.txt/c/s"]);
}

#[test]
fn globs_name_folders_or_files_of_a_folder_source() {
    let world = World::with(&[("x/s/1.txt", b"a"), ("x/t/2.txt", b"b"), ("x/t/3.md", b"c")]);
    let output = world.run("{format: folder, paths: ['x/*/*.txt']}").unwrap();
    assert_eq!(rows_of(&output), ["s/1/a/s", "t/2/b/t"]);
}

#[test]
fn csv_joins_text_columns_and_reads_every_declared_column() {
    let content = b"\xef\xbb\xbfkey,title,body,y,thread,part,unused\r\n\
        b,Tall,\"He said \"\"hi\"\",\r\nand left\",s,t1,Train,\xff\r\n\
        \r\n\
        a,,only body,t,,DEV,\r\n\
        c,only title,,t, ,testing,\r\n";
    let world = World::with(&[("a.csv", content)]);
    let output = world
        .run(
            "format: csv\npaths: [a.csv]\njoin: ' | '\n\
             columns: {text: [title, body], label: y, id: key, group: thread, split: part}\n",
        )
        .unwrap();
    let document = |id: &str, text: &str, label: &str, group: Option<&str>, split| Document {
        id: id.to_owned(),
        text: text.to_owned(),
        label: label.to_owned(),
        group: group.map(str::to_owned),
        split: Some(split),
    };
    assert_eq!(
        output.documents,
        [
            document("a", "only body", "t", None, Split::Validation),
            document(
                "b",
                "Tall | He said \"hi\",\r\nand left",
                "s",
                Some("t1"),
                Split::Train
            ),
            document("c", "only title", "t", None, Split::Test),
        ]
    );
}

#[test]
fn tsv_splits_at_tabs() {
    let world = World::with(&[("a.tsv", b"id\ttext\tlabel\n1\ta, b\ts\n2\t\"c\td\"\tt\n")]);
    let output = world
        .run("format: tsv\npaths: [a.tsv]\ncolumns: {text: text, label: label, id: id}\n")
        .unwrap();
    assert_eq!(rows_of(&output), ["1/a, b/s", "2/c\td/t"]);
}

#[test]
fn json_lines_take_numbers_as_written_and_null_as_missing() {
    let content = "\u{feff}{\"id\": 7, \"text\": \"one \\u00e9\\n\", \"label\": 1.50, \"x\": {\"deep\": [1]}}\n\
        \n\
        {\"label\": 1e3, \"text\": \"two\", \"id\": \"b\", \"id2\": null}\r\n";
    let world = World::with(&[("a.jsonl", content.as_bytes())]);
    let output = world.run(JSON).unwrap();
    assert_eq!(rows_of(&output), ["7/one é\n/1.50", "b/two/1e3"]);
}

#[test]
fn json_of_any_shape_gives_the_documents_of_its_lines() {
    let lines: &[u8] = b"{\"id\": 1.0, \"text\": \"a\", \"label\": \"s\"}\n\
        {\"id\": \"b\", \"text\": \"c\", \"label\": \"t\"}\n";
    let array = br#"[{"id": 1.0, "text": "a", "label": "s"}, {"id": "b", "text": "c", "label": "t"}]"#;
    let columns =
        br#"{"id": {"0": 1.0, "1": "b"}, "text": {"0": "a", "1": "c"}, "label": {"0": "s", "1": "t"}}"#;
    let yaml = JSON.replace("json_lines", "json");
    for content in [lines, array, columns] {
        let world = World::with(&[("a.jsonl", content)]);
        assert_eq!(rows_of(&world.run(&yaml).unwrap()), ["1.0/a/s", "b/c/t"]);
    }
}

#[test]
fn a_csv_of_a_spreadsheet_may_have_semicolons() {
    let world = World::with(&[("a.csv", b"id;text;label\n1;a, b;s\n2;c;t\n")]);
    assert_eq!(rows_of(&world.run(CSV_ID).unwrap()), ["1/a, b/s", "2/c/t"]);
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_takes_strings_of_every_kind_and_simple_labels() {
    let dictionary: DictionaryArray<Int32Type> = ["train", "test"].into_iter().collect();
    let file = parquet(vec![
        ("unused", Arc::new(Int64Array::from(vec![1, 2]))),
        ("label", Arc::new(Int64Array::from(vec![3, -4]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("v1"), None]))),
        ("large", Arc::new(LargeStringArray::from(vec!["l1", "l2"]))),
        ("id", Arc::new(Float64Array::from(vec![0.5, 2.0]))),
        ("group", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("split", Arc::new(dictionary)),
    ]);
    let world = World::with(&[("a.parquet", &file)]);
    let output = world
        .run(
            "format: parquet\npaths: [a.parquet]\n\
             columns: {text: [large, view], label: label, id: id, group: group, split: split}\n",
        )
        .unwrap();
    assert_eq!(rows_of(&output), ["0.5/l1\nv1/3", "2.0/l2/-4"]);
    let groups: Vec<_> = output
        .documents
        .iter()
        .map(|document| document.group.as_deref())
        .collect();
    assert_eq!(groups, [Some("true"), None]);
    let splits: Vec<_> = output.documents.iter().map(|document| document.split).collect();
    assert_eq!(splits, [Some(Split::Train), Some(Split::Test)]);
}

#[test]
fn parquet_rows_are_rejected_by_number_whatever_the_batch() {
    let file = parquet(vec![
        (
            "text",
            Arc::new(StringArray::from(vec![Some("a"), None, Some("b"), Some(" ")])),
        ),
        (
            "label",
            Arc::new(StringArray::from(vec![Some("s"), Some("s"), Some("t"), None])),
        ),
    ]);
    let world = World::with(&[("a.parquet", &file)]);
    let limits = Limits {
        tables: labelproof_tables::Limits {
            batch_bytes: 1,
            ..labelproof_tables::Limits::default()
        },
        ..Limits::default()
    };
    let yaml =
        "format: parquet\npaths: [a.parquet]\ncolumns: {text: text, label: label}\non_reject: continue\n";
    let output = world.run_within(yaml, limits).unwrap();
    assert_eq!(
        reject_lines(&output),
        [
            "a.parquet:2: empty text: `text` is empty",
            "a.parquet:4: missing label: `label` is empty"
        ]
    );
}

#[test]
fn wrong_parquet_is_refused_by_name() {
    let file = parquet(vec![
        ("text", Arc::new(Int64Array::from(vec![1]))),
        ("label", Arc::new(StringArray::from(vec!["a"]))),
        ("none", Arc::new(StringArray::from(vec!["a"]))),
    ]);
    let yaml = |columns: &str| format!("format: parquet\npaths: [a.parquet]\ncolumns: {columns}\n");
    check_error(
        "a.parquet",
        &file,
        &yaml("{text: text, label: label}"),
        "a.parquet: the column `text`, which `ingest.columns.text` names, is Int64, expected a string",
        &["write the column in another type, or name another column"],
    );
    check_error(
        "a.parquet",
        &file,
        &yaml("{text: none, label: lable}"),
        "a.parquet: no column is called `lable`, which `ingest.columns.label` names; there are: `text`, \
         `label`, `none`",
        &["did you mean `label`?"],
    );
    let yaml = yaml("{text: text, label: label}");
    check_error(
        "a.parquet",
        &file[..20],
        &yaml,
        "`a.parquet` is damaged or no Parquet file",
        &["fetch the file again: it may have been cut short"],
    );
    check_error(
        "a.parquet",
        b"",
        &yaml,
        "`a.parquet` is empty",
        &["name a source that has rows, or write this one again"],
    );
    let no_rows = parquet(vec![
        ("text", Arc::new(StringArray::from(Vec::<&str>::new()))),
        ("label", Arc::new(StringArray::from(Vec::<&str>::new()))),
    ]);
    check_error(
        "a.parquet",
        &no_rows,
        &yaml,
        "`a.parquet` has columns and no row",
        &["name a source that has rows, or write this one again"],
    );
}

#[test]
fn packed_files_in_several_members_globs_and_folders_are_read() {
    let mut members = gzip(b"id,text,label\n1,a");
    members.extend(gzip(b"b,s\n"));
    let world = World::with(&[
        ("d/1.csv.gz", &members),
        ("d/2.CSV", b"label,text,id\nt,c,2\n"),
        ("d/readme.md", b"no table"),
        ("d/deep/3.csv", b"id,text,label\n3,d,t\n"),
        ("d/.csv", b"hidden"),
    ]);
    let yaml =
        |path: &str| format!("format: csv\npaths: {path}\ncolumns: {{text: text, label: label, id: id}}\n");
    let all = ["1/ab/s", "2/c/t", "3/d/t"];
    assert_eq!(rows_of(&world.run(&yaml("[d]")).unwrap()), all);
    // Globs tell upper from lower case, so `2.CSV` is named apart.
    assert_eq!(
        rows_of(
            &world
                .run(&yaml("['d/*csv*', d/1.csv.gz, d/2.CSV, 'd/*/*']"))
                .unwrap()
        ),
        all
    );
}

#[test]
fn encodings_are_decoded_as_a_stream() {
    let yaml = |encoding: &str| format!("{CSV_ID}encoding: {encoding}\n");
    // 0x80 is the euro sign of Windows and a control character in ISO 8859-1.
    let world = World::with(&[("a.csv", b"id,text,label\n1,caf\xe9 \x80,s\n2,b,t\xfc\n")]);
    let output = world.run(&yaml("windows-1252")).unwrap();
    assert_eq!(rows_of(&output), ["1/café €/s", "2/b/tü"]);
    let output = world.run(&yaml("latin-1")).unwrap();
    assert_eq!(rows_of(&output), ["1/café \u{80}/s", "2/b/tü"]);
}

#[test]
fn a_mark_at_the_beginning_tells_utf_16() {
    let text = "\u{feff}id,text,label\n1,café 🎈,s\n2,b,t\n";
    for encode in [u16::to_le_bytes, u16::to_be_bytes] {
        let content: Vec<u8> = text.encode_utf16().flat_map(encode).collect();
        let world = World::with(&[("a.csv", &content), ("a.csv.gz", &gzip(&content))]);
        assert_eq!(rows_of(&world.run(CSV_ID).unwrap()), ["1/café 🎈/s", "2/b/t"]);
        let packed = CSV_ID.replace("a.csv", "a.csv.gz");
        assert_eq!(rows_of(&world.run(&packed).unwrap()), ["1/café 🎈/s", "2/b/t"]);
    }
}

#[test]
fn long_latin_1_comes_through_whole() {
    let text: Vec<u8> = (0..1_000_000_u32)
        .map(|number| b"a\xe9\xff"[number as usize % 3])
        .collect();
    let mut content = b"id,text,label\n1,".to_vec();
    content.extend(&text);
    content.extend(b",s\n2,b,t\n");
    let world = World::with(&[("a.csv", &content)]);
    let expected: String = text.iter().map(|byte| char::from(*byte)).collect();
    for encoding in ["latin-1", "windows-1252"] {
        let output = world.run(&format!("{CSV_ID}encoding: {encoding}\n")).unwrap();
        assert!(output.documents[0].text == expected, "{encoding}");
    }
}
