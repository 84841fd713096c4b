//! JSON lines as sources.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| labelproof_fuzz::ingest("json_lines", "source.jsonl", bytes));
