//! Why ingest fails, and what to do about it.
//!
//! Files are named as in the rejects: relative to `pipeline.yaml`, so that a message reads the same on every
//! machine. Those of texts to label are named as the command line names them, and so are the settings in
//! their messages.

use std::fmt::Write as _;
use std::path::PathBuf;

use labelproof_artifact::fs::FsError;
use labelproof_artifact::wording::{counted, plural, quoted};
use labelproof_artifact::{Advice, ArtifactError, Diagnostic, Fault, Reject, Split};

use crate::labels::alike::Alike;
use crate::labels::several::Several;
use crate::settings::Settings;

/// Ingest cannot read the sources, or cannot make documents of them.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// An artifact cannot be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The operating system refused a file operation.
    #[error(transparent)]
    File(#[from] FsError),
    /// A source is no table that can be read.
    #[error(transparent)]
    Table(#[from] labelproof_tables::Error),
    /// An address gives no file.
    #[error(transparent)]
    Remote(#[from] labelproof_remote::Error),
    /// The parameters make no sense; `problems` are what [`Params::check`](crate::Params::check) says.
    #[error("the parameters cannot be used\n  {}", problems.join("\n  "))]
    BadParams { problems: Vec<String> },
    /// A path of `ingest.paths` does not exist.
    #[error("`ingest.paths` names `{path}`, which does not exist")]
    Missing { path: String },
    /// A path begins with the tilde that shells replace by a folder.
    #[error("`ingest.paths` names `{path}`, and `~` means a folder to shells alone")]
    Home { path: String, home: Option<String> },
    /// Standard input is a terminal.
    #[error("`ingest.paths` names standard input, `-`, which is a terminal")]
    Terminal,
    /// A glob of `ingest.paths` matches nothing.
    #[error("`ingest.paths` names `{pattern}`, which matches no file")]
    NoMatch { pattern: String },
    /// A glob of `ingest.paths` is not well-formed.
    #[error("`ingest.paths` names `{pattern}`, which is no glob")]
    BadPattern {
        pattern: String,
        source: glob::PatternError,
    },
    /// A folder or an archive of `ingest.paths` holds nothing to read.
    #[error("`ingest.paths` names `{path}`, which holds no {wanted}")]
    NoFiles { path: String, wanted: String },
    /// The files of texts and those of labels are not as many.
    #[error(
        "`{texts}` names {} and `{labels}` names {}",
        counted(*text_files, "file"),
        counted(*label_files, "file")
    )]
    FileCounts {
        texts: String,
        text_files: usize,
        labels: String,
        label_files: usize,
    },
    /// A file of texts and its file of labels differ in the number of their lines.
    #[error(
        "`{texts}` has {} and `{labels}` has {}",
        counted(*text_lines, "line"),
        counted(*label_lines, "line")
    )]
    LineCounts {
        texts: String,
        text_lines: u64,
        labels: String,
        label_lines: u64,
    },
    /// The names of files that should say the labels say none.
    #[error("the names of {} say no labels: {problem}", quoted(files, SHOWN_NAMES))]
    NamesWithoutLabels {
        files: Vec<String>,
        problem: &'static str,
    },
    /// The name of a file is not UTF-8, so that no reject could name it.
    #[error("the name of `{}` is not UTF-8", path.display())]
    BadName { path: PathBuf },
    /// Rows cannot become documents, and `ingest.on_reject` is `fail`.
    #[error("{}", rejected(rejects, *total))]
    Rejected {
        rejects: Vec<Reject>,
        total: u64,
        /// The labels of rejects that look like none.
        missing: Vec<String>,
        /// The split in which no row has a label.
        unlabelled: Option<Split>,
        /// What would make one label of several, where rows have several.
        one_label: Option<&'static str>,
    },
    /// No row of any source became a document.
    #[error(
        "no document is left of {rows} rows; rejects: {rejects}, not chosen by `ingest.labels.keep`: \
         {not_chosen}, without a label by `ingest.labels.missing`: {unlabelled}{}",
        if *not_where == 0 { String::new() } else { format!(", by `ingest.where`: {not_where}") }
    )]
    NoDocuments {
        rows: u64,
        rejects: u64,
        not_chosen: u64,
        unlabelled: u64,
        not_where: u64,
    },
    /// All documents have one label, and a classifier needs two.
    #[error("all {documents} documents have the label `{label}`, expected at least two labels")]
    OneLabel { label: String, documents: u64 },
    /// Of the shares of the sources, some did not say what they read.
    #[error("{read} of {shares} shares of the sources were read")]
    SharesLost { shares: u64, read: u64 },
    /// Rows were lost between the machines that read them and those that merged them.
    #[error("{read} rows were read, and {found} were merged")]
    RowsLost { read: u64, found: u64 },
    /// A file that lies in the network is not the one that the driver saw.
    #[error("`{name}` is not what it was when the sources were listed")]
    SourceChanged { name: String },
    /// There are more labels than any classification has: the column is another one.
    #[error("there are more than {limit} different labels")]
    TooManyLabels { limit: usize },
    /// No document has a label that `ingest.labels.keep` names; `labels` are those of all rows, chosen or
    /// not.
    #[error(
        "`ingest.labels.keep` names `{label}`, which no document has; there are: {}",
        quoted(labels, SHOWN_NAMES)
    )]
    KeepWithoutRows {
        label: String,
        labels: Vec<String>,
        nearest: Option<String>,
    },
    /// Nobody has said which column holds what, and the columns do not tell.
    #[error("{file}: {why}; the columns and some of their values:\n  {}", columns.join("\n  "))]
    Unclear {
        file: String,
        columns: Vec<String>,
        why: String,
        /// The option that says it.
        option: &'static str,
    },
    /// The texts are in one table and their labels in another.
    #[error("the texts seem to stand in `{texts}` and their labels in `{labels}`")]
    TextsAndLabelsApart {
        texts: String,
        labels: String,
        /// A column that both have.
        column: String,
    },
    /// Labels differ only in their spelling, and are almost certainly one.
    #[error("{}", alike_message(alike))]
    LabelsAlike { alike: Vec<Alike> },
    /// Some of the files are called after splits, and some are not.
    #[error(
        "the split of {} is unclear: {} {} called after splits",
        quoted(without, SHOWN_FILES),
        quoted(within, SHOWN_FILES),
        plural(within.len() as u64, "is", "are")
    )]
    SplitUnclear {
        within: Vec<String>,
        without: Vec<String>,
    },
    /// One of several sources has no column of labels.
    #[error(
        "{place}: no column is called `{column}`, which `ingest.columns.label` names; there are: {}",
        quoted(columns, SHOWN_NAMES)
    )]
    NoLabelColumn {
        place: String,
        column: String,
        columns: Vec<String>,
        file: String,
    },
    /// Cells of the label hold several labels.
    #[error(
        "{} {} several labels in one cell: {}",
        counted(several.rows, "row"),
        plural(several.rows, "has", "have"),
        quoted(&several.labels, SHOWN_SEVERAL)
    )]
    SeveralLabels { several: Several },
}

