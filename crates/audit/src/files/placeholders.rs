//! True labels that are none: -1 as the Hub writes it for labels that were never given out, `?`, an empty
//! cell, the same label in every row of a file that needs a column.
//!
//! Responsible for leaving them aside before labels are numbered, so that no check explains by them what only
//! they make. What some would take for a placeholder may be a class; it is one where anything else says so.

use std::collections::BTreeSet;

use labelproof_artifact::wording::quoted;
use labelproof_artifact::{Reporter, Split};
use labelproof_text::labels::{NoLabel, is_counterpart, normalized_label, stands_for_none};

use super::table::{Labels, Table};
use crate::evidence::{Dataset, Part, Placeholders, Sign};

/// Rows below which one class may be all there is.
const FEWEST_ROWS: usize = 20;

/// The chance of a file of one class, drawn from another file, below which it was not drawn so.
const NO_CHANCE: f64 = 1e-6;

/// Leaves the true labels that are none aside: all of a file, or the rows that have them.
pub(super) fn set_aside(tables: &mut [&mut Table], reporter: &dyn Reporter) {
    let found: Vec<Option<Placeholders>> = (0..tables.len()).map(|place| look(tables, place)).collect();
    for (table, placeholders) in tables.iter_mut().zip(found) {
        let Some(placeholders) = placeholders else {
            continue;
        };
        reporter.message(&format!("{}: {}", table.source, said(&placeholders)));
        if placeholders.rows == placeholders.of {
            table.truth = None;
        } else if let Some(truth) = &table.truth {
            let keep: Vec<bool> = truth
                .values
                .iter()
                .map(|place| !placeholders.labels.contains(&truth.spellings[*place as usize]))
                .collect();
            table.retain(&keep);
        }
        table.wording.placeholders = Some(placeholders);
    }
}

/// What was decided, for people.
fn said(placeholders: &Placeholders) -> String {
    let Placeholders {
        column,
        labels,
        rows,
        of,
        ..
    } = placeholders;
    let what = match labels.as_slice() {
        [label] if label.trim().is_empty() => "empty".to_owned(),
        labels => quoted(labels, 5),
    };
    if rows == of {
        format!(
            "all {of} values of `{column}` are {what}, which stands for no label: the rows are taken as unlabelled"
        )
    } else {
        format!(
            "{rows} of {of} values of `{column}` are {what}, which stands for no label: these rows are left aside"
        )
    }
}

/// The labels of a file that stand for none.
fn look(tables: &[&mut Table], place: usize) -> Option<Placeholders> {
    let table = &tables[place];
    let truth = table.truth.as_ref().filter(|truth| !truth.values.is_empty())?;
    let known = known_classes(tables, place);
    let (labels, rows) = standing_for_none(truth, |label| {
        let key = normalized_label(label);
        stands_for_none(&key).is_some() && !known.contains(&key)
    });
    let of = truth.values.len();
    let others: BTreeSet<String> = truth
        .spellings
        .iter()
        .filter(|label| !labels.contains(label))
        .map(|label| normalized_label(label))
        .collect();
    // Beside other labels it has to be no class of any file, or there must be enough classes without it.
    let is_sure = labels.iter().all(|label| is_hardly_a_class(label));
    let has_other_file = tables
        .iter()
        .enumerate()
        .any(|(other, table)| other != place && table.truth.is_some());
    let is_empty = labels.iter().all(|label| label.trim().is_empty());
    let is_class = labels
        .iter()
        .all(|label| is_counterpart(&normalized_label(label), others.iter().map(String::as_str)));
    let holds =
        rows > 0 && !is_class && (rows == of || is_empty || has_other_file || is_sure && others.len() >= 2);
    holds.then(|| Placeholders {
        column: truth.column.clone(),
        labels,
        rows,
        of,
        sign: Sign::Written,
    })
}

/// Labels of which this holds, and their rows.
fn standing_for_none(truth: &Labels, stands: impl Fn(&str) -> bool) -> (Vec<String>, usize) {
    let standing: Vec<(&String, u64)> = truth
        .spellings
        .iter()
        .zip(truth.counts.iter().copied())
        .filter(|(label, _)| stands(label))
        .collect();
    let rows: u64 = standing.iter().map(|(_, rows)| rows).sum();
    let labels = standing.into_iter().map(|(label, _)| label.clone()).collect();
    (labels, usize::try_from(rows).unwrap_or(usize::MAX))
}

/// Whether a label stands for no label, and is a class in hardly any data set.
fn is_hardly_a_class(label: &str) -> bool {
    stands_for_none(label).is_some_and(|sureness| sureness > NoLabel::Sometimes)
}

