//! C15: a file holds the predictions of another split, or of another run.

use labelproof_artifact::Split;

use crate::answer::finding::{Confidence, Family, Found, Measured, Missing, Outcome, Severity};
use crate::catalogue::Check;
use crate::evidence::Evidence;

/// The check.
pub const CHECK: Check = Check {
    id: "C15",
    name: "The predictions are those of other rows or of another run",
    family: Family::Pairing,
    run,
};

/// Rows below which equal scores may be chance.
const FEWEST_ROWS: usize = 10;

/// Compares the scores of validation and test row by row: two different sets of texts do not get the same ones. In a
/// pipeline, also compares the digest of the bundle that predicted with that of the bundle there is.
fn run(evidence: &Evidence) -> Result<Outcome, Missing> {
    if let Some(pipeline) = &evidence.pipeline
        && let Some(stale) = pipeline.stale.first()
    {
        let all = pipeline.stale.join("; ");
        return Ok(Found {
            severity: Severity::Unsound,
            confidence: Confidence::Certain,
            summary: format!("The artifacts are not of one run: {all}."),
            effect_points: None,
            fix: "Run `labelproof run`: it makes anew what is stale, and only that.".to_owned(),
            confirm: "labelproof status".to_owned(),
            measured: Measured::new().with("stale", stale.clone()),
        }
        .into());
    }
    let validation = evidence.scored(Split::Validation)?;
    let test = evidence.scored(Split::Test)?;
    let rows = validation.saved.rows().zip(test.saved.rows());
    let compared = validation.predicted.truth.len().min(test.predicted.truth.len());
    let equal = rows.filter(|(one, other)| one == other).count();
    let same_texts = match (evidence.texts(Split::Validation), evidence.texts(Split::Test)) {
        (Ok(one), Ok(other)) => one.iter().zip(other).filter(|(a, b)| a == b).count(),
        _ => 0,
    };
    let measured = Measured::new().statistic("rows with equal scores in both files", equal as f64);
    if equal < FEWEST_ROWS || 2 * equal < compared || 2 * same_texts >= compared {
        let summary = "The scores of the test file are its own.";
        return Ok(Outcome::clear(summary, measured));
    }
    Ok(Found {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "{equal} of the first {compared} rows of the test file have exactly the scores of the validation file: a variable \
             or a file of the other split was saved."
        ),
        effect_points: None,
        fix: "Predict the test rows again and save what comes out, with the row ids and the name of the split.".to_owned(),
        confirm: "compare the first rows of both files".to_owned(),
        measured,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::pipeline::PipelineFacts;
    use crate::testing::{assert_close, clear, found, predicted_by, simulated, statistic};

    #[test]
    fn scores_of_the_other_split_are_found() {
        let (validation, mut test) = (simulated(5, 300, 0.83, 1), simulated(5, 200, 0.83, 2));
        clear(run(&predicted_by(&validation, &test)));
        test.logits = validation.logits[..200].to_vec();
        let found = found(run(&predicted_by(&validation, &test)));
        assert_close(statistic(&found.measured), 200.0, 1e-12);
    }

    #[test]
    fn the_same_texts_may_have_the_same_scores() {
        let rows = simulated(5, 100, 0.83, 1);
        let mut evidence = predicted_by(&rows, &rows);
        for part in [&mut evidence.validation, &mut evidence.test] {
            *part = Some(rows.with_texts(|row| format!("text {row}")));
        }
        clear(run(&evidence));
    }

    #[test]
    fn artifacts_of_two_runs_are_found() {
        let stale = Evidence {
            pipeline: Some(PipelineFacts {
                stale: vec![String::from("predictions are of an older bundle")],
                ..PipelineFacts::default()
            }),
            ..Evidence::default()
        };
        assert!(found(run(&stale)).summary.contains("of an older bundle"));
    }
}
