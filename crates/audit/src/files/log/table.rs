//! Tables of figures, whatever their separators: what the columns mean, and what a row says.
//!
//! Knows the columns of Keras' and Lightning's CSV, fastai, skorch, simpletransformers, a Trainer in a notebook
//! and in a model card, spaCy, flair, and exports of Weights & Biases, MLflow and TensorBoard.

use super::super::error::LogProblem;
use super::course::{Course, Entry, Manner};
use super::keys::{Key, key, matrix_cell};
use super::number::{is_missing, plain, written};
use labelproof_artifact::wording::one_line;

/// The columns of a table of figures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Columns {
    names: Vec<Column>,
    is_spacy: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Column {
    /// With the name that its values are put under.
    Named(String),
    /// The run that a row is of.
    Run,
    /// The index that pandas writes, which counts the epochs of a history.
    Index,
    /// Spread of a mean over runs, and the like.
    Ignored,
}

impl Columns {
    /// What columns of these names mean; `file` is the name of the file, which TensorBoard puts its tag into.
    pub(super) fn of(header: &[String], file: &str) -> Result<Self, LogProblem> {
        let is_spacy = header
            .iter()
            .any(|name| name.trim().eq_ignore_ascii_case("cats_score"));
        // `LOSS  P  R  F`, as the scripts of spaCy 2 print it beside each other: those after the loss are of the
        // development rows.
        let has = |wanted: &str| header.iter().any(|name| name.trim().eq_ignore_ascii_case(wanted));
        let is_abbreviated = ["loss", "p", "r", "f"].into_iter().all(has);
        let mut run: Option<String> = None;
        let mut names = Vec::with_capacity(header.len());
        let is_of_epochs = header.len() <= 4 && file.contains("tag-epoch_");
        let has_epoch = header.iter().any(|name| matches!(key(name), Some(Key::Epoch)));
        for (place, name) in header.iter().enumerate() {
            let name = name.trim().trim_matches('"');
            let lower = name.to_lowercase();
            if lower.ends_with("__min") || lower.ends_with("__max") {
                names.push(Column::Ignored);
                continue;
            }
            let column = match (lower.as_str(), name.rsplit_once(" - ")) {
                ("run_id" | "run id" | "run_name" | "run" | "run name", _) => Column::Run,
                ("" | "unnamed: 0", _) if place == 0 && !has_epoch && header.len() > 1 => Column::Index,
                ("step", _) if is_of_epochs => Column::Named("epoch".to_owned()),
                // `runs` of Weights & Biases, a column for each: `run-1 - val_loss`.
                (_, Some((this, figure))) => {
                    if let Some(other) = run.replace(this.to_owned())
                        && other != this
                    {
                        return Err(LogProblem::TwoRuns {
                            first: other,
                            second: this.to_owned(),
                        });
                    }
                    Column::Named(figure.to_owned())
                }
                ("value", None) if header.len() <= 4 => Column::Named(tag_of(file)),
                ("e", None) if is_spacy => Column::Named("epoch".to_owned()),
                ("#", None) if is_spacy => Column::Named("step".to_owned()),
                ("p", None) if is_abbreviated => Column::Named("val precision".to_owned()),
                ("r", None) if is_abbreviated => Column::Named("val recall".to_owned()),
                ("f", None) if is_abbreviated => Column::Named("val f1".to_owned()),
                ("a", None) if is_abbreviated => Column::Named("val accuracy".to_owned()),
                ("cats_score", None) => Column::Named("val f1".to_owned()),
                ("score", None) => Column::Ignored,
                // A sum over batches, and no mean over rows.
                (lower, None) if is_spacy && lower.starts_with("loss") => Column::Ignored,
                _ => Column::Named(name.to_owned()),
            };
            names.push(column);
        }
        Ok(Self { names, is_spacy })
    }

    /// Whether a column is a figure of the training; a position alone says nothing.
    pub(super) fn have_figures(&self) -> bool {
        self.named()
            .any(|name| matches!(key(name), Some(Key::Figure { .. })))
            || ["tp", "tn", "fp", "fn"]
                .iter()
                .all(|cell| self.named().any(|name| name == *cell))
    }

    /// Whether every column is known, and one is a figure: then the names are those of a table even if single
    /// spaces are between them.
    pub(super) fn are_known(&self) -> bool {
        self.have_figures() && self.named().all(|name| key(name).is_some())
    }

    /// Columns whose meaning is known.
    pub(super) fn known(&self) -> usize {
        self.named().filter(|name| key(name).is_some()).count()
    }

