//! A case: the evidence, and what is derived of it and answered, once each.
//!
//! Checks share what is costly to derive (predictions of scores, the cheap baseline, copies of texts), and
//! they ask for each other's answers by the name of the cause: [`Case::finds`]. A check may ask only for the
//! causes that it declares in the catalogue, so that the order in which answers depend on each other can be
//! read there.

pub(crate) mod epochs;
pub(crate) mod odd_split;
pub(crate) mod suspect;

use std::borrow::Cow;
use std::sync::OnceLock;

use labelproof_artifact::Split;
use labelproof_artifact::findings::Gap;
use labelproof_metrics::{Confusion, Totals};

use crate::answer::finding::{Answer, Severity};
use crate::cause::Cause;
use crate::check::{Check, Tests};
use crate::evidence::{Evidence, Margins, Missing, Need, Part, Scores};
use crate::measures::baseline::Baseline;
use crate::measures::gap::gap;
use crate::measures::loss::loss_bounds;
use crate::measures::overlap::Overlap;
use crate::measures::predicted::{PredictedRows, ScoredRows};
use crate::measures::significance::Significance;
use crate::measures::validated_epochs::{chosen_from, matching_epochs};

/// The evidence with what is known of it so far, as one check sees it.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What there is to look at.
    pub evidence: &'a Evidence,
    memo: &'a Memo<'a>,
    /// The check that looks; nobody may ask for more than it declares.
    asker: Option<&'a Check>,
}

