//! The errors of the split stage, and what to do about them.

use labelproof_artifact::wording::{counted, listed};
use labelproof_artifact::{Advice, ArtifactError, Diagnostic, Fault, Split};

/// How many labels a message lists before it only counts them.
const SHOWN: usize = 10;

/// A label with too few rows, or too few sets of rows that stay together, for all parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The label's name.
    pub label: String,
    /// The number of rows with the label.
    pub rows: usize,
    /// The number of sets that stay together and hold such rows.
    pub groups: usize,
}

/// The split could not be made.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// A file of an earlier stage cannot be used, or `split.parquet` cannot be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The section of `pipeline.yaml` is not usable.
    #[error("the parameters cannot be used\n  {}", problems.join("\n  "))]
    BadParams { problems: Vec<String> },
    /// The table of tokens is empty.
    #[error("there are no rows to split")]
    NoRows,
    /// The table has more rows than this stage can number.
    #[error("there are more than {} rows", u32::MAX)]
    TooManyRows,
    /// A row's label is none of the label map's.
    #[error("row `{id}` has the label `{label}`, which `labels.json` does not list")]
    UnknownLabel { id: String, label: String },
    /// Labels have too few rows to be in every split.
    #[error("too few rows for {}: {}", list_parts(parts), list_shortages(labels, parts))]
    TooFewGroups {
        /// The labels, in the order of the label map.
        labels: Vec<Shortage>,
        /// The parts that are drawn: all, or train and what a given split lacks.
        parts: Vec<Split>,
    },
    /// A split has no row of a label.
    #[error(
        "label `{label}` has no row in the {split} part: {}",
        describe_groups(*rows, *groups, *largest_group)
    )]
    ClassMissing {
        label: String,
        split: Split,
        rows: usize,
        /// The number of sets that stay together and hold such rows.
        groups: usize,
        /// The rows of the largest of these sets, those of other labels included.
        largest_group: usize,
        /// Whether the draw tried to give every part its share of every label.
        stratified: bool,
        /// Whether the split came with the data.
        given: bool,
    },
    /// The split is to be taken from the data, and some rows have none.
    #[error("row `{id}` has no split{}", and_others(*count))]
    GivenMissing { id: String, count: usize },
    /// The split of the data has no row for a part that cannot be drawn.
    #[error("the given split has no {split} row")]
    GivenPartEmpty { split: Split },
    /// A part cannot be drawn from so few train rows.
    #[error(
        "the given split has {train} train rows, too few to draw {wanted} {part} rows from (`split.{part}` is \
         a share of all rows)"
    )]
    GivenTrainTooSmall {
        train: usize,
        part: Split,
        wanted: usize,
    },
}

fn list_parts(parts: &[Split]) -> String {
    let names: Vec<&str> = parts.iter().map(|split| split.name()).collect();
    listed(&names)
}

fn list_shortages(labels: &[Shortage], parts: &[Split]) -> String {
    let mut list: Vec<_> = labels
        .iter()
        .take(SHOWN)
        .map(|Shortage { label, rows, groups }| {
            if rows == groups {
                format!("label `{label}` has {}", counted(*rows, "row"))
            } else {
                let rows = counted(*rows, "row");
                let groups = counted(*groups, "group");
                format!("label `{label}` has {rows} in {groups} that must stay together")
            }
        })
        .collect();
    if labels.len() > SHOWN {
        list.push(format!("and {} more", counted(labels.len() - SHOWN, "label")));
    }
    let list = list.join(", ");
    if parts.len() == Split::ALL.len() {
        list
    } else {
        format!("in the given train part {list}")
    }
}

fn describe_groups(rows: usize, groups: usize, largest_group: usize) -> String {
    let rows = counted(rows, "row");
    if largest_group < 2 {
        return format!("it has {rows}");
    }
    let groups = counted(groups, "group");
    format!(
        "its {rows} are in {groups} that must stay together, of up to {largest_group} rows with those of \
         other labels"
    )
}

fn and_others(count_with_first: usize) -> String {
    match count_with_first {
        0 | 1 => String::new(),
        2 => ", nor has 1 other row".to_owned(),
        more => format!(", nor have {} other rows", more - 1),
    }
}

/// The hint on a label that is too small to be in every split.
const FEWER_LABELS: &str = "merge the label with another (`ingest.labels.rename`), leave it out \
    (`ingest.labels.keep`), or give it more rows";
const DRAW: &str = "draw a split instead: `split.use_given: false` in `pipeline.yaml`";
const TOGETHER: &str = "rows stay together because of `ingest.columns.group`, and as duplicates while \
                        `split.keep_duplicates_together` is true";

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        match self {
            Self::Artifact(error) => error.advice(),
            Self::BadParams { .. } => Fault::Configuration.into(),
            Self::NoRows => {
                Fault::Input.hint("see `artifacts/preprocess/rejects.parquet` for why no row came so far")
            }
            Self::TooManyRows => Fault::Input.hint("take fewer rows: `ingest.rows_per_label`"),
            Self::UnknownLabel { .. } => Fault::Artifact.hint(
                "make both files anew: labelproof run ingest --force; labelproof run preprocess --force",
            ),
            Self::TooFewGroups { labels, .. } => {
                let advice = Fault::Input.hint(FEWER_LABELS);
                if labels.iter().all(|shortage| shortage.groups == shortage.rows) {
                    advice
                } else {
                    advice.and(TOGETHER)
                }
            }
            Self::ClassMissing { given: true, .. } => Fault::Input
                .hint("add such rows to that part, or leave the label out (`ingest.labels.keep`)")
                .and(DRAW),
            Self::ClassMissing {
                stratified: false, ..
            } => Fault::Input
                .hint("give every part its share of every label: `split.stratify: true` in `pipeline.yaml`"),
            Self::ClassMissing { .. } => Fault::Input
                .hint(FEWER_LABELS)
                .and(TOGETHER)
                .and("try another `split.seed`"),
            Self::GivenMissing { .. } => Fault::Input
                .hint("fill the column that `ingest.columns.split` names")
                .and(DRAW),
            Self::GivenPartEmpty { .. } => Fault::Input
                .hint("check what the column that `ingest.columns.split` names, or the names of files, say")
                .and(DRAW),
            Self::GivenTrainTooSmall { part, .. } => {
                Fault::Configuration.hint(format!("lower `split.{part}` in `pipeline.yaml`"))
            }
        }
    }
}
