//! The summary that evaluate reports at its end: the accuracies.

use labelproof_artifact::Split;
use labelproof_metrics::{CrossValidation, Evaluation, Spread, Spreads};

/// The accuracies of model and baseline, split by split, as a table.
pub(crate) fn text(evaluation: &Evaluation) -> String {
    let percent =
        |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{:.1} %", 100.0 * value));
    let mut text = format!(
        "{:<12} {:>7}  {:<26} {}",
        "split", "rows", "accuracy (95 % interval)", "baseline"
    );
    for (split, metrics) in &evaluation.splits {
        let (model, cheap) = (metrics.accuracy, evaluation.baseline.splits[split].accuracy);
        let interval = format!(
            "{} ({} – {})",
            percent(model.value),
            percent(model.low),
            percent(model.high)
        );
        text.push_str(&format!(
            "\n{:<12} {:>7}  {interval:<26} {}",
            split.name(),
            metrics.rows,
            percent(cheap.value)
        ));
    }
    if let Some(int8) = &evaluation.int8 {
        text.push_str(&format!(
            "\nwith int8, test: accuracy {} instead of {}; {} of {} rows get another label",
            percent(int8.test.accuracy.value),
            percent(evaluation.splits[&Split::Test].accuracy.value),
            int8.other_labels,
            int8.test.rows,
        ));
    }
    if let Some(CrossValidation { folds, .. }) = &evaluation.cross_validation {
        text.push_str(&format!(
            "\n{} folds of the training rows, held out: {}",
            folds.accuracy.values.len(),
            spreads(folds)
        ));
    }
    for (split, repeats) in evaluation.repeats.iter().flatten() {
        text.push_str(&format!(
            "\n{} seeds, {split}: {}",
            repeats.accuracy.values.len(),
            spreads(repeats)
        ));
    }
    text
}

/// The figures of several models: means and standard deviations.
fn spreads(spreads: &Spreads) -> String {
    let shown =
        |Spread {
             mean,
             standard_deviation,
             ..
         }: &Spread| { format!("{:.1} % ± {:.1}", 100.0 * mean, 100.0 * standard_deviation) };
    format!(
        "accuracy {}, macro F1 {}",
        shown(&spreads.accuracy),
        shown(&spreads.f1_macro)
    )
}
