//! JSON as a source: lines, and the other shapes with columns within others. Then fastText's format.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    labelproof_fuzz::ingest("json_lines", "source.jsonl", bytes);
    labelproof_fuzz::ingest("json", "source.json", bytes);
    let params = serde_json::json!({
        "format": "json",
        "paths": ["source.json"],
        "columns": { "text": "data.text", "label": "annotations.result.0.choices" },
        "where": { "answer": ["accept", 1, null] },
        "on_reject": "continue",
    });
    labelproof_fuzz::ingest_with(params, "source.json", bytes);
    let params = serde_json::json!({
        "format": "fasttext",
        "paths": ["source.txt"],
        "on_reject": "continue",
    });
    labelproof_fuzz::ingest_with(params, "source.txt", bytes);
});