/// What has been derived of some evidence and answered: each once, when it is first asked for.
#[derive(Debug)]
pub struct Memo<'a> {
    evidence: &'a Evidence,
    catalogue: &'a [Check],
    significance: Significance,
    predictions: [OnceLock<Option<Cow<'a, [u32]>>>; 3],
    probabilities: [OnceLock<Option<Cow<'a, Scores>>>; 3],
    gap: OnceLock<Result<Gap, Missing>>,
    baseline: OnceLock<Result<Baseline, Missing>>,
    overlap: OnceLock<Result<Overlap, Missing>>,
    answers: Vec<OnceLock<Result<Answer, Missing>>>,
}

impl<'a> Memo<'a> {
    /// Nothing is known yet but how many hypotheses the checks of the catalogue test on this evidence.
    pub fn new(evidence: &'a Evidence, catalogue: &'a [Check]) -> Self {
        Self {
            evidence,
            catalogue,
            significance: Significance::of(tests_on(evidence, catalogue)),
            predictions: [const { OnceLock::new() }; 3],
            probabilities: [const { OnceLock::new() }; 3],
            gap: OnceLock::new(),
            baseline: OnceLock::new(),
            overlap: OnceLock::new(),
            answers: catalogue.iter().map(|_| OnceLock::new()).collect(),
        }
    }
}

/// The number of hypotheses that are tested: one for each check that tests on this evidence, and one for the
/// gap.
fn tests_on(evidence: &Evidence, catalogue: &[Check]) -> usize {
    let checks = catalogue.iter().filter(|check| check.tests_on(evidence)).count();
    let is_logged = || {
        let log = evidence.log.as_ref();
        log.and_then(|log| log.reported()?.validation.accuracy).is_some()
    };
    let is_tested = || {
        let log = evidence.log.as_ref();
        log.and_then(|log| log.tested()?.accuracy).is_some()
    };
    let has_gap = (evidence.has(Need::TestAccuracy) || is_tested())
        && (evidence.has(Need::ValidationAccuracy) || is_logged());
    checks + usize::from(has_gap)
}

impl<'a> Case<'a> {
    /// The case as nobody sees it yet: every answer may be asked for.
    pub fn new(memo: &'a Memo<'a>) -> Self {
        Self {
            evidence: memo.evidence,
            memo,
            asker: None,
        }
    }

    /// The answer of the check for a cause.
    ///
    /// In the tests of this crate, asking for a cause that the asking check does not declare is a failure,
    /// and so is an answer that contradicts what the catalogue says of the check's needs and its p-value. To
    /// a user neither is worth ending the audit.
    pub fn answer(&self, cause: Cause) -> &'a Result<Answer, Missing> {
        let catalogue = self.memo.catalogue;
        let place = catalogue.iter().position(|check| check.cause == cause);
        let place = place.expect("every cause is in the catalogue");
        let check = &catalogue[place];
        if let Some(asker) = self.asker {
            assert!(
                !cfg!(test) || asker.yields_to.contains(&cause),
                "{} asks for {}, which the catalogue does not declare",
                asker.id,
                check.id
            );
        }
        self.memo.answers[place].get_or_init(|| {
            let asker = Some(check);
            let answer = (check.run)(&Self { asker, ..*self });
            assert!(
                !cfg!(test) || is_declared(check, self.evidence, &answer),
                "{}: {answer:?}",
                check.id
            );
            answer
        })
    }

    /// Whether the check for a cause finds it.
    pub fn finds(&self, cause: Cause) -> bool {
        self.finds_at_least(cause, Severity::Note)
    }

    /// Whether the check for a cause finds it, and calls it this bad or worse.
    pub fn finds_at_least(&self, cause: Cause, severity: Severity) -> bool {
        matches!(self.answer(cause), Ok(Answer::Found(found)) if found.severity >= severity)
    }

    /// The number of a cause in the catalogue, such as `C10`.
    pub fn id(&self, cause: Cause) -> &'a str {
        let mut checks = self.memo.catalogue.iter();
        checks
            .find(|check| check.cause == cause)
            .map_or("", |check| check.id)
    }

    /// The correction for the number of hypotheses that are tested on this evidence.
    pub fn significance(&self) -> Significance {
        self.memo.significance
    }

    /// Whether a p-value is small enough although so many hypotheses are tested.
    pub fn significant(&self, p_value: f64) -> bool {
        self.significance().holds(p_value)
    }

    /// Rows of a split with true and predicted classes.
    pub fn predicted(&self, split: Split) -> Result<PredictedRows<'a>, Missing> {
        let missing = || {
            Missing::from(match split {
                Split::Train => Need::TrainPredictions,
                Split::Validation => Need::ValidationPredictions,
                Split::Test => Need::TestPredictions,
            })
        };
        let part = self.evidence.part(split).ok_or_else(missing)?;
        let truth = part.truth.as_deref().ok_or_else(missing)?;
        let predictions = self.memo.predictions[place(split)].get_or_init(|| part.predictions());
        let predictions = predictions.as_deref().ok_or_else(missing)?;
        if truth.is_empty() {
            return Err(Need::MoreRows.into());
        }
        Ok(PredictedRows {
            part,
            truth,
            predictions,
            classes: self.evidence.dataset.labels.len(),
        })
    }

    /// Rows of a split with true classes and probabilities.
    pub fn scored(&self, split: Split) -> Result<ScoredRows<'a>, Missing> {
        let predicted = self.predicted(split)?;
        let scores = self
            .probabilities(split, predicted.part)
            .zip(predicted.part.scores.as_ref());
        let (probabilities, saved) = scores.ok_or(match split {
            Split::Train => Need::TrainScores,
            Split::Validation => Need::ValidationScores,
            Split::Test => Need::TestScores,
        })?;
        Ok(ScoredRows {
            predicted,
            probabilities,
            saved,
        })
    }

    fn probabilities(&self, split: Split, part: &'a Part) -> Option<&'a Scores> {
        let made = self.memo.probabilities[place(split)].get_or_init(|| part.probabilities());
        made.as_deref()
    }

    /// The test confusion matrix: of the rows, as published, or that of a report of two classes.
    pub fn test_confusion(&self) -> Result<Confusion, Missing> {
        if let Ok(test) = self.predicted(Split::Test) {
            return Ok(test.confusion());
        }
        let published = || self.evidence.confusion.clone();
        let reported = || self.evidence.margins(Split::Test)?.matrix();
        let matrix = published().or_else(reported).ok_or(Need::TestAccuracy)?;
        Confusion::from_matrix(&matrix).or(Err(Need::TestAccuracy.into()))
    }

    /// The sums of the test confusion matrix: of the rows, of the matrix as published, or of a report.
    pub fn test_totals(&self) -> Result<Totals, Missing> {
        let reported = |missing| {
            let totals = self.evidence.margins(Split::Test).and_then(Margins::totals);
            totals.ok_or(missing)
        };
        self.test_confusion()
            .map(|confusion| confusion.totals())
            .or_else(reported)
    }

    /// Hits and rows of the validation split: of the rows, as logged, or of a report.
    pub fn validation_hits(&self) -> Result<(u64, u64), Missing> {
        if let Ok(validation) = self.predicted(Split::Validation) {
            return Ok((validation.hit_count(), validation.rows()));
        }
        let logged = || self.evidence.log.as_ref()?.validation_hits();
        let reported = || {
            let margins = self.evidence.margins(Split::Validation)?;
            Some((margins.all_hits.likely, margins.rows()))
        };
        logged()
            .or_else(reported)
            .ok_or_else(|| Need::ValidationAccuracy.into())
    }

    /// Hits and rows of the test split: of the rows, of the confusion matrix, or of a report.
    pub fn test_hits(&self) -> Result<(u64, u64), Missing> {
        let totals = self.test_totals()?;
        if totals.rows == 0 {
            return Err(Need::MoreRows.into());
        }
        Ok((totals.hits, totals.rows))
    }

    /// The gap test: whether validation and test accuracy differ beyond chance, and beyond what the choice of
    /// an epoch by validation adds to it.
    pub fn gap(&self) -> Result<&'a Gap, Missing> {
        let made = self
            .memo
            .gap
            .get_or_init(|| match (self.validation_hits(), self.test_hits()) {
                (Ok(validation), Ok(test)) => Ok(gap(validation, test, self.looks(), self.significance())),
                (validation, test) => {
                    let missing = validation.as_ref().err().or(test.as_ref().err()).cloned();
                    let missing = missing.unwrap_or_else(|| Need::ValidationAccuracy.into());
                    self.gap_of_fewest(validation.ok(), test.ok()).ok_or(missing)
                }
            });
        made.as_ref().map_err(Clone::clone)
    }

    /// The gap where the log alone tells one or both accuracies, or does not say of how many rows they are, if even the
    /// fewest that they can be of are apart beyond chance, and validation is above test.
    fn gap_of_fewest(&self, validation: Option<(u64, u64)>, test: Option<(u64, u64)>) -> Option<Gap> {
        let log = self.evidence.log.as_ref()?;
        let known_test = test.or_else(|| log.test_hits());
        let made = gap(
            validation.or_else(|| log.fewest_hits(Split::Validation))?,
            known_test.or_else(|| log.fewest_hits(Split::Test))?,
            self.looks(),
            self.significance(),
        );
        (made.significant && made.points > 0.0).then_some(Gap {
            is_of_fewest: validation.is_none(),
            is_test_of_fewest: known_test.is_none(),
            ..made
        })
    }

    /// The epochs of which validation may have chosen the one that its figures are of; 1 where nothing shows
    /// it.
    fn looks(&self) -> u64 {
        let Some(log) = &self.evidence.log else { return 1 };
        let Ok(rows) = self.predicted(Split::Validation) else {
            return chosen_from(log, log.kept.as_slice());
        };
        let loss = self
            .scored(Split::Validation)
            .ok()
            .map(|scored| loss_bounds(&scored));
        let matching = |loss| matching_epochs(log, rows.accuracy(), rows.rows(), loss);
        let epochs = [matching(loss), matching(None)];
        chosen_from(
            log,
            epochs
                .iter()
                .find(|epochs| !epochs.is_empty())
                .map_or(&[], Vec::as_slice),
        )
    }

    /// The gap in points of accuracy, whichever way it goes, where it is beyond chance.
    pub fn significant_points(&self) -> Option<f64> {
        let gap = self.gap().ok().filter(|gap| gap.significant);
        gap.map(|gap| gap.points.abs())
    }

    /// The cheap baseline, trained on the training texts.
    pub fn baseline(&self) -> Result<&'a Baseline, Missing> {
        let made = self.memo.baseline.get_or_init(|| Baseline::train(self.evidence));
        made.as_ref().map_err(Clone::clone)
    }

    /// Exact and near copies over all texts there are; rows of the same id where there are hardly any texts.
    pub fn overlap(&self) -> Result<&'a Overlap, Missing> {
        let made = self.memo.overlap.get_or_init(|| Overlap::of(self.evidence));
        made.as_ref().map_err(Clone::clone)
    }
}

fn place(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Validation => 1,
        Split::Test => 2,
    }
}

/// Whether an answer is one that the catalogue allows: given only where the declared needs are met, and with
/// a p-value only where a test is declared.
fn is_declared(check: &Check, evidence: &Evidence, answer: &Result<Answer, Missing>) -> bool {
    let Ok(answer) = answer else { return true };
    let is_expected = check.tests == Tests::OfTheGap || check.tests_on(evidence);
    check.can_run(evidence) && (answer.measured().p_value.is_none() || is_expected)
}
