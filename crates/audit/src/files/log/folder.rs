//! Folders of trackers: runs of TensorBoard and MLflow, and folders in which a framework leaves its log.

use std::path::{Path, PathBuf};

use labelproof_artifact::Split;
use labelproof_tables::Source;

use super::super::error::{Error, LogProblem};
use super::course::{Course, Manner, whole};
use super::json::of_points;
use super::keys::{Key, key, split_word};
use super::number::plain;
use super::tensorboard::{self, Scalar};
use super::{ReadLog, bytes_of, of_bytes};

/// Deeper than any run lies in the folder of its tracker.
const DEEPEST: usize = 4;

/// More files than a folder of one training has.
const MOST_FILES: usize = 2000;

/// Files in which frameworks leave their logs, those that say more first.
const NAMES: [&str; 13] = [
    "trainer_state.json",
    "history.json",
    "metrics.csv",
    "training_statistics.json",
    "training_progress_scores.csv",
    "loss.tsv",
    "history.csv",
    "log.csv",
    "all_results.json",
    "eval_results.json",
    "eval_results.txt",
    "training.log",
    "train.log",
];

/// Reads the log in a folder.
pub(super) fn read(folder: &Path, unnamed: Split) -> Result<ReadLog, Error> {
    let mut files = Vec::new();
    collect(folder, 0, &mut files);
    files.sort();
    let failed = |problem| Error::Log {
        place: folder.display().to_string(),
        problem,
    };
    let is_event_file = |path: &&PathBuf| file_name(path).contains(".tfevents.");
    let events: Vec<&PathBuf> = files.iter().filter(is_event_file).collect();
    if !events.is_empty() {
        return of_events(folder, &events);
    }
    let metrics: Vec<&PathBuf> = files.iter().filter(|path| is_metric(folder, path)).collect();
    if !metrics.is_empty() {
        return of_metrics(folder, &metrics);
    }
    let found = NAMES.iter().find_map(|name| {
        let named = files.iter().filter(|path| file_name(path) == *name);
        // Of the states in several checkpoints the last one has all the others.
        named.max_by_key(|path| (path.components().count() == 1, checkpoint(path)))
    });
    let Some(path) = found else {
        return Err(failed(LogProblem::NoLogInFolder));
    };
    let name = path.display().to_string();
    let mut read = of_bytes(&bytes_of(Source::file(&name, path))?, &name, unnamed)?;
    read.reading.says(format!("Of the folder, `{name}` was read."));
    Ok(read)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if files.len() >= MOST_FILES {
            return;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < DEEPEST => collect(&path, depth + 1, files),
            Ok(kind) if kind.is_file() => files.push(path),
            _ => {}
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The step of the checkpoint that a file lies in.
fn checkpoint(path: &Path) -> u64 {
    let mut names = path
        .components()
        .rev()
        .filter_map(|component| component.as_os_str().to_str());
    names
        .find_map(|name| name.strip_prefix("checkpoint-")?.parse().ok())
        .unwrap_or(u64::MAX)
}

/// The part of a path below a folder that names no split, which is the run.
fn run_of(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let parts = below.parent().into_iter().flat_map(Path::components);
    let names: Vec<String> = parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .filter(|part| split_in(part).is_none())
        .collect();
    names.join("/")
}

fn split_in(name: &str) -> Option<Split> {
    let mut words = name.split(|character: char| !character.is_alphanumeric());
    words.find_map(|word| split_word(&word.to_lowercase()))
}

fn one_run(folder: &Path, paths: &[&PathBuf]) -> Result<(), Error> {
    let runs: Vec<String> = paths.iter().map(|path| run_of(folder, path)).collect();
    let other = runs.iter().find(|run| **run != runs[0]);
    match other {
        None => Ok(()),
        Some(other) => Err(Error::Log {
            place: folder.display().to_string(),
            problem: LogProblem::TwoRuns {
                first: runs[0].clone(),
                second: other.clone(),
            },
        }),
    }
}

fn of_events(folder: &Path, paths: &[&PathBuf]) -> Result<ReadLog, Error> {
    one_run(folder, paths)?;
    let mut course = Course::new(Manner::Lenient);
    let failed = |problem| Error::Log {
        place: folder.display().to_string(),
        problem,
    };
    let mut scalars = Vec::new();
    for path in paths {
        let bytes = bytes_of(Source::file(path.display().to_string(), path.as_path()))?;
        let below = path.strip_prefix(folder).unwrap_or(path);
        let split = below.parent().map(|parent| parent.to_string_lossy().into_owned());
        for mut scalar in tensorboard::scalars(&bytes) {
            scalar.tag = tag(&scalar.tag, split.as_deref().unwrap_or_default());
            scalars.push(scalar);
        }
    }
    put_scalars(scalars, "", &mut course).map_err(failed)?;
    course.finish().map_err(failed)
}

/// The name of a figure by its tag, and by the folder that it lies in where the tag names no split.
fn tag(tag: &str, folder: &str) -> String {
    let tag = tag.strip_prefix("epoch_").unwrap_or(tag);
    let is_bare = matches!(key(tag), Some(Key::Figure { split: None, .. }));
    match split_in(folder).filter(|_| is_bare) {
        Some(split) => format!("{}_{tag}", super::course::split_name(split)),
        None => tag.to_owned(),
    }
}

/// Puts the scalars of event files into a course; `name` is the path of the file they are of.
pub(super) fn put_scalars(scalars: Vec<Scalar>, name: &str, course: &mut Course) -> Result<(), LogProblem> {
    let parent = Path::new(name).parent().map(file_name).unwrap_or_default();
    let points = scalars
        .into_iter()
        .map(|scalar| (tag(&scalar.tag, &parent), scalar.step, scalar.value));
    of_points(points.collect(), course)
}

/// Whether a file is a metric of MLflow: below a folder of that name.
fn is_metric(folder: &Path, path: &Path) -> bool {
    metric_name(folder, path).is_some()
}

fn metric_name(folder: &Path, path: &Path) -> Option<String> {
    let below = path.strip_prefix(folder).ok()?;
    let parts: Vec<String> = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let place = parts.iter().rposition(|part| part == "metrics");
    let is_metrics = folder.file_name().is_some_and(|name| name == "metrics");
    let start = match place {
        Some(place) if place + 1 < parts.len() => place + 1,
        _ if is_metrics => 0,
        _ => return None,
    };
    Some(parts[start..].join("/"))
}

fn of_metrics(folder: &Path, paths: &[&PathBuf]) -> Result<ReadLog, Error> {
    let runs = |path: &Path| {
        let text = path.to_string_lossy().into_owned();
        text.rsplit_once("/metrics/")
            .map(|(run, _)| run.to_owned())
            .unwrap_or_default()
    };
    let failed = |problem| Error::Log {
        place: folder.display().to_string(),
        problem,
    };
    if let Some(other) = paths.iter().find(|path| runs(path) != runs(paths[0])) {
        return Err(failed(LogProblem::TwoRuns {
            first: runs(paths[0]),
            second: runs(other),
        }));
    }
    let mut points = Vec::new();
    for path in paths {
        let bytes = bytes_of(Source::file(path.display().to_string(), path.as_path()))?;
        let name = metric_name(folder, path).unwrap_or_default();
        points.extend(points_of_mlflow(&String::from_utf8_lossy(&bytes), &name).unwrap_or_default());
    }
    let mut course = Course::new(Manner::Lenient);
    of_points(points, &mut course).map_err(failed)?;
    course.finish().map_err(failed)
}

/// The points of a metric of MLflow, whose lines are time, value and step; the file's name is the metric's.
pub(super) fn points_of_mlflow(text: &str, name: &str) -> Option<Vec<(String, u64, f64)>> {
    let name = match name.rsplit_once("/metrics/") {
        Some((_, metric)) => metric,
        None => name,
    };
    matches!(key(name), Some(Key::Figure { .. } | Key::LearningRate)).then_some(())?;
    let point = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [time, value, step] = words.as_slice() else {
            return None;
        };
        // Milliseconds since 1970.
        time.parse::<u64>().ok().filter(|time| *time > 1_000_000_000)?;
        let step = plain(step).map(|step| whole(step).unwrap_or(0))?;
        Some((name.to_owned(), step, plain(value)?))
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(point)
        .collect::<Option<Vec<_>>>()
        .filter(|points| !points.is_empty())
}
