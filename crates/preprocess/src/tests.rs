//! The stage on made-up documents, with a tokenizer of a few words and, where it was fetched, the sample
//! encoder.

use std::path::Path;

use insta::assert_snapshot;
use labelproof_artifact::{
    Artifacts, Diagnostic, Document, Reject, Reporter, Silent, Split, TableReader, TokenRow, fs, json,
    read_table, tokens, write_table,
};
use labelproof_testkit::Recorder;
use labelproof_testkit::encoder::tokenizer;
use labelproof_text::Preparation;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Error, Params, run};

const SAMPLE_ENCODER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../external/encoders/all-minilm-l6-v2"
);

/// The tokenizer's words, whose ids begin after those of the special tokens.
const WORDS: [&str; 6] = ["road", "##s", "clean", "##ing", "the", "of"];

fn document(id: &str, label: &str, text: &str) -> Document {
    Document {
        id: id.to_owned(),
        text: text.to_owned(),
        label: label.to_owned(),
        group: None,
        split: None,
    }
}

/// A folder of artifacts that holds documents, and an encoder of a few words beside it.
fn workplace(documents: &[Document]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ingest", "preprocess", "encoder"] {
        fs::create_dir_all(&folder.path().join(name)).unwrap();
    }
    write_table(&folder.path().join("ingest"), documents.iter().cloned()).unwrap();
    write_json(&folder.path().join("encoder/tokenizer.json"), &tokenizer(&WORDS));
    folder
}

fn write_json(path: &Path, value: &Value) {
    fs::write_atomic(path, value.to_string().as_bytes()).unwrap();
}

fn run_in(folder: &TempDir, params: &Params, reporter: &dyn Reporter) -> Result<Vec<TokenRow>, Error> {
    let path = folder.path();
    run(
        params,
        path,
        &path.join("encoder"),
        &path.join("preprocess"),
        reporter,
    )?;
    Ok(read_table(Artifacts::all(path)).unwrap())
}

fn params(yaml: &str) -> Params {
    serde_yaml::from_str(yaml).unwrap()
}

