//! The verdict on all that was found, and its headline.
//!
//! What was looked at is as much of it as what was found: [`ESSENTIAL`] has the questions that `sound`
//! answers.

use labelproof_artifact::Split;
use labelproof_artifact::findings::{Gap, Verdict};
use labelproof_artifact::wording::{counted, listed};

use super::finding::{Answer, Diagnosis, Severity};
use super::wish::most_telling;
use super::wording::lower_first;
use crate::case::Case;
use crate::cause::Cause;
use crate::check::{Check, Needs, met};
use crate::evidence::{Evidence, Need};

/// A question that must be answered before figures can be called sound, as far as it arises.
struct Question {
    /// The question, after "whether".
    asked: &'static str,
    /// The answer where nothing was found.
    clear: &'static str,
    /// What must be there for it to be answered.
    needs: Needs,
    /// The causes whose checks answer it: one of them is enough. Without any, what is needed answers it, as
    /// in the case of the gap.
    causes: &'static [Cause],
    /// Whether it arises at all: whether the figures that it is about were given.
    arises: fn(&Evidence) -> bool,
}

/// Whether a model is any good, which rows with true and predicted labels tell, or a matrix.
const GUESSING: Question = Question {
    asked: "the model is better than guessing",
    clear: "the model is better than guessing",
    needs: &[&[Need::TestAccuracy], &[Need::ValidationPredictions]],
    causes: &[Cause::MajorityGuessing],
    arises: |_| true,
};

/// Whether two figures of the same model agree.
const AGREEMENT: Question = Question {
    asked: "validation and test agree",
    clear: "validation and test agree",
    needs: &[&[Need::ValidationAccuracy, Need::TestAccuracy]],
    causes: &[],
    arises: |_| true,
};

/// Everything that `sound` says.
const ESSENTIAL: [Question; 6] = [
    GUESSING,
    Question {
        asked: "the predictions stand beside their own rows",
        clear: "the predictions look paired with their rows",
        needs: &[&[Need::TestPredictions], &[Need::ValidationPredictions]],
        causes: &[
            Cause::PredictionsShifted,
            Cause::PartMispaired,
            Cause::PredictionsShuffled,
        ],
        arises: |_| true,
    },
    Question {
        asked: "the logged validation figures are those of the rows",
        clear: "the logged validation figures are those of the rows",
        needs: &[&[Need::ValidationPredictions, Need::Log]],
        causes: &[Cause::LoggedFigures],
        arises: |evidence| logged(evidence, Split::Validation),
    },
    Question {
        asked: "the logged test figures are those of the rows",
        clear: "the logged test figures are those of the rows",
        needs: &[&[Need::TestAccuracy, Need::Log]],
        causes: &[Cause::LoggedFigures],
        arises: |evidence| logged(evidence, Split::Test),
    },
    AGREEMENT,
    Question {
        asked: "training texts are among these rows",
        clear: "no training text is among these rows",
        needs: &[
            &[Need::TrainTexts, Need::TestTexts],
            &[Need::TrainTexts, Need::ValidationTexts],
        ],
        causes: &[Cause::ExactDuplicates, Cause::NearDuplicates],
        arises: |_| true,
    },
];

/// Whether a log has figures of a split.
fn logged(evidence: &Evidence, split: Split) -> bool {
    let mut epochs = evidence.log.iter().flat_map(|log| &log.epochs);
    epochs.any(|epoch| !epoch.of(split).is_empty())
}

impl Question {
    fn answers<'a>(&'a self, case: &'a Case<'_>) -> impl Iterator<Item = &'a Answer> {
        self.causes
            .iter()
            .filter_map(|cause| case.answer(*cause).as_ref().ok())
    }

    fn is_answered(&self, case: &Case<'_>) -> bool {
        met(self.needs, case.evidence) && (self.causes.is_empty() || self.answers(case).next().is_some())
    }

    /// Whether it is answered, and by nothing that was found.
    fn is_clear(&self, case: &Case<'_>) -> bool {
        self.is_answered(case)
            && self
                .answers(case)
                .all(|answer| matches!(answer, Answer::Clear { .. }))
    }
}

/// The verdict, and its headline.
pub(super) fn judge(
    case: &Case<'_>,
    catalogue: &[Check],
    found: &[(&Check, Diagnosis)],
) -> (Verdict, String) {
    let gap = case.gap().ok();
    let verdict = verdict(gap, found, is_compared(case));
    let headline = match verdict {
        Verdict::Unsound => unsound(gap, found),
        Verdict::Caution => format!(
            "The figures stand, with a reservation: {}.",
            reservation(gap, found)
        ),
        Verdict::Sound => sound(case),
        Verdict::NotExamined => format!(
            "Nothing speaks against these figures, and too little was given to say that they are right: {}.",
            too_little(case)
        ),
    };
    let is_explained = found.iter().any(|(_, found)| found.severity == Severity::Unsound);
    if verdict == Verdict::Unsound && is_explained || case.evidence.pipeline.is_some() {
        return (verdict, headline);
    }
    let open = ESSENTIAL
        .iter()
        .filter(|question| (question.arises)(case.evidence) && !question.is_answered(case));
    let (asked, needs): (Vec<&str>, Vec<Needs>) =
        open.map(|question| (question.asked, question.needs)).unzip();
    if asked.is_empty() {
        return (verdict, headline);
    }
    let looked = match verdict {
        // A gap that nothing explains says enough.
        Verdict::NotExamined | Verdict::Unsound => String::new(),
        _ if is_compared(case) => format!(" Not looked at: whether {}.", listed(&asked)),
        _ => format!(" Little else could be looked at: {}.", too_little(case)),
    };
    // What makes a gap is told by the checks that could not be made, and not by what else is open.
    let needs = if verdict == Verdict::Unsound {
        Vec::new()
    } else {
        needs
    };
    let wish = most_telling(case.evidence, &needs, catalogue, is_compared(case));
    let wish = wish.map_or_else(String::new, |wish| format!(" What would tell most: {wish}."));
    (verdict, headline + &looked + &wish)
}

