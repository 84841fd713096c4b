//! Which epoch of a log the saved validation predictions are of.

use labelproof_artifact::Split;

use crate::answer::finding::{Missing, Need};
use crate::evidence::Evidence;
use crate::evidence::log::Figures;

/// How near a logged accuracy must be, in rows.
const ROWS_APART: f64 = 0.6;

/// How near a logged loss must be, relative to the larger of it and 0.05.
const LOSS_APART: f64 = 0.005;

/// The epochs, from 0, whose logged validation accuracy is that of the saved validation predictions; with `by_loss` also
/// those whose loss is not are left out, where both are known.
pub(crate) fn predicting_epochs(evidence: &Evidence, by_loss: bool) -> Result<Vec<usize>, Missing> {
    let rows = evidence.predicted(Split::Validation)?;
    let log = evidence.log()?;
    let accuracy = rows.accuracy();
    let loss = evidence
        .scored(Split::Validation)
        .ok()
        .filter(|_| by_loss)
        .map(|scored| scored.loss());
    let tolerance = ROWS_APART / rows.rows() as f64 + 1e-4;
    let same = |figures: &Figures| {
        let near = figures
            .accuracy
            .is_some_and(|logged| (logged - accuracy).abs() <= tolerance);
        let near_loss = match (figures.loss, loss) {
            (Some(logged), Some(loss)) => (logged - loss).abs() <= LOSS_APART * loss.max(0.05),
            _ => true,
        };
        near && near_loss
    };
    Ok((0..log.epochs.len())
        .filter(|&epoch| same(&log.epochs[epoch].validation))
        .collect())
}

/// The validation figures of the epochs that the saved predictions may be of: those with their accuracy and loss, or else
/// with their accuracy. Without accuracies in the log, those of the reported epoch.
pub(crate) fn predicting_figures(evidence: &Evidence) -> Result<Vec<Figures>, Missing> {
    let log = evidence.log()?;
    let mut epochs = predicting_epochs(evidence, true)?;
    if epochs.is_empty() {
        epochs = predicting_epochs(evidence, false)?;
    }
    if log.epochs.iter().all(|epoch| epoch.validation.accuracy.is_none()) {
        let reported = log.reported().ok_or(Need::LoggedMetric)?;
        return Ok(vec![reported.validation]);
    }
    Ok(epochs
        .into_iter()
        .map(|epoch| log.epochs[epoch].validation)
        .collect())
}
/// The logged training accuracies of the epochs that the saved predictions may be of; where that cannot be told, of the
/// reported epoch.
pub(crate) fn train_accuracies(evidence: &Evidence) -> Result<Vec<f64>, Missing> {
    let log = evidence.log()?;
    let epochs = predicting_epochs(evidence, true).unwrap_or_default();
    let mut accuracies: Vec<f64> = epochs
        .into_iter()
        .filter_map(|epoch| log.epochs[epoch].train.accuracy)
        .collect();
    if accuracies.is_empty() {
        let reported = log.reported().and_then(|epoch| epoch.train.accuracy);
        accuracies.push(reported.ok_or(Need::TrainLog)?);
    }
    Ok(accuracies)
}