/// What predictions, scores and the true labels of the other files call a class.
fn known_classes(tables: &[&mut Table], place: usize) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (other, table) in tables.iter().enumerate() {
        let is_filled = |labels: &&Labels| labels.spellings.iter().any(|label| !is_hardly_a_class(label));
        // Another file of nothing but placeholders names no class.
        let truth = table
            .truth
            .as_ref()
            .filter(|labels| other != place && is_filled(labels));
        let labels = truth
            .into_iter()
            .chain(&table.predicted)
            .flat_map(|labels| &labels.spellings);
        let scored = table
            .scores
            .iter()
            .flat_map(|scores| scores.names.iter().flatten());
        known.extend(labels.chain(scored).map(|label| normalized_label(label)));
    }
    known.remove("");
    known
}

/// Leaves the true labels of a file aside that are all the same, where another file has several classes and
/// the predictions are not those of a file of this class.
pub(super) fn of_one_class(dataset: &mut Dataset, reporter: &dyn Reporter) {
    for split in [Split::Test, Split::Validation] {
        let Some((class, sign)) = dataset
            .part(split)
            .and_then(|part| one_class(dataset, split, part))
        else {
            continue;
        };
        let label = dataset.labels.get(class as usize).cloned().unwrap_or_default();
        let part = match split {
            Split::Test => &mut dataset.test,
            _ => &mut dataset.validation,
        };
        let Some(part) = part else { continue };
        reporter.message(&format!(
            "{}: all {} true labels are `{label}`, and the predictions are not those of rows of one class: they are taken as \
             placeholders, and the rows as unlabelled",
            part.source, part.rows
        ));
        part.truth = None;
        part.placeholders = Some(Placeholders {
            column: String::new(),
            labels: vec![label],
            rows: part.rows,
            of: part.rows,
            sign,
        });
    }
}

/// The class that all rows of a part have, if that is a placeholder.
fn one_class(dataset: &Dataset, split: Split, part: &Part) -> Option<(u32, Sign)> {
    let class = only_class(part)?;
    let predicted = share_of(&part.predictions()?, class);
    let others: Vec<&Part> = Split::ALL
        .into_iter()
        .filter(|other| *other != split)
        .filter_map(|other| dataset.part(other))
        .filter(|part| part.truth.is_some() && only_class(part).is_none())
        .collect();
    let reference = others.iter().rev().find_map(|other| {
        let truth = other.truth.as_deref()?;
        let share = share_of(truth, class);
        // Rows drawn as those of the other file would not all be of one class.
        (share.powf(part.rows as f64) < NO_CHANCE).then_some((*other, share))
    });
    let label = dataset
        .labels
        .get(class as usize)
        .map(|label| normalized_label(label));
    let (recall, usual) = match reference {
        Some((other, share)) => rates(other, class).unwrap_or((0.95, share)),
        // Without another file only what programs fill a column with is doubted: 0, and the name of nothing.
        None if dataset.labels.len() > 1 && is_filler(label.as_deref()?) => {
            (0.9, 1.0 / dataset.labels.len() as f64)
        }
        None => return None,
    };
    let likelihood = |rate: f64| {
        let rate = rate.clamp(0.001, 0.999);
        part.rows as f64 * (predicted * rate.ln() + (1.0 - predicted) * (1.0 - rate).ln())
    };
    let is_placeholder = likelihood(usual) > likelihood(recall) + 5.0;
    let expected = reference.map(|_| recall);
    is_placeholder.then_some((class, Sign::OneClass { predicted, expected }))
}

fn is_filler(label: &str) -> bool {
    let number = label.rsplit(['_', ' ']).next().unwrap_or(label);
    number == "0" || stands_for_none(label) == Some(NoLabel::Sometimes)
}

/// The class of all rows, if there are many and they have but one.
fn only_class(part: &Part) -> Option<u32> {
    let truth = part.truth.as_deref().filter(|truth| truth.len() >= FEWEST_ROWS)?;
    truth.iter().all(|class| *class == truth[0]).then_some(truth[0])
}

fn share_of(classes: &[u32], class: u32) -> f64 {
    classes.iter().filter(|other| **other == class).count() as f64 / classes.len().max(1) as f64
}

/// The share of the rows of a class that are predicted as it, and the share of all rows that are.
fn rates(part: &Part, class: u32) -> Option<(f64, f64)> {
    let predictions = part.predictions()?;
    let of_class: Vec<u32> = part
        .truth
        .as_deref()?
        .iter()
        .zip(predictions.iter())
        .filter(|(truth, _)| **truth == class)
        .map(|(_, predicted)| *predicted)
        .collect();
    (!of_class.is_empty()).then(|| (share_of(&of_class, class), share_of(&predictions, class)))
}

#[cfg(test)]
mod tests {
    use labelproof_artifact::Silent;
    use labelproof_artifact::fs::write_atomic;

