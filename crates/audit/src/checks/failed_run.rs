//! C26: the training never got off the ground, as some seeds of fine-tuning do not.

use crate::check::Check;
use crate::evidence::Evidence;
use crate::finding::{Confidence, Family, Found, Measured, Missing, Need, Outcome, Severity};

/// The check.
pub const CHECK: Check = Check {
    id: "C26",
    name: "The training did not learn anything",
    family: Family::Weights,
    run,
};

/// How little below `ln K` a loss may be that learnt nothing.
const MARGIN: f64 = 0.05;

/// Whoever gives all K classes the same probability has a loss of `ln K`. Found if no epoch's loss is clearly below.
fn run(evidence: &Evidence) -> Result<Outcome, Missing> {
    let classes = evidence.classes().ok_or(Need::Log)?;
    let log = evidence.log()?;
    let losses = log
        .epochs
        .iter()
        .flat_map(|epoch| [epoch.validation.loss, epoch.train.loss])
        .flatten();
    let least = losses.fold(f64::INFINITY, f64::min);
    if !least.is_finite() {
        return Err(Need::Log.into());
    }
    let guessing = (classes.max(2) as f64).ln();
    let measured = Measured::new()
        .statistic("least logged loss", least)
        .with("loss_of_guessing", guessing);
    let accuracy = log
        .epochs
        .iter()
        .filter_map(|epoch| epoch.validation.accuracy.or(epoch.train.accuracy))
        .fold(0.0, f64::max);
    // A high accuracy shows that something was learnt, whatever the loss is.
    if least < guessing - MARGIN || accuracy > 2.0 / classes.max(2) as f64 {
        let summary = format!("The loss fell to {least:.3}, below that of guessing ({guessing:.3}).");
        return Ok(Outcome::clear(summary, measured));
    }
    Ok(Found {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "The loss never fell clearly below {guessing:.3}, what guessing among {classes} classes gives: the model has learnt \
             nothing."
        ),
        effect_points: None,
        fix: "Try other seeds, a lower learning rate with warm-up, and make sure that the head is given to the optimiser; compare \
              at least three seeds before a model is chosen."
            .to_owned(),
        confirm: "train with two other seeds".to_owned(),
        measured,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, clear, found, log, number, statistic};

    fn with_log(epochs: &[(f64, f64)]) -> Evidence {
        Evidence {
            log: Some(log(epochs)),
            class_count: Some(4),
            ..Evidence::default()
        }
    }

    #[test]
    fn a_loss_that_stays_at_guessing_is_found() {
        let found = found(run(&with_log(&[(1.39, 0.25), (1.385, 0.26)])));
        assert_close(statistic(&found.measured), 1.385, 1e-12);
        assert_close(number(&found.measured, "loss_of_guessing"), 4.0_f64.ln(), 1e-12);
    }

    #[test]
    fn a_loss_that_fell_is_clear() {
        clear(run(&with_log(&[(1.39, 0.25), (0.9, 0.26)])));
        // Something was learnt, whatever the loss is made of.
        clear(run(&with_log(&[(2.0, 0.8)])));
    }
}
