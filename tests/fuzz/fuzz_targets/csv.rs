//! CSV sources, and CSV packed with gzip.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let packed = bytes.starts_with(&[0x1f, 0x8b]);
    labelproof_fuzz::ingest("csv", if packed { "source.csv.gz" } else { "source.csv" }, bytes);
});
