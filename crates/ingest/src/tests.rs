//! Whole runs over small sources of every format: what becomes of good rows, of bad rows and of bad files, and that
//! neither the order of rows nor of files shows. The rules of one module are tested in that module.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
    StringArray, StringViewArray,
};
use arrow::datatypes::Int32Type;
use labelproof_artifact::{Diagnostic, Fault, Row, Split, TableReader};
use labelproof_testkit::Recorder;
use parquet::arrow::ArrowWriter;

use super::*;

/// A folder with sources, and one for outputs.
struct World {
    base: tempfile::TempDir,
    out: tempfile::TempDir,
}

/// What a run gives.
#[derive(Debug, PartialEq)]
struct Output {
    documents: Vec<Document>,
    rejects: Vec<Reject>,
    labels: Vec<String>,
    message: String,
}

impl World {
    fn new() -> Self {
        Self {
            base: tempfile::tempdir().unwrap(),
            out: tempfile::tempdir().unwrap(),
        }
    }

    fn with(files: &[(&str, &[u8])]) -> Self {
        let world = Self::new();
        for (name, content) in files {
            world.write(name, content);
        }
        world
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.base.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write_atomic(&path, content).unwrap();
    }

    fn run_within(&self, yaml: &str, limits: Limits) -> Result<Output, Error> {
        let params: Params = serde_yaml::from_str(yaml).unwrap();
        let recorder = Recorder::default();
        run_within(&params, self.base.path(), self.out.path(), &recorder, limits)?;
        Ok(Output {
            documents: self.table(),
            rejects: self.table(),
            labels: self.labels(),
            message: recorder.text(),
        })
    }

    fn run(&self, yaml: &str) -> Result<Output, Error> {
        self.run_within(yaml, Limits::default())
    }

    fn table<R: Row>(&self) -> Vec<R> {
        let path = self.out.path().join(R::KIND.file);
        let batches: Vec<_> = TableReader::<R>::open_file(&path)
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        batches.into_iter().flatten().collect()
    }

    fn labels(&self) -> Vec<String> {
        let path = self.out.path().join(LabelMap::KIND.file);
        let map: LabelMap = labelproof_artifact::json::read_artifact_file(LabelMap::KIND, &path).unwrap();
        map.names().to_vec()
    }

    /// The bytes of the artifacts that must not depend on the order of rows.
    fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let read = |name: &str| fs::read(&self.out.path().join(name)).unwrap();
        (read("documents.parquet"), read("labels.json"))
    }
}

const CSV: &str = "format: csv\npaths: [a.csv]\ncolumns: {text: text, label: label}\n";
const CSV_ID: &str = "format: csv\npaths: [a.csv]\ncolumns: {text: text, label: label, id: id}\n";
const JSON: &str = "format: json_lines\npaths: [a.jsonl]\ncolumns: {text: text, label: label, id: id}\n";

/// `id/text/label` of each document.
fn rows_of(output: &Output) -> Vec<String> {
    output
        .documents
        .iter()
        .map(|document| format!("{}/{}/{}", document.id, document.text, document.label))
        .collect()
}

