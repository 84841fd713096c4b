//! Why files cannot become evidence, and what to do about it.

use std::path::PathBuf;

use labelproof_artifact::wording::{self, counted};
use labelproof_artifact::{Advice, Diagnostic, Fault};

use super::log::Seems;
use super::roles::Role;

/// The files cannot be read as what they were given for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    Table(#[from] labelproof_tables::Error),
    /// The tokenizer cannot be read.
    #[error(transparent)]
    Tokenizer(#[from] labelproof_text::Error),
    /// The name of a file does not say what it is.
    #[error("`{}` does not say what it is: {wanted}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The names that are known.
        wanted: &'static str,
    },
    /// Two columns may be meant.
    #[error("{place}: both `{first}` and `{second}` could be {}", role.meaning())]
    TwoColumns {
        /// File, and line where there are lines.
        place: String,
        /// What both could be.
        role: Role,
        /// The first column.
        first: String,
        /// The second.
        second: String,
    },
    /// A column that the command line names is in no file.
    #[error("{place}: no column is called `{column}`, which `{}` names; there are: \
             {}", role.flag(), listed(columns))]
    NoSuchColumn {
        /// The first file.
        place: String,
        /// What it was named for.
        role: Role,
        /// The name.
        column: String,
        /// The columns of the first file.
        columns: Vec<String>,
    },
    /// No column of a file says anything.
    #[error(
        "{place}: no column is a label, a prediction, a score or a text; there are: {}",
        listed(columns)
    )]
    NothingRecognised {
        /// File, and line where there are lines.
        place: String,
        /// The columns.
        columns: Vec<String>,
        /// What may be something, and what would have it taken.
        doubts: Vec<String>,
    },
    /// Two columns without names hold labels.
    #[error(
        "{place}: the columns {first} and {second} hold labels, and no header says which are the true ones"
    )]
    NamelessLabels {
        /// File, and line where there are lines.
        place: String,
        /// The first column, from 1.
        first: usize,
        /// The second.
        second: usize,
    },
    /// Predictions of rows that are not given.
    #[error("`{}` has predictions of rows that are not given", path.display())]
    PredictionsAlone {
        /// The file.
        path: PathBuf,
    },
    /// A file of predictions has none.
    #[error(
        "{place}: no column is a prediction or a score; there are: {}",
        listed(columns)
    )]
    NothingPredicted {
        /// The file.
        place: String,
        /// Its columns.
        columns: Vec<String>,
    },
    /// Two files of the same rows have not as many, and no id in common.
    #[error("`{table}` has {}, and `{predictions}` has {}", counted(*rows, "row"), counted(*predicted, "prediction"))]
    PredictionCount {
        /// The file of the true labels.
        table: String,
        /// Its rows.
        rows: usize,
        /// The file of the predictions.
        predictions: String,
        /// Its rows.
        predicted: usize,
    },
    /// Rows have no prediction of their id.
    #[error(
        "`{predictions}` has no prediction for {missing} of the {rows} ids of `{table}`; the first is `{id}`"
    )]
    NoPrediction {
        /// The file of the true labels.
        table: String,
        /// The file of the predictions.
        predictions: String,
        /// Ids without a prediction.
        missing: usize,
        /// All ids.
        rows: usize,
        /// The first of them.
        id: String,
    },
    /// The texts of two files are the same, and not in the same order.
    #[error(
        "`{predictions}` has its rows in another order than `{table}`: of {known} texts that both have, {at_place} are \
         in the same row"
    )]
    OtherOrder {
        /// The file of the true labels.
        table: String,
        /// The file of the predictions.
        predictions: String,
        /// Texts that both have.
        known: usize,
        /// Texts that both have in the same row.
        at_place: usize,
    },
    /// A row cannot be used.
    #[error("{place}: {problem}")]
    Row {
        /// File and line, or file and row.
        place: String,
        /// What is wrong with it.
        problem: RowProblem,
    },
    /// Far more different labels than classes.
    #[error("{place}: `{column}` stands for more than {most} classes")]
    TooManyLabels {
        /// The file.
        place: String,
        /// The column.
        column: String,
        /// The most labels that the audit takes.
        most: usize,
    },
    /// A label has no score.
    #[error(
        "{place}: the label `{label}` has no score: scores are given for {}",
        listed(scored)
    )]
    NoScoreOfLabel {
        /// The file with the scores.
        place: String,
        /// The label.
        label: String,
        /// The labels that have a score.
        scored: Vec<String>,
    },
    /// Two files have scores of other classes.
    #[error(
        "`{first}` has scores for {}, and `{second}` for {}",
        listed(first_labels),
        listed(second_labels)
    )]
    OtherScores {
        /// A file.
        first: String,
        /// Its classes.
        first_labels: Vec<String>,
        /// Another file.
        second: String,
        /// Its classes.
        second_labels: Vec<String>,
    },
    /// Unnamed scores do not fit the labels.
    #[error("{place}: {scores} scores a row, and {} labels: {}", labels.len(), listed(labels))]
    ScoreCount {
        /// The file.
        place: String,
        /// Scores a row.
        scores: usize,
        /// The labels.
        labels: Vec<String>,
    },
    /// A number stands for no label.
    #[error("{place}: `{column}` has the number {number}, and the {} labels are numbered from 0: \
             {}", labels.len(), listed(labels))]
    LabelNumber {
        /// The file.
        place: String,
        /// The column.
        column: String,
        /// The number.
        number: String,
        /// The labels.
        labels: Vec<String>,
    },
    /// Scores are percentages.
    #[error("{place}: the scores of every row add up to 100: they are percentages")]
    Percentages {
        /// The file.
        place: String,
    },
    /// A log is not one that the audit knows.
    #[error("{place}: {problem}")]
    Log {
        /// The file, or the command line.
        place: String,
        /// What is wrong with it.
        problem: LogProblem,
    },
    /// A column of a file of rows, and no such file.
    #[error("{} names a column, and there is no file of rows", role.flag())]
    ColumnWithoutRows {
        /// What the column was to be.
        role: Role,
    },
    /// The same column as true and as predicted label: it would be right on every row.
    #[error("{place}: `{column}` is named as the true label and as the predicted one")]
    SameColumn {
        /// The file.
        place: String,
        /// The column.
        column: String,
    },
    /// A number that completes a log, and no log.
    #[error("{option} completes a log, and there is no --log")]
    CountWithoutLog {
        /// The option.
        option: &'static str,
    },
    /// A confusion matrix cannot be used.
    #[error("{place}: {problem}")]
    Confusion {
        /// The file, and line where one is to blame.
        place: String,
        /// What is wrong with it.
        problem: ConfusionProblem,
    },
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RowProblem {
    /// The row cannot be read at all.
    #[error(transparent)]
    Table(#[from] labelproof_tables::RowProblem),
    /// Nothing where something must be.
    #[error("`{column}` is empty")]
    Empty {
        /// The column.
        column: String,
    },
    /// Bytes that are no text.
    #[error("`{column}` is not UTF-8")]
    NotUtf8 {
        /// The column.
        column: String,
    },
    /// A score is no number.
    #[error("`{column}` is `{value}`, expected a number")]
    NotANumber {
        /// The column.
        column: String,
        /// What it has.
        value: String,
    },
    /// A score is not a number, or infinite.
    #[error("`{column}` is {value}, which is no score")]
    NotFinite {
        /// The column.
        column: String,
        /// What it has.
        value: f64,
    },
    /// A list has another length than in the rows before.
    #[error("`{column}` has {found} scores, expected {expected} as in the first row")]
    ListLength {
        /// The column.
        column: String,
        /// Scores of the row.
        found: usize,
        /// Scores of the first row.
        expected: usize,
    },
    /// A value of the wrong kind.
    #[error("`{column}` is {found}, expected {expected}")]
    Kind {
        /// The column.
        column: String,
        /// What it has.
        found: &'static str,
        /// What it should have.
        expected: &'static str,
    },
    /// Columns that are zeros and a single one in the first rows are something else.
    #[error("{ones} of the columns of the true labels are 1, and in the rows before there is always one")]
    NotOneHot {
        /// Columns that are 1.
        ones: usize,
    },
    /// A row has several labels, and the rows before have one.
    #[error("`{column}` has several labels")]
    SeveralLabels {
        /// The column.
        column: String,
    },
    /// A JSON object lacks a key that the first one has.
    #[error("`{column}` is missing, which the first row has")]
    Missing {
        /// The key.
        column: String,
    },
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LogProblem {
    /// Something else than a log.
    #[error("no log: {}", seems.wording())]
    NoLog {
        /// What it looks like.
        seems: Seems,
    },
    /// A folder in which nothing is a log.
    #[error("no event file, metric or log is in this folder")]
    NoLogInFolder,
    /// More entries than are read.
    #[error("more than {entries} entries with figures")]
    TooLong {
        /// The most that are read.
        entries: usize,
    },
    /// Figures of two trainings.
    #[error("figures of several runs are in it: `{first}` and `{second}`")]
    TwoRuns {
        /// One run.
        first: String,
        /// Another one.
        second: String,
    },
    /// Two logs do not agree.
    #[error("`{key}` is {first} in the first, and {second} in the second")]
    Contradiction {
        /// The figure.
        key: String,
        /// Its value in one.
        first: f64,
        /// Its value in the other.
        second: f64,
    },
    /// No loss, no accuracy.
    #[error("no loss and no accuracy in it; there are: {}", listed(keys))]
    NoFigures {
        /// What is there.
        keys: Vec<String>,
    },
    /// Lists of different lengths.
    #[error("`{first}` has {first_epochs} epochs and `{second}` has {second_epochs}")]
    Lengths {
        /// A figure.
        first: String,
        /// Its epochs.
        first_epochs: usize,
        /// Another figure.
        second: String,
        /// Its epochs.
        second_epochs: usize,
    },
    /// A share that is none.
    #[error("`{key}` is {value}, expected a share between 0 and 1")]
    NoShare {
        /// The figure.
        key: String,
        /// Its value.
        value: f64,
    },
    /// Not a number.
    #[error("`{key}` is `{value}`, expected a number")]
    NotANumber {
        /// The figure.
        key: String,
        /// What it has.
        value: String,
    },
    /// Not a count.
    #[error("`{key}` is {value}, expected a whole number of at least 1")]
    NoCount {
        /// The key.
        key: String,
        /// Its value.
        value: f64,
    },
    /// A part of the command line without a value.
    #[error("`{part}` is not of the form key=value")]
    NoPair {
        /// The part.
        part: String,
    },
    /// A name that means nothing, on the command line.
    #[error("`{key}` is no figure that the audit knows")]
    UnknownKey {
        /// The name.
        key: String,
    },
}

/// What is wrong with a confusion matrix.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfusionProblem {
    /// As many columns as rows are needed.
    #[error("the matrix has {rows} rows, and row {row} has {columns} columns")]
    NotSquare {
        /// Rows.
        rows: usize,
        /// The first row of another length, from 1.
        row: usize,
        /// Its length.
        columns: usize,
    },
    /// A cell is no count.
    #[error("row {row}: `{value}` is no count")]
    NoCount {
        /// The row of the matrix, from 1.
        row: usize,
        /// The cell.
        value: String,
    },
    /// Nothing in the file is one.
    #[error("no confusion matrix in it")]
    NoMatrix,
    /// An archive, a picture, a workbook.
    #[error("neither text nor an array of NumPy")]
    NoText,
    /// A file of rows.
    #[error("a row for each text, with its true and its predicted class, and no matrix of counts")]
    Rows,
    /// A matrix for each class, or for each of several evaluations.
    #[error("{matrices} matrices, and the audit reads one")]
    Several {
        /// How many.
        matrices: usize,
    },
    /// NumPy leaves out the middle of what is large.
    #[error("the matrix was shortened with `...` when it was printed")]
    Shortened,
    /// A total that is none.
    #[error("`{name}` is not the sum of the others: in line {line} it is {total}, and they add up to {sum}")]
    Sum {
        /// What it is called.
        name: String,
        /// Its place on the other axis, from 1.
        line: usize,
        /// What it has.
        total: f64,
        /// What it would have to have.
        sum: f64,
    },
    /// The names are not those of the labels.
    #[error("the matrix names {}, and the labels are {}", listed(names), listed(labels))]
    Names {
        /// Names of the matrix.
        names: Vec<String>,
        /// Labels of the rows.
        labels: Vec<String>,
    },
    /// Names of rows and columns are of different classes.
    #[error("the rows are named {}, and the columns {}", listed(rows), listed(columns))]
    RowsAndColumns {
        /// Names of the rows.
        rows: Vec<String>,
        /// Names of the columns.
        columns: Vec<String>,
    },
    /// Not as many classes as labels.
    #[error("the matrix has {classes} classes, and the labels are {}: {}", labels.len(), listed(labels))]
    Classes {
        /// Rows of the matrix.
        classes: usize,
        /// Labels of the rows.
        labels: Vec<String>,
    },
}

impl Diagnostic for Error {
    fn advice(&self) -> Advice {
        let fault = match self {
            Self::UnknownFormat { .. }
            | Self::TwoColumns { .. }
            | Self::NoSuchColumn { .. }
            | Self::ColumnWithoutRows { .. }
            | Self::NamelessLabels { .. }
            | Self::PredictionsAlone { .. }
            | Self::SameColumn { .. }
            | Self::CountWithoutLog { .. }
            | Self::Log {
                problem: LogProblem::NoPair { .. } | LogProblem::UnknownKey { .. },
                ..
            } => Fault::Configuration,
            _ => Fault::Input,
        };
        fault.hint(match self {
            Self::Table(error) => return error.advice(),
            Self::Tokenizer(error) => return error.advice(),
            Self::UnknownFormat { .. } => "give the file a name that ends in one of these".to_owned(),
            Self::TwoColumns { role, first, .. } => {
                format!("say which one it is: {} {}", role.flag(), quoted(first))
            }
            Self::NoSuchColumn { role, .. } => {
                format!("name one of these with {}, or leave it out", role.flag())
            }
            Self::NothingRecognised { doubts, .. } if !doubts.is_empty() => doubts.join("; "),
            Self::NothingRecognised { columns, .. } => {
                // Names with spaces or of numbers may be a row.
                let is_odd = |name: &String| name.parse::<f64>().is_ok() || name.split_whitespace().count() > 3;
                let header = if columns.iter().any(is_odd) {
                    "; if that is a row, say so: --no-header"
                } else {
                    ""
                };
                format!(
                    "name the columns: --label COLUMN for the true label, --predicted COLUMN, --id COLUMN, --text \
                     COLUMN; call scores `probability_NAME`, one column a class, or `probabilities`, a list{header}"
                )
            }
            Self::NamelessLabels { first, second, .. } => format!(
                "say which are which: --label {first} --predicted {second}, or the other way round"
            ),
            Self::PredictionsAlone { .. } => {
                "give the rows with their true labels, too: --test FILE --predictions FILE".to_owned()
            }
            Self::NothingPredicted { .. } => {
                "name the column of the predictions with --predicted, or call it `predicted`".to_owned()
            }
            Self::PredictionCount { rows, predicted, .. } if predicted + 1 == *rows => {
                "give a prediction for every row, in the same order, or a column `id` in both files; a program that takes \
                 the first row for names of columns loses that row"
                    .to_owned()
            }
            Self::PredictionCount { .. } => {
                "give a prediction for every row, in the same order, or a column `id` in both files".to_owned()
            }
            Self::NoPrediction { .. } => {
                "give a prediction for every id, or name the column of the ids with --id".to_owned()
            }
            Self::OtherOrder { .. } => {
                "give both files a column `id`, or write the predictions in the order of the other file".to_owned()
            }
            Self::Row { problem, .. } => problem.hint(),
            Self::TooManyLabels { .. } => {
                "what has so many values is no label; name the right column with --label or \
                 --predicted"
                    .to_owned()
            }
            Self::NoScoreOfLabel { .. } => {
                "add the column of this class, or mend the spelling of the label or of the column".to_owned()
            }
            Self::OtherScores { .. } => "give scores of one model, with the same columns in both \
                                         files"
                .to_owned(),
            Self::ScoreCount { .. } => {
                "call the scores `probability_NAME`, one column a class, so that each class is \
                 known"
                    .to_owned()
            }
            Self::LabelNumber { .. } => {
                "write names instead of numbers, or call the scores `probability_NAME` in the order of the \
                 numbers"
                    .to_owned()
            }
            Self::ColumnWithoutRows { .. } => {
                "give the rows with --validation, --test or --train, or leave the column out".to_owned()
            }
            Self::SameColumn { .. } => {
                "name the true labels with --label, and what the model answered with --predicted".to_owned()
            }
            Self::CountWithoutLog { .. } => "give the log with --log, or leave the number out".to_owned(),
            Self::Percentages { .. } => "divide the scores by 100".to_owned(),
            Self::Log { problem, .. } => problem.hint(),
            Self::Confusion { problem, .. } => problem.hint(),
        })
    }
}

impl RowProblem {
    fn hint(&self) -> String {
        let hint = match self {
            Self::Table(problem) => problem.hint(),
            Self::Empty { .. } => "fill the cell, or leave the row out of the file",
            Self::NotUtf8 { .. } => "save the file as UTF-8",
            Self::NotANumber { value, .. } if value.contains("...") => {
                "NumPy shortened the list as it was printed: save it with `.tolist()`"
            }
            Self::NotANumber { .. } => "write numbers with a decimal point, and nothing else in the cell",
            Self::NotFinite { .. } => {
                "find out where the model or the code that saved it makes such a number: no check means \
                 anything beside it"
            }
            Self::NotOneHot { .. } | Self::SeveralLabels { .. } => {
                "give every row one label; for rows with several, audit a file with yes or no for each label"
            }
            Self::ListLength { .. } => "give every row a score for each class, in the same order",
            Self::Missing { .. } => "give every row this key, `null` where there is nothing",
            Self::Kind { .. } => "give every row the same kind of value, or name another column",
        };
        hint.to_owned()
    }
}

impl LogProblem {
    fn hint(&self) -> String {
        let hint = match self {
            Self::NoShare { value, .. } if *value > 1.0 && *value <= 100.0 => {
                return format!("write {} instead of {value}", value / 100.0);
            }
            Self::Lengths { .. } => "give every figure one value an epoch",
            Self::NoShare { .. } | Self::NotANumber { .. } | Self::NoCount { .. } => {
                "correct the value, or take it out"
            }
            Self::NoFigures { .. } => Seems::Text.hint(),
            Self::NoLog { seems } => seems.hint(),
            Self::NoLogInFolder => {
                "give the file of the log, or the folder of one run of TensorBoard, MLflow or a Trainer"
            }
            Self::TooLong { .. } => "give the figures of epochs or evaluations, and not those of every step",
            Self::TwoRuns { .. } => "give the log of one run",
            Self::Contradiction { .. } => "give the logs of one training, or only one of them",
            Self::NoPair { .. } | Self::UnknownKey { .. } => {
                "known are loss, accuracy, precision, recall, f1 and auc, of validation with val_ before \
                 them; and learning_rate, validation_rows, train_rows, batch_size and classes"
            }
        };
        hint.to_owned()
    }
}

impl ConfusionProblem {
    /// A cell of the row at this place that is no count.
    pub(super) fn no_count(place: usize, cell: &str) -> Self {
        Self::NoCount {
            row: place + 1,
            value: wording::one_line(cell),
        }
    }

    fn hint(&self) -> String {
        let hint = match self {
            Self::NotSquare { .. } => {
                "give a row for every true class and a column for every predicted one, those without rows too"
            }
            Self::NoCount { .. } => {
                "give a number of rows in every cell, or shares that add up to 1 in every row, in every column or in all; \
                 names belong into the first row and the first column"
            }
            Self::NoMatrix => {
                "give the matrix as NumPy, pandas, R or Weka print it, as CSV, JSON or a Markdown table, or a \
                 classification_report: a row for every true class and a column for every predicted one"
            }
            Self::NoText => {
                "save the matrix as text: `numpy.savetxt`, `DataFrame.to_csv` or the workbook as CSV; `numpy.save` will do, too"
            }
            Self::Rows => "give the file with --test, and the audit counts the rows itself",
            Self::Several { .. } => {
                "give one matrix with a row and a column for every class: confusion_matrix, and not \
                 multilabel_confusion_matrix"
            }
            Self::Shortened => {
                "save it with `json.dump(matrix.tolist(), file)` or `numpy.savetxt`, which leave out nothing"
            }
            Self::Sum { .. } => "correct the count or the total, or give the matrix without totals",
            Self::Names { .. } | Self::RowsAndColumns { .. } => {
                "name rows and columns as the labels are spelled"
            }
            Self::Classes { .. } => {
                "give a row for every label, in their order, or with their names: \
                 confusion_matrix(y_true, y_pred, labels=labels)"
            }
        };
        hint.to_owned()
    }
}

/// Names in backticks, with commas; the first twenty of them.
pub(super) fn listed(names: &[String]) -> String {
    wording::quoted(names, 20)
}

/// A name as a shell takes it.
fn quoted(name: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "_-.".contains(character);
    if !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("'{name}'")
    }
}
