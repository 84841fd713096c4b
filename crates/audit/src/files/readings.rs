//! What each given file was understood to be, in words.
//!
//! A reader fills the [`Reading`] of its file with what only it knows; what is said here, of the evidence that
//! came of it, is the same for all formats. What a reader reports as a message is a sentence of the reading
//! too, if it begins with the name of the file.

use labelproof_artifact::wording::{capitalized, counted, listed, percent, plural, quoted};

use super::roles::Role;
use super::table::Table;
use crate::evidence::log::{Cadence, Epoch, Figures, Log};
use crate::evidence::{Part, Reading, ScoreKind};

/// Names shown of a list of classes or columns.
const SHOWN: usize = 12;

/// Columns of scores that are listed by name.
const SCORES_SHOWN: usize = 4;

/// Gives each message to the reading of the file that it names at its beginning, or else to the last one.
pub(super) fn share(messages: Vec<String>, readings: &mut [Reading]) {
    for message in messages {
        let said = |reading: &Reading| {
            let rest = message.strip_prefix(reading.source.as_str())?;
            Some(sentence(rest.strip_prefix(": ")?))
        };
        let of_file = readings.iter().position(|reading| said(reading).is_some());
        let place = of_file.or(readings.len().checked_sub(1));
        if let Some(reading) = place.and_then(|place| readings.get_mut(place)) {
            let said = said(reading).unwrap_or_else(|| sentence(&message));
            reading.says(said);
        }
    }
}

/// A message as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let text = capitalized(message.trim());
    if text.ends_with('.') { text } else { text + "." }
}

/// What a file of rows was understood to be, before its labels are numbered.
pub(super) fn of_table(table: &Table) -> Reading {
    let mut reading = table.reading.clone();
    let named = |name: &String| format!("`{name}`");
    let mut columns: Vec<String> = table
        .columns_used
        .chunk_by(|(one, _), (other, _)| one == other)
        .filter(|alike| table.ids.is_some() || alike[0].0 != Role::Id.plural())
        .map(|alike| {
            let (what, column) = &alike[0];
            if column.is_empty() {
                return format!("{what} from the column without a name");
            }
            let names: Vec<String> = alike.iter().map(|(_, column)| column.clone()).collect();
            format!("{what} from {}", quoted(&names, SHOWN))
        })
        .collect();
    match table.score_columns.as_slice() {
        [] => {}
        [one] => columns.push(format!("scores from {}", named(one))),
        [first, .., last] if table.score_columns.len() > SCORES_SHOWN => columns.push(format!(
            "scores from {} columns, {} to {}",
            table.score_columns.len(),
            named(first),
            named(last)
        )),
        several => columns.push(format!("scores from {}", quoted(several, SHOWN))),
    }
    let columns = match columns.as_slice() {
        [] => String::new(),
        columns => format!(": {}", listed(columns)),
    };
    let rows = counted(table.rows, "row");
    reading.read.insert(0, format!("{rows}{columns}."));
    let is_used = |column: &&String| {
        table.columns_used.iter().any(|(_, used)| used == *column) || table.score_columns.contains(column)
    };
    for column in table.header.iter().filter(|column| !is_used(column)) {
        reading.leaves(format!("column {}", named(column)));
    }
    if table.ids.is_none() {
        let ids = table.columns_used.iter();
        for (_, column) in ids.filter(|(what, _)| *what == Role::Id.plural()) {
            let column = if column.is_empty() {
                "the column without a name".to_owned()
            } else {
                format!("column {}", named(column))
            };
            reading.leaves(format!("{column}, which only counts the rows"));
        }
    }
    reading
}

