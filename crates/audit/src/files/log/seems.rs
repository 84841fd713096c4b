//! What a file is that was given as a log and is none, so that the message leads on.

use serde_json::Value;

use super::super::error::LogProblem;
use super::number::plain;

/// What a file looks like that is no log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seems {
    /// Rows with labels, texts or predictions.
    Rows,
    /// A confusion matrix.
    Matrix,
    /// The report of `sklearn.metrics.classification_report`.
    Report,
    /// Settings of a model or a training.
    Settings,
    /// A file of a program, which is no text.
    Binary(&'static str),
    /// Something that begins like JSON and breaks off.
    BrokenJson {
        /// The line where it does.
        line: usize,
    },
    /// The models of a search, a row for each.
    Leaderboard,
    /// fastText's test of no row.
    NothingTested,
    /// Text without figures.
    Text,
}

impl Seems {
    /// What it looks like, as the end of a sentence.
    pub(in super::super) fn wording(self) -> String {
        match self {
            Self::Rows => "it looks like rows with labels or predictions".to_owned(),
            Self::Matrix => "it looks like a confusion matrix".to_owned(),
            Self::Report => "it looks like a classification report".to_owned(),
            Self::Settings => "it looks like the settings of a model or of a training".to_owned(),
            Self::Binary(what) => format!("it is {what}"),
            Self::BrokenJson { line } => format!("it begins like JSON, which breaks off in line {line}"),
            Self::Leaderboard => {
                "it looks like a leaderboard, with a row for each of several models".to_owned()
            }
            Self::NothingTested => {
                "fastText tested no row (N is 0), because it found a label in no line of the file".to_owned()
            }
            Self::Text => "it has no losses or accuracies of epochs".to_owned(),
        }
    }

    /// What to do instead.
    pub(in super::super) fn hint(self) -> &'static str {
        match self {
            Self::Rows => "give rows as --test, --validation or --train",
            Self::Matrix => "give the matrix as --confusion",
            Self::Report => "give the report as --confusion",
            Self::Leaderboard => {
                "audit one model: give the figures of its row, such as --log val_accuracy=0.91,test_accuracy=0.88, \
                 or its predictions as --test"
            }
            Self::NothingTested => {
                "begin each line of the test file with its label as in the training file, `__label__NAME`, and a blank \
                 behind it"
            }
            Self::Settings | Self::Binary(_) | Self::BrokenJson { .. } | Self::Text => {
                "a log is console output with lines such as `Epoch 1/10 - loss: 0.52 - val_loss: 0.60 - \
                 val_accuracy: 0.79` or `eval_loss = 0.60`, a Keras history or a trainer_state.json (json), a csv with \
                 a row an epoch, TensorBoard's event file, or --log loss=0.52,accuracy=0.81,val_loss=0.60,val_accuracy=0.79"
            }
        }
    }
}

/// What bytes are that are no text.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<Seems> {
    let starts: [(&[u8], &str); 8] = [
        (b"\x80\x02", "a pickle of Python"),
        (b"\x80\x03", "a pickle of Python"),
        (b"\x80\x04", "a pickle of Python"),
        (b"\x80\x05", "a pickle of Python"),
        (b"PK\x03\x04", "an archive, such as of PyTorch or NumPy"),
        (b"\x89HDF", "a model of Keras in HDF5"),
        (b"PAR1", "a Parquet file"),
        (b"\x93NUMPY", "an array of NumPy"),
    ];
    let named = starts.iter().find(|(start, _)| bytes.starts_with(start));
    let is_binary = bytes.iter().take(4096).any(|byte| *byte == 0);
    match named {
        Some((_, what)) => Some(Seems::Binary(what)),
        None => is_binary.then_some(Seems::Binary("no text")),
    }
}

