//! What audit writes: for each cause of the catalogue whether it was found, with evidence and a fix.
//!
//! The shape of `audit.json` only; the tests are the audit stage's.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifacts::Artifacts;
use crate::json;
use crate::stage::{Kind, StageId};
use crate::table::ArtifactError;

/// The group of causes that a check belongs to (the letters of the catalogue).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// A: what was computed is not what its name says.
    Metrics,
    /// B: predictions stand beside labels of other rows or other classes.
    Pairing,
    /// C: the weights that predicted are not the weights that were measured.
    Weights,
    /// D: the model gets other input at prediction than in training.
    Input,
    /// E: rows leak between splits, or the splits are not alike.
    Leakage,
    /// F: labels and classes.
    Labels,
    /// G: how a decision is made of a score.
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

/// How bad it is if the finding is right.
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

/// How sure the finding is.
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
    /// Nothing was found that speaks against them.
    Sound,
    /// They stand, with a reservation.
    Caution,
    /// They do not say what they seem to say.
    Unsound,
}

impl Verdict {
    /// The verdict in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Caution => "caution",
            Self::Unsound => "unsound",
        }
    }
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The cause is there.
    Found,
    /// It is not, as far as the data tell.
    Clear,
    /// Something that it needs was not given.
    NotChecked,
}

/// A named number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistic {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// The answer of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The cause's number in the catalogue, such as `C10`.
    pub id: String,
    /// The cause.
    pub name: String,
    /// Its family.
    pub family: Family,
    /// Whether it was found.
    pub status: Status,
    /// 1 for the cause that explains most; only of found ones.
    pub rank: Option<u32>,
    /// How bad it is; only of found ones.
    pub severity: Option<Severity>,
    /// How sure it is; only of found ones.
    pub confidence: Option<Confidence>,
    /// Points of accuracy that it explains, where that can be said.
    pub effect_points: Option<f64>,
    /// The main number that it rests on.
    pub statistic: Option<Statistic>,
    /// Of the statistic, corrected for the number of checks.
    pub p_value: Option<f64>,
    /// The answer in plain words.
    pub summary: String,
    /// Numbers, row ids, the permutation, the lag, the words.
    pub evidence: BTreeMap<String, Value>,
    /// What to do.
    pub fix: Option<String>,
    /// What proves or disproves it.
    pub confirm: Option<String>,
    /// What would allow the check; only of those not made.
    pub missing: Vec<String>,
}

/// Whether a family of causes can explain what is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It can, and may have to.
    RuledIn,
    /// It cannot.
    RuledOut,
    /// The files do not tell.
    Open,
}

/// What the gap between validation and test says of one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyRuling {
    /// The family.
    pub family: Family,
    /// Whether it can explain what is seen.
    pub ruling: Ruling,
    /// Why.
    pub reason: String,
}

/// Validation accuracy against test accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Rows of the validation split that are predicted rightly.
    pub validation_hits: u64,
    /// Rows of the validation split.
    pub validation_rows: u64,
    /// Rows of the test split that are predicted rightly.
    pub test_hits: u64,
    /// Rows of the test split.
    pub test_rows: u64,
    /// Validation accuracy minus test accuracy, in points.
    pub points: f64,
    /// The difference in pooled standard errors; absent where there are too few rows for the normal approximation.
    pub z: Option<f64>,
    /// The chance of a gap at least as large between two random parts of the same rows; not corrected.
    pub p_value: f64,
    /// The largest gap, in points, that chance gives in 999 of 1,000 splits of these sizes.
    pub chance_points: f64,
    /// Whether chance is ruled out, all checks considered.
    pub significant: bool,
}

/// What audit writes as `audit.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// Whether the figures can be relied on.
    pub verdict: Verdict,
    /// The verdict in one or two sentences.
    pub headline: String,
    /// Validation against test, if both accuracies are known.
    pub gap: Option<Gap>,
    /// What the gap says of each family of causes.
    pub families: Vec<FamilyRuling>,
    /// Found causes by rank, then clear ones, then those not checked, each in the order of the catalogue.
    pub findings: Vec<Finding>,
}

impl Findings {
    /// The file that audit writes.
    pub const KIND: Kind = Kind {
        stage: StageId::Audit,
        file: "audit.json",
        format: 1,
    };

    /// Reads what audit wrote into a folder of artifacts.
    pub fn read(artifacts: Artifacts<'_>) -> Result<Self, ArtifactError> {
        json::read_artifact(Self::KIND, artifacts)
    }

    /// Writes into audit's output folder.
    pub fn write(&self, folder: &Path) -> Result<(), ArtifactError> {
        json::write_artifact(Self::KIND, folder, self)
    }

    /// The answers of one status, in the order of the file.
    pub fn of(&self, status: Status) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.status == status)
    }
}
