//! The findings that audit writes: whether each cause of the catalogue (`docs/causes.md`) was found, with
//! evidence and a fix.
//!
//! Responsible for the shape of `audit.json`; the checks are the audit stage's.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifacts::Artifacts;
use crate::json;
use crate::splits::Split;
use crate::stage::{Kind, StageId};
use crate::table::ArtifactError;

/// The group of causes that a check belongs to; `docs/causes.md` has a chapter for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// What was computed is not what its name says.
    Metrics,
    /// Predictions stand beside labels of other rows or other classes.
    Pairing,
    /// The weights that predicted are not the weights that were measured.
    Weights,
    /// The model gets other input at prediction than in training.
    Input,
    /// Rows leak between splits, or the splits are not alike.
    Leakage,
    /// Labels and classes.
    Labels,
    /// How a decision is made of a score.
    Decision,
}

impl Family {
    /// Every family, in the order of the catalogue.
    pub const ALL: [Self; 7] = [
        Self::Metrics,
        Self::Pairing,
        Self::Weights,
        Self::Input,
        Self::Leakage,
        Self::Labels,
        Self::Decision,
    ];

    /// The family in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Metrics => "losses and metrics",
            Self::Pairing => "pairing of rows and labels",
            Self::Weights => "weights and model state",
            Self::Input => "the input path",
            Self::Leakage => "leakage, splits and shift",
            Self::Labels => "labels and classes",
            Self::Decision => "scores and decisions",
        }
    }
}

/// How much the finding matters, if it is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know; the figures stand.
    Note,
    /// The figures stand, with a reservation.
    Caution,
    /// The figures do not say what they seem to say.
    Unsound,
}

/// How strongly the evidence speaks for the finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The evidence fits it, and other causes as well.
    Possible,
    /// The evidence fits it better than any other cause that the audit knows.
    Likely,
    /// The evidence leaves no other explanation.
    Certain,
}

/// Whether the figures can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No finding speaks against the figures.
    Sound,
    /// The figures stand, with a reservation.
    Caution,
    /// The figures do not say what they seem to say.
    Unsound,
    /// Nothing speaks against the figures, and nothing, or too little of what was given, could be held
    /// against anything.
    NotExamined,
}

impl Verdict {
    /// The verdict as files spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Caution => "caution",
            Self::Unsound => "unsound",
            Self::NotExamined => "not_examined",
        }
    }

    /// The verdict in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotExamined => "not examined",
            verdict => verdict.name(),
        }
    }
}

/// What one given file, or argument, was understood to be. The answer begins with it, so that nobody relies
/// on a file that was taken for something else, or from which something was left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The path, or the option whose value it is.
    pub source: String,
    /// What it was taken for, such as `test rows` or `confusion matrix of the test rows`.
    pub role: String,
    /// What was read of it, in sentences: how many rows, which columns as what, which figures of which
    /// epochs.
    pub read: Vec<String>,
    /// What is in it and was not used: columns, keys, epochs without a value.
    pub left_aside: Vec<String>,
}

impl Reading {
    /// A file that was taken for something, and of which nothing was read yet.
    pub fn new(source: impl Into<String>, role: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            role: role.into(),
            ..Self::default()
        }
    }

    /// Adds a sentence on what was read.
    pub fn says(&mut self, sentence: impl Into<String>) {
        self.read.push(sentence.into());
    }

    /// Adds something that was not used, with the reason where that is not plain.
    pub fn leaves(&mut self, what: impl Into<String>) {
        self.left_aside.push(what.into());
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The check found its cause.
    Found,
    /// The check did not find its cause, as far as the data can tell.
    Clear,
    /// The evidence lacks something that the check needs.
    NotChecked,
}

/// A named number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistic {
    /// What the number measures.
    pub name: String,
    /// The number.
    pub value: f64,
}

/// A figure that a cause can move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// The accuracy of one split.
    Accuracy(Split),
    /// The accuracy of every split, by as much.
    EverySplit,
    /// A figure of the log, beside what it should be.
    Logged,
}

/// How far a cause moves a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// The figure as it is minus the figure without the cause, in points (5 from 0.80 to 0.85): below 0 where
    /// the cause lowers it, above 0 where it flatters.
    pub points: f64,
    /// The least and the most points that fit the rows, with 95 % confidence, where these can be counted.
    pub interval: Option<(f64, f64)>,
    /// What it moves.
    pub on: Figure,
}

/// The answer of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The cause's number in the catalogue, such as `C10`.
    pub id: String,
    /// The name of the cause.
    pub name: String,
    /// The family that the cause belongs to.
    pub family: Family,
    /// The result of the check.
    pub status: Status,
    /// The place among the found causes, 1 for the one that explains most; absent where it follows from
    /// another.
    pub rank: Option<u32>,
    /// The severity of a found cause.
    pub severity: Option<Severity>,
    /// The confidence in a found cause.
    pub confidence: Option<Confidence>,
    /// How far the cause moves a figure, where the evidence tells.
    pub effect: Option<Effect>,
    /// The main statistic that the answer rests on.
    pub statistic: Option<Statistic>,
    /// The p-value of the statistic, corrected for the number of checks.
    pub p_value: Option<f64>,
    /// The answer in plain words.
    pub summary: String,
    /// What was measured: numbers, row ids, the permutation, the lag, the words.
    pub evidence: BTreeMap<String, Value>,
    /// What to do.
    pub fix: Option<String>,
    /// What proves or disproves it.
    pub confirm: Option<String>,
    /// What would make the check possible, where it was not made.
    pub missing: Vec<String>,
    /// The number of the found cause that this one follows from. Such a consequence has no rank and no advice
    /// of its own.
    pub explained_by: Option<String>,
}

