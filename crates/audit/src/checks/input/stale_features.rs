//! C36: a cache holds tokens or features of other texts or settings.

use crate::answer::finding::{Confidence, Family, Found, Measured, Missing, Outcome, Severity};
use crate::catalogue::Check;
use crate::evidence::Evidence;

/// The check.
pub const CHECK: Check = Check {
    id: "C36",
    name: "Cached tokens are those of other texts or settings",
    family: Family::Input,
    run,
};

/// Tokenises some documents again and compares with the stored token ids.
fn run(evidence: &Evidence) -> Result<Outcome, Missing> {
    let pipeline = evidence.pipeline()?;
    let measured = Measured::new()
        .statistic(
            "documents that give other tokens",
            pipeline.retokenized_differently as f64,
        )
        .with("documents", pipeline.rechecked);
    if pipeline.retokenized_differently == 0 {
        let summary = format!(
            "{} documents, cleaned and tokenised again, give the stored tokens.",
            pipeline.rechecked
        );
        return Ok(Outcome::clear(summary, measured));
    }
    Ok(Found {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "{} of {} documents, tokenised again, give other tokens than those that were trained on: the stored ones are of other \
             texts or settings.",
            pipeline.retokenized_differently, pipeline.rechecked
        ),
        effect_points: None,
        fix: "Make the tokens anew: labelproof run preprocess --force".to_owned(),
        confirm: "labelproof status".to_owned(),
        measured,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::pipeline::PipelineFacts;
    use crate::testing::{assert_close, clear, found, statistic};

    fn rows(bad: usize) -> Evidence {
        Evidence {
            pipeline: Some(PipelineFacts {
                rechecked: 64,
                retokenized_differently: bad,
                ..PipelineFacts::default()
            }),
            ..Evidence::default()
        }
    }

    #[test]
    fn other_tokens_are_found_and_counted() {
        let found = found(run(&rows(5)));
        assert_close(statistic(&found.measured), 5.0, 1e-12);
        assert!(found.summary.starts_with("5 of 64"), "{}", found.summary);
        clear(run(&rows(0)));
    }
}
