//! Wording that findings share: the names of splits and rows, shares, counts and rounded numbers.

use labelproof_artifact::Split;
pub(crate) use labelproof_artifact::wording::{capitalized, counted as count, percent};
use serde_json::Value;

use crate::evidence::Part;

/// How many rows a finding names at most.
pub(crate) const NAMED_ROWS: usize = 20;

/// A split as a sentence calls it.
pub(crate) fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Validation => "validation",
        Split::Test => "test",
    }
}

/// A name within a sentence; abbreviations stay as they are.
pub(crate) fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => name.to_owned(),
    }
}

/// The ids of the first rows of a list, or their numbers in the file, counted from 1, where there are no ids.
pub(crate) fn row_names(part: &Part, rows: &[usize]) -> Value {
    rows.iter()
        .take(NAMED_ROWS)
        .map(|&row| {
            let id = part.ids.as_ref().and_then(|ids| ids.get(row));
            id.map_or_else(|| Value::from(row + 1), |id| Value::from(id.as_str()))
        })
        .collect()
}

/// A number cut to six digits after the point: enough for people, and the same on every machine.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Points with their sign, as a minus that is as long as a plus.
pub(crate) fn signed(points: f64) -> String {
    let size = format!("{:.1}", points.abs());
    let sign = if size == "0.0" {
        ""
    } else if points < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{size}")
}
