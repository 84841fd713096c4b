//! From the fields of one row to a candidate or a reject: the rules of documents, which hold for every
//! format.
//!
//! Which rows repeat an id shows only once all rows are sorted, and is decided there.

use std::borrow::Cow;
use std::collections::BTreeSet;

use labelproof_artifact::wording::one_line;
use labelproof_artifact::{Reject, Reporter, Split};
use labelproof_tables::{Cell, RowProblem};

use crate::error::Error;
use crate::label_names::{self, LabelNames};
use crate::layout::Layout;
use crate::left_aside::is_unlabelled_folder;
use crate::one_label;
use crate::params::{Format, Params};
use crate::rows::{Fields, Problem, Reason, cell_text, row_id, row_text, scalar_text};
use crate::settings::Settings;
use crate::sources::{self, Found};
use crate::spill::{Candidate, Sorter};
use crate::tally::Tally;

/// What the fields are called in messages.
struct Names {
    text: Vec<String>,
    label: String,
    id: String,
    group: String,
    split: String,
}

impl Names {
    fn of(params: &Params) -> Self {
        let quoted =
            |name: &Option<String>| name.as_ref().map(|name| format!("`{name}`")).unwrap_or_default();
        match &params.columns {
            Some(columns) => Self {
                text: columns.text.iter().map(|name| format!("`{name}`")).collect(),
                label: format!("`{}`", columns.label),
                id: quoted(&columns.id),
                group: quoted(&columns.group),
                split: quoted(&columns.split),
            },
            None if params.format != Format::Folder => Self {
                text: vec!["the text".to_owned()],
                label: "the label".to_owned(),
                id: String::new(),
                group: String::new(),
                split: String::new(),
            },
            None => Self {
                text: vec!["the file".to_owned()],
                label: "the folder's name".to_owned(),
                id: "the file's name".to_owned(),
                group: String::new(),
                split: String::new(),
            },
        }
    }
}

/// What becomes of a row without a fault.
enum Outcome {
    Candidate(Candidate),
    NotChosen(String),
    /// The cell of the label is empty, and `ingest.labels.missing` says so.
    Unlabelled,
    /// The row does not hold what `ingest.where` asks for.
    NotWhere,
}

/// The stage's sink for the rows of all sources: each becomes a candidate, a reject, or a count.
pub(crate) struct Intake<'a> {
    params: &'a Params,
    sources: &'a [Found],
    layout: &'a Layout,
    names: Names,
    keep: Option<BTreeSet<&'a str>>,
    pub(crate) reporter: &'a dyn Reporter,
    pub(crate) candidates: Sorter<Candidate>,
    pub(crate) rejects: Sorter<Reject>,
    pub(crate) tally: Tally,
    /// The names of the labels of the source at hand, where it has numbers.
    pub(crate) label_names: Option<LabelNames>,
}

/// Where the settings of the rows stand.
const SETTINGS: Settings = Settings::Pipeline;

/// Rows between two calls of the reporter.
const REPORTED_ROWS: u64 = 4096;

impl<'a> Intake<'a> {
    pub(crate) fn new(
        params: &'a Params,
        sources: &'a [Found],
        layout: &'a Layout,
        candidates: Sorter<Candidate>,
        rejects: Sorter<Reject>,
        reporter: &'a dyn Reporter,
    ) -> Self {
        let keep = params.labels.keep.as_ref();
        Self {
            params,
            sources,
            layout,
            names: Names::of(params),
            keep: keep.map(|labels| labels.iter().map(String::as_str).collect()),
            reporter,
            candidates,
            rejects,
            tally: Tally::default(),
            label_names: None,
        }
    }

