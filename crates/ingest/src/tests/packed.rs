//! Packed files, archives, workbooks and databases that other programs wrote, in
//! `tests/fixtures/make_tables.py`.

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/tables");
    fs::read(&Path::new(folder).join(name)).unwrap()
}

/// A run over one fixture under another name.
fn run(fixture_name: &str, name: &str, keys: &str) -> (World, Result<Output, Error>) {
    let world = World::with(&[(name, &fixture(fixture_name))]);
    let output = world.run(&format!("paths: [{name}]\n{keys}"));
    (world, output)
}

const COLUMNS: &str = "columns: {text: text, label: label}";

#[track_caller]
fn check_error(fixture: &str, name: &str, keys: &str, message: &str, hint: &str) {
    let (_, output) = run(fixture, name, keys);
    let error = output.unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!(error.advice().hints, [hint]);
    assert_eq!(error.advice().fault, Fault::Input);
}

#[test]
fn a_packed_table_is_read_whatever_its_name_says() {
    let csv = format!("format: csv\n{COLUMNS}");
    let expected = run("rows.csv.gz", "rows.csv.gz", &csv).1.unwrap();
    assert_eq!(expected.documents.len(), 40);
    for packed in ["rows.csv.gz", "rows.csv.bz2", "rows.csv.xz", "rows.csv.zst"] {
        let (_, output) = run(packed, "rows.csv", &csv);
        assert_eq!(output.unwrap(), expected, "{packed}");
    }
}

#[test]
fn an_archive_is_like_a_folder() {
    let yaml = "format: folder\non_reject: continue";
    for archive in ["folders.zip", "folders.tar.gz", "folders.tar.xz"] {
        let (world, output) = run(archive, archive, yaml);
        let output = output.unwrap();
        assert_eq!(rows_of(&output)[0], "sport/0/text 0 of sport/sport", "{archive}");
        assert_eq!((output.documents.len(), output.labels.len()), (6, 2));
        assert_eq!(
            reject_lines(&output),
            [format!(
                "{archive}/corpus/README: missing label: the file lies in no label's folder"
            )]
        );
        let left: Vec<_> = world.out.path().read_dir().unwrap().collect();
        assert_eq!(left.len(), 3, "{left:?}");
    }
    let output = run("one.zip", "one.zip", &format!("format: csv\n{COLUMNS}"))
        .1
        .unwrap();
    assert_eq!(output.documents.len(), 2);
    check_error(
        "folders.zip",
        "folders.zip",
        &format!("format: csv\n{COLUMNS}"),
        "`ingest.paths` names `folders.zip`, which holds no `.csv` file",
        "name the files themselves, or another `ingest.format`",
    );
}

#[test]
fn the_digests_of_the_sources_are_those_of_the_archive() {
    let world = World::with(&[("folders.zip", &fixture("folders.zip"))]);
    let params = Params::new(Format::Folder, vec!["folders.zip".to_owned()]);
    let files = source_files(&params, world.base.path(), &labelproof_artifact::Silent).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["folders.zip"]);
}

#[test]
fn sheets_and_tables_are_read_by_name() {
    let yaml = format!("format: spreadsheet\nsheet: Data\non_reject: continue\n{COLUMNS}");
    let output = run("openpyxl.xlsx", "openpyxl.xlsx", &yaml).1.unwrap();
    assert_eq!(output.documents.len(), 6);
    assert_eq!(
        reject_lines(&output),
        [
            "openpyxl.xlsx:8: wrong type: `label` is a part of merged cells, of which only the first has the \
             value, expected a string",
            "openpyxl.xlsx:9: wrong type: `text` is the error #N/A, expected a string",
            "openpyxl.xlsx:10: wrong type: `text` is a formula of which the file has no value: open it in a \
             spreadsheet, and save it, expected a string",
        ]
    );
    let yaml = format!(
        "format: sqlite\nquery: SELECT text, label FROM posts WHERE label IN ('sport', '1', 1)\n{COLUMNS}"
    );
    let output = run("python.db", "python.db", &yaml).1.unwrap();
    assert_eq!(output.labels, ["1", "sport"]);
    check_error(
        "python.db",
        "python.db",
        &format!("format: sqlite\n{COLUMNS}"),
        "`python.db` has 3 tables: `odd \"name`, `posts`, `short`",
        "say which in `ingest.table` or `ingest.query`, for example `odd \"name`",
    );
}

