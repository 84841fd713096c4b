//! What to give the audit so that it can say more, and which one thing would tell most.

use labelproof_artifact::Split;

use crate::check::{Check, Needs};
use crate::evidence::{Evidence, Need, Part};

/// Something that is not there and could be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// The rows of a split, of which no file was given.
    Rows(Split),
    /// The true labels and the predictions of rows that were given with neither.
    Both(Split),
    /// The true labels of rows that were given without them.
    Truth(Split),
    /// The predictions for rows that were given without them.
    Predictions(Split),
    /// The texts of rows that were given without them.
    Texts(Split),
    /// How many rows the validation accuracy of the log is of.
    LogRows,
    /// The log of the training.
    Log,
    /// The scores of rows that were given without them.
    Scores(Split),
}

/// Of two that tell as much the first is named.
const ALL: [Wish; 19] = [
    Wish::Both(Split::Test),
    Wish::Both(Split::Validation),
    Wish::Truth(Split::Test),
    Wish::Predictions(Split::Test),
    Wish::Truth(Split::Validation),
    Wish::Predictions(Split::Validation),
    Wish::LogRows,
    Wish::Rows(Split::Test),
    Wish::Rows(Split::Validation),
    Wish::Rows(Split::Train),
    Wish::Texts(Split::Test),
    Wish::Texts(Split::Validation),
    Wish::Texts(Split::Train),
    Wish::Truth(Split::Train),
    Wish::Log,
    Wish::Scores(Split::Test),
    Wish::Scores(Split::Validation),
    Wish::Predictions(Split::Train),
    Wish::Scores(Split::Train),
];

impl Wish {
    /// Whether it is not there, and what it would be added to is.
    fn is_open(self, evidence: &Evidence) -> bool {
        let lacks = |split, has: fn(&Part) -> bool| evidence.part(split).is_some_and(|part| !has(part));
        match self {
            Self::Rows(split) => evidence.part(split).is_none(),
            Self::Both(split) => lacks(split, |part| part.truth.is_some() || is_answered(part)),
            Self::Truth(split) => lacks(split, |part| part.truth.is_some()),
            Self::Predictions(split) => lacks(split, is_answered),
            Self::Texts(split) => lacks(split, |part| part.texts.is_some()),
            Self::Scores(split) => lacks(split, |part| part.scores.is_some()),
            Self::Log => evidence.log.is_none(),
            Self::LogRows => evidence.log.as_ref().is_some_and(|log| {
                log.reported()
                    .is_some_and(|epoch| epoch.validation.accuracy.is_some())
                    && log.rows(Split::Validation).is_none()
            }),
        }
    }

    /// Whether it would meet a need.
    fn grants(self, need: Need, evidence: &Evidence) -> bool {
        let has = |split, has: fn(&Part) -> bool| evidence.part(split).is_some_and(has);
        match self {
            // A file of training rows that somebody has at hand is what was trained on, not what was predicted.
            Self::Rows(Split::Train) => matches!(need, Need::TrainLabels | Need::TrainTexts),
            Self::Rows(split) => {
                [labels(split), predictions(split), texts(split)].contains(&need)
                    || accuracy(split) == Some(need)
            }
            Self::Both(split) => {
                [labels(split), predictions(split)].contains(&need) || accuracy(split) == Some(need)
            }
            Self::Truth(split) => {
                let given = predictions(split) == need || accuracy(split) == Some(need);
                labels(split) == need || given && has(split, is_answered)
            }
            Self::Predictions(split) => {
                let given = predictions(split) == need || accuracy(split) == Some(need);
                given && has(split, Part::is_labelled)
            }
            Self::Texts(split) => texts(split) == need,
            Self::Scores(split) => scores(split) == need,
            Self::Log => matches!(need, Need::Log | Need::TrainLog),
            Self::LogRows => need == Need::ValidationAccuracy,
        }
    }