    /// Takes a row of the source of this number.
    pub(crate) fn row(&mut self, source: u32, line: Option<u64>, fields: Fields<'_>) -> Result<(), Error> {
        let Fields {
            text,
            label,
            id,
            group,
            split,
            conditions,
        } = fields;
        let id = id.map(|value| row_id(&value, &self.names.id, SETTINGS));
        // A reject says the id even if something else is wrong with the row.
        let shown_id = id.as_ref().and_then(|id| id.as_ref().ok()).cloned();
        let rest = Rest {
            text,
            label,
            group,
            split,
        };
        let outcome = match self.is_asked_for(&conditions) {
            Ok(true) => self.convert(source, line, id, &rest),
            Ok(false) => Ok(Outcome::NotWhere),
            Err(problem) => Err(problem),
        };
        self.count_row();
        match outcome {
            Ok(Outcome::Candidate(candidate)) => {
                self.tally.labels.add(&candidate.label, candidate.split)?;
                Ok(self.candidates.push(candidate)?)
            }
            Ok(Outcome::NotChosen(label)) => {
                self.tally.not_chosen_rows += 1;
                // Beyond the limit on labels the names are lost, but they only serve messages.
                drop(self.tally.not_chosen.add(&label, None));
                Ok(())
            }
            Ok(Outcome::Unlabelled) => self.tally.unlabelled.add("", None),
            Ok(Outcome::NotWhere) => {
                self.tally.not_where_rows += 1;
                Ok(())
            }
            Err(problem) if self.is_beside_folders(&problem) => {
                let place = "in no label's folder".to_owned();
                self.leave_aside(source, shown_id, problem, place)
            }
            Err(problem) => self.reject(source, line, shown_id, problem),
        }
    }

    /// Whether a file is rejected because it lies beside the labels' folders.
    fn is_beside_folders(&self, problem: &Problem) -> bool {
        self.params.format == Format::Folder && problem.reason == Reason::MissingLabel
    }

