//! What bad input is answered with by the stages that run no network: where it is, what is wrong, what to do,
//! and the exit code. Each message as a whole.

use insta::assert_snapshot;
use labelproof_artifact::fs;

use crate::harness::{Project, small_corpus};

/// The message about a small project that `spoil` changes, whose data stages run with more arguments.
#[track_caller]
fn answer(spoil: impl FnOnce(&Project), arguments: &[&str]) -> String {
    let project = Project::small("flex");
    spoil(&project);
    project
        .run(&[&["run", "split", "--quiet"], arguments].concat())
        .expect_message()
}

/// Forty rows of two labels.
fn rows() -> String {
    (0..40).fold(String::from("id,text,label\n"), |mut csv, row| {
        let label = if row % 2 == 0 { "trade" } else { "sport" };
        csv.push_str(&format!("{row},goal team {row} win,{label}\n"));
        csv
    })
}

/// The message about a source of forty valid rows and these bytes.
#[track_caller]
fn answer_to_rows(more: &[u8], arguments: &[&str]) -> String {
    let bytes = [rows().as_bytes(), more].concat();
    let spoil = |project: &Project| fs::write_atomic(&project.path("texts.csv"), &bytes).unwrap();
    answer(spoil, arguments)
}

const FAIL: [&str; 4] = [
    "--set",
    "ingest.on_reject=fail",
    "--set",
    "preprocess.on_reject=fail",
];