/// Rejects that an error or a message shows; the rest is counted.
pub(crate) const SHOWN_REJECTS: usize = 10;

/// A reject as `file:line: reason: detail`.
pub(crate) fn reject_line(reject: &Reject) -> String {
    problem_line(&reject.source, reject.line, &reject.reason, &reject.detail)
}

/// What is wrong with a row as `file:line: reason: detail`.
pub(crate) fn problem_line(file: &str, line: Option<u64>, reason: &str, detail: &str) -> String {
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("{file}{line}: {reason}: {detail}")
}

/// Files that a message lists; the rest is counted.
const SHOWN_FILES: usize = 3;

/// Labels of several that a message lists; the rest is counted.
const SHOWN_SEVERAL: usize = 5;

/// Names that a message lists; the rest is counted.
const SHOWN_NAMES: usize = 50;

fn rejected(rejects: &[Reject], total: u64) -> String {
    let mut text = format!(
        "{} cannot become {}",
        counted(total, "row"),
        plural(total, "a document", "documents"),
    );
    for reject in rejects {
        let _ = write!(text, "\n  {}", reject_line(reject));
    }
    let more = total.saturating_sub(rejects.len() as u64);
    if more > 0 {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

fn alike_message(alike: &[Alike]) -> String {
    let mut pairs = alike.iter().map(|pair| {
        format!(
            "the labels {} (rows: {}) and {} (rows: {}) differ only in {}",
            pair.one_quoted(),
            pair.one_rows,
            pair.other_quoted(),
            pair.other_rows,
            pair.difference
        )
    });
    match (pairs.len(), pairs.next()) {
        (1, Some(pair)) => pair,
        (count, first) => {
            let mut text = format!("{count} pairs of labels are almost the same");
            for pair in first.into_iter().chain(pairs) {
                let _ = write!(text, "\n  {pair}");
            }
            text
        }
    }
}

/// Labels as a list of YAML, in which quotation marks keep `null` and `-1` what they are.
pub(crate) fn yaml_list(labels: &[String]) -> String {
    let quoted: Vec<String> = labels
        .iter()
        .map(|label| serde_json::Value::from(label.as_str()).to_string())
        .collect();
    format!("[{}]", quoted.join(", "))
}

impl Error {
    /// Of one of several sources without labels, what to do with it, too: often it is what a competition
    /// wants predictions of.
    pub(crate) fn of_columns(error: labelproof_tables::Error, file: &str, sources: usize) -> Self {
        match error {
            labelproof_tables::Error::NoSuchColumn {
                place,
                setting,
                column,
                columns,
                nearest: None,
            } if sources > 1 && setting == Settings::Pipeline.column("label") => Self::NoLabelColumn {
                place,
                column,
                columns,
                file: file.to_owned(),
            },
            error => error.into(),
        }
    }
}

/// What to do about rejects: about rows without a label, a label that is several, and any other.
fn rejected_advice(missing: &[String], unlabelled: Option<Split>, one_label: Option<&str>) -> Advice {
    let mend = "mend the rows, or set `ingest.on_reject: continue` to go on without them";
    let mut advice = match one_label {
        Some(how) => Fault::Input.hint(how).and(mend),
        None => Fault::Input.hint(mend),
    };
    if let Some(split) = unlabelled {
        advice = advice.and(format!(
            "no row of the {split} part has a label, as where labels are kept back: name the files of the \
             other parts only, and {split} rows are drawn from them"
        ));
    }
    if missing.is_empty() {
        return advice;
    }
    let names = yaml_list(missing);
    advice
        .and(format!(
            "to leave out just the rows without a label: `ingest.labels.missing: {names}`"
        ))
        .and("to take these labels as classes: `ingest.labels.missing: []`")
}

fn several_advice(several: &Several) -> Advice {
    let parts = quoted(&several.parts, SHOWN_SEVERAL);
    Fault::Input
        .hint(format!(
            "a row has one label here: write one of {parts} into each row, or leave rows of several out by \
             naming the single labels in `ingest.labels.keep`"
        ))
        .and(
            "a combination that is a class of its own is taken as one where `ingest.labels.keep` or `rename` \
             names it",
        )
}

/// The renaming to paste, and what to do if the labels are two.
fn alike_advice(alike: &[Alike]) -> Advice {
    let mut text = "make them one:\ningest:\n  labels:\n    rename:".to_owned();
    for pair in alike {
        let (from, to) = pair.renaming();
        let _ = write!(text, "\n      {from}: {to}");
    }
    Fault::Input
        .hint(text)
        .and("where they are two classes, rename one to a name that says what it is")
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        let fault = match self {
            Self::BadParams { .. } | Self::BadPattern { .. } | Self::KeepWithoutRows { .. } => {
                Fault::Configuration
            }
            _ => Fault::Input,
        };
        let hint = |text: &str| fault.hint(text);
        match self {
            Self::Artifact(error) => error.advice(),
            Self::File(error) => error.advice(),
            Self::Table(error) => error.advice(),
            Self::Remote(error) => error.advice(),
            Self::Missing { .. } | Self::NoMatch { .. } => {
                hint("paths are relative to the folder of `pipeline.yaml`")
            }
            Self::Home { path, home } => {
                let rest = path.strip_prefix("~/").unwrap_or("…");
                match home.as_ref().filter(|_| path.starts_with("~/")) {
                    Some(home) => fault.hint(format!("write `{home}/{rest}`")),
                    None => hint("write the path from `/` on"),
                }
            }
            Self::Terminal => hint("pipe the rows in: `cat rows.csv | labelproof run`"),
            Self::BadPattern { .. } => {
                hint("put a `*`, `?` or `[` that is part of a name into brackets: `[*]`")
            }
            Self::Unclear { option, .. } => fault.hint(format!("name it with {option}")),
            Self::TextsAndLabelsApart { column, .. } => fault.hint(format!(
                "write one table with both: join them by the column `{column}`, which the two have in common"
            )),
            Self::NoFiles { .. } => hint("name the files themselves, or another `ingest.format`"),
            Self::BadName { .. } => hint("rename it"),
            Self::FileCounts { .. } => hint(
                "name as many files of labels in `ingest.label_paths` as of texts in `ingest.paths`, in the \
                 same order",
            ),
            Self::LineCounts { .. } => hint(
                "the label of a text is on the same line of the other file: look for a line that is missing, \
                 or for a text that has a line break in it",
            ),
            Self::NamesWithoutLabels { .. } => hint(
                "call each file by its label, as `pos.txt` and `neg.txt`, or name the files that hold the \
                 labels in `ingest.label_paths`",
            ),
            Self::KeepWithoutRows { nearest, .. } => match nearest {
                Some(name) => fault.hint(format!("did you mean `{name}`?")),
                None => fault.into(),
            },
            Self::Rejected {
                missing,
                unlabelled,
                one_label,
                ..
            } => rejected_advice(missing, *unlabelled, *one_label),
            Self::SplitUnclear { .. } => hint(
                "give each file a name of its split (train, validation, test) or name only such files in \
                 `ingest.paths`",
            )
            .and("to draw the split whatever files are called: `ingest.splits: none`"),
            Self::NoLabelColumn { file, .. } => hint(
                "a file without labels can be neither trained nor tested on: name only the others in \
                 `ingest.paths`",
            )
            .and(format!(
                "once there is a model, `labelproof predict --input {file}` gives it labels"
            )),
            Self::SeveralLabels { several } => several_advice(several),
            Self::SharesLost { .. } | Self::RowsLost { .. } => {
                hint("the engine lost rows: run it again, and look into its log if that does not help")
            }
            Self::SourceChanged { .. } => hint(
                "run it again when nobody writes to the sources; an address whose query or user is a secret is not \
                 handed to other machines",
            ),
            Self::TooManyLabels { .. } => hint("does `ingest.columns.label` name the right column?"),
            Self::LabelsAlike { alike } => alike_advice(alike),
            Self::NoDocuments { not_where: 1.., .. } => {
                hint("do `ingest.where` and `ingest.columns` name what the sources hold?")
            }
            Self::NoDocuments { .. } => {
                hint("do `ingest.columns` and `ingest.labels.keep` name what the sources hold?")
            }
            Self::OneLabel { .. } => hint(
                "does `ingest.columns.label` name the right column? A classifier needs two labels at least",
            ),
            Self::BadParams { .. } => fault.into(),
        }
    }
}