    use super::*;
    use crate::evidence::Evidence;
    use crate::files::{Files, read};

    /// Reads a validation file, if there is one, and a test file, of true and predicted labels.
    fn evidence(validation: &[(&str, &str)], test: &[(&str, &str)]) -> Evidence {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, rows: &[(&str, &str)]| {
            let path = folder.path().join(name);
            let lines = rows
                .iter()
                .map(|(truth, predicted)| format!("{truth}\t{predicted}\n"));
            let text = std::iter::once("label\tpredicted\n".to_owned())
                .chain(lines)
                .collect::<String>();
            write_atomic(&path, text.as_bytes()).unwrap();
            path
        };
        let files = Files {
            validation: (!validation.is_empty()).then(|| file("val.tsv", validation)),
            test: Some(file("test.tsv", test)),
            ..Files::default()
        };
        read(&files, &Silent).unwrap()
    }

    const VALIDATION: &[(&str, &str)] = &[("0", "0"), ("1", "1"), ("1", "0")];

    #[test]
    fn labels_that_stand_for_none_are_not_labels() {
        for label in [
            "-1",
            "-100",
            "?",
            "nan",
            "",
            "dummy",
            "unlabeled",
            "unknown",
            "none",
            "-1.0",
            "LABEL_-1",
            "test",
        ] {
            for validation in [&[][..], VALIDATION] {
                let read = evidence(validation, &[(label, "0"), (label, "1"), (label, "1")]);
                let test = read.dataset.test.unwrap();
                assert!(test.truth.is_none(), "{label}");
                let placeholders = test.placeholders.unwrap();
                assert_eq!((placeholders.rows, placeholders.of), (3, 3), "{label}");
                assert_eq!(read.dataset.labels, ["0", "1"], "{label}");
            }
        }
    }

    #[test]
    fn rows_without_a_label_are_left_aside() {
        let rows = [("0", "0"), ("-1", "1"), ("1", "1"), ("-1", "0"), ("1", "0")];
        for validation in [&[][..], VALIDATION] {
            let test = evidence(validation, &rows).dataset.test.unwrap();
            assert_eq!(test.rows, 3);
            assert_eq!(test.truth.unwrap(), [0, 1, 1]);
            assert_eq!(test.stored_predictions.unwrap(), [0, 1, 0]);
            let placeholders = test.placeholders.unwrap();
            assert_eq!((placeholders.rows, placeholders.of), (2, 5));
        }
    }

    #[test]
    fn what_a_file_calls_a_class_is_one() {
        let check = |validation: &[(&str, &str)], test: &[(&str, &str)]| {
            let test = evidence(validation, test).dataset.test.unwrap();
            assert!(test.placeholders.is_none() && test.truth.is_some(), "{test:?}");
        };
        // Predicted; in the other file; two classes of which one is -1; a class of its own beside others.
        check(&[], &[("-1", "-1"), ("0", "0"), ("1", "-1")]);
        check(
            &[("none", "for"), ("for", "for")],
            &[("none", "for"), ("none", "for")],
        );
        check(&[], &[("-1", "1"), ("1", "1"), ("1", "1")]);
        check(&[], &[("none", "for"), ("for", "for"), ("against", "for")]);
    }

    #[test]
    fn one_label_in_all_rows_is_a_placeholder_if_the_predictions_say_so() {
        let validation: Vec<(&str, &str)> =
            [("0", "0"), ("0", "0"), ("0", "0"), ("1", "1"), ("1", "1")].repeat(40);
        let any: Vec<(&str, &str)> = [("0", "0"), ("0", "0"), ("0", "0"), ("0", "1"), ("0", "1")].repeat(40);
        let of_class: Vec<(&str, &str)> = [("0", "0")].repeat(200);
        let placeholders = |validation: &[(&str, &str)], test: &[(&str, &str)]| {
            let test = evidence(validation, test).dataset.test.unwrap();
            assert_eq!(test.truth.is_none(), test.placeholders.is_some());
            test.placeholders.map(|placeholders| placeholders.sign)
        };
        let expected = Some(1.0);
        let sign = Sign::OneClass {
            predicted: 0.6,
            expected,
        };
        assert_eq!(placeholders(&validation, &any), Some(sign));
        assert_eq!(placeholders(&validation, &of_class), None);
        // Without another file, 0 in all rows is doubted, and a name is not.
        let sign = Sign::OneClass {
            predicted: 0.6,
            expected: None,
        };
        assert_eq!(placeholders(&[], &any), Some(sign));
        let named: Vec<(&str, &str)> = [("spam", "spam"), ("spam", "ham")].repeat(50);
        assert_eq!(placeholders(&[], &named), None);
    }
}