/// Adds what is known once labels are numbered.
pub(super) fn add_part(reading: &mut Reading, part: &Part, labels: &[String]) {
    let present = |classes: &[u32]| {
        let mut is_there = vec![false; labels.len()];
        for class in classes {
            if let Some(slot) = is_there.get_mut(*class as usize) {
                *slot = true;
            }
        }
        let names = labels.iter().zip(is_there).filter(|(_, is_there)| *is_there);
        names.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let truth = part.truth.as_deref().map(present).unwrap_or_default();
    let predicted = part
        .stored_predictions
        .as_deref()
        .map(present)
        .unwrap_or_default();
    if truth == predicted && !truth.is_empty() {
        reading.says(format!("True and predicted labels: {}.", quoted(&truth, SHOWN)));
    } else {
        for (which, names) in [("True", truth), ("Predicted", predicted)] {
            if !names.is_empty() {
                reading.says(format!("{which} labels: {}.", quoted(&names, SHOWN)));
            }
        }
    }
    if let Some(scores) = &part.scores {
        let kind = match scores.kind {
            ScoreKind::Logits => "logits",
            ScoreKind::Probabilities => "probabilities",
        };
        let classes = if scores.classes == 1 { "class" } else { "classes" };
        reading.says(format!("Scores: {kind} of {} {classes}.", scores.classes));
    }
}

/// Adds which figures of which epochs a log has, before what its reader says.
pub(super) fn add_log(reading: &mut Reading, log: &Log) {
    let told = std::mem::take(&mut reading.read);
    for (rows, of) in [
        ("training", (|epoch| epoch.train) as fn(&Epoch) -> Figures),
        ("validation", |epoch| epoch.validation),
        ("test", |epoch| epoch.test),
    ] {
        let of_rows: Vec<Figures> = log
            .epochs
            .iter()
            .map(of)
            .filter(|figures| !figures.is_empty())
            .collect();
        if of_rows.is_empty() {
            continue;
        }
        let mut names = figure_names(&of_rows);
        let not_finite: Vec<&str> = of_rows
            .iter()
            .filter_map(|figures| Some(figures.loss_not_finite?.name()))
            .collect();
        if let Some(first) = not_finite.first() {
            let often = match (not_finite.len(), of_rows.len()) {
                (_, 1) => String::new(),
                (count, all) if count == all => " in all of them".to_owned(),
                (1, _) => " in one of them".to_owned(),
                (count, _) => format!(" in {count} of them"),
            };
            names.insert(0, format!("a loss that is {first}{often}"));
        }
        reading.says(format!(
            "Figures of the {rows} rows, of {}: {}.",
            entries(log, of_rows.len()),
            listed(&names)
        ));
    }
    if let Some(kept) = log.kept {
        reading.says(format!("The weights of {} were kept.", log.name(kept)));
    }
    let counts = [
        (log.train_rows, "training row"),
        (log.validation_rows, "validation row"),
        (log.test_rows, "test row"),
    ];
    let mut counts: Vec<String> = counts
        .into_iter()
        .filter_map(|(count, noun)| Some(counted(count?, noun)))
        .collect();
    counts.extend(log.batch_size.map(|size| format!("batches of {size}")));
    if !counts.is_empty() {
        reading.says(format!("It says: {}.", listed(&counts)));
    }
    reading.read.extend(told);
}

/// How many epochs, evaluations or steps figures are of.
fn entries(log: &Log, count: usize) -> String {
    match (log.cadence, count) {
        (Cadence::Epochs, 1) => "one epoch".to_owned(),
        (Cadence::Epochs, count) => format!("{count} epochs"),
        (Cadence::Evaluations, count) => counted(count as u64, "evaluation"),
        (Cadence::Steps, count) => format!("{count} {} of steps", plural(count as u64, "entry", "entries")),
    }
}

/// The names of the figures that are there, with how many there are of those that are not there always.
fn figure_names(of_rows: &[Figures]) -> Vec<String> {
    Figures::NAMED
        .into_iter()
        .filter_map(|(name, figure)| {
            let count = of_rows.iter().filter(|figures| figure(figures).is_some()).count();
            match count {
                0 => None,
                count if count == of_rows.len() => Some(name.to_owned()),
                count => Some(format!("{name} (of {count})")),
            }
        })
        .collect()
}

/// Adds what a confusion matrix counts, before what its reader said.
pub(super) fn add_matrix(reading: &mut Reading, counts: &[Vec<u64>], labels: Option<&[String]>) {
    let rows: u64 = counts.iter().flatten().sum();
    let hits: u64 = counts
        .iter()
        .enumerate()
        .filter_map(|(class, row)| row.get(class))
        .sum();
    let names = labels.map_or_else(
        || "without names".to_owned(),
        |labels| format!("called {}", quoted(labels, SHOWN)),
    );
    let classes = plural(counts.len(), "class", "classes");
    let right = percent(hits as f64 / rows.max(1) as f64);
    let said = format!(
        "{} of {} {classes}, {names}; {right} are right.",
        counted(rows, "row"),
        counts.len()
    );
    reading.read.insert(0, said);
}
