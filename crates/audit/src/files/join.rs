//! True labels and predictions in two files, made one table.
//!
//! Rows are joined by their ids, by their texts, or else by their places, and which it was is said. Rows that
//! do not fit are an error: a prediction beside the wrong row is the fault that an audit is to find.

use std::collections::BTreeMap;

use labelproof_artifact::Reporter;
use labelproof_artifact::wording::counted;
use labelproof_text::labels::normalized_label;

use super::error::Error;
use super::table::{Labels, RawScores, Table};

/// What the rows are joined by, and for each row the place of its prediction.
struct Match {
    by: &'static str,
    places: Option<Vec<usize>>,
}

/// Puts the predictions of a file beside the true labels of another.
pub(super) fn join(table: &mut Table, predictions: &mut Table, reporter: &dyn Reporter) -> Result<(), Error> {
    if predictions.predicted.is_none() && predictions.scores.is_none() && predictions.candidates.len() < 2 {
        return Err(Error::NothingPredicted {
            place: predictions.source.clone(),
            columns: predictions.header.clone(),
        });
    }
    let Match { by, places } = match_rows(table, predictions)?;
    let (rows, source) = (table.rows, &table.source);
    reporter.message(&format!(
        "{source}: the predictions of its rows are those of {}, joined by {by}",
        predictions.source
    ));
    if predictions.rows > rows {
        let rest = counted(predictions.rows - rows, "row");
        reporter.message(&format!(
            "{}: {rest} of it belong to no row of {source}, and are left aside",
            predictions.source
        ));
    }
    if table.predicted.is_some() || table.scores.is_some() {
        reporter.message(&format!("{source}: its own predictions are left aside"));
    }
    let order = |row: usize| places.as_ref().map_or(row, |places| places[row]);
    table.predicted = predictions
        .predicted
        .take()
        .map(|labels| reordered(&labels, rows, &order));
    table.scores = predictions.scores.take().map(|scores| {
        let rows = (0..rows).map(|row| &scores.values[order(row) * scores.width..][..scores.width]);
        RawScores {
            values: rows.flatten().copied().collect(),
            ..scores
        }
    });
    table.score_columns.clear();
    table
        .columns_used
        .retain(|(what, _)| *what != super::Role::Predicted.plural());
    table.candidates = std::mem::take(&mut predictions.candidates);
    for candidate in &mut table.candidates {
        candidate.values = (0..rows).map(|row| candidate.values[order(row)]).collect();
    }
    Ok(())
}

fn reordered(labels: &Labels, rows: usize, order: &dyn Fn(usize) -> usize) -> Labels {
    let mut ordered = Labels::new(&labels.column);
    for row in 0..rows {
        // There are no more spellings than there were.
        ordered.push(&labels.spellings[labels.values[order(row)] as usize]);
    }
    ordered
}

fn match_rows(table: &Table, predictions: &Table) -> Result<Match, Error> {
    if let (Some(ids), Some(others)) = (&table.ids, &predictions.ids)
        && !(count_rows(ids) && count_rows(others))
        && let Some(places) = places(ids, others)
    {
        let missing = places.iter().filter(|place| place.is_none()).count();
        if let Some(places) = all(&places) {
            let by = "the id";
            return Ok(Match {
                by,
                places: Some(places),
            });
        }
        // Ids of which none is known are of another kind.
        if missing < ids.len() {
            let first = places.iter().position(Option::is_none).unwrap_or_default();
            return Err(Error::NoPrediction {
                table: table.source.clone(),
                predictions: predictions.source.clone(),
                missing,
                rows: ids.len(),
                id: ids[first].clone(),
            });
        }
    }
    if let (Some(texts), Some(others)) = (&table.texts, &predictions.texts)
        && texts
            .iter()
            .zip(others)
            .any(|(text, other)| normalized_label(text) != normalized_label(other))
        && let Some(places) = places(texts, others)
    {
        if let Some(places) = all(&places) {
            let by = "the text";
            return Ok(Match {
                by,
                places: Some(places),
            });
        }
        let known = places.iter().flatten().count();
        let at_place = places
            .iter()
            .enumerate()
            .filter(|(row, place)| **place == Some(*row))
            .count();
        if at_place * 2 < known {
            return Err(Error::OtherOrder {
                table: table.source.clone(),
                predictions: predictions.source.clone(),
                known,
                at_place,
            });
        }
    }
    if table.rows != predictions.rows {
        return Err(Error::PredictionCount {
            table: table.source.clone(),
            rows: table.rows,
            predictions: predictions.source.clone(),
            predicted: predictions.rows,
        });
    }
    let by = "the place of the row, because both have as many";
    Ok(Match { by, places: None })
}

/// Where each of these is among the others; none if some of them are there twice.
fn places(of: &[String], among: &[String]) -> Option<Vec<Option<usize>>> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (place, value) in among.iter().enumerate() {
        if known.insert(normalized_label(value), place).is_some() {
            return None;
        }
    }
    Some(
        of.iter()
            .map(|value| known.get(&normalized_label(value)).copied())
            .collect(),
    )
}

fn all(places: &[Option<usize>]) -> Option<Vec<usize>> {
    places.iter().copied().collect()
}

/// Whether ids only count the rows.
fn count_rows(ids: &[String]) -> bool {
    let number = |id: &String| id.trim().parse::<u64>().ok();
    let Some(first) = ids.first().and_then(number).filter(|first| *first <= 1) else {
        return false;
    };
    (first..)
        .zip(ids)
        .all(|(expected, id)| number(id) == Some(expected))
}
