//! The log of a training, as frameworks leave it: a Keras history, the state of a Hugging Face Trainer, a CSV
//! with a row an epoch, or figures on the command line.
//!
//! One rule for all of them: a figure that starts with `val_`, `eval_` or `validation_` is of the validation
//! rows, any other one of the training rows.

use std::path::Path;

use labelproof_artifact::Reporter;
use labelproof_artifact::wording::one_line;
use labelproof_tables::{Dialect, Encoding, Form, Format, Limits, Options, Source, Table, read_text};
use serde_json::{Map, Value};

use super::error::{Error, LogProblem};
use super::lower_name;
use super::rows::SETTINGS;
use super::table::text;
use crate::evidence::Reading;
use crate::evidence::log::{Epoch, Figures, Log, NotFinite};

/// A log, and what it says beside the figures of the epochs.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ReadLog {
    pub(super) log: Log,
    /// The number of classes.
    pub(super) classes: Option<usize>,
    /// What was read and what was left aside. Without a sentence, one is made of the figures.
    pub(super) reading: Reading,
}

/// Reads a file, or `key=value,key=value`.
pub(super) fn read(given: &str, reporter: &dyn Reporter) -> Result<ReadLog, Error> {
    let path = Path::new(given);
    if given.contains('=') && !path.exists() {
        let mut read = parse_pairs(given).map_err(|problem| Error::Log {
            place: "--log".to_owned(),
            problem,
        })?;
        "--log".clone_into(&mut read.log.source);
        return Ok(read);
    }
    let name = lower_name(path);
    let source = Source::file(given, path);
    let is_csv = [".csv", ".tsv", ".csv.gz", ".tsv.gz"]
        .iter()
        .any(|end| name.ends_with(end));
    let read = if is_csv {
        read_csv(source)?
    } else {
        let text = read_text(source, Encoding::Utf8, SETTINGS, "log")?;
        parse_json(&text).map_err(|problem| Error::Log {
            place: given.to_owned(),
            problem,
        })?
    };
    let mut read = read;
    given.clone_into(&mut read.log.source);
    let is_lossless = |epoch: &Epoch| epoch.train.loss.is_none() && epoch.validation.loss.is_none();
    if read.log.epochs.iter().any(is_lossless) && !read.log.epochs.iter().all(is_lossless) {
        reporter.message(&format!(
            "{given}: some epochs have no loss, or one that is not a number"
        ));
    }
    Ok(read)
}

/// Which figure a name means, and whether it is of the validation rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Loss,
    Accuracy,
    Precision,
    Recall,
    F1,
    Auc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Figure(Figure, bool),
    LearningRate,
    ValidationRows,
    TrainRows,
    BatchSize,
    Classes,
}

