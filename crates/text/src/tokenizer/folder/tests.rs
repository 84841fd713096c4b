//! Tokenizers of folders without `tokenizer.json`, against transformers and against the files of real models.

use labelproof_artifact::fs;
use tempfile::TempDir;

use super::*;
use crate::tokenizer::Tokenizer;

/// Long enough for every text of the fixtures.
const LONG: usize = 10_000;

/// What a message says to do.
const WRITE: &str = "write a `tokenizer.json` with `AutoTokenizer.from_pretrained(folder)\
                     .save_pretrained(folder)` of transformers";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/tokenizers")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn texts() -> Vec<String> {
    serde_json::from_value(json(&fixtures().join("texts.json"))).unwrap()
}

/// A copy of some files of a folder.
fn copy(from: &Path, files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        fs::copy(&from.join(file), &folder.path().join(file)).unwrap();
    }
    folder
}

fn write(folder: &TempDir, file: &str, bytes: &[u8]) {
    fs::write_atomic(&folder.path().join(file), bytes).unwrap();
}

/// The error of a folder, without its path.
fn problem(folder: &TempDir) -> String {
    let error = Tokenizer::from_folder(folder.path()).unwrap_err();
    error
        .to_string()
        .replace(&folder.path().display().to_string(), "[FOLDER]")
}

