//! Which epoch of a log the saved validation predictions are of.

use labelproof_artifact::Split;

use crate::case::Case;
use crate::evidence::log::Figures;
use crate::evidence::{Missing, Need};
use crate::measures::loss::loss_bounds;
use crate::measures::validated_epochs::matching_epochs;

/// The epochs, from 0, whose logged validation accuracy is that of the saved validation predictions; with
/// `by_loss` also those whose loss is not are left out, where both are known.
pub(crate) fn predicting_epochs(case: &Case<'_>, by_loss: bool) -> Result<Vec<usize>, Missing> {
    let rows = case.predicted(Split::Validation)?;
    let log = case.evidence.log()?;
    let loss = case
        .scored(Split::Validation)
        .ok()
        .filter(|_| by_loss)
        .map(|scored| loss_bounds(&scored));
    Ok(matching_epochs(log, rows.accuracy(), rows.rows(), loss))
}

/// The validation figures of the epochs that the saved predictions may be of: those with their accuracy and
/// loss, or else with their accuracy. Without accuracies in the log, those of the reported epoch.
pub(crate) fn predicting_figures(case: &Case<'_>) -> Result<Vec<Figures>, Missing> {
    let log = case.evidence.log()?;
    let mut epochs = predicting_epochs(case, true)?;
    if epochs.is_empty() {
        epochs = predicting_epochs(case, false)?;
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

/// The logged training accuracies of the epochs that the saved predictions may be of; where that cannot be
/// told, of the reported epoch.
pub(crate) fn train_accuracies(case: &Case<'_>) -> Result<Vec<f64>, Missing> {
    let log = case.evidence.log()?;
    let epochs = predicting_epochs(case, true).unwrap_or_default();
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

/// How much less accurate the finished model must be on its training rows than the log says.
const LEAST_DIFFERENCE: f64 = 0.1;

/// The logged training accuracy and that of the finished model on the same rows, where the first is much
/// higher: while the model was trained, its head saw something else than it sees at prediction.
pub(crate) fn lost_when_finished(case: &Case<'_>) -> Option<(f64, f64)> {
    let logged = train_accuracies(case).ok()?.into_iter().fold(1.0, f64::min);
    let scored = case.predicted(Split::Train).ok()?.accuracy();
    (logged - scored >= LEAST_DIFFERENCE).then_some((logged, scored))
}