fn key(name: &str) -> Option<Key> {
    let name = name.trim().to_lowercase().replace([' ', '-'], "_");
    match name.as_str() {
        "lr" | "learning_rate" => return Some(Key::LearningRate),
        "validation_rows" | "val_rows" => return Some(Key::ValidationRows),
        "train_rows" => return Some(Key::TrainRows),
        "batch_size" | "train_batch_size" => return Some(Key::BatchSize),
        "classes" => return Some(Key::Classes),
        _ => {}
    }
    let of_validation = ["val_", "eval_", "validation_", "valid_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    let figure = of_validation.unwrap_or(name.strip_prefix("train_").unwrap_or(&name));
    // Keras numbers what has the same name twice in one session: `auc_1`.
    let unnumbered = figure.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let figure = unnumbered
        .strip_suffix('_')
        .filter(|stem| *stem != "f")
        .unwrap_or(figure);
    let figure = figure.strip_suffix("_epoch").unwrap_or(figure);
    let figure = match figure {
        "loss" => Figure::Loss,
        "accuracy" | "acc" | "sparse_categorical_accuracy" | "categorical_accuracy" | "binary_accuracy" => {
            Figure::Accuracy
        }
        "precision" | "precision_macro" | "precision_weighted" | "macro_precision" => Figure::Precision,
        "recall" | "recall_macro" | "recall_weighted" | "macro_recall" => Figure::Recall,
        "f1" | "f1_score" | "f1_macro" | "macro_f1" | "f1_weighted" | "weighted_f1" | "f1_micro"
        | "micro_f1" => Figure::F1,
        "auc" | "roc_auc" | "auroc" => Figure::Auc,
        _ => return None,
    };
    Some(Key::Figure(figure, of_validation.is_some()))
}

/// What rounding to 32 bits may leave above 1.
const ROUNDING: f64 = 1e-6;

/// Puts a figure into its epoch; the first of two names for one figure wins. That a loss is no finite number is
/// kept as a fact, any other figure that is none is left out.
fn put(epoch: &mut Epoch, name: &str, key: Key, value: f64) -> Result<(), LogProblem> {
    if let Some(not_finite) = NotFinite::of(value) {
        if let Key::Figure(Figure::Loss, of_validation) = key {
            let figures = if of_validation {
                &mut epoch.validation
            } else {
                &mut epoch.train
            };
            if figures.loss.is_none() {
                figures.loss_not_finite.get_or_insert(not_finite);
            }
        }
        return Ok(());
    }
    let (figure, of_validation) = match key {
        Key::Figure(figure, of_validation) => (figure, of_validation),
        Key::LearningRate => {
            epoch.learning_rate.get_or_insert(value);
            return Ok(());
        }
        _ => return Ok(()),
    };
    if figure != Figure::Loss && !(-ROUNDING..=1.0 + ROUNDING).contains(&value) {
        return Err(LogProblem::NoShare {
            key: name.to_owned(),
            value,
        });
    }
    let figures: &mut Figures = if of_validation {
        &mut epoch.validation
    } else {
        &mut epoch.train
    };
    let slot = match figure {
        Figure::Loss => &mut figures.loss,
        Figure::Accuracy => &mut figures.accuracy,
        Figure::Precision => &mut figures.precision,
        Figure::Recall => &mut figures.recall,
        Figure::F1 => &mut figures.f1,
        Figure::Auc => &mut figures.auc,
    };
    slot.get_or_insert(value);
    Ok(())
}

/// More than any count; up to here every whole number is one of an `f64`.
const MOST_COUNT: f64 = 1e15;

/// Takes what is said once for the whole training; false if the key is of an epoch.
fn put_count(read: &mut ReadLog, name: &str, key: Key, value: f64) -> Result<bool, LogProblem> {
    if matches!(key, Key::Figure(..) | Key::LearningRate) {
        return Ok(false);
    }
    if value.fract() != 0.0 || !(1.0..=MOST_COUNT).contains(&value) {
        return Err(LogProblem::NoCount {
            key: name.to_owned(),
            value,
        });
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 1 and 1e15"
    )]
    let count = value as u64;
    match key {
        Key::ValidationRows => read.log.validation_rows = Some(count),
        Key::TrainRows => read.log.train_rows = Some(count),
        Key::BatchSize => read.log.batch_size = Some(count),
        _ => read.classes = usize::try_from(count).ok(),
    }
    Ok(true)
}

/// Without a figure a log says nothing.
fn finish(read: ReadLog, keys: impl IntoIterator<Item = String>) -> Result<ReadLog, LogProblem> {
    let says = |figures: &Figures| *figures != Figures::default();
    if read
        .log
        .epochs
        .iter()
        .any(|epoch| says(&epoch.train) || says(&epoch.validation))
    {
        Ok(read)
    } else {
        Err(LogProblem::NoFigures {
            keys: keys.into_iter().collect(),
        })
    }
}

