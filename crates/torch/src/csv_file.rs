//! CSV files of rows that are in memory.

use std::path::Path;

use labelproof_artifact::fs;
use labelproof_driver::Failure;

/// Writes a file of records, of which the first is the header.
pub(crate) fn write(path: &Path, records: impl IntoIterator<Item = Vec<String>>) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        writer.write_record(record).expect("memory can be written to");
    }
    let bytes = writer.into_inner().expect("memory can be written to");
    Ok(fs::write_atomic(path, &bytes)?)
}

/// The names of the columns of probabilities.
pub(crate) fn probability_columns(labels: &[String]) -> impl Iterator<Item = String> {
    labels.iter().map(|label| format!("probability_{label}"))
}
