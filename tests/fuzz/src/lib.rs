//! What the fuzz targets share: a folder in memory to put the bytes into, since every reader reads files.
//!
//! A target fails by a panic, by taking more than its memory, or by taking too long. That the answer is an
//! error is fine.

use std::path::PathBuf;
use std::sync::OnceLock;

use labelproof_artifact::fs;
use labelproof_tables::{Encoding, Error, Form, Format, Limits, Options, Part, Settings, Source, Table};
use tempfile::TempDir;

/// The settings of a caller that has them all.
pub const SETTINGS: Settings = Settings {
    encoding: Some("encoding"),
    format: Some("format: "),
    sheet: Some("sheet"),
    table: Some("table"),
    json_lines: "json_lines",
    json: "json",
    dialect: Some("dialect"),
};

/// The settings of a caller for whom every file decides, so that of several sheets the first is read.
pub const NO_SETTINGS: Settings = Settings {
    encoding: None,
    format: None,
    sheet: None,
    table: None,
    dialect: None,
    ..SETTINGS
};

/// How a whole table of this format is read.
pub fn options(format: Format, form: Form, settings: Settings) -> Options<'static> {
    Options {
        format,
        part: Part::Only,
        encoding: Encoding::Utf8,
        form,
        limits: Limits::default(),
        settings,
    }
}

/// Reads all columns of all rows of a table.
pub fn read_table(source: Source, options: &Options<'_>) -> Result<(), Error> {
    let mut table = Table::open(source, options)?;
    let places: Vec<usize> = (0..table.columns()?.len()).collect();
    let mut rows = table.rows_by_place(&places)?;
    while rows.next_row()?.is_some() {}
    Ok(())
}

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
    const FILES: [(&str, &[u8]); 4] = [
        ("config.json", include_bytes!("../bundle/config.json")),
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