fn parse_pairs(given: &str) -> Result<ReadLog, LogProblem> {
    let mut read = ReadLog::default();
    let mut epoch = Epoch::default();
    let mut keys = Vec::new();
    for pair in given
        .split([',', ' ', ';'])
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let part = || LogProblem::NoPair {
            part: pair.to_owned(),
        };
        let (name, value) = pair.split_once('=').ok_or_else(part)?;
        let name = name.trim();
        let known = key(name).ok_or_else(|| LogProblem::UnknownKey { key: name.to_owned() })?;
        let number: f64 = value
            .trim()
            .parse()
            .map_err(|_not_a_number| LogProblem::NotANumber {
                key: name.to_owned(),
                value: value.to_owned(),
            })?;
        if !put_count(&mut read, name, known, number)? {
            put(&mut epoch, name, known, number)?;
        }
        keys.push(name.to_owned());
    }
    read.log.epochs.push(epoch);
    finish(read, keys)
}

/// A table with a row an epoch.
fn read_csv(source: Source) -> Result<ReadLog, Error> {
    let file = source.name().to_owned();
    let options = Options {
        format: Format::Delimited(Dialect {
            alternatives: b"\t;",
            ..Dialect::CSV
        }),
        encoding: Encoding::Utf8,
        form: Form::Text,
        limits: Limits::default(),
        settings: SETTINGS,
    };
    let mut table = Table::open(source, &options)?;
    let header: Vec<String> = table
        .columns()?
        .iter()
        .map(|column| column.name.clone())
        .collect();
    let places: Vec<usize> = (0..header.len()).collect();
    let mut rows = table.rows_by_place(&places)?;
    let mut read = ReadLog::default();
    while let Some(row) = rows.next_row()? {
        let place = row.place.within(&file);
        let failed = |problem| Error::Log {
            place: place.clone(),
            problem,
        };
        let cells = row.cells.map_err(|problem| Error::Row {
            place: place.clone(),
            problem: problem.into(),
        })?;
        let mut epoch = Epoch::default();
        for (name, cell) in header.iter().zip(&cells) {
            let value = text(cell, || name.clone()).map_err(|problem| Error::Row {
                place: place.clone(),
                problem,
            })?;
            put_cell(&mut read, &mut epoch, name, value.trim()).map_err(failed)?;
        }
        read.log.epochs.push(epoch);
    }
    finish(read, header).map_err(|problem| Error::Log { place: file, problem })
}

/// Puts the cell of a column into its epoch, if the column is known. Keras and Lightning leave a cell empty,
/// or write NA, where an epoch has no such figure.
fn put_cell(read: &mut ReadLog, epoch: &mut Epoch, name: &str, value: &str) -> Result<(), LogProblem> {
    let Some(known) = key(name).filter(|_| !matches!(value, "" | "NA" | "None")) else {
        return Ok(());
    };
    let number: f64 = value.parse().map_err(|_not_a_number| LogProblem::NotANumber {
        key: name.to_owned(),
        value: one_line(value),
    })?;
    if !put_count(read, name, known, number)? {
        put(epoch, name, known, number)?;
    }
    Ok(())
}

fn parse_json(text: &str) -> Result<ReadLog, LogProblem> {
    let value: Value = serde_json::from_str(text)
        .or_else(|error| {
            // Python writes NaN and Infinity, which are no JSON.
            serde_json::from_str(&without_non_numbers(text)).or(Err(error))
        })
        .map_err(|error| LogProblem::Json {
            detail: error.to_string(),
        })?;
    match value {
        Value::Object(object) => match object.get("log_history").and_then(Value::as_array) {
            Some(history) => of_trainer(&object, history),
            None => of_keras(&object),
        },
        Value::Array(epochs) => of_epochs(&epochs),
        _ => Err(LogProblem::NoFigures { keys: Vec::new() }),
    }
}

/// `NaN` and `Infinity` outside of strings as `null`.
fn without_non_numbers(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_string = false;
    while let Some(character) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|word| rest.starts_with(word));
        match word {
            Some(word) if !is_string => {
                result.push_str("null");
                rest = &rest[word.len()..];
                continue;
            }
            _ => {}
        }
        let mut length = character.len_utf8();
        if character == '\\' && is_string {
            length += rest[length..].chars().next().map_or(0, char::len_utf8);
        } else if character == '"' {
            is_string = !is_string;
        }
        result.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    result
}