/// The worst that was found decides; a gap that nothing explains is unsound as well, one that the choice of
/// an epoch may have made is a caution, and where nothing was compared, nothing is sound.
fn verdict(gap: Option<&Gap>, found: &[(&Check, Diagnosis)], is_compared: bool) -> Verdict {
    let unexplained = gap.is_some_and(|gap| gap.significant);
    match found.iter().map(|(_, found)| found.severity).max() {
        Some(Severity::Unsound) => Verdict::Unsound,
        _ if unexplained => Verdict::Unsound,
        Some(Severity::Caution) => Verdict::Caution,
        _ if gap.is_some_and(|gap| gap.of_choice) => Verdict::Caution,
        Some(Severity::Note) | None if is_compared => Verdict::Sound,
        Some(Severity::Note) | None => Verdict::NotExamined,
    }
}

/// Whether true labels were compared with predictions: those of validation or test rows, or those that a
/// confusion matrix counts, if a log says what accuracy to expect of it.
fn is_compared(case: &Case<'_>) -> bool {
    let of_rows = [Split::Validation, Split::Test]
        .into_iter()
        .any(|split| case.predicted(split).is_ok());
    GUESSING.is_answered(case) && (of_rows || case.gap().is_ok())
}

fn unsound(gap: Option<&Gap>, found: &[(&Check, Diagnosis)]) -> String {
    match found.first() {
        Some((check, found)) if found.severity == Severity::Unsound => {
            format!("Do not rely on these figures: {}.", named(check))
        }
        _ => {
            let points = gap.map_or(0.0, |gap| gap.points);
            format!(
                "Do not rely on these figures: validation and test accuracy are {:.1} points apart, which \
                 chance does not explain, and the files do not tell why.{}",
                points.abs(),
                found
                    .first()
                    .filter(|(_, found)| found.severity == Severity::Caution)
                    .map_or_else(String::new, |(check, _)| format!(
                        " Also found: {}.",
                        named(check)
                    ))
            )
        }
    }
}

/// What a caution is about: the first thing that was found and is one, or else the choice of the epoch.
fn reservation(gap: Option<&Gap>, found: &[(&Check, Diagnosis)]) -> String {
    let first = found
        .first()
        .filter(|(_, found)| found.severity == Severity::Caution);
    match (first, gap) {
        (Some((check, _)), _) => named(check),
        (None, Some(gap)) => format!(
            "validation accuracy is {:.1} points above test accuracy, which may come of choosing the best of {} \
             epochs by it; report the test accuracy",
            gap.points, gap.looks
        ),
        (None, None) => String::new(),
    }
}

fn sound(case: &Case<'_>) -> String {
    let clear = ESSENTIAL
        .iter()
        .filter(|question| (question.arises)(case.evidence) && question.is_clear(case));
    let clear: Vec<&str> = clear.map(|question| question.clear).collect();
    if clear.is_empty() {
        return "Nothing was found that speaks against these figures, as far as the given files tell."
            .to_owned();
    }
    format!(
        "Nothing was found that speaks against these figures: {}.",
        listed(&clear)
    )
}

/// Why so little could be compared.
fn too_little(case: &Case<'_>) -> String {
    let evidence = case.evidence;
    let mut reasons = Vec::new();
    for split in [Split::Test, Split::Validation] {
        let Some(part) = evidence.part(split) else {
            continue;
        };
        let source = &part.source;
        let is_predicted = part.stored_predictions.is_some() || part.scores.is_some();
        let truth = part.truth.as_deref().unwrap_or_default();
        if part.rows == 0 {
            reasons.push(format!("{source} has no rows"));
        } else if part.truth.is_none() && !is_predicted {
            reasons.push(format!("{source} has neither true labels nor predictions"));
        } else if part.truth.is_none() {
            reasons.push(format!("{source} has predictions and no true labels"));
        } else if !is_predicted {
            reasons.push(format!("{source} has true labels and no predictions"));
        } else if truth.windows(2).all(|pair| pair[0] == pair[1]) {
            reasons.push(format!(
                "every true label of {source} is `{}`",
                evidence.label(truth[0])
            ));
        } else {
            reasons.push(format!(
                "{source} has {}, too few to tell a model from a guess",
                counted(part.rows, "row")
            ));
        }
    }
    let published = if evidence.confusion.is_some() {
        Some("confusion matrix")
    } else {
        (!evidence.margins.is_empty()).then_some("classification report")
    };
    if let Some(published) = published.filter(|_| evidence.part(Split::Test).is_none()) {
        reasons.push(if evidence.log.is_none() {
            format!("there is nothing to hold the {published} against")
        } else {
            format!(
                "the log does not say of how many validation rows which accuracy was measured, which the \
                 {published} could be held against"
            )
        });
    } else if reasons.is_empty() && evidence.log.is_some() {
        reasons.push(String::from("there are no rows to hold the log against"));
    }
    if reasons.is_empty() {
        reasons.push(String::from(
            "there are no validation or test rows with true and predicted labels",
        ));
    }
    reasons.join("; ")
}

/// A cause within a sentence, with its number.
fn named(check: &Check) -> String {
    format!("{} ({})", lower_first(check.name), check.id)
}

#[cfg(test)]
mod tests;
