//! What the fuzz targets share: a folder in memory to put the bytes into, since every reader reads files.
//!
//! A target fails by a panic, by taking more than its memory, or by taking too long. That the answer is an
//! error is fine.

use std::path::PathBuf;
use std::sync::OnceLock;

use labelproof_artifact::fs;
use tempfile::TempDir;

/// A folder of this process, in memory where the system has such folders.
fn folder() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let builder = tempfile::Builder::new();
        builder
            .tempdir_in("/dev/shm")
            .or_else(|_| builder.tempdir())
            .expect("a temporary folder can be made")
    });
    folder.path().to_path_buf()
}

/// Writes a file into the folder, and says where it lies.
pub fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::create_dir_all(path.parent().expect("it is below a folder")).expect("the folder can be made");
    fs::write_atomic(&path, bytes).expect("the folder can be written");
    path
}

/// Ingests one source of this format, made of these bytes.
pub fn ingest(format: &str, file: &str, bytes: &[u8]) {
    let params = serde_json::json!({
        "format": format,
        "paths": [file],
        "columns": { "text": "text", "label": "label", "id": "id" },
        "on_reject": "continue",
    });
    ingest_with(params, file, bytes);
}

/// Ingests one source with these parameters, made of these bytes.
pub fn ingest_with(params: serde_json::Value, file: &str, bytes: &[u8]) {
    let path = write(file, bytes);
    let params = serde_json::from_value(params).expect("the parameters are valid");
    let out = folder().join("out");
    fs::create_dir_all(&out).expect("the folder can be made");
    let base = path.parent().expect("it is in the folder");
    let _ = labelproof_ingest::run(&params, base, &out, &labelproof_artifact::Silent);
}

/// A folder with the bundle of a tiny model, one file of which has these bytes.
pub fn bundle_with(file: &str, bytes: &[u8]) -> PathBuf {
    const FILES: [(&str, &[u8]); 5] = [
        ("config.json", include_bytes!("../bundle/config.json")),
        ("head.safetensors", include_bytes!("../bundle/head.safetensors")),
        ("labelproof.json", include_bytes!("../bundle/labelproof.json")),
        ("model.safetensors", include_bytes!("../bundle/model.safetensors")),
        ("tokenizer.json", include_bytes!("../bundle/tokenizer.json")),
    ];
    for (name, original) in FILES {
        write(
            &format!("bundle/{name}"),
            if name == file { bytes } else { original },
        );
    }
    folder().join("bundle")
}