#[test]
fn tables_without_rows() {
    assert_snapshot!(answer(|project| project.write("texts.csv", ""), &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: `texts.csv` is empty

        hint: name a source that has rows, or write this one again
    "#);
    assert_snapshot!(answer(|project| project.write("texts.csv", "id,text,label\n"), &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: `texts.csv` has columns and no row

        hint: name a source that has rows, or write this one again
    "#);
}

#[test]
fn rows_that_are_no_rows() {
    assert_snapshot!(answer_to_rows(b"41,caf\xe9 goal,sport\n", &FAIL), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: 1 row cannot become a document
              texts.csv:42: not utf-8: `text` has the byte 0xE9 at offset 3; if the source is not UTF-8, say what it is in `ingest.encoding`

        hint: mend the rows, or set `ingest.on_reject: continue` to go on without them
    "#);
    assert_snapshot!(answer_to_rows(b"41,goal,sport,extra\n42,goal\n", &FAIL), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: 2 rows cannot become documents
              texts.csv:42: ragged row: 4 fields, the header has 3
              texts.csv:43: ragged row: 2 fields, the header has 3

        hint: mend the rows, or set `ingest.on_reject: continue` to go on without them
    "#);
    assert_snapshot!(answer_to_rows(b"41,go\0al,sport\n", &FAIL), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: 1 row cannot become a document
              texts.csv:42: nul byte: `text` has a nul byte at offset 2

        hint: mend the rows, or set `ingest.on_reject: continue` to go on without them
    "#);
    assert_snapshot!(answer_to_rows(b"41,\"goal,sport\n42,x,trade\n", &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: texts.csv:42: a quote opens here and never closes

        hint: close the field with a quote, and write a quote inside a quoted field twice; if quotes are characters of the texts, set `ingest.dialect.quote: none`
    "#);
    assert_snapshot!(answer_to_rows(b"41,<br>,sport\n", &FAIL), @r#"
        exit code 3
        error: stage `preprocess` failed
          caused by: 1 row cannot go on
              `41`: empty text: cleaning leaves nothing of "<br>"

        hint: mend the rows, or set `preprocess.on_reject: continue` to go on without them
    "#);
}

#[test]
fn encodings() {
    let utf16: Vec<u8> = [0xfeff_u16]
        .into_iter()
        .chain(rows().encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_snapshot!(answer(|project| fs::write_atomic(&project.path("texts.csv"), &utf16[..utf16.len() - 1]).unwrap(), &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: `texts.csv` is damaged UTF-16

        hint: save the file as UTF-8
    "#);
    // A byte-order mark is no part of the first column's name.
    let project = Project::small("flex");
    project.write("texts.csv", &format!("\u{feff}{}", small_corpus()));
    project.run(&["run", "split"]).expect_success();
}

#[test]
fn a_field_of_a_hundred_megabytes_is_a_text_like_any_other() {
    let project = Project::small("flex");
    let field = "goal ".repeat(20 << 20);
    project.write("texts.csv", &format!("{}41,{field},sport\n", rows()));
    let run = project.run(&["run", "split"]).expect_success();
    assert!(run.stderr.contains("41 documents"), "{}", run.stderr);
}

#[test]
fn labels() {
    assert_snapshot!(answer_to_rows(b"41,goal x,Sport\n", &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: the labels "sport" (rows: 20) and "Sport" (rows: 1) differ only in case

        hint: make them one:
        ingest:
          labels:
            rename:
              "Sport": "sport"
        hint: where they are two classes, rename one to a name that says what it is
    "#);
    assert_snapshot!(answer_to_rows(b"41,film star,film\n", &[]), @r#"
        exit code 3
        error: stage `split` failed
          caused by: too few rows for test, validation and train: label `film` has 1 row

        hint: merge the label with another (`ingest.labels.rename`), leave it out (`ingest.labels.keep`), or give it more rows
    "#);
    assert_snapshot!(answer(|project| project.write("texts.csv", &rows().replace("trade", "sport")), &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: all 40 documents have the label `sport`, expected at least two labels

        hint: does `ingest.columns.label` name the right column? A classifier needs two labels at least
    "#);
}

/// Another source in the place of the CSV.
fn source(project: &Project, format: &str, file: &str, bytes: &[u8]) {
    let pipeline = project.read("pipeline.yaml");
    let pipeline = pipeline.replace("format: csv", &format!("format: {format}"));
    project.write("pipeline.yaml", &pipeline.replace("texts.csv", file));
    fs::write_atomic(&project.path(file), bytes).unwrap();
}

#[test]
fn other_formats() {
    assert_snapshot!(answer(|project| source(project, "parquet", "rows.parquet", b"PAR1 nonsense PAR1"), &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: `rows.parquet` is damaged or no Parquet file
          caused by: EOF: Parquet file too small. Size is 18 but need 543519606

        hint: fetch the file again: it may have been cut short
    "#);
    // The splits of another run: Parquet, and of another schema.
    let other = Project::small("flex");
    other.run(&["run", "split"]).expect_success();
    let bytes = fs::read(&other.path("artifacts/split/split.parquet")).unwrap();
    assert_snapshot!(answer(|project| source(project, "parquet", "rows.parquet", &bytes), &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: rows.parquet: no column is called `text`, which `ingest.columns.text` names; there are: `id`, `label`, `split`, `group`
    "#);
    assert_snapshot!(answer(|project| source(project, "json_lines", "rows.jsonl", b"[{\"text\": \"a\"}]\n"), &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: `rows.jsonl` is one JSON array, and not one object on each line

        hint: read it with `ingest.format: json`
    "#);
    assert_snapshot!(answer(|project| {
            let lines = "{\"id\": \"1\", \"text\": \"a\", \"label\": \"x\"}\n{\"id\": \"2\", \"text\":\n";
            source(project, "json_lines", "rows.jsonl", lines.as_bytes());
        }, &FAIL), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: 1 row cannot become a document
              rows.jsonl:2: invalid json: column 19: EOF while parsing a value

        hint: mend the rows, or set `ingest.on_reject: continue` to go on without them
    "#);
    assert_snapshot!(answer(|project| {
            project
                .shell("gzip texts.csv && head -c 500 texts.csv.gz > cut.csv.gz")
                .expect_success();
            let cut = fs::read(&project.path("cut.csv.gz")).unwrap();
            source(project, "csv", "cut.csv.gz", &cut);
        }, &[]), @r#"
        exit code 3
        error: stage `ingest` failed
          caused by: `cut.csv.gz` is cut off: its gzip data has no end

        hint: fetch or pack the file again
    "#);
}

/// One file of the encoder with other content.
fn encoder(project: &Project, file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let path = project.path("encoder").join(file);
    let bytes = fs::read(&path).unwrap();
    fs::write_atomic(&path, &change(bytes)).unwrap();
}

fn replaced(bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(from), "{text}");
    text.replace(from, to).into_bytes()
}

#[test]
fn encoders() {
    assert_snapshot!(answer(|project| {
            encoder(project, "tokenizer.json", |bytes| {
                replaced(bytes, "\"goal\": 4", "\"goal\": 500")
            });
        }, &[]), @r#"
        exit code 6
        error: stage `preprocess` failed
          caused by: the tokenizer beside `encoder/config.json` has ids up to 500, but the encoder knows 30 tokens (`vocab_size`)

        hint: take `tokenizer.json` and the weights from the same model
    "#);
    assert_snapshot!(answer(|project| {
            encoder(project, "tokenizer.json", |mut bytes| {
                bytes.truncate(11);
                bytes
            });
        }, &[]), @r#"
        exit code 6
        error: stage `preprocess` failed
          caused by: `encoder/tokenizer.json` is not a usable tokenizer: save it again with `tokenizer.save_pretrained` of transformers and take the `tokenizer.json` written there
          caused by: EOF while parsing a string at line 2 column 9
    "#);
    assert_snapshot!(answer(|project| {
            encoder(project, "config.json", |bytes| {
                replaced(bytes, "\"vocab_size\": 30, ", "")
            });
        }, &[]), @r#"
        exit code 6
        error: `encoder/config.json`: missing field `vocab_size`

        hint: `encoder` must name an encoder with the config.json that it was saved with; docs/encoders.md says which architectures there are
    "#);
    assert_snapshot!(answer(|project| {
            encoder(project, "config.json", |bytes| {
                replaced(bytes, "\"bert\"", "\"t5\"")
            });
        }, &[]), @r#"
        exit code 6
        error: `encoder/config.json`: the model type is `t5`, supported are bert, roberta, camembert, xlm-roberta, distilbert, electra, albert, mpnet, modernbert, deberta-v2

        hint: `encoder` must name an encoder with the config.json that it was saved with; docs/encoders.md says which architectures there are
    "#);
}

#[test]
fn settings_and_surroundings() {
    let untouched = |_: &Project| ();
    assert_snapshot!(answer(untouched, &["--set", "train.epochs=many"]), @r#"
        exit code 2
        error: `--set train.epochs=many`: invalid type: string "many", expected a whole number
    "#);
    assert_snapshot!(answer(untouched, &["--set", "preprocess.max_tokens=500"]), @r#"
        exit code 2
        error: stage `preprocess` failed
          caused by: `preprocess.max_tokens` is 500, but the encoder takes 32 tokens at most (`max_position_embeddings` in `encoder/config.json`)

        hint: set `preprocess.max_tokens: 32`, or name an encoder for longer texts
        hint: or read longer texts in windows: `preprocess.windows`
    "#);
    assert_snapshot!(answer(untouched, &["--device", "gpu"]), @r#"
        exit code 2
        error: invalid value 'gpu' for '--device <DEVICE>': unknown device `gpu`; use auto, cpu, cuda, cuda:<number>, mps or flex

        For more information, try '--help'.
    "#);
    assert_snapshot!(answer(|project| project.write("artifacts", ""), &[]), @r#"
        exit code 7
        error: cannot create the folder `artifacts`
          caused by: File exists (os error 17)

        hint: a file stands where a folder is needed: move it away, or name another folder
    "#);
    assert_snapshot!(answer(|project| project.write("pipeline.yaml", "encoder: encoder\n\tingest: x\n"), &[]), @r#"
        exit code 2
        error: pipeline.yaml:2:1: found a tab character that violates indentation at line 2 column 1, while scanning a plain scalar
          | 	ingest: x
    "#);
}

/// Nine lists of nine of the one before would be a billion labels.
#[test]
fn a_file_that_unfolds_itself_is_refused() {
    let mut bomb = String::from(
        "encoder: encoder\ningest:\n  format: csv\n  paths: [texts.csv]\n  labels:\n    keep:\n",
    );
    bomb.push_str("      - &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let before = format!("*a{}", level - 1);
        bomb.push_str(&format!(
            "      - &a{level} [{}]\n",
            [before.as_str(); 9].join(", ")
        ));
    }
    let project = Project::small("flex");
    project.write("pipeline.yaml", &bomb);
    let run = project.run(&["run", "--quiet"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    project.write("pipeline.yaml", &format!("# {}\n", "long ".repeat(1 << 20)));
    let run = project.run(&["run", "--quiet"]);
    assert_eq!(
        (run.code, run.stderr.lines().next().unwrap()),
        (
            2,
            "error: pipeline.yaml: the file has 5242883 bytes, a configuration at most 1048576"
        )
    );
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn an_address_is_told_apart_from_a_path_where_there_is_no_network() {
    if cfg!(feature = "remote") {
        println!("skipped: this build fetches it");
        return;
    }
    let elsewhere = |address: &str| answer(|_| (), &["--artifacts", address]);
    let answer = |entry: &str| answer(|_| (), &["--set", &format!("ingest.paths=[\"{entry}\"]")]);
    assert_snapshot!(answer("https://example.org/a.csv?sig=secret"), @r"
    exit code 2
    error: stage `ingest` failed
      caused by: `https://example.org/a.csv` is an address in the network, and this build of labelproof reads files of this machine only

    hint: build it with the network: cargo build --release --bin labelproof --bin labelproof-torch --features labelproof-cli/remote
    hint: or download the file yourself, and name it by its path on this machine
    ");
    assert_snapshot!(answer("ftp://example.org/a.csv"), @r"
    exit code 2
    error: stage `ingest` failed
      caused by: `ftp://example.org/a.csv` cannot be fetched: `ftp` is no scheme that is known here

    hint: what can be fetched begins with s3://, gs://, az://, abfs://, https://, http:// and hf://datasets/; download anything else yourself, and name the file
    ");
    assert_snapshot!(elsewhere("s3://bucket/runs"), @r"
    exit code 2
    error: the artifacts cannot lie there
      caused by: `s3://bucket/runs` is an address in the network, and this build of labelproof writes to this machine only

    hint: build it with the network: cargo build --release --bin labelproof --bin labelproof-torch --features labelproof-cli/remote
    hint: or name a folder of this machine
    ");
    assert_snapshot!(answer("file:///data/a.csv"), @r"
    exit code 2
    error: stage `ingest` failed
      caused by: `file:///data/a.csv` cannot be fetched: `file` is no scheme that is known here

    hint: name a file of this machine by its path, without `file://`
    ");
}