#[test]
fn documents_become_tokens_rejects_and_a_summary() {
    let mut documents = [
        document("a", "roads", "<p>Cleaning  roads</p>"),
        document("b", "roads", " <br/> "),
        document("c", "other", "CLEANING ROADS"),
        document("d", "other", "The cleaning of the roads of the roads"),
        document("e", "other", "Something else"),
    ];
    documents[3].group = Some("thread".to_owned());
    documents[3].split = Some(Split::Test);
    let folder = workplace(&documents);
    let recorder = Recorder::default();
    let params = params("{clean: [html, lowercase, whitespace], max_tokens: 6}");
    let rows = run_in(&folder, &params, &recorder).unwrap();

    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.id.as_str(), row.text.as_str(), &*row.duplicate_group))
        .collect();
    assert_eq!(
        found,
        [
            ("a", "cleaning roads", "a"),
            ("c", "cleaning roads", "a"),
            ("d", "the cleaning of the roads of the roads", "d"),
            ("e", "something else", "e"),
        ]
    );
    assert_eq!(
        (rows[0].tokens.as_slice(), rows[0].full_length),
        (&[2, 6, 7, 4, 5, 3][..], 6)
    );
    assert_eq!(
        (rows[2].tokens.as_slice(), rows[2].full_length),
        (&[2, 8, 6, 7, 9, 3][..], 13)
    );
    assert_eq!(
        (rows[2].group.as_deref(), rows[2].split),
        (Some("thread"), Some(Split::Test))
    );

    let out = folder.path().join("preprocess");
    let rejects: Vec<Reject> = TableReader::open_file(&out.join("rejects.parquet"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(
        (rejects[0].id.as_deref(), rejects[0].reason.as_str()),
        (Some("b"), "empty text")
    );
    let preparation: Preparation =
        json::read_artifact(tokens::PREPARATION, Artifacts::all(folder.path())).unwrap();
    assert_eq!((preparation.clean, preparation.max_tokens), (params.clean, 6));
    let files = fs::files_below(&out).unwrap();
    assert_eq!(files.len(), 3, "scratch files are gone: {files:?}");

    assert_snapshot!(recorder.text(), @r#"
    4 rows prepared
    tokens a row: median 6, 95 % have 13 or fewer, the longest 13
    truncated to 6 tokens: 1 row (25.0 %)
    duplicates: 2 rows in 1 group, the largest of 2 rows; 1 repeat another row exactly, 0 nearly
    warning: 1 group of duplicates with more than one label, the first with the rows `a` and `c`: no model can be expected to get both right
    rejects, listed in `rejects.parquet`: 1
      `b`: empty text: cleaning leaves nothing of "<br/>"
    "#);
}

/// Sentences of made-up words, some of them copies of earlier ones, exact or with an edit.
fn corpus(rows: usize) -> Vec<Document> {
    let mut texts: Vec<String> = Vec::new();
    let mut state = 7_usize;
    let mut below = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    for _ in 0..rows {
        let text = match below(6) {
            0 if !texts.is_empty() => texts[below(texts.len())].to_uppercase(),
            1 if !texts.is_empty() => format!("{} again", texts[below(texts.len())]),
            _ => {
                let words: Vec<_> = (0..20 + below(30))
                    .map(|_| format!("word{}", below(5000)))
                    .collect();
                words.join(" ")
            }
        };
        texts.push(text);
    }
    let labelled = texts.iter().enumerate();
    labelled
        .map(|(number, text)| document(&format!("row {number:05}"), ["one", "two"][number % 2], text))
        .collect()
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let folder = workplace(&corpus(5000));
    let params = params("{clean: [lowercase], max_tokens: 64}");
    let mut outputs: Vec<Vec<Vec<u8>>> = Vec::new();
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let rows = pool.install(|| run_in(&folder, &params, &Silent)).unwrap();
        assert_eq!(rows.len(), 5000);
        let copies = rows.iter().filter(|row| row.duplicate_group != row.id).count();
        assert!((1000..2500).contains(&copies), "{copies} copies");
        let files = fs::files_below(&folder.path().join("preprocess")).unwrap();
        outputs.push(files.iter().map(|file| fs::read(file).unwrap()).collect());
    }
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}

#[test]
fn groups_are_named_after_their_first_row_and_stop_words_do_not_change_them() {
    let folder = workplace(&[
        document(
            "a",
            "roads",
            "cleaning of the roads by the council in autumn and in the winter months",
        ),
        document(
            "b",
            "roads",
            "Cleaning of the roads by the council in autumn and in the winter months.",
        ),
        document("c", "other", "The cleaning"),
        document("d", "other", "cleaning"),
    ]);
    let recorder = Recorder::default();
    let rows = run_in(
        &folder,
        &params("clean: [stop_words: {language: english}]"),
        &recorder,
    )
    .unwrap();
    let groups = |rows: &[TokenRow]| {
        rows.iter()
            .map(|row| row.duplicate_group.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(groups(&rows), ["a", "a", "c", "d"]);
    assert_eq!(
        (rows[2].text.as_str(), rows[3].text.as_str()),
        ("cleaning", "cleaning")
    );
    let text = recorder.text();
    assert!(
        text.contains("; 0 repeat another row exactly, 1 nearly\n"),
        "{text}"
    );
    assert!(
        text.contains("\nbeyond these, 1 row is equal to another only because `stop_words` removes"),
        "{text}"
    );
    assert_eq!(
        groups(&run_in(&folder, &Params::default(), &Silent).unwrap()),
        ["a", "a", "c", "d"]
    );
}

#[test]
fn uneven_truncation_is_told_by_label() {
    let long = "cleaning roads ".repeat(10);
    let documents: Vec<_> = (0..80)
        .map(|number| {
            let (label, text) = if number % 2 == 0 {
                ("long", long.as_str())
            } else {
                ("short", "roads")
            };
            document(&format!("{number:02}"), label, &format!("{text} {number}"))
        })
        .collect();
    let recorder = Recorder::default();
    run_in(&workplace(&documents), &params("max_tokens: 16"), &recorder).unwrap();
    assert_snapshot!(recorder.text(), @r"
    80 rows prepared
    tokens a row: median 5, 95 % have 43 or fewer, the longest 43
    truncated to 16 tokens: 40 rows (50.0 %), unevenly:
      long: 40 of 40 (100.0 %)
      short: 0 of 40 (0.0 %)
    duplicates: 40 rows in 1 group, the largest of 40 rows; 0 repeat another row exactly, 39 nearly
    ");
}

#[track_caller]
fn check_refusal(folder: &TempDir, yaml: &str, message: &str, hint: &str) {
    let error = run_in(folder, &params(yaml), &Silent).unwrap_err();
    let path = folder.path().display().to_string();
    assert_eq!(error.to_string().replace(&path, "[DIR]"), message);
    let hints = error.hints();
    assert!(
        hint.is_empty() || hints.iter().any(|found| found.contains(hint)),
        "{hints:?}"
    );
}

#[test]
fn rows_that_cannot_go_on_stop_the_stage_where_that_is_asked_for() {
    let folder = workplace(&[
        document("a", "roads", "<hr>"),
        document("b", "roads", "roads"),
        document("c", "other", "cleaning"),
    ]);
    check_refusal(
        &folder,
        "{clean: [html], on_reject: fail}",
        "1 row cannot go on\n  `a`: empty text: cleaning leaves nothing of \"<hr>\"",
        "preprocess.on_reject: continue",
    );
    check_refusal(
        &folder,
        "clean: [stop_words: {language: english, add: [roads]}, html]",
        "cleaning leaves no text of any row with the label `roads`",
        "ingest.labels.keep",
    );
    check_refusal(
        &workplace(&[]),
        "{}",
        "there are no documents",
        "labelproof run ingest --force",
    );
}

#[test]
fn limits_of_the_encoder_are_kept() {
    let folder = workplace(&[document("a", "roads", "roads")]);
    check_refusal(
        &folder,
        "max_tokens: 2",
        "`max_tokens` is 2, but the tokenizer adds 2 special tokens to every text: give at least 3",
        "",
    );
    let config = folder.path().join("encoder/config.json");
    let of_sizes = |positions: usize, vocabulary: usize| {
        json!({"model_type": "bert", "max_position_embeddings": positions, "vocab_size": vocabulary,
               "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8})
    };
    write_json(&config, &of_sizes(256, 10));
    check_refusal(
        &folder,
        "max_tokens: 512",
        "`preprocess.max_tokens` is 512, but the encoder takes 256 tokens at most \
         (`max_position_embeddings` in `[DIR]/encoder/config.json`)",
        "preprocess.max_tokens: 256",
    );
    run_in(&folder, &params("max_tokens: 256"), &Silent).unwrap();
    run_in(
        &folder,
        &params("max_tokens: 2000\nwindows: { tokens: 256, overlap: 64 }"),
        &Silent,
    )
    .unwrap();
    check_refusal(
        &folder,
        "max_tokens: 2000\nwindows: { tokens: 257 }",
        "`preprocess.windows.tokens` is 257, but the encoder takes 256 tokens at most \
         (`max_position_embeddings` in `[DIR]/encoder/config.json`)",
        "preprocess.windows.tokens: 256",
    );
    check_refusal(
        &folder,
        "max_tokens: 2000\nwindows: { tokens: 130, overlap: 128 }",
        "`preprocess.windows` have 130 tokens, 2 of them special and 128 of the window before: they do not go on",
        "lower `preprocess.windows.overlap`",
    );
    check_refusal(
        &folder,
        "windows: { tokens: 512 }",
        "the parameters cannot be used\n  preprocess.windows.tokens: 512 leaves no text for a second window; it must \
         be below `max_tokens`, 512",
        "",
    );
    let mut roberta = of_sizes(258, 10);
    roberta["model_type"] = "roberta".into();
    write_json(&config, &roberta);
    run_in(&folder, &params("max_tokens: 256"), &Silent).unwrap();
    check_refusal(
        &folder,
        "max_tokens: 257",
        "`preprocess.max_tokens` is 257, but the encoder takes 256 tokens at most \
         (`max_position_embeddings` in `[DIR]/encoder/config.json`)",
        "preprocess.max_tokens: 256",
    );
    write_json(&config, &of_sizes(512, 9));
    check_refusal(
        &folder,
        "{}",
        "the tokenizer beside `[DIR]/encoder/config.json` has ids up to 9, but the encoder knows 9 tokens \
         (`vocab_size`)",
        "same model",
    );
    fs::write_atomic(&config, b"{").unwrap();
    check_refusal(
        &folder,
        "{}",
        "`[DIR]/encoder/config.json`: EOF while parsing an object at line 1 column 1",
        "config.json that it was saved with",
    );
    fs::remove(&folder.path().join("encoder/tokenizer.json")).unwrap();
    let error = run_in(&folder, &Params::default(), &Silent).unwrap_err();
    assert!(
        error.to_string().contains("encoder` has no tokenizer: "),
        "{error}"
    );
}

#[test]
fn parameters_have_defaults_and_are_checked() {
    assert_eq!(params("{}"), Params::default());
    assert_eq!(Params::default().check(), Vec::<String>::new());
    let written = serde_yaml::to_string(&params("clean: [html, unicode: nfkc]")).unwrap();
    assert_eq!(params(&written), params("clean: [html, unicode: nfkc]"));
    let bad = params(
        "{clean: [stop_words: {language: english, add: [two words]}], max_tokens: 0, duplicates: \
         {threshold: 2}}",
    );
    let problems = bad.check();
    let keys: Vec<_> = problems
        .iter()
        .filter_map(|problem| problem.split(": ").next())
        .collect();
    assert_eq!(
        keys,
        [
            "preprocess.clean",
            "preprocess.max_tokens",
            "preprocess.duplicates"
        ]
    );
    let error = run_in(&workplace(&[]), &bad, &Silent).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the parameters cannot be used\n  preprocess.clean: "),
        "{error}"
    );
    assert!(serde_yaml::from_str::<Params>("max_token: 5").is_err());
}

#[test]
fn spilled_texts_come_back_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = crate::spill::TextWriter::create(folder.path()).unwrap();
    for text in ["first", "", "dritter, naïve — 東京", "last"] {
        writer.push(text).unwrap();
    }
    let mut texts = writer.finish().unwrap();
    assert_eq!(texts.read(&[1, 3]).unwrap(), ["", "last"]);
    assert_eq!(texts.read(&[0, 2]).unwrap(), ["first", "dritter, naïve — 東京"]);
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that did nothing should say so")]
fn the_sample_encoder_tokenises() {
    let encoder = Path::new(SAMPLE_ENCODER);
    if !encoder.join("tokenizer.json").exists() {
        eprintln!("skipped: the sample encoder was not fetched");
        return;
    }
    let folder = workplace(&[
        document("a", "roads", "Cleaning roads."),
        document("b", "other", "tokenisation"),
    ]);
    let out = folder.path().join("preprocess");
    run(&Params::default(), folder.path(), encoder, &out, &Silent).unwrap();
    let rows: Vec<TokenRow> = read_table(Artifacts::all(folder.path())).unwrap();
    assert_eq!(rows[0].tokens, [101, 9344, 4925, 1012, 102]);
    let error = run(&params("max_tokens: 513"), folder.path(), encoder, &out, &Silent).unwrap_err();
    assert!(
        error.to_string().contains("is 513, but the encoder takes 512"),
        "{error}"
    );
}