#[test]
fn ids_equal_those_of_transformers_in_every_family() {
    let texts = texts();
    let files = fs::files_below(&fixtures()).unwrap();
    let expected: Vec<&PathBuf> = files.iter().filter(|path| path.ends_with("ids.json")).collect();
    assert_eq!(expected.len(), 14);
    for path in expected {
        let folder = path.parent().unwrap();
        let name = folder.file_name().unwrap().display();
        let reference = json(path);
        let tokenizer = Tokenizer::from_folder(folder).unwrap();
        let written = Tokenizer::from_bytes(&Tokenizer::json_of_folder(folder).unwrap()).unwrap();
        for (text, ids) in texts.iter().zip(reference["ids"].as_array().unwrap()) {
            let expected: Vec<u32> = serde_json::from_value(ids.clone()).unwrap();
            let found = tokenizer.encode(text, LONG).unwrap();
            assert_eq!(found.ids, expected, "{name}: ids of {text:?}");
            let spanned = tokenizer.encode_with_spans(text, LONG).unwrap();
            assert_eq!(spanned.ids, expected, "{name}: ids with places of {text:?}");
            assert_eq!(written.encode(text, LONG).unwrap(), found);
        }
        let facts = &reference["facts"];
        let cut: Vec<u32> = serde_json::from_value(facts["cut"].clone()).unwrap();
        let text = facts["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(text, cut.len()).unwrap().ids, cut, "{name}");
        assert_eq!(tokenizer.vocabulary_size(), facts["vocabulary"], "{name}");
        assert_eq!(tokenizer.pad_id(), facts["pad_id"], "{name}");
        // A byte-level tokenizer has no unknown text.
        if let Some(unknown) = tokenizer.unknown_id() {
            assert_eq!(unknown, facts["unknown_id"], "{name}");
        }
    }
}

#[test]
fn the_vocabulary_of_a_real_model_gives_its_own_tokenizer() {
    let encoder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../external/encoders/all-minilm-l6-v2");
    let whole = Tokenizer::from_folder(&encoder).expect("`make setup` fetches the sample encoder");
    let parts = [
        "config.json",
        "vocab.txt",
        "tokenizer_config.json",
        "special_tokens_map.json",
    ];
    let built = Tokenizer::from_folder(copy(&encoder, &parts).path()).unwrap();
    for text in texts() {
        assert_eq!(
            built.encode(&text, 512).unwrap(),
            whole.encode(&text, 512).unwrap(),
            "{text:?}"
        );
    }
    assert_eq!(built.vocabulary_size(), whole.vocabulary_size());
}

#[test]
fn a_padding_token_with_a_name_of_its_own_is_kept() {
    let folder = copy(&fixtures().join("bert"), &["config.json", "vocab.txt"]);
    write(&folder, "tokenizer_config.json", br#"{"pad_token": "[MASK]"}"#);
    assert_eq!(Tokenizer::from_folder(folder.path()).unwrap().pad_id(), 4);
}

#[test]
fn a_folder_without_a_type_is_a_bert_if_it_has_the_vocabulary_of_one() {
    let folder = copy(&fixtures().join("bert"), &["vocab.txt"]);
    let found = Tokenizer::from_folder(folder.path()).unwrap();
    let expected = Tokenizer::from_folder(&fixtures().join("bert")).unwrap();
    assert_eq!(
        found.encode("Hello, world!", 99).unwrap(),
        expected.encode("Hello, world!", 99).unwrap()
    );
    let folder = copy(&fixtures().join("deberta"), &["spm.model"]);
    assert_eq!(
        problem(&folder),
        format!(
            "no tokenizer can be built of `[FOLDER]/spm.model`: neither `tokenizer_config.json` \
             (`tokenizer_class`) nor `config.json` (`model_type`) says whose it is; {WRITE}"
        )
    );
}

#[test]
fn what_cannot_be_built_says_what_to_do() {
    let folder = copy(&fixtures().join("bert"), &["config.json"]);
    assert_eq!(
        problem(&folder),
        "`[FOLDER]` has no tokenizer: an encoder folder needs its `tokenizer.json`, or the vocabulary that one \
         is built from (`vocab.txt`, `vocab.json`, `sentencepiece.bpe.model`, `spm.model` or `spiece.model`)"
    );
    let folder = copy(&fixtures().join("bert"), &["vocab.txt"]);
    write(
        &folder,
        "tokenizer_config.json",
        br#"{"tokenizer_class": "BertJapaneseTokenizer"}"#,
    );
    assert_eq!(
        problem(&folder),
        format!(
            "no tokenizer can be built of `[FOLDER]/vocab.txt`: `tokenizer_config.json` says that it is that of \
             `BertJapaneseTokenizer`; {WRITE}"
        )
    );
    let folder = copy(&fixtures().join("roberta"), &["config.json", "vocab.json"]);
    assert_eq!(
        problem(&folder),
        "`[FOLDER]` has no `merges.txt`, which its tokenizer needs: fetch it from where the folder is from, or \
         the `tokenizer.json`"
    );
    // No reader may make something of a part of the vocabulary.
    let folder = copy(&fixtures().join("xlm_roberta"), &["config.json"]);
    write(&folder, "vocab.txt", b"[UNK]\n");
    assert!(problem(&folder).contains("has no `sentencepiece.bpe.model`, `spm.model` or `spiece.model`"));
}

#[test]
fn damaged_files_are_named() {
    let is_refused = |folder: &TempDir, file: &str, bytes: &[u8], expected: &str| {
        write(folder, file, bytes);
        let expected = format!("`[FOLDER]/{file}` is no usable part of a tokenizer: {expected}");
        let found = problem(folder);
        assert!(found.starts_with(&expected), "{found}");
    };
    let of_bert = || copy(&fixtures().join("bert"), &["config.json", "vocab.txt"]);
    is_refused(
        &of_bert(),
        "vocab.txt",
        b"",
        "it has no token for unknown words (`unk_token`)",
    );
    is_refused(&of_bert(), "vocab.txt", b"a\xff\n", "invalid utf-8 sequence");
    is_refused(&of_bert(), "tokenizer_config.json", b"[]", "it holds no object");
    is_refused(&of_bert(), "added_tokens.json", br#"{"a": -1}"#, "`a` has no id");
    let added = br#"{"added_tokens_decoder": {"x": {"content": "a"}}}"#;
    is_refused(
        &of_bert(),
        "tokenizer_config.json",
        added,
        "`added_tokens_decoder` has no token at `x`",
    );

    let of_roberta = || {
        copy(
            &fixtures().join("roberta"),
            &["config.json", "vocab.json", "merges.txt"],
        )
    };
    is_refused(&of_roberta(), "vocab.json", b"{", "EOF while parsing");
    is_refused(
        &of_roberta(),
        "merges.txt",
        b"#version: 0.2\nab\n",
        "line 2 has not two tokens",
    );
    write(&of_roberta(), "merges.txt", b"x yz\n");
    let folder = of_roberta();
    write(&folder, "merges.txt", b"<s> nowhere\n");
    assert!(problem(&folder).starts_with("`[FOLDER]/vocab.json` is not a usable tokenizer"));

    let of_deberta = || copy(&fixtures().join("deberta"), &["config.json", "spm.model"]);
    let model = fs::read(&fixtures().join("deberta/spm.model")).unwrap();
    let no_model = "it is no sentencepiece model, or was cut short";
    for length in [0, 1, 100, model.len() - 1] {
        is_refused(&of_deberta(), "spm.model", &model[..length], no_model);
    }
    is_refused(&of_deberta(), "spm.model", &[0xff; 64], no_model);
}

#[test]
fn a_sentencepiece_model_of_another_type_is_refused() {
    let folder = copy(&fixtures().join("deberta"), &["config.json"]);
    // A piece `a`, and the trainer's settings with the type 2.
    write(&folder, "spm.model", b"\x0a\x03\x0a\x01a\x12\x02\x18\x02");
    assert_eq!(
        problem(&folder),
        format!(
            "no tokenizer can be built of `[FOLDER]/spm.model`: it is a sentencepiece model of the type BPE; \
             {WRITE}"
        )
    );
}