    /// Whether a row holds what `ingest.where` asks for.
    fn is_asked_for(&mut self, cells: &[Cell<'_>]) -> Result<bool, Problem> {
        for ((column, values), cell) in self.params.conditions.iter().zip(cells) {
            let found = scalar_text(cell, &format!("`{column}`"), SETTINGS)?;
            if !values.hold(found) {
                let found = found.map_or("nothing".to_owned(), |found| format!("`{}`", one_line(found)));
                // Beyond the limit the values are lost, but they only serve messages.
                drop(self.tally.not_where.add(&format!("`{column}`: {found}"), None));
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes a row that has no fields.
    pub(crate) fn problem(
        &mut self,
        source: u32,
        line: Option<u64>,
        problem: RowProblem,
    ) -> Result<(), Error> {
        self.count_row();
        self.reject(source, line, None, Problem::of_row(problem, SETTINGS))
    }

    /// Rejects a row that was counted already.
    pub(crate) fn reject(
        &mut self,
        source: u32,
        line: Option<u64>,
        id: Option<String>,
        problem: Problem,
    ) -> Result<(), Error> {
        *self.tally.reasons.entry(problem.reason).or_default() += 1;
        self.push_reject(source, line, id, problem)
    }

    /// Rejects a file that nobody has to mend. `place` is where it lies.
    fn leave_aside(
        &mut self,
        source: u32,
        id: Option<String>,
        problem: Problem,
        place: String,
    ) -> Result<(), Error> {
        let file = self.source_name(source).to_owned();
        self.tally.left_aside.add(&problem.detail, place, &file);
        self.push_reject(source, None, id, problem)
    }

    fn push_reject(
        &mut self,
        source: u32,
        line: Option<u64>,
        id: Option<String>,
        problem: Problem,
    ) -> Result<(), Error> {
        let source = self.source_name(source).to_owned();
        Ok(self.rejects.push(Reject {
            source,
            line,
            id,
            reason: problem.reason.name().to_owned(),
            detail: problem.detail,
        })?)
    }

    /// Rejects a candidate whose label stands for none.
    pub(crate) fn reject_unlabelled(&mut self, candidate: Candidate) -> Result<(), Error> {
        let detail = format!(
            "{} is `{}`, which stands for no label",
            self.names.label,
            one_line(&candidate.label)
        );
        let id = self.has_declared_ids().then_some(candidate.id);
        let problem = Problem::new(Reason::MissingLabel, detail);
        if is_unlabelled_folder(self.params, &candidate.label) {
            let place = format!(
                "in the folder `{}`, which stands for no label",
                one_line(&candidate.label)
            );
            return self.leave_aside(candidate.source, id, problem, place);
        }
        self.reject(candidate.source, candidate.line, id, problem)
    }

    /// Whether the rows' ids are those of the source.
    pub(crate) fn has_declared_ids(&self) -> bool {
        self.params
            .columns
            .as_ref()
            .is_none_or(|columns| columns.id.is_some())
    }

    /// Says which names the labels of the source of this number have; what is new of it is said to the user.
    pub(crate) fn names_of_labels(&mut self, label_names: Option<LabelNames>, source: u32) {
        if let (Some(names), Some(columns)) = (&label_names, &self.params.columns) {
            let file = self.source_name(source);
            let remark = names.message(&columns.label, file);
            if self.label_names != label_names {
                self.tally.remarks.push(remark);
            }
        }
        self.label_names = label_names;
    }

    /// What the source of this number is called.
    pub(crate) fn source_name(&self, source: u32) -> &str {
        sources::name(self.sources, source)
    }

    fn count_row(&mut self) {
        self.tally.rows += 1;
        if self.tally.rows.is_multiple_of(REPORTED_ROWS) {
            self.reporter.advance(REPORTED_ROWS, "");
        }
    }

    fn convert(
        &mut self,
        source: u32,
        line: Option<u64>,
        id: Option<Result<String, Problem>>,
        rest: &Rest<'_>,
    ) -> Result<Outcome, Problem> {
        let params = self.params;
        let names = &self.names;
        let missing_label = || match params.format {
            Format::Fasttext => "no word begins with `__label__` and a label".to_owned(),
            Format::Folder => "the file lies in no label's folder".to_owned(),
            _ => format!("{} is empty", names.label),
        };
        let source_label =
            one_label::of_cell(&rest.label, &names.label, SETTINGS)?.filter(|label| !label.trim().is_empty());
        let is_declared = |missing: &str| {
            let mut labels = params.labels.missing.iter().flatten();
            labels.any(|label| label.trim() == missing)
        };
        let Some(source_label) = source_label else {
            return if is_declared("") {
                Ok(Outcome::Unlabelled)
            } else {
                Err(Problem::new(Reason::MissingLabel, missing_label()))
            };
        };
        let source_label = source_label.as_ref();
        let named = match &self.label_names {
            None => Cow::Borrowed(source_label),
            Some(_) if label_names::is_kept_back(source_label) && is_declared(source_label.trim()) => {
                return Ok(Outcome::Unlabelled);
            }
            Some(label_names) => Cow::Owned(label_names.of(source_label, &names.label)?),
        };
        if let Some((from, _)) = params.labels.rename.get_key_value(named.as_ref())
            && !self.tally.renamed.contains(from)
        {
            self.tally.renamed.insert(from.clone());
        }
        let label = params.labels.renamed(&named);
        if self.keep.as_ref().is_some_and(|keep| !keep.contains(label)) {
            return Ok(Outcome::NotChosen(label.to_owned()));
        }
        let id = id.transpose()?;
        let group = match &rest.group {
            None => None,
            Some(group) => {
                scalar_text(group, &names.group, SETTINGS)?.filter(|group| !group.trim().is_empty())
            }
        };
        let split = match &rest.split {
            None => self.layout.split_of(source),
            Some(split) => {
                let text = cell_text(split, &names.split, SETTINGS)?;
                Some(parse_split(text, &names.split)?)
            }
        };
        let text = row_text(&rest.text, &names.text, &params.join, SETTINGS)?;
        let id = id.unwrap_or_else(|| content_id(&text, source_label, group, split));
        Ok(Outcome::Candidate(Candidate {
            id,
            text,
            label: label.to_owned(),
            group: group.map(str::to_owned),
            split,
            source,
            line,
        }))
    }
}

/// The fields of a row but for the id.
struct Rest<'a> {
    text: Vec<Cell<'a>>,
    label: Cell<'a>,
    group: Option<Cell<'a>>,
    split: Option<Cell<'a>>,
}

/// The split of a row under any of its usual names.
fn parse_split(value: Option<&str>, name: &str) -> Result<Split, Problem> {
    const EXPECTED: &str = "expected train, validation or test";
    let value = value.map(str::trim).unwrap_or_default();
    split_of(value).ok_or_else(|| {
        let found = match value {
            "" => "empty".to_owned(),
            other => format!("`{}`", one_line(other)),
        };
        Problem::new(Reason::UnknownSplit, format!("{name} is {found}, {EXPECTED}"))
    })
}

/// The split that a value of a column of splits means.
pub(crate) fn split_of(value: &str) -> Option<Split> {
    match value.trim().to_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "validation" | "val" | "valid" | "dev" => Some(Split::Validation),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    }
}

/// The id of a row that brings none: the first 16 bytes of the digest of what it says, in hexadecimal digits.
/// The label counts as the source has it, so that renaming labels renames no row.
fn content_id(text: &str, label: &str, group: Option<&str>, split: Option<Split>) -> String {
    let mut hasher = blake3::Hasher::new();
    // A field's length in front of it keeps fields apart, and a length that no field has stands for a field
    // that is not there.
    for field in [Some(text), Some(label), group, split.map(Split::name)] {
        let length = field.map_or(u64::MAX, |field| field.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(field.unwrap_or_default().as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
