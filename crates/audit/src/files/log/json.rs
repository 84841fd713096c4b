//! Logs as JSON, or as Python prints dictionaries: a Keras history, the state and the results of a Trainer,
//! lists of epochs, runs of MLflow and Weights & Biases, statistics of Ludwig, the description of a spaCy
//! pipeline.

use labelproof_artifact::Split;
use labelproof_artifact::wording::one_line;
use serde_json::{Map, Value};

use super::super::error::LogProblem;
use super::course::{Course, Entry, Written};
use super::keys::{Key, key, matrix_cell, split_word};
use super::number::{is_missing, written};
use super::table::tag_of;

type Object = Map<String, Value>;

/// Deeper nested than the statistics of any framework.
const DEEPEST: usize = 6;

/// Reads the figures of a value; `file` is the name of its file, `unnamed` what single figures are of that name no
/// split. False if nothing in it is a log.
pub(super) fn read(
    value: &Value,
    file: &str,
    unnamed: Split,
    course: &mut Course,
) -> Result<bool, LogProblem> {
    match value {
        Value::Object(object) => of_object(object, unnamed, course)?,
        Value::Array(values) if values.iter().all(Value::is_object) => of_epochs(values, course)?,
        Value::Array(values) => of_scalars(values, file, course)?,
        _ => return Ok(false),
    }
    Ok(!course.is_empty())
}

fn of_object(object: &Object, unnamed: Split, course: &mut Course) -> Result<(), LogProblem> {
    if let Some(history) = object.get("log_history").and_then(Value::as_array) {
        return of_trainer(object, history, course);
    }
    if object.contains_key("macro avg") || object.contains_key("weighted avg") {
        // A classification report.
        return Ok(());
    }
    if let Some(performance) = object.get("performance").and_then(Value::as_object) {
        return of_spacy(performance, course);
    }
    let run = object.get("run").and_then(Value::as_object).unwrap_or(object);
    let data = run.get("data").and_then(Value::as_object).unwrap_or(run);
    if let Some(metrics) = data.get("metrics").and_then(Value::as_array) {
        return of_mlflow(metrics, course);
    }
    if is_history(object) {
        return of_lists(object, course);
    }
    if is_numbered(object) {
        for (number, value) in object {
            let (Some(inner), Ok(number)) = (value.as_object(), digits(number).parse::<f64>()) else {
                continue;
            };
            let mut entry = entry(&flattened(inner), None, course)?;
            entry.epoch = entry.epoch.or(Some(number));
            course.push(entry)?;
        }
        return Ok(());
    }
    let flat = flattened(object);
    if flat.values().any(Value::is_array) && is_history(&flat) {
        return of_lists(&flat, course);
    }
    of_results(&flat, unnamed, course)
}

/// Single figures: `all_results.json`, `eval_results.json`, `metrics.json`.
fn of_results(object: &Object, unnamed: Split, course: &mut Course) -> Result<(), LogProblem> {
    let is_bare = |name: &String| matches!(key(name), Some(Key::Figure { split: None, .. }));
    let bare: Vec<&String> = object.keys().filter(|name| is_bare(name)).collect();
    // Beside `val_accuracy`, a bare `accuracy` is of the training rows, as Keras has it.
    let has_named = object.keys().any(|name| {
        matches!(
            key(name),
            Some(Key::Figure {
                split: Some(Split::Validation),
                ..
            })
        )
    });
    let split = (!bare.is_empty() && !has_named).then_some(unnamed);
    if split.is_some() {
        course.say(format!(
            "its figures name no rows, and were taken to be of the {} rows",
            super::course::split_name(unnamed)
        ));
    }
    let entry = entry(object, split, course)?;
    course.push(entry)
}

/// Whether an object has lists of figures, a value an epoch.
pub(super) fn is_history(object: &Object) -> bool {
    let history = object.get("history").and_then(Value::as_object).unwrap_or(object);
    history
        .iter()
        .any(|(name, value)| value.is_array() && matches!(key(name), Some(Key::Figure { .. })))
}