/// A figure of JSON; nothing where a number stood that is none.
fn number(name: &str, value: &Value) -> Result<Option<f64>, LogProblem> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(number.as_f64()),
        Value::String(text) if text.parse::<f64>().is_ok() => Ok(text.parse().ok()),
        other => Err(LogProblem::NotANumber {
            key: name.to_owned(),
            value: one_line(&other.to_string()),
        }),
    }
}

/// `{"loss": [...], "val_loss": [...]}`, also within `history`.
fn of_keras(object: &Map<String, Value>) -> Result<ReadLog, LogProblem> {
    let history = object.get("history").and_then(Value::as_object).unwrap_or(object);
    let params = object.get("params").and_then(Value::as_object);
    let mut read = ReadLog::default();
    let scalars = [Some(object), Some(history), params]
        .into_iter()
        .flatten()
        .flatten();
    for (name, value) in scalars.filter(|(_, value)| !value.is_array() && !value.is_null()) {
        if let Some(known) = key(name)
            && !matches!(known, Key::Figure(..) | Key::LearningRate)
            && let Some(number) = number(name, value)?
        {
            put_count(&mut read, name, known, number)?;
        }
    }
    let mut length: Option<(&String, usize)> = None;
    for (name, value) in history {
        let Some(known) = key(name) else { continue };
        let values = match value {
            Value::Array(values) => values.as_slice(),
            Value::Number(_) if matches!(known, Key::Figure(..)) => std::slice::from_ref(value),
            _ => continue,
        };
        let (first, first_epochs) = *length.get_or_insert((name, values.len()));
        if values.len() != first_epochs {
            return Err(LogProblem::Lengths {
                first: first.clone(),
                first_epochs,
                second: name.clone(),
                second_epochs: values.len(),
            });
        }
        read.log.epochs.resize(values.len(), Epoch::default());
        for (epoch, value) in read.log.epochs.iter_mut().zip(values) {
            if let Some(number) = number(name, value)? {
                put(epoch, name, known, number)?;
            }
        }
    }
    finish(read, history.keys().cloned())
}

/// `[{"loss": ..., "val_loss": ...}, ...]`, an object an epoch.
fn of_epochs(epochs: &[Value]) -> Result<ReadLog, LogProblem> {
    let mut read = ReadLog::default();
    for object in epochs.iter().filter_map(Value::as_object) {
        let mut epoch = Epoch::default();
        for (name, value) in object {
            let Some(known) = key(name) else { continue };
            if let Some(number) = number(name, value)?
                && !put_count(&mut read, name, known, number)?
            {
                put(&mut epoch, name, known, number)?;
            }
        }
        read.log.epochs.push(epoch);
    }
    let keys = epochs.first().and_then(Value::as_object).into_iter();
    finish(read, keys.flat_map(|object| object.keys().cloned()))
}

