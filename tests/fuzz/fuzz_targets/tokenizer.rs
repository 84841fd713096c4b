//! `tokenizer.json`, and what such a tokenizer makes of a text.
#![no_main]

use labelproof_text::tokenizer::Tokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = labelproof_fuzz::write("tokenizer.json", bytes);
    if let Ok(tokenizer) = Tokenizer::from_file(&path) {
        let _ = tokenizer.encode("The goal: a match of 2 teams, café or naïve.", 16);
    }
});