/// What JSON is that has no figures of epochs.
pub(super) fn no_log(value: &Value) -> LogProblem {
    let first = match value {
        Value::Array(values) => values.first().unwrap_or(value),
        value => value,
    };
    let has_any = |names: &[&str]| {
        let object = first.as_object();
        object.is_some_and(|object| {
            object
                .keys()
                .any(|key| names.contains(&key.to_lowercase().as_str()))
        })
    };
    let is_matrix = |value: &Value| {
        let rows = value.as_array().filter(|rows| rows.len() >= 2);
        rows.is_some_and(|rows| {
            rows.iter().all(|row| {
                let cells = row.as_array().filter(|cells| cells.len() == rows.len());
                cells.is_some_and(|cells| cells.iter().all(Value::is_u64))
            })
        })
    };
    let seems = if is_matrix(value) || first.get("confusion_matrix").is_some() {
        Seems::Matrix
    } else if has_any(&["macro avg", "weighted avg"]) {
        Seems::Report
    } else if has_any(&[
        "architectures",
        "model_type",
        "hidden_size",
        "num_train_epochs",
        "output_dir",
    ]) {
        Seems::Settings
    } else if value.is_array() && (first.is_array() || has_any(&ROWS))
        || has_any(&["y_true", "y_pred", "predictions"])
    {
        Seems::Rows
    } else {
        let keys = first
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys().cloned());
        return LogProblem::NoFigures { keys: keys.collect() };
    };
    LogProblem::NoLog { seems }
}

/// Names of columns of rows.
const ROWS: [&str; 18] = [
    "label",
    "labels",
    "target",
    "y_true",
    "gold",
    "true_label",
    "pred",
    "prediction",
    "predicted",
    "y_pred",
    "text",
    "sentence",
    "review",
    "score",
    "scores",
    "probabilities",
    "class",
    "category",
];

/// What a text is that has no figures; another problem stays what it is.
pub(super) fn instead(problem: LogProblem, text: &str) -> LogProblem {
    let LogProblem::NoFigures { .. } = problem else {
        return problem;
    };
    LogProblem::NoLog { seems: of_text(text) }
}

fn of_text(text: &str) -> Seems {
    let text = text.trim();
    let is_report = text.contains("precision") && text.contains("recall") && text.contains("support");
    if is_report {
        return Seems::Report;
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let header = lines.next().unwrap_or_default().to_lowercase();
    let cells: Vec<&str> = header
        .split([',', '\t', ';'])
        .map(|cell| cell.trim().trim_matches('"'))
        .collect();
    let has = |name: &str| cells.contains(&name);
    if has("model") && (has("score_val") || has("score_test")) {
        return Seems::Leaderboard;
    }
    if text.to_lowercase().contains("confusion matrix") {
        return Seems::Matrix;
    }
    if cells.len() >= 2 && cells.iter().any(|cell| ROWS.contains(cell)) {
        return Seems::Rows;
    }
    if is_grid(text) {
        return Seems::Matrix;
    }
    if text.starts_with(['{', '[']) {
        let error = serde_json::from_str::<Value>(text).err();
        // A line that only looks so, such as `[INFO] started`, breaks off at once.
        if let Some(line) = error
            .map(|error| error.line())
            .filter(|line| *line > 1 || text.starts_with('{'))
        {
            return Seems::BrokenJson { line };
        }
    }
    Seems::Text
}

/// Whether the lines are as many numbers each as there are lines.
fn is_grid(text: &str) -> bool {
    let lines: Vec<Vec<&str>> = text
        .lines()
        .take(200)
        .map(|line| {
            let words = line.split([' ', '\t', ',', ';', '[', ']', '|']);
            words.filter(|word| !word.is_empty()).collect()
        })
        .filter(|words: &Vec<&str>| !words.is_empty())
        .collect();
    let is_row = |words: &Vec<&str>| {
        let numbers = words.iter().filter(|word| plain(word).is_some()).count();
        numbers >= 2 && numbers + 1 >= words.len() && numbers <= lines.len()
    };
    let rows = lines.iter().filter(|words| is_row(words)).count();
    lines.len() >= 2 && rows + 1 >= lines.len()
}
