//! The message about a split: the rows by label and split, and what stays together or does not.

use std::fmt::Write;

use labelproof_artifact::Split;
use labelproof_artifact::wording::{counted, plural};

use crate::draw::{Assignment, SplitShare};
use crate::given::missing_parts;
use crate::params::Params;
use crate::rows::Rows;
use crate::sets::Sets;
use crate::targets::targets;

/// How many labels the table lists before it only counts them.
const LABELS_SHOWN: usize = 40;

/// Rows by class and part, parts in the order of [`Split::ALL`].
pub(crate) fn count(rows: &Rows, assignment: &Assignment) -> Vec<[usize; 3]> {
    let mut counts = vec![[0; 3]; rows.labels.len()];
    for (row, &split) in rows.list.iter().zip(assignment) {
        counts[row.class as usize][split as usize] += 1;
    }
    counts
}

/// The whole message: the table, and remarks below it.
pub(crate) fn summarize(params: &Params, rows: &Rows, sets: &Sets, assignment: &Assignment) -> String {
    let counts = count(rows, assignment);
    let mut text = table(rows.labels.names(), &counts);
    if crate::is_given(params, rows) {
        text.push_str(&origin(rows));
        text.push_str(&crossings(rows, assignment));
    } else {
        text.push_str(&drawn_anew(params, rows));
        text.push_str(&kept_together(sets));
        if params.stratify {
            text.push_str(&deviations(params, &counts, rows.labels.names()));
        }
    }
    text
}

fn table(labels: &[String], counts: &[[usize; 3]]) -> String {
    let total = |counts: &[usize; 3]| counts.iter().sum::<usize>();
    let mut all = [0; 3];
    for class in counts {
        for (sum, count) in all.iter_mut().zip(class) {
            *sum += count;
        }
    }
    let rows = total(&all);
    let heading = Split::ALL.map(|split| split.name().to_owned());
    let mut lines = vec![("label".to_owned(), heading, "all".to_owned())];
    for (label, class) in labels.iter().zip(counts).take(LABELS_SHOWN) {
        lines.push((
            label.clone(),
            class.map(|count| count.to_string()),
            total(class).to_string(),
        ));
    }
    if labels.len() > LABELS_SHOWN {
        let more = format!("and {} more", labels.len() - LABELS_SHOWN);
        lines.push((more, Default::default(), String::new()));
    }
    lines.push((
        "all".to_owned(),
        all.map(|count| count.to_string()),
        rows.to_string(),
    ));
    let shares = all.map(|count| format!("{:.1} %", 100.0 * count as f64 / rows as f64));
    lines.push(("share".to_owned(), shares, String::new()));

    let widest =
        |cell: fn(&(String, [String; 3], String)) -> usize| lines.iter().map(cell).max().unwrap_or(0);
    let label_width = widest(|(label, ..)| label.chars().count());
    let width = widest(|(_, parts, total)| {
        parts
            .iter()
            .chain([total])
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    });
    let lines = lines.iter().map(|(label, [train, validation, test], total)| {
        let line = format!(
            "{label:label_width$}  {train:>width$}  {validation:>width$}  {test:>width$}  {total:>width$}"
        );
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// That the data said something of a split, where it is drawn nevertheless.
fn drawn_anew(params: &Params, rows: &Rows) -> String {
    let first = rows.list.iter().find_map(|row| row.given);
    match (first, params.use_given) {
        (None, _) => String::new(),
        (Some(_), Some(false)) => {
            "\ndrawn anew: the data give a split, which `split.use_given: false` leaves aside".to_owned()
        }
        (Some(part), _) => format!("\ndrawn: the data call all rows {part}, which is no split"),
    }
}

/// That the split came with the data, and which part of it did not.
fn origin(rows: &Rows) -> String {
    let given: Assignment = rows.list.iter().filter_map(|row| row.given).collect();
    let mut text = "\nthe split is the one that came with the data".to_owned();
    for part in missing_parts(&given) {
        write!(text, "; the {part} part is drawn from its train rows")
            .expect("writing to a string cannot fail");
    }
    text.push_str(" (`split.use_given: false` draws another)");
    text
}

fn kept_together(sets: &Sets) -> String {
    let sizes = || sets.iter().map(<[u32]>::len).filter(|&size| size > 1);
    let Some(largest) = sizes().max() else {
        return "\nno rows had to stay together".to_owned();
    };
    let rows: usize = sizes().sum();
    let groups = counted(sizes().count(), "group");
    format!("\nkept together: {rows} rows in {groups}, the largest of {largest} rows")
}

/// The classes that groups keep more than one row away from their targets.
fn deviations(params: &Params, counts: &[[usize; 3]], labels: &[String]) -> String {
    let parts = SplitShare::drawn(params);
    let class_rows: Vec<usize> = counts.iter().map(|class| class.iter().sum()).collect();
    let targets = targets(&class_rows, &parts.map(|part| part.share));
    let mut labels_off = 0;
    let mut worst: Option<(usize, String)> = None;
    for ((counts, targets), label) in counts.iter().zip(&targets).zip(labels) {
        let mut is_off = false;
        for (part, &due) in parts.iter().zip(targets) {
            let got = counts[part.split as usize];
            let off = got.abs_diff(due);
            is_off |= off > 1;
            if off > 1 && worst.as_ref().is_none_or(|(found, _)| off > *found) {
                let split = part.split;
                worst = Some((
                    off,
                    format!("`{label}` has {got} {split} rows where {due} are due"),
                ));
            }
        }
        labels_off += usize::from(is_off);
    }
    worst.map_or_else(String::new, |(_, worst)| {
        let labels = counted(labels_off, "label");
        format!("\nrows that stay together put {labels} more than one row off the shares; worst: {worst}")
    })
}

/// The groups that a given split takes apart.
fn crossings(rows: &Rows, assignment: &Assignment) -> String {
    let mut text = String::new();
    let duplicates = Sets::of_keys(rows, |row| Some(rows.list[row as usize].duplicates));
    let groups = Sets::of_keys(rows, |row| rows.list[row as usize].group);
    for (sets, one, several) in [
        (duplicates, "group of duplicates", "groups of duplicates"),
        (groups, "declared group", "declared groups"),
    ] {
        let crossing: Vec<_> = sets.iter().filter(|set| crosses(set, assignment)).collect();
        if crossing.is_empty() {
            continue;
        }
        let test: usize = crossing
            .iter()
            .flat_map(|set| set.iter())
            .filter(|&&row| assignment[row as usize] == Split::Test)
            .count();
        write!(
            text,
            "\nwarning: the given split takes {} {} apart ({} of theirs in the test part): scores on rows \
             whose like was trained on are too good",
            crossing.len(),
            plural(crossing.len(), one, several),
            counted(test, "row")
        )
        .expect("writing to a string cannot fail");
    }
    if text.is_empty() {
        "\nthe given split takes no group apart".clone_into(&mut text);
    }
    text
}

fn crosses(set: &[u32], assignment: &Assignment) -> bool {
    let part = |row: u32| assignment[row as usize];
    set.iter().any(|&row| part(row) != part(set[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_adds_up() {
        let labels = ["sport".to_owned(), "économie".to_owned()];
        let table = table(&labels, &[[63, 7, 30], [126, 14, 1060]]);
        let expected = "\
label          train  validation        test         all
sport             63           7          30         100
économie         126          14        1060        1200
all              189          21        1090        1300
share         14.5 %       1.6 %      83.8 %";
        assert_eq!(table, expected);
    }
}