/// `{"loss": [...], "val_loss": [...]}`, also within `history`.
pub(super) fn of_lists(object: &Object, course: &mut Course) -> Result<(), LogProblem> {
    let history = object.get("history").and_then(Value::as_object).unwrap_or(object);
    let params = object.get("params").and_then(Value::as_object);
    let mut counts = Entry::default();
    let scalars = [
        Some(object),
        Some(history).filter(|_| object.contains_key("history")),
        params,
    ];
    for (name, value) in scalars.into_iter().flatten().flatten() {
        let counts_training = key(name).is_some_and(|key| {
            !matches!(
                key,
                Key::Figure { .. } | Key::Bookkeeping | Key::Epoch | Key::Step
            )
        });
        if counts_training
            && !value.is_array()
            && let Some(number) = number(name, value)?
        {
            course.put(&mut counts, name, number)?;
        }
    }
    let mut length: Option<(&String, usize)> = None;
    let mut entries: Vec<Entry> = Vec::new();
    for (name, value) in history {
        let values = match (value, key(name)) {
            (Value::Array(values), Some(_)) => values.as_slice(),
            (Value::Number(_) | Value::String(_), Some(Key::Figure { .. })) => std::slice::from_ref(value),
            (Value::Array(_), None) => {
                course.leave(name);
                continue;
            }
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
        entries.resize(values.len(), Entry::default());
        for (entry, value) in entries.iter_mut().zip(values) {
            if let Some(number) = number(name, last_of(value))? {
                course.put(entry, name, number)?;
            }
        }
    }
    for entry in entries {
        course.push(entry)?;
    }
    Ok(())
}

/// The value of a point: a number, or the last of `[epoch, step, value]`, or `{"value": ...}`.
fn last_of(value: &Value) -> &Value {
    match value {
        Value::Array(point) if (2..=3).contains(&point.len()) => point.last().unwrap_or(value),
        Value::Object(point) => point.get("value").unwrap_or(value),
        value => value,
    }
}

/// An entry of the figures of an object; those that name no split are of `split`.
pub(super) fn entry(object: &Object, split: Option<Split>, course: &mut Course) -> Result<Entry, LogProblem> {
    let mut entry = Entry::default();
    // The mean loss of a whole training, which a Trainer gives with its runtime.
    let is_summary = object.contains_key("train_runtime");
    for (name, value) in object {
        if is_summary && name == "train_loss" {
            course.leave("train_loss (the mean of the whole training)");
            continue;
        }
        let is_known = key(name).is_some() || matrix_cell(name).is_some();
        if !is_known && stated_split(name, value).is_some() {
            continue;
        }
        if !is_known {
            if !name.starts_with('_') && !name.ends_with("steps_per_second") {
                course.leave(name);
            }
            continue;
        }
        if let Some(number) = number(name, value)? {
            course.put_of(&mut entry, split, name, number)?;
        }
    }
    Ok(entry)
}

/// The split of an entry that says so in a field of its own: `{"mode": "val", "epoch": 3, "accuracy": 0.9}`.
fn stated_split(name: &str, value: &Value) -> Option<Split> {
    const NAMES: [&str; 6] = ["mode", "split", "phase", "stage", "subset", "dataset"];
    let word = value.as_str().filter(|_| NAMES.contains(&name))?;
    split_word(&word.to_lowercase())
}

/// A number, also as text; nothing where there is none, or where something else than a number is of no figure.
fn number(name: &str, value: &Value) -> Result<Option<Written>, LogProblem> {
    let found = match value {
        Value::Null | Value::Bool(_) => return Ok(None),
        Value::Number(number) => number.as_f64().map(Written::Number),
        Value::String(text) if is_missing(text) => return Ok(None),
        Value::String(text) => written(text),
        Value::Array(values) if values.len() == 1 => return number_within(name, values),
        _ => None,
    };
    match found {
        None if matches!(key(name), Some(Key::Figure { .. })) => Err(LogProblem::NotANumber {
            key: name.to_owned(),
            value: one_line(&value.to_string()),
        }),
        found => Ok(found),
    }
}

fn number_within(name: &str, values: &[Value]) -> Result<Option<Written>, LogProblem> {
    match &values[0] {
        Value::Array(_) => Ok(None),
        value => number(name, value),
    }
}

/// `[{"loss": ..., "val_loss": ...}, ...]`, an object an epoch; or points of MLflow.
fn of_epochs(values: &[Value], course: &mut Course) -> Result<(), LogProblem> {
    let is_point = |value: &Value| value.get("key").is_some() && value.get("value").is_some();
    if values.first().is_some_and(is_point) {
        return of_mlflow(values, course);
    }
    let mut ordered = Vec::with_capacity(values.len());
    for object in values.iter().filter_map(Value::as_object) {
        let object = flattened(object);
        if object.contains_key("train_runtime") && !object.keys().any(|name| name.starts_with("eval")) {
            // What a Trainer says at the end.
            let entry = entry(&object, None, course)?;
            ordered.push(entry);
            continue;
        }
        let split = object.iter().find_map(|(name, value)| stated_split(name, value));
        ordered.push(entry(&object, split, course)?);
    }
    for entry in ordered {
        course.push(entry)?;
    }
    Ok(())
}

/// The `trainer_state.json` of Hugging Face: losses every few steps, and evaluations between them.
fn of_trainer(state: &Object, history: &[Value], course: &mut Course) -> Result<(), LogProblem> {
    if let Some(size) = state.get("train_batch_size").and_then(Value::as_f64) {
        course.put(&mut Entry::default(), "train_batch_size", Written::Number(size))?;
    }
    let best_step = state.get("best_global_step").and_then(Value::as_u64).or_else(|| {
        let folder = state.get("best_model_checkpoint")?.as_str()?;
        let (_, step) = folder.rsplit_once("checkpoint-")?;
        step.trim_end_matches(['/', '\\']).parse().ok()
    });
    let mut is_kept_known = false;
    for object in history.iter().filter_map(Value::as_object) {
        let mut entry = entry(object, None, course)?;
        let is_evaluation = object.keys().any(|name| name.starts_with("eval_"));
        if is_evaluation && !is_kept_known && best_step.is_some() && entry.step == best_step {
            entry.is_kept = true;
            is_kept_known = true;
        }
        course.push(entry)?;
    }
    Ok(())
}

/// Points of MLflow: `{"key": "val_loss", "value": 0.5, "step": 3}`.
fn of_mlflow(metrics: &[Value], course: &mut Course) -> Result<(), LogProblem> {
    let points = metrics.iter().filter_map(|metric| {
        let name = metric.get("key")?.as_str()?;
        let step = metric.get("step").and_then(Value::as_u64).unwrap_or(0);
        Some((name, step, metric.get("value")?))
    });
    let mut read = Vec::new();
    for (name, step, value) in points {
        if let Some(Written::Number(value)) = number(name, value)? {
            read.push((name.to_owned(), step, value));
        }
    }
    of_points(read, course)
}

/// Values with their names and steps, in any order.
pub(super) fn of_points(points: Vec<(String, u64, f64)>, course: &mut Course) -> Result<(), LogProblem> {
    let mut entries: std::collections::BTreeMap<u64, Entry> = std::collections::BTreeMap::new();
    for (name, step, value) in points {
        let entry = entries.entry(step).or_default();
        course.put(entry, &name, Written::Number(value))?;
    }
    // Steps that count from 0 or 1 without a gap are epochs.
    let first = entries.keys().next().copied().unwrap_or(0);
    let are_epochs = first <= 1
        && (first..)
            .zip(entries.keys())
            .all(|(number, step)| number == *step);
    for (step, mut entry) in entries {
        if are_epochs {
            entry.epoch = entry.epoch.or(Some(step as f64));
        } else {
            entry.step = entry.step.or(Some(step));
        }
        course.push(entry)?;
    }
    Ok(())
}

/// `[[time, step, value], ...]`, as TensorBoard exports a tag.
fn of_scalars(values: &[Value], file: &str, course: &mut Course) -> Result<(), LogProblem> {
    let point = |value: &Value| match value.as_array()?.as_slice() {
        [_, step, value] => Some((step.as_u64()?, number("value", value).ok()??)),
        _ => None,
    };
    let tag = tag_of(file);
    let points: Option<Vec<(u64, Written)>> = values.iter().map(point).collect();
    let Some(points) = points.filter(|_| key(&tag).is_some()) else {
        return Ok(());
    };
    let points = points
        .into_iter()
        .map(|(step, value)| (tag.clone(), step, value.value()));
    of_points(points.collect(), course)
}

/// Scores of the development rows in spaCy's `meta.json`.
fn of_spacy(performance: &Object, course: &mut Course) -> Result<(), LogProblem> {
    let mut entry = Entry::default();
    for (name, figure) in [
        ("cats_macro_p", "val precision"),
        ("cats_macro_r", "val recall"),
        ("cats_macro_f", "val f1"),
        ("cats_macro_auc", "val auc"),
    ] {
        if let Some(value) = performance.get(name).and_then(Value::as_f64) {
            course.put(&mut entry, figure, Written::Number(value))?;
        }
    }
    let classes = performance.get("cats_f_per_type").and_then(Value::as_object);
    if let Some(classes) = classes.map(Map::len).filter(|classes| *classes > 1) {
        course.put(&mut entry, "classes", Written::Number(classes as f64))?;
    }
    course.leave("performance of other components, and losses, which are sums");
    course.push(entry)
}

/// Whether the keys are numbers of epochs: `{"1": {...}}`, `{"epoch_1": {...}}`.
fn is_numbered(object: &Object) -> bool {
    !object.is_empty()
        && object.iter().all(|(name, value)| {
            let rest = name
                .trim_end_matches(|digit: char| digit.is_ascii_digit())
                .to_lowercase();
            let is_number = rest.len() < name.len();
            value.is_object()
                && is_number
                && matches!(rest.trim_end_matches(['_', ' ', '-']), "" | "epoch" | "ep")
        })
}

fn digits(name: &str) -> &str {
    name.trim_start_matches(|character: char| !character.is_ascii_digit())
}

/// The values within objects, by the path to them: `{"val": {"loss": 0.5}}` as `val/loss`. Names on the path that
/// mean nothing, such as Ludwig's features, are left out where a split stands above them.
fn flattened(object: &Object) -> Object {
    let mut flat = Object::new();
    flatten(object, &mut Vec::new(), &mut flat);
    flat
}

fn flatten(object: &Object, path: &mut Vec<String>, flat: &mut Object) {
    for (name, value) in object {
        if let Value::Object(inner) = value
            && path.len() < DEEPEST
            && !(inner.contains_key("value") && inner.len() <= 3)
        {
            path.push(name.clone());
            flatten(inner, path, flat);
            path.pop();
            continue;
        }
        let full = path
            .iter()
            .map(String::as_str)
            .chain([name.as_str()])
            .collect::<Vec<_>>()
            .join("/");
        let is_split = |part: &&String| split_word(&part.to_lowercase()).is_some();
        let splits: Vec<&str> = path.iter().filter(is_split).map(String::as_str).collect();
        let short = [splits.as_slice(), &[name.as_str()]].concat().join("/");
        // Ludwig's loss of all features together is that of its only one.
        let is_of_feature = path.len() >= 2 && !splits.is_empty();
        let name = if key(&full).is_none() && is_of_feature {
            short
        } else {
            full
        };
        let value = match value {
            Value::Object(point) => point.get("value").unwrap_or(value),
            value => value,
        };
        flat.entry(name).or_insert_with(|| value.clone());
    }
}

/// The text that the cells of a notebook printed.
pub(super) fn text_of_notebook(value: &Value) -> Option<String> {
    let cells = value.get("cells")?.as_array()?;
    let mut text = String::new();
    let outputs = cells
        .iter()
        .filter_map(|cell| cell.get("outputs")?.as_array())
        .flatten();
    for output in outputs {
        let printed = output
            .get("text")
            .or_else(|| output.get("data")?.get("text/plain"));
        match printed {
            Some(Value::String(printed)) => text.push_str(printed),
            Some(Value::Array(lines)) => lines
                .iter()
                .filter_map(Value::as_str)
                .for_each(|line| text.push_str(line)),
            _ => {}
        }
        text.push('\n');
    }
    Some(text)
}