impl Finding {
    /// Whether it was found and follows from nothing else that was found.
    pub fn is_cause(&self) -> bool {
        self.status == Status::Found && self.explained_by.is_none()
    }
}

/// What one found cause takes from the test accuracy against the validation accuracy, or adds to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The cause's number in the catalogue.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Points from the validation accuracy to the test accuracy: below 0 where test comes out lower for it.
    pub points: f64,
    /// The least and the most such points, with 95 % confidence.
    pub interval: Option<(f64, f64)>,
}

/// How the found causes account for the gap between validation and test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Validation accuracy, in percent.
    pub validation: f64,
    /// Test accuracy, in percent: that of validation with all steps and the rest.
    pub test: f64,
    /// The causes that move one of the two, what moves most first.
    pub steps: Vec<Step>,
    /// Numbers of causes that would explain what the steps explain already.
    pub instead: Vec<String>,
    /// Points that no step explains.
    pub rest: f64,
    /// Whether the rest is no more than chance gives.
    pub rest_is_chance: bool,
}

/// Whether a family of causes can explain what is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// The family can explain it, and may have to.
    RuledIn,
    /// The family cannot explain it.
    RuledOut,
    /// The evidence does not tell.
    Open,
}

/// What the gap between validation and test says of one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyRuling {
    /// The family.
    pub family: Family,
    /// Whether the family can explain what is seen.
    pub ruling: Ruling,
    /// The reason for the ruling.
    pub reason: String,
}

/// Validation accuracy against test accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Gap {
    /// Rows of the validation split that are predicted rightly.
    pub validation_hits: u64,
    /// Rows of the validation split.
    pub validation_rows: u64,
    /// Whether nothing says how many validation rows there are, and these are the fewest that the logged
    /// accuracies can be of.
    #[serde(default)]
    pub is_of_fewest: bool,
    /// The same of the test rows, whose accuracy a log alone tells.
    #[serde(default)]
    pub is_test_of_fewest: bool,
    /// Rows of the test split that are predicted rightly.
    pub test_hits: u64,
    /// Rows of the test split.
    pub test_rows: u64,
    /// Validation accuracy minus test accuracy, in points.
    pub points: f64,
    /// The difference in pooled standard errors; absent where there are too few rows for the normal
    /// approximation.
    pub z: Option<f64>,
    /// The chance of a gap at least as large between two random parts of the same rows; not corrected.
    pub p_value: f64,
    /// The epochs of which the validation rows may have chosen the one that is compared; 1 where nothing
    /// shows a choice.
    pub looks: u64,
    /// The largest gap, in points, that chance gives in 999 of 1,000 splits of these sizes, with that choice.
    pub chance_points: f64,
    /// Whether chance is ruled out, all checks and the choice of the epoch considered.
    pub significant: bool,
    /// Whether chance would be ruled out for one epoch, and is not for the best of so many.
    pub of_choice: bool,
}

/// What audit writes as `audit.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// Whether the figures can be relied on.
    pub verdict: Verdict,
    /// The verdict in one or two sentences.
    pub headline: String,
    /// What each given file was understood to be; empty for the artifacts of a pipeline.
    pub inputs: Vec<Reading>,
    /// Validation against test, if both accuracies are known.
    pub gap: Option<Gap>,
    /// How the found causes account for the gap, where there is one.
    pub account: Option<Account>,
    /// What the gap, and what was found, say of each family of causes.
    pub families: Vec<FamilyRuling>,
    /// Found causes by rank, each with what follows from it after it; then clear ones, then those not
    /// checked, each in the order of the catalogue.
    pub findings: Vec<Finding>,
}

impl Findings {
    /// The file that audit writes.
    pub const KIND: Kind = Kind {
        stage: StageId::Audit,
        file: "audit.json",
        format: 3,
    };

    /// Reads what audit wrote into a folder of artifacts.
    pub fn read(artifacts: Artifacts<'_>) -> Result<Self, ArtifactError> {
        json::read_artifact(Self::KIND, artifacts)
    }

    /// Writes the findings into audit's output folder.
    pub fn write(&self, folder: &Path) -> Result<(), ArtifactError> {
        json::write_artifact(Self::KIND, folder, self)
    }

    /// The causes that were found and follow from nothing else that was found, by rank.
    pub fn causes(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_cause())
    }

    /// What was found and follows from a cause, by the number of that.
    pub fn consequences(&self, id: &str) -> impl Iterator<Item = &Finding> {
        let follows = move |finding: &&Finding| finding.explained_by.as_deref() == Some(id);
        self.findings.iter().filter(follows)
    }

    /// The answers of one status, in the order of the file.
    pub fn of(&self, status: Status) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.status == status)
    }
}