    fn named(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(|column| match column {
            Column::Named(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The number of columns.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether each cell is what its column asks for, so that the cells may be a row of the table.
    pub(super) fn fit(&self, cells: &[&str]) -> bool {
        let is_value = |cell: &str| is_missing(cell) || written(cell).is_some();
        let fits = |(column, cell): (&Column, &&str)| match column {
            Column::Named(name) if matches!(key(name), Some(key) if key != Key::Bookkeeping) => {
                is_value(cell)
            }
            _ => true,
        };
        cells.len() == self.names.len()
            && self.names.iter().zip(cells).all(fits)
            && cells.iter().any(|cell| written(cell).is_some())
    }

    /// Puts the cells of a row into an entry.
    pub(super) fn entry(
        &self,
        cells: &[&str],
        course: &mut Course,
        manner: Manner,
        run: &mut Option<String>,
    ) -> Result<Entry, LogProblem> {
        let mut entry = Entry::default();
        for (column, cell) in self.names.iter().zip(cells) {
            let cell = cell.trim();
            match column {
                Column::Ignored => {}
                Column::Index => {
                    if let Some(number) = plain(cell) {
                        entry.epoch = Some(number);
                    }
                }
                Column::Run => {
                    let other = run.get_or_insert_with(|| cell.to_owned());
                    if other != cell {
                        return Err(LogProblem::TwoRuns {
                            first: one_line(other),
                            second: one_line(cell),
                        });
                    }
                }
                Column::Named(_) if is_missing(cell) => {}
                Column::Named(name) => match (written(cell), key(name)) {
                    (Some(value), _) => course.put(&mut entry, name, value)?,
                    (None, Some(key)) if manner == Manner::Strict && key != Key::Bookkeeping => {
                        return Err(LogProblem::NotANumber {
                            key: name.clone(),
                            value: one_line(cell),
                        });
                    }
                    (None, Some(_)) => {}
                    (None, None) => course.leave(name),
                },
            }
        }
        Ok(entry)
    }

    /// Names of columns that say nothing, each once.
    pub(super) fn leave_unknown(&self, course: &mut Course) {
        if self.is_spacy {
            course.say(
                "`CATS_SCORE` was taken to be the macro F1 of the development rows, and is called `val f1`",
            );
        }
        for name in self.named() {
            course.knows(name);
        }
        for name in self
            .named()
            .filter(|name| !name.is_empty() && key(name).is_none())
        {
            if matrix_cell(name).is_none() {
                course.leave(name);
            }
        }
    }
}

/// The tag in the name of a file that TensorBoard exports: `run-train-tag-epoch_loss.csv`.
pub(super) fn tag_of(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let (run, tag) = match stem.split_once("tag-") {
        Some((run, tag)) => (run, tag),
        None => ("", stem),
    };
    let tag = tag.strip_prefix("epoch_").unwrap_or(tag);
    let run = run.to_lowercase();
    let is_named = matches!(key(tag), Some(Key::Figure { split: Some(_), .. }));
    let split = ["validation", "train", "test", "val", "eval"];
    match split.iter().find(|split| !is_named && run.contains(*split)) {
        Some(split) => format!("{split}_{tag}"),
        None => tag.to_owned(),
    }
}

/// The cells of a line of text, by the first of these that it has: bars, tabs, two blanks.
pub(super) fn cells(line: &str) -> Vec<&str> {
    let line = line.trim_end();
    let trimmed = line.trim();
    if trimmed.contains('|') {
        let inner = trimmed.strip_prefix('|').unwrap_or(trimmed);
        return inner
            .strip_suffix('|')
            .unwrap_or(inner)
            .split('|')
            .map(str::trim)
            .collect();
    }
    for separator in ['\t', ';'] {
        if trimmed.contains(separator) {
            return trimmed.split(separator).map(str::trim).collect();
        }
    }
    if trimmed.matches(',').count() >= 2 {
        return trimmed.split(',').map(str::trim).collect();
    }
    trimmed
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect()
}

/// The cells of a row of a table of so many columns.
pub(super) fn row_cells(line: &str, columns: usize) -> Option<Vec<&str>> {
    let found = cells(line);
    if found.len() == columns {
        return Some(found);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    (words.len() == columns).then_some(words)
}

/// The names of columns with single blanks between them, `Epoch Training Loss Validation Loss Accuracy`: as many
/// words to a name as make it known.
pub(super) fn spaced_names(line: &str) -> Option<Vec<String>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if !(2..=24).contains(&words.len()) {
        return None;
    }
    let mut names = Vec::new();
    let mut rest = words.as_slice();
    while !rest.is_empty() {
        let means = |length: &usize| key(&rest[..*length].join(" "));
        let is_figure = |length: &usize| matches!(means(length), Some(Key::Figure { .. }));
        let longest = match means(&1) {
            Some(Key::Epoch | Key::Step) => Some(1),
            single => (1..=rest.len().min(3))
                .rev()
                .find(is_figure)
                .or(single.map(|_| 1)),
        }?;
        names.push(rest[..longest].join(" "));
        rest = &rest[longest..];
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_tensorboard_is_in_the_name_of_the_file() {
        assert_eq!(tag_of("d/run-train-tag-epoch_loss.csv"), "train_loss");
        assert_eq!(
            tag_of("run-validation-tag-epoch_accuracy.json"),
            "validation_accuracy"
        );
        assert_eq!(tag_of("run-x-tag-eval_loss.csv"), "eval_loss");
        assert_eq!(tag_of("val_acc.csv"), "val_acc");
    }

    #[test]
    fn names_with_single_blanks_are_told_apart() {
        let names = spaced_names("Epoch Training Loss Validation Loss Accuracy F1").unwrap();
        assert_eq!(
            names,
            ["Epoch", "Training Loss", "Validation Loss", "Accuracy", "F1"]
        );
        assert_eq!(
            spaced_names("epoch train_loss valid_loss accuracy time").unwrap(),
            ["epoch", "train_loss", "valid_loss", "accuracy", "time"]
        );
        assert_eq!(spaced_names("the loss is what it is"), None);
    }
}