/// The `trainer_state.json` of Hugging Face: losses every few steps, and evaluations between them.
fn of_trainer(state: &Map<String, Value>, history: &[Value]) -> Result<ReadLog, LogProblem> {
    let mut read = ReadLog::default();
    if let Some(size) = state.get("train_batch_size").and_then(Value::as_f64) {
        put_count(&mut read, "train_batch_size", Key::BatchSize, size)?;
    }
    let best_step = state.get("best_global_step").and_then(Value::as_u64).or_else(|| {
        let folder = state.get("best_model_checkpoint")?.as_str()?;
        folder
            .rsplit_once("checkpoint-")?
            .1
            .trim_end_matches('/')
            .parse()
            .ok()
    });
    let mut losses = Vec::new();
    let mut learning_rate = None;
    let close = |epoch: &mut Epoch, losses: &mut Vec<f64>, learning_rate: &mut Option<f64>| {
        if !losses.is_empty() {
            epoch.train.loss = Some(losses.iter().sum::<f64>() / losses.len() as f64);
        }
        epoch.learning_rate = learning_rate.take();
        losses.clear();
    };
    for entry in history.iter().filter_map(Value::as_object) {
        let is_evaluation = entry.keys().any(|name| name.starts_with("eval_"));
        if let Some(loss) = entry.get("loss").and_then(Value::as_f64) {
            losses.push(loss);
            learning_rate = entry
                .get("learning_rate")
                .and_then(Value::as_f64)
                .or(learning_rate);
        }
        if !is_evaluation {
            continue;
        }
        let mut epoch = Epoch::default();
        for (name, value) in entry.iter().filter(|(name, _)| name.starts_with("eval_")) {
            if let (Some(known), Some(value)) = (key(name), value.as_f64()) {
                put(&mut epoch, name, known, value)?;
            }
        }
        close(&mut epoch, &mut losses, &mut learning_rate);
        // Metrics of the training rows that somebody logs beside the evaluation.
        if best_step.is_some() && entry.get("step").and_then(Value::as_u64) == best_step {
            read.log.kept = Some(read.log.epochs.len());
        }
        read.log.epochs.push(epoch);
    }
    if read.log.epochs.is_empty() && !losses.is_empty() {
        let mut epoch = Epoch::default();
        close(&mut epoch, &mut losses, &mut learning_rate);
        read.log.epochs.push(epoch);
    }
    let keys = history.first().and_then(Value::as_object).into_iter();
    finish(read, keys.flat_map(|entry| entry.keys().cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_command_line_are_of_training_unless_they_say_otherwise() {
        let read = parse_pairs(
            "loss=1.2433,accuracy=0.8024,val_loss=1.2148,val_accuracy=0.8300,f1=0.79,validation_rows=3500,classes=5",
        )
        .unwrap();
        let epoch = read.log.reported().unwrap();
        assert_eq!((epoch.train.accuracy, epoch.train.f1), (Some(0.8024), Some(0.79)));
        assert_eq!((epoch.validation.loss, epoch.validation.f1), (Some(1.2148), None));
        assert_eq!(read.log.validation_hits(), Some((2905, 3500)));
        assert_eq!(read.classes, Some(5));
    }

    #[test]
    fn what_is_no_log_says_why() {
        let check = |given: &str, message: &str| {
            assert_eq!(parse_pairs(given).unwrap_err().to_string(), message);
        };
        check(
            "val_accuracy=83.0",
            "`val_accuracy` is 83, expected a share between 0 and 1",
        );
        check("accuracy", "`accuracy` is not of the form key=value");
        check("kappa=0.5", "`kappa` is no figure that the audit knows");
        check("loss=low", "`loss` is `low`, expected a number");
        check(
            "loss=1,classes=2.5",
            "`classes` is 2.5, expected a whole number of at least 1",
        );
        check("classes=5", "no loss and no accuracy in it; there are: `classes`");
    }

    #[test]
    fn names_of_keras_are_known_with_their_numbers() {
        assert_eq!(key("val_auc_1"), Some(Key::Figure(Figure::Auc, true)));
        assert_eq!(key("f1"), Some(Key::Figure(Figure::F1, false)));
        assert_eq!(key("validation_f1_macro"), Some(Key::Figure(Figure::F1, true)));
        assert_eq!(
            key("val_sparse_categorical_accuracy"),
            Some(Key::Figure(Figure::Accuracy, true))
        );
        assert_eq!(key("eval_runtime"), None);
    }

    #[test]
    fn python_writes_nan_and_it_is_no_figure() {
        let read =
            parse_json(r#"{"loss": [0.5, NaN], "val_loss": [0.6, -Infinity], "note": ["NaN \" NaN", ""]}"#);
        let epochs = read.unwrap().log.epochs;
        assert_eq!((epochs[0].train.loss, epochs[1].train.loss), (Some(0.5), None));
    }
}
