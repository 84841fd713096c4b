//! Parquet as a source, and as an artifact.
#![no_main]

use labelproof_artifact::{Document, TableReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    labelproof_fuzz::ingest("parquet", "source.parquet", bytes);
    let params = serde_json::json!({
        "format": "parquet",
        "paths": ["source.parquet"],
        "columns": { "text": "data.text", "label": "label.0", "id": "meta.label" },
        "on_reject": "continue",
    });
    labelproof_fuzz::ingest_with(params, "source.parquet", bytes);
    let path = labelproof_fuzz::write("documents.parquet", bytes);
    if let Ok(reader) = TableReader::<Document>::open_file(&path) {
        for batch in reader {
            if batch.is_err() {
                break;
            }
        }
    }
});