fn reject_lines(output: &Output) -> Vec<String> {
    output.rejects.iter().map(error::reject_line).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// The rejects of a source whose good rows are 1 and 2, as lines; the same rows fail by default.
#[track_caller]
fn check_rejects(file: &str, content: &[u8], yaml: &str, expected: &[&str]) -> Output {
    let world = World::with(&[(file, content)]);
    let output = world.run(&format!("{yaml}on_reject: continue\n")).unwrap();
    assert_eq!(reject_lines(&output), expected);
    let Err(Error::Rejected { rejects, total }) = world.run(yaml) else {
        panic!("the rejects do not fail");
    };
    assert_eq!(total, expected.len() as u64);
    assert_eq!(rejects, output.rejects[..SHOWN_REJECTS.min(expected.len())]);
    output
}

/// The message of the failure.
#[track_caller]
fn check_error(file: &str, content: &[u8], yaml: &str, message: &str, hints: &[&str]) {
    let world = World::with(&[(file, content)]);
    check_failure(&world.run(yaml).unwrap_err(), message, hints);
}

#[track_caller]
fn check_failure(error: &Error, message: &str, hints: &[&str]) {
    assert_eq!(error.to_string(), message);
    assert_eq!(error.hints(), hints);
}

mod formats {
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
            run_bytes: 1,
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
            "a.parquet: no column is called `lable`, which `ingest.columns.label` names; there are: `text`, `label`, \
             `none`",
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
        let yaml = |path: &str| {
            format!("format: csv\npaths: {path}\ncolumns: {{text: text, label: label, id: id}}\n")
        };
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
}

mod rejects {
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
                "a.csv:4: not utf-8: `text` has the byte 0xE9 at offset 3; if the source is not UTF-8, say what it is \
                 in `ingest.encoding`",
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
            {\"id\": 7, \"text\": \"x\", \"label\": true}\n\
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
                "a.jsonl:5: not utf-8: the line has the byte 0xE9 at offset 22; if the source is not UTF-8, say what \
                 it is in `ingest.encoding`",
                "a.jsonl:6: wrong type: `text` is an array, expected a string",
                "a.jsonl:7: wrong type: `label` is a boolean, expected a string",
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
                "d/t/2.txt: not utf-8: the file has the byte 0xA3 at offset 6; if the source is not UTF-8, say what \
                 it is in `ingest.encoding`",
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
}

mod failures {
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
            "`ingest.paths` names the folder `d`, which holds no `.csv` file",
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
            b"[\n{\"id\": 1}\n,\n",
            &JSON.replace("id: id", "id: x"),
            "a.jsonl: no column is called `text`, which `ingest.columns.text` names; there are: `id`",
            &[],
        );
        check_error(
            "a.jsonl",
            b"[{\"id\": 1}]\n",
            JSON,
            "no line of `a.jsonl` is a JSON object",
            &["`json_lines` is one object on each line; turn an array into lines with: jq -c '.[]'"],
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
            "`a.csv.gz` is damaged or no gzip file",
            &["fetch the file again, or remove `.gz` from its name if it is not packed"],
        );
        check_error(
            "a.csv",
            b"\xff\xfet\0e\0",
            CSV,
            "`a.csv` is UTF-16",
            &["convert it: iconv -f utf-16 -t utf-8"],
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
            &["close the field with a quote, and write a quote inside a quoted field twice"],
        );
    }

    #[test]
    fn a_row_beyond_the_limit_is_an_error_and_not_a_full_memory() {
        let limits = Limits {
            row_bytes: 1 << 20,
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
            "no document is left of 2 rows; rejects: 1, not chosen by `ingest.labels.keep`: 1",
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
        let yaml = "make them one:\ningest:\n  labels:\n    rename:\n      \"Sport\": \"sport\"";
        let content = b"text,label\na,sport\nb,sport\nc,Sport\nd,tech\n";
        check_error(
            "a.csv",
            content,
            CSV,
            "the labels \"sport\" (rows: 2) and \"Sport\" (rows: 1) differ only in case",
            &[yaml],
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
             the labels \"s\" (rows: 1) and \"s \" (rows: 1) differ only in white space\n  \
             the labels \"\\u00e9\" (rows: 2) and \"e\\u0301\" (rows: 1) differ only in Unicode form",
            &[
                "make them one:\ningest:\n  labels:\n    rename:\n      \"s \": \"s\"\n      \"e\\u0301\": \"\\u00e9\"",
            ],
        );
    }
}

mod choice {
    use super::*;

    #[test]
    fn labels_are_renamed_then_chosen_and_the_rest_is_counted() {
        let world = World::with(&[(
            "a.csv",
            b"text,label\na,sports\nb,sport\nc,tech\nd,world\ne,arts\nf,world\n",
        )]);
        let output = world
            .run(&format!(
                "{CSV}labels: {{keep: [tech, sport], rename: {{sports: sport, game: sport}}}}\n"
            ))
            .unwrap();
        assert_eq!(output.labels, ["sport", "tech"]);
        assert_eq!(output.rejects, []);
        assert_eq!(
            output.message,
            "6 rows read from 1 file, 3 documents of 2 labels\n  sport  2\n  tech   1\n\
             not chosen by `ingest.labels.keep`: 3 rows (`world` 2, `arts` 1)\n\
             `ingest.labels.rename` names labels that no row has: `game`"
        );
    }

    fn many(order: impl Iterator<Item = u32>) -> String {
        let mut content = "id,text,label\n".to_owned();
        for number in order {
            let label = ["s", "t", "u"][number as usize % 3];
            writeln!(content, "row {number},text {number},{label}").unwrap();
        }
        // Fewer than the cap.
        content.push_str("v1,text,v\nv2,text,v\n");
        content
    }

    #[test]
    fn the_cap_is_drawn_by_seed_and_not_by_place() {
        let ids = |order: Vec<u32>, seed: u64| {
            let world = World::with(&[("a.csv", many(order.into_iter()).as_bytes())]);
            let output = world
                .run(&format!("{CSV_ID}rows_per_label: 20\nseed: {seed}\n"))
                .unwrap();
            assert!(
                output.message.starts_with(
                    "302 rows read from 1 file, 62 documents of 4 labels\n  s  20\n  t  20\n  u  20\n  v   2\n\
                     over the cap of 20 rows per label: 240"
                ),
                "{}",
                output.message
            );
            output
                .documents
                .into_iter()
                .map(|document| document.id)
                .collect::<Vec<_>>()
        };
        let drawn = ids((0..300).collect(), 10);
        assert_eq!(drawn, ids((0..300).rev().collect(), 10));
        let other = ids((0..300).collect(), 11);
        let common = drawn.iter().filter(|id| other.contains(id)).count();
        // Two draws of 20 out of 100 share 4 rows of each label on average, and the 2 rows of `v`.
        assert!((2..40).contains(&common), "{common}");
    }

    #[test]
    fn a_repeated_id_takes_no_place_under_the_cap() {
        let mut content = many(0..300);
        // Equal draws, which must not fill the cap twice.
        content.push_str(&many(0..300)["id,text,label\n".len()..]);
        let world = World::with(&[("a.csv", content.as_bytes())]);
        let yaml = format!("{CSV_ID}rows_per_label: 20\non_reject: continue\n");
        let output = world.run(&yaml).unwrap();
        assert_eq!((output.documents.len(), output.rejects.len()), (62, 302));
    }

    #[test]
    fn many_labels_are_shown_by_their_ends() {
        let mut content = "text,label\n".to_owned();
        for label in 0..40 {
            for row in 0..=label {
                writeln!(content, "text {row},label {label:02}").unwrap();
            }
        }
        let world = World::with(&[("a.csv", content.as_bytes())]);
        let output = world.run(CSV).unwrap();
        let lines: Vec<_> = output.message.lines().collect();
        assert_eq!(lines.len(), 17);
        assert_eq!(lines[1], "  label 39  40");
        assert_eq!(
            lines[10..13],
            ["  label 30  31", "  … and 25 between them", "  label 04   5"]
        );
        assert_eq!(lines[16], "  label 00   1");
    }
}

mod order {
    use super::*;

    /// Rows with and without repeats, as CSV records.
    fn records() -> Vec<String> {
        (0..400_u32)
            .map(|number| {
                let content = number % 150;
                format!(
                    "\"text {content}\n{}\",{},g{}\n",
                    "é".repeat(content as usize % 9),
                    content % 3,
                    content % 4
                )
            })
            .collect()
    }

    /// Writes the records into as many files.
    fn world_of(records: &[String], files: usize) -> World {
        let world = World::new();
        for (index, part) in records.chunks(records.len().div_ceil(files)).enumerate() {
            let content = format!("text,label,group\n{}", part.concat());
            world.write(&format!("{index}.csv"), content.as_bytes());
        }
        world
    }

    const YAML: &str = "format: csv\npaths: ['*.csv']\ncolumns: {text: text, label: label, group: group}\n";

    #[test]
    fn neither_order_nor_files_nor_runs_show_in_the_artifacts() {
        let forward = records();
        let backward: Vec<_> = forward.iter().rev().cloned().collect();
        let mixed: Vec<_> = (0..forward.len())
            .map(|index| forward[index * 7 % forward.len()].clone())
            .collect();
        for yaml in [YAML.to_owned(), format!("{YAML}rows_per_label: 30\n")] {
            let reference = world_of(&forward, 1);
            let output = reference.run(&yaml).unwrap();
            assert!(output.documents.is_sorted_by(|one, other| one.id < other.id));
            for (records, files, run_bytes) in [
                (&backward, 1, 64 << 20),
                (&mixed, 3, 64 << 20),
                (&mixed, 1, 1),
                (&forward, 5, 2000),
            ] {
                let world = world_of(records, files);
                let limits = Limits {
                    run_bytes,
                    open_runs: 4,
                    ..Limits::default()
                };
                world.run_within(&yaml, limits).unwrap();
                assert!(
                    world.bytes() == reference.bytes(),
                    "{files} files, runs of {run_bytes} bytes"
                );
                // Scratch files are gone: the three artifacts are all there is.
                assert_eq!(world.out.path().read_dir().unwrap().count(), 3);
            }
        }
    }

    #[test]
    fn equal_rows_without_ids_are_numbered() {
        let mut content = "text,label\nb,t\n".to_owned();
        content.push_str(&"a,s\n".repeat(12));
        let world = World::with(&[("a.csv", content.as_bytes())]);
        let output = world.run(CSV).unwrap();
        let id = output
            .documents
            .iter()
            .find(|document| document.text == "a")
            .unwrap()
            .id
            .clone();
        let mut expected: Vec<_> = (2..=12).map(|number| format!("{id}-{number}")).collect();
        expected.push(id);
        expected.sort();
        let found: Vec<_> = output
            .documents
            .iter()
            .filter(|document| document.text == "a")
            .collect();
        assert_eq!(
            found.iter().map(|document| &document.id).collect::<Vec<_>>(),
            expected.iter().collect::<Vec<_>>()
        );
        assert!(output.documents.is_sorted_by(|one, other| one.id < other.id));
    }

    #[test]
    fn an_id_from_content_is_the_same_for_ever_and_outlives_a_renaming() {
        let world = World::with(&[("a.csv", b"text,label\na,s\nb,t\n")]);
        let before: Vec<_> = world
            .run(CSV)
            .unwrap()
            .documents
            .into_iter()
            .map(|document| document.id)
            .collect();
        let renamed = world
            .run(&format!("{CSV}labels: {{rename: {{s: sport}}}}\n"))
            .unwrap();
        let after: Vec<_> = renamed
            .documents
            .into_iter()
            .map(|document| document.id)
            .collect();
        assert_eq!(before, after);
        // Ids are joined with across versions of this program: another digest needs another revision.
        assert_eq!(
            before,
            [
                "492d109ded3a9bae361440ae52f9403e",
                "b8f092869e982b2a7c43b0cd231e4cf6"
            ]
        );
    }
}

mod source_names {
    use super::*;

    fn names(params: &str, base: &Path) -> Vec<String> {
        let params: Params = serde_yaml::from_str(params).unwrap();
        source_files(&params, base)
            .unwrap()
            .into_iter()
            .map(|file| file.name)
            .collect()
    }

    #[test]
    fn names_are_relative_sorted_and_without_repeats() {
        let world = World::with(&[
            ("b/2.csv", b""),
            ("b/1.csv", b""),
            ("a[1].csv", b""),
            ("z.csv", b""),
        ]);
        let base = world.base.path();
        let found = names("{format: csv, paths: [b, 'b/*.csv', ./z.csv, 'a[1].csv']}", base);
        assert_eq!(found, ["a[1].csv", "b/1.csv", "b/2.csv", "z.csv"]);
        let found = names("{format: csv, paths: ['../z.csv', ../b]}", &base.join("b"));
        assert_eq!(found, ["../b/1.csv", "../b/2.csv", "../z.csv"]);
    }

    #[test]
    fn an_absolute_path_shows_its_end_only() {
        let (one, other) = (World::with(&[("x.csv", b"")]), World::with(&[("x.csv", b"")]));
        let path = |world: &World| world.base.path().join("x.csv").display().to_string();
        let yaml = format!("{{format: csv, paths: ['{}', '{}']}}", path(&one), path(&other));
        assert_eq!(names(&yaml, &PathBuf::from("/elsewhere")), ["x.csv", "x.csv (2)"]);
        assert_eq!(
            names(
                &format!("{{format: csv, paths: ['{}/*.csv']}}", one.base.path().display()),
                one.base.path()
            ),
            ["x.csv"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        let world = World::with(&[("d/s/1.txt", b"a"), ("real/1.txt", b"b")]);
        let base = world.base.path();
        std::os::unix::fs::symlink(base.join("real"), base.join("d/t")).unwrap();
        std::os::unix::fs::symlink(base.join("d"), base.join("d/s/loop")).unwrap();
        let output = world.run("{format: folder, paths: [d]}").unwrap();
        assert_eq!(rows_of(&output), ["s/1/a/s", "t/1/b/t"]);
        std::os::unix::fs::symlink(base.join("gone"), base.join("d/t/2.txt")).unwrap();
        let error = world.run("{format: folder, paths: [d]}").unwrap_err();
        assert_eq!(error.to_string(), "cannot read `d/t/2.txt`");
    }
}

mod real_data {
    use super::*;

    /// Runs over a file of the real data sets; none where they are absent.
    fn run_on(file: &str, columns: &str) -> Option<Output> {
        let data = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
        if !data.join(file).exists() {
            skipped(file);
            return None;
        }
        let params =
            format!("format: csv\npaths: [{file}]\ncolumns: {{text: text, label: label, id: id{columns}}}\n");
        let params: Params = serde_yaml::from_str(&params).unwrap();
        let world = World::new();
        let recorder = Recorder::default();
        run(&params, &data, world.out.path(), &recorder).unwrap();
        Some(Output {
            documents: world.table(),
            rejects: world.table(),
            labels: world.labels(),
            message: recorder.text(),
        })
    }

    #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
    fn skipped(file: &str) {
        eprintln!("skipped: shared/data/{file} is not here");
    }

    #[track_caller]
    fn check(output: Option<Output>, documents: usize, labels: &[(&str, usize)]) {
        let Some(output) = output else { return };
        assert_eq!((output.documents.len(), output.rejects.len()), (documents, 0));
        for (label, expected) in labels {
            let count = output
                .documents
                .iter()
                .filter(|document| document.label == *label)
                .count();
            assert_eq!(count, *expected, "{label}");
        }
    }

    #[test]
    fn counts_are_those_of_the_publishers() {
        let ag_news = [
            ("Business", 1900),
            ("Sci/Tech", 1900),
            ("Sports", 1900),
            ("World", 1900),
        ];
        check(run_on("ag_news_test.csv", ""), 7600, &ag_news);
        let trec = [
            ("ENTY", 1344),
            ("DESC", 1300),
            ("HUM", 1288),
            ("NUM", 1009),
            ("LOC", 916),
            ("ABBR", 95),
        ];
        check(run_on("trec6.csv", ", split: extra"), 5952, &trec);
        check(run_on("sms_spam.csv", ""), 5574, &[("ham", 4827), ("spam", 747)]);
    }

    #[test]
    fn newsgroups_come_with_their_split_and_their_lengths() {
        let Some(output) = run_on("20news_bydate.csv.gz", ", split: extra") else {
            return;
        };
        let of = |split| {
            output
                .documents
                .iter()
                .filter(|document| document.split == Some(split))
                .count()
        };
        assert_eq!((of(Split::Train), of(Split::Test)), (11_314, 7_532));
        let longest = output
            .documents
            .iter()
            .map(|document| document.text.chars().count())
            .max();
        assert_eq!(longest, Some(160_497));
        assert_eq!(output.labels.len(), 20);
        check(
            Some(output),
            18_846,
            &[("rec.sport.hockey", 999), ("talk.religion.misc", 628)],
        );
    }
}