#[test]
fn what_was_decided_of_a_sheet_is_said() {
    let yaml = format!("format: spreadsheet\n{COLUMNS}");
    let output = run("xlsxwriter.xlsx", "xlsxwriter.xlsx", &yaml).1.unwrap();
    assert_eq!(output.documents.len(), 6);
    let said = "without its hidden sheets `Codes`, its header in row 3";
    assert!(output.message.contains(said), "{}", output.message);
}

#[test]
fn what_is_no_table_is_named_and_no_encoding_is_tried() {
    let csv = format!("format: csv\nencoding: windows-1252\n{COLUMNS}");
    check_error(
        "xlsxwriter.xlsx",
        "rows.csv",
        &csv,
        "`rows.csv` is an Excel workbook",
        "set `ingest.format: spreadsheet`",
    );
    check_error(
        "odf.ods",
        "rows.csv",
        &csv,
        "`rows.csv` is a spreadsheet",
        "set `ingest.format: spreadsheet`",
    );
    check_error(
        "python.db",
        "rows.csv",
        &csv,
        "`rows.csv` is an SQLite database",
        "set `ingest.format: sqlite`",
    );
    let csv = format!("paths: [rows.csv]\nformat: csv\n{COLUMNS}");
    for (content, message, hint) in [
        (
            &b"<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n"[..],
            "`rows.csv` is an HTML page",
            "fetch the file itself: what is there is the answer of a server, or a page about the file",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            "`rows.csv` is a pointer of Git LFS, and not the file itself",
            "fetch the file itself: `git lfs install` and `git lfs pull` in its repository",
        ),
        (
            b"{\"text\": \"a, b\", \"label\": \"c\"}\n{\"text\": \"d\", \"label\": \"e\"}\n",
            "`rows.csv` is JSON",
            "set `ingest.format: json_lines`",
        ),
        (
            b"[{\"text\": \"a, b\", \"label\": \"c\"}]",
            "`rows.csv` is JSON",
            "set `ingest.format: json`",
        ),
        (
            b"t\0e\0x\0t\0,\0l\0a\0b\0e\0l\0\n\0a\0,\0b\0\n\0",
            "`rows.csv` is UTF-16 without a byte order mark",
            "say `utf-16le` in `ingest.encoding`",
        ),
        (
            b"\x80\x04\x95\x1a\0\0\0\0\0\0\0}\x94",
            "`rows.csv` is a Python pickle",
            "save what is in it as a table: pandas.DataFrame(...).to_csv(\"rows.csv\")",
        ),
    ] {
        let world = World::with(&[("rows.csv", content)]);
        let error = world.run(&csv).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.advice().hints, [hint]);
    }
}

#[test]
fn an_encoding_of_the_standard_is_read() {
    let content = windows_1251("text,label\nпривет,а\nмир,б\n");
    let world = World::with(&[("rows.csv", &content)]);
    let output = world
        .run(&format!(
            "paths: [rows.csv]\nformat: csv\nencoding: Windows-1251\n{COLUMNS}"
        ))
        .unwrap();
    assert_eq!(output.labels, ["а", "б"]);
}

/// Bytes of windows-1251, as Python's codec writes them.
fn windows_1251(text: &str) -> Vec<u8> {
    let byte = |character: char| match character {
        'а'..='я' => u8::try_from(u32::from(character) - 0x430 + 0xE0).unwrap(),
        other => u8::try_from(other).unwrap(),
    };
    text.chars().map(byte).collect()
}

#[test]
fn a_tilde_is_no_folder() {
    let error = World::new()
        .run(&format!("paths: [~/rows.csv]\nformat: csv\n{COLUMNS}"))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`ingest.paths` names `~/rows.csv`, and `~` means a folder to shells alone"
    );
}

#[test]
fn a_packed_parquet_file_or_workbook_is_read() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["one", "two"]));
    let labels: ArrayRef = Arc::new(StringArray::from(vec!["s", "t"]));
    let batch = RecordBatch::try_from_iter([("text", texts), ("label", labels)]).unwrap();
    let mut parquet = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut parquet, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let world = World::with(&[
        ("d/data.parquet.gz", &gzip(&parquet)),
        ("d/book.ods.gz", &gzip(&fixture("odf.ods"))),
    ]);
    let output = world
        .run(&format!("paths: [d]\nformat: parquet\n{COLUMNS}"))
        .unwrap();
    assert_eq!(output.documents.len(), 2);
    let output = world
        .run(&format!(
            "paths: [d]\nformat: spreadsheet\n{COLUMNS}\non_reject: continue"
        ))
        .unwrap();
    assert_eq!(output.documents.len(), 5);
}
