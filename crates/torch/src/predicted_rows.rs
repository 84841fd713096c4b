//! Predictions of a model for labelled rows that have none, as a file that the audit's readers read: they find
//! out which label of the model is which label of the rows.

use std::path::{Path, PathBuf};

use labelproof_audit::evidence::Part;
use labelproof_driver::Failure;
use labelproof_kernels::workers::Workers;
use labelproof_metrics::{argmax, softmax};
use labelproof_model::{Bundle, Logits};

use crate::csv_file;

/// Predicts the rows of a split and writes a file of them into `folder`, unless its rows have predictions, in
/// their own file or in the one that was `given`, or no texts.
pub(crate) fn write_missing(
    bundle: &Bundle,
    part: Option<&Part>,
    given: Option<&Path>,
    folder: &Path,
    name: &str,
) -> Result<Option<PathBuf>, Failure> {
    let texts = part
        .filter(|part| part.is_labelled() && part.predictions().is_none() && given.is_none())
        .and_then(|part| part.texts.as_ref());
    let Some(texts) = texts else { return Ok(None) };
    let logits = bundle.predict(texts, &Workers::alone(), |_| ())?;
    let path = folder.join(name);
    write(&path, bundle.labels.names(), &logits)?;
    Ok(Some(path))
}

/// Writes a row for each row of the logits: the label, and the probability of each label.
fn write(path: &Path, labels: &[String], logits: &Logits) -> Result<(), Failure> {
    let columns = csv_file::probability_columns(labels);
    let header = std::iter::once("predicted".to_owned()).chain(columns).collect();
    let rows = logits.rows().map(|row| {
        let predicted = labels[argmax(row)].clone();
        let probabilities = softmax(row).into_iter().map(|share| share.to_string());
        std::iter::once(predicted).chain(probabilities).collect()
    });
    csv_file::write(path, std::iter::once(header).chain(rows))
}