    /// The words for it, which go on after "what would tell most is".
    fn words(self, evidence: &Evidence) -> String {
        let source = |split| {
            let part = evidence.part(split);
            part.map_or_else(String::new, |part| part.source.clone())
        };
        match self {
            Self::Rows(Split::Train) => {
                String::from("--train FILE with the texts and labels of the training rows")
            }
            Self::Rows(split) => {
                let name = split.name();
                format!("--{name} FILE with the texts, true labels and predicted labels of the {name} rows")
            }
            Self::Both(split) => format!(
                "the true labels and the predictions, which are missing from {}: name their columns with --label and \
                 --predicted",
                source(split)
            ),
            Self::Truth(split) => format!(
                "the true labels, which are missing from {}: name their column with --label, or add one",
                source(split)
            ),
            Self::Predictions(split) => format!(
                "the predictions, which are missing from {}: name their column with --predicted{}",
                source(split),
                match split {
                    Split::Test => ", or give their file with --predictions",
                    Split::Validation => ", or give their file with --validation-predictions",
                    Split::Train => ", or add one",
                }
            ),
            Self::Texts(split) => format!(
                "the texts, which are missing from {}: name their column with --text, or add one",
                source(split)
            ),
            Self::Scores(split) => format!(
                "a probability for each class in {}: columns called `probability_NAME`",
                source(split)
            ),
            Self::Log => String::from("--log with the losses and accuracies of the training"),
            Self::LogRows => String::from(
                "--validation-rows N, the number of rows that the logged validation accuracy is of",
            ),
        }
    }
}

/// How a need can be met with what there is: of a file that was given, the column that it lacks.
pub(super) fn advice(need: Need, evidence: &Evidence) -> String {
    let general = need.advice(evidence.pipeline.is_some());
    let split = Split::ALL
        .into_iter()
        .find(|split| [labels(*split), predictions(*split), texts(*split), scores(*split)].contains(&need));
    let given = split
        .filter(|_| evidence.pipeline.is_none())
        .and_then(|split| evidence.part(split));
    let (Some(split), Some(part)) = (split, given) else {
        return general.to_owned();
    };
    let source = &part.source;
    let is_of_labels = need == labels(split) || need == predictions(split);
    if is_of_labels && part.truth.is_none() {
        format!("the true labels in {source}, whose column --label names")
    } else if is_of_labels && !is_answered(part) {
        format!("the predictions in {source}, whose column --predicted names")
    } else if need == texts(split) && part.texts.is_none() {
        format!("the texts in {source}, whose column --text names")
    } else if need == scores(split) && part.scores.is_none() {
        format!("a probability or logit for each class in {source}")
    } else {
        general.to_owned()
    }
}

fn is_answered(part: &Part) -> bool {
    part.stored_predictions.is_some() || part.scores.is_some()
}

fn labels(split: Split) -> Need {
    match split {
        Split::Train => Need::TrainLabels,
        Split::Validation => Need::ValidationLabels,
        Split::Test => Need::TestLabels,
    }
}

fn predictions(split: Split) -> Need {
    match split {
        Split::Train => Need::TrainPredictions,
        Split::Validation => Need::ValidationPredictions,
        Split::Test => Need::TestPredictions,
    }
}

fn scores(split: Split) -> Need {
    match split {
        Split::Train => Need::TrainScores,
        Split::Validation => Need::ValidationScores,
        Split::Test => Need::TestScores,
    }
}

fn texts(split: Split) -> Need {
    match split {
        Split::Train => Need::TrainTexts,
        Split::Validation => Need::ValidationTexts,
        Split::Test => Need::TestTexts,
    }
}

fn accuracy(split: Split) -> Option<Need> {
    match split {
        Split::Train => None,
        Split::Validation => Some(Need::ValidationAccuracy),
        Split::Test => Some(Need::TestAccuracy),
    }
}

/// The one thing that would answer most of the open questions, and of equals the one that would allow most
/// checks; in words. A column of a file that was given comes before another file: it is nearer at hand. So is a
/// number, where nothing was compared yet.
pub(super) fn most_telling(
    evidence: &Evidence,
    open: &[Needs],
    catalogue: &[Check],
    is_compared: bool,
) -> Option<String> {
    let allows = |wish: Wish, needs: Needs| {
        let met = |need: &Need| evidence.has(*need) || wish.grants(*need, evidence);
        needs.iter().any(|set| set.iter().all(met))
    };
    let weight = |wish: Wish| {
        let questions = open.iter().filter(|needs| allows(wish, needs)).count();
        let cannot = catalogue.iter().filter(|check| !check.can_run(evidence));
        let checks = cannot.filter(|check| allows(wish, check.needs)).count();
        let at_hand = match wish {
            Wish::Both(_) | Wish::Truth(_) | Wish::Predictions(_) => true,
            Wish::LogRows => !is_compared,
            _ => false,
        };
        (at_hand && questions > 0, questions, checks)
    };
    let wishes = ALL.into_iter().filter(|wish| wish.is_open(evidence));
    // The last of equals is the greatest to `max_by_key`.
    let best = wishes.rev().max_by_key(|wish| weight(*wish))?;
    (weight(best) > (false, 0, 0)).then(|| best.words(evidence))
}
