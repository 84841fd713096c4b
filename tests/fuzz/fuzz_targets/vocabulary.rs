//! The files that a tokenizer is built from, and what such a tokenizer makes of a text. The first byte chooses which
//! file of which family has the bytes.
#![no_main]

use labelproof_text::tokenizer::Tokenizer;
use libfuzzer_sys::fuzz_target;

/// The name of a file and what is in it.
type NamedFile = (&'static str, &'static [u8]);

/// A file, the folder that it is tried in, and the other files there.
const CASES: [(&str, &str, &[NamedFile]); 6] = [
    ("vocab.txt", "bert", &[CONFIG]),
    ("tokenizer_config.json", "bert", &[CONFIG, WORDS]),
    ("special_tokens_map.json", "bert", &[CONFIG, WORDS]),
    ("merges.txt", "roberta", &[CONFIG_OF_ROBERTA, BYTES]),
    ("vocab.json", "roberta", &[CONFIG_OF_ROBERTA, MERGES]),
    ("spm.model", "deberta", &[CONFIG_OF_DEBERTA]),
];

const CONFIG: NamedFile = ("config.json", br#"{"model_type": "bert"}"#);
const CONFIG_OF_ROBERTA: NamedFile = ("config.json", br#"{"model_type": "roberta"}"#);
const CONFIG_OF_DEBERTA: NamedFile = ("config.json", br#"{"model_type": "deberta-v2"}"#);
const WORDS: NamedFile = ("vocab.txt", b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\ngoal\n##s\n");
const BYTES: NamedFile = ("vocab.json", br#"{"<s>": 0, "</s>": 1, "a": 2, "o": 3, "oa": 4}"#);
const MERGES: NamedFile = ("merges.txt", b"#version: 0.2\no a\n");

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else {
        return;
    };
    let (file, family, others) = CASES[usize::from(which) % CASES.len()];
    // The file of one case must not be there in another.
    let folder = format!("vocabulary/{family}-{file}");
    for (name, content) in others {
        labelproof_fuzz::write(&format!("{folder}/{name}"), content);
    }
    let path = labelproof_fuzz::write(&format!("{folder}/{file}"), bytes);
    if let Ok(tokenizer) = Tokenizer::from_folder(path.parent().expect("it is in a folder")) {
        let _ = tokenizer.encode("The goal: a match of 2 teams, café or naïve.", 16);
    }
});
