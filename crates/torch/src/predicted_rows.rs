//! Predictions of a model for labelled rows that have none, as a file that the audit's readers read: they find
//! out which label of the model is which label of the rows.

use std::path::{Path, PathBuf};

use labelproof_artifact::fs;
use labelproof_audit::evidence::Part;
use labelproof_driver::Failure;
use labelproof_kernels::workers::Workers;
use labelproof_metrics::{argmax, softmax};
use labelproof_model::{Bundle, Logits};

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
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut add = |cells: Vec<String>| writer.write_record(cells).expect("memory can be written to");
    let columns = labels.iter().map(|label| format!("probability_{label}"));
    add(std::iter::once("predicted".to_owned()).chain(columns).collect());
    for row in logits.rows() {
        let predicted = labels[argmax(row)].clone();
        let probabilities = softmax(row).into_iter().map(|share| share.to_string());
        add(std::iter::once(predicted).chain(probabilities).collect());
    }
    let bytes = writer.into_inner().expect("memory can be written to");
    Ok(fs::write_atomic(path, &bytes)?)
}
