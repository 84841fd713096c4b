//! The arguments by which `labelproof predict` and `labelproof serve` decide.

use clap::{ArgGroup, Args};
use labelproof_metrics::decisions::Wanted;

/// What is decided of each text.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("decision").args(["abstain", "conformal"]).multiple(true)))]
pub struct DecisionArgs {
    /// Give calibrated probabilities: those of the logits divided by the bundle's temperature, which
    /// changes no label
    #[arg(long)]
    pub calibrated: bool,
    /// Leave unsure predictions to people: precision=0.95, coverage=0.8 or confidence=0.9 of the kept
    /// ones. Adds `abstained`; the label stays
    #[arg(long, value_name = "RULE", value_parser = rule)]
    pub abstain: Option<Wanted>,
    /// Name the labels that hold the true one in this share of the rows, such as 0.9. Adds `set`, in
    /// CSV with | between labels
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub conformal: Option<f64>,
    /// Choose the threshold or the sets for each label by itself
    #[arg(long, requires = "decision")]
    pub per_label: bool,
}

/// The rule of abstention, for the command line.
fn rule(text: &str) -> Result<Wanted, String> {
    let expected = || "expected precision=0.95, coverage=0.8 or confidence=0.9".to_owned();
    let (name, value) = text.split_once('=').ok_or_else(expected)?;
    let value: f64 = value.parse().ok().ok_or_else(expected)?;
    match name {
        "precision" => level_of(value).map(Wanted::Precision),
        "coverage" if value >= 1.0 => Err("expected a coverage below 1: 1 keeps everything".to_owned()),
        "coverage" => level_of(value).map(Wanted::Coverage),
        "confidence" => level_of(value).map(Wanted::Confidence),
        _ => Err(expected()),
    }
}

/// The level of conformal sets, for the command line.
fn level(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    share
        .ok_or_else(|| "expected a share, such as 0.9".to_owned())
        .and_then(level_of)
}

/// A share that is neither none nor all.
fn level_of(value: f64) -> Result<f64, String> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err("expected a share between 0 and 1, such as 0.9".to_owned())
    }
}
