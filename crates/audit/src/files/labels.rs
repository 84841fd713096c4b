//! One label map over all files: from labels as they are spelled to class numbers.
//!
//! Spellings that differ in case, spaces, Unicode form or a trailing `.0` are one class, so that one of them
//! does not ruin every other check; which spellings there were stays in `Part::spellings`.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::Reporter;
use labelproof_text::labels::normalized_label;

use super::error::{Error, listed};
use super::order::Places;
use super::table::{Labels, RawScores, Table};
use crate::evidence::{Join, Joined};

/// The class names, and how to number labels and score columns.
#[derive(Debug)]
pub(super) struct LabelNumbers {
    /// Names in order, as they are shown.
    pub(super) names: Vec<String>,
    keys: BTreeMap<String, u32>,
    is_exact: bool,
    /// Whether the names are no numbers, so that numbers can be places among them.
    has_names: bool,
    /// Whether score columns give the order of the names; else it is that of the alphabet.
    order_is_given: bool,
}

/// A label as it is, or without what spellings vary.
pub(super) fn label_key(label: &str, is_exact: bool) -> String {
    if is_exact {
        label.to_owned()
    } else {
        normalized_label(label)
    }
}

fn is_integer(key: &str) -> bool {
    key.parse::<i64>().is_ok()
}

/// The number of a class that Hugging Face calls `LABEL_3`, for want of a name.
fn numbered(key: &str) -> Option<&str> {
    key.strip_prefix("label_").filter(|number| is_integer(number))
}

/// Columns named exactly after the classes, or `LABEL_3` for class 3, become the scores of their file.
pub(super) fn adopt_candidates(tables: &mut [&mut Table]) {
    let mut keys = BTreeSet::new();
    let labels = tables.iter().flat_map(|table| [&table.truth, &table.predicted]);
    let labels: Vec<&Labels> = labels.flatten().collect();
    let are_numbers = |labels: &&Labels| {
        let mut spellings = labels.spellings.iter();
        spellings.all(|label| is_integer(&label_key(label, false)))
    };
    // Numbers beside names are places among the names.
    let has_names = !labels.iter().all(are_numbers);
    for labels in labels.iter().filter(|labels| !has_names || !are_numbers(labels)) {
        keys.extend(labels.spellings.iter().map(|label| label_key(label, false)));
    }
    for table in tables {
        let candidates = std::mem::take(&mut table.candidates);
        if keys.len() < 2 || table.scores.as_ref().is_some_and(|scores| scores.width > 1) {
            continue;
        }
        // The names in the file of columns that are read as numbers.
        let mut columns = BTreeMap::new();
        let (matching, found): (Vec<_>, BTreeSet<String>) = candidates
            .into_iter()
            .map(|mut candidate| {
                let mut key = label_key(&candidate.name, false);
                if let Some(number) = numbered(&key).filter(|number| keys.contains(*number)) {
                    key = number.to_owned();
                    columns.insert(key.clone(), std::mem::replace(&mut candidate.name, key.clone()));
                }
                (candidate, key)
            })
            .filter(|(_, key)| keys.contains(key))
            .unzip();
        if found.len() != keys.len() || matching.len() != keys.len() {
            continue;
        }
        let width = matching.len();
        let mut values = vec![0.0; table.rows * width];
        for (column, candidate) in matching.iter().enumerate() {
            for (row, value) in candidate.values.iter().enumerate() {
                values[row * width + column] = *value;
            }
        }
        let column = |name: &String| columns.get(name).unwrap_or(name).clone();
        table.score_columns = matching.iter().map(|candidate| column(&candidate.name)).collect();
        table.scores = Some(RawScores {
            names: Some(matching.into_iter().map(|candidate| candidate.name).collect()),
            width,
            values,
            logits: false,
        });
    }
}

/// How often a class is spelled how.
#[derive(Debug, Default)]
struct Tally {
    /// Rows of train and validation, then of test, then whether a score column is called so.
    spellings: BTreeMap<String, [u64; 3]>,
}

impl Tally {
    /// The most frequent spelling; of equals the first by bytes.
    fn shown(&self) -> String {
        let best = self.spellings.iter().rev().max_by_key(|(_, counts)| **counts);
        best.map(|(spelling, _)| spelling.clone()).unwrap_or_default()
    }
}

impl LabelNumbers {
    /// The labels of all files. `tables` are train, validation and test, of which the first two name the
    /// classes.
    pub(super) fn of(tables: &[(&Table, bool)]) -> Result<Self, Error> {
        let is_exact = tables.iter().any(|(table, _)| score_names_need_care(table));
        let key = |label: &str| label_key(label, is_exact);
        let lists = |table: &Table| -> Vec<Vec<String>> {
            let labels = [&table.truth, &table.predicted].into_iter().flatten();
            let labels = labels.map(|labels| labels.spellings.clone());
            labels
                .chain(class_columns(table).map(<[String]>::to_vec))
                .collect()
        };
        let all: Vec<Vec<String>> = tables.iter().flat_map(|(table, _)| lists(table)).collect();
        let all_integers = |list: &[String]| list.iter().all(|label| is_integer(&key(label)));
        let named: BTreeSet<String> = all
            .iter()
            .filter(|list| !all_integers(list))
            .flatten()
            .map(|label| key(label))
            .collect();
        let mut map = Self {
            names: Vec::new(),
            keys: BTreeMap::new(),
            is_exact,
            has_names: !named.is_empty(),
            order_is_given: false,
        };
        let tallies = map.tally(tables, &named);
        let given = map.order_of_scores(tables, &named)?;
        map.order_is_given = given.is_some();
        let order = match given {
            Some(order) => {
                let scored: Vec<String> = order.iter().map(|key| tallies[key].shown()).collect();
                let without = tallies.iter().find(|(key, _)| !order.contains(key));
                if let Some((_, tally)) = without {
                    let place = tables.iter().find(|(table, _)| class_columns(table).is_some());
                    return Err(Error::NoScoreOfLabel {
                        place: place.map(|(table, _)| table.source.clone()).unwrap_or_default(),
                        label: tally.shown(),
                        scored,
                    });
                }
                order
            }
            None => sorted(&tallies),
        };
        let mut names: Vec<String> = order.iter().map(|key| tallies[key].shown()).collect();
        let mut keys = order;
        for (table, _) in tables {
            extend_to_scores(table, &mut keys, &mut names)?;
        }
        map.names = names;
        map.keys = (0_u32..).zip(keys).map(|(class, key)| (key, class)).collect();
        Ok(map)
    }

    /// Every class that is spelled out somewhere.
    fn tally(&self, tables: &[(&Table, bool)], named: &BTreeSet<String>) -> BTreeMap<String, Tally> {
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        let mut add = |spelling: &str, place: usize, count: u64| {
            let key = label_key(spelling, self.is_exact);
            // Numbers beside names are places among the names.
            if named.is_empty() || named.contains(&key) {
                let tally = tallies.entry(key).or_default();
                tally.spellings.entry(spelling.trim().to_owned()).or_default()[place] += count;
            }
        };
        for (table, is_first) in tables {
            for labels in [&table.truth, &table.predicted].into_iter().flatten() {
                for (spelling, count) in labels.spellings.iter().zip(&labels.counts) {
                    add(spelling, usize::from(!is_first), *count);
                }
            }
            for name in class_columns(table).into_iter().flatten() {
                add(name, 2, 1);
            }
        }
        tallies
    }

    /// The keys in the order of the first file that names its score columns.
    fn order_of_scores(
        &self,
        tables: &[(&Table, bool)],
        named: &BTreeSet<String>,
    ) -> Result<Option<Vec<String>>, Error> {
        let mut first: Option<(&Table, Vec<String>)> = None;
        // Validation and test before train: their scores are what the audit is about.
        for (table, _) in tables.iter().skip(1).chain(tables.first()) {
            let Some(columns) = class_columns(table) else {
                continue;
            };
            let keys: Vec<String> = columns
                .iter()
                .map(|name| label_key(name, self.is_exact))
                .collect();
            if !named.is_empty() && !keys.iter().all(|key| named.contains(key)) {
                continue;
            }
            match &first {
                None => first = Some((table, keys)),
                Some((other, expected)) => {
                    let set: BTreeSet<&String> = keys.iter().collect();
                    if set != expected.iter().collect() {
                        return Err(Error::OtherScores {
                            first: other.source.clone(),
                            first_labels: class_columns(other).unwrap_or_default().to_vec(),
                            second: table.source.clone(),
                            second_labels: columns.to_vec(),
                        });
                    }
                }
            }
        }
        Ok(first.map(|(_, keys)| keys))
    }

    /// The class of each row, and whether the labels were places among the names.
    pub(super) fn number(
        &self,
        labels: Labels,
        source: &str,
        reporter: &dyn Reporter,
    ) -> Result<Vec<u32>, Error> {
        let classes = self.classes_of(&labels.spellings, &labels.column, source)?;
        if self.are_places(&labels.spellings) {
            reporter.message(&format!(
                "{source}: `{}` has numbers, taken as places from {} in {}",
                labels.column,
                self.first_place(&labels.spellings),
                listed(&self.names)
            ));
        }
        let mut values = labels.values;
        for value in &mut values {
            *value = classes[*value as usize];
        }
        Ok(values)
    }

    /// Whether these are numbers of classes that have names.
    pub(super) fn are_places(&self, spellings: &[String]) -> bool {
        let is_known = |label: &String| self.keys.contains_key(&label_key(label, self.is_exact));
        self.has_names
            && spellings
                .iter()
                .all(|label| is_integer(&label_key(label, self.is_exact)))
            && !spellings.iter().all(is_known)
    }

    /// The number of the first name: 1 where numbers reach up to the number of names and none is 0.
    fn first_place(&self, spellings: &[String]) -> usize {
        let numbers = spellings
            .iter()
            .map(|label| label_key(label, self.is_exact).parse::<usize>());
        let numbers: Vec<usize> = numbers.filter_map(Result::ok).collect();
        usize::from(!numbers.contains(&0) && numbers.contains(&self.names.len()))
    }

    /// Which columns of a table hold places among names that only the alphabet puts in order.
    pub(super) fn places(&self, table: &Table) -> Places {
        let guessed = |labels: &Option<Labels>| {
            let is_place = labels
                .as_ref()
                .is_some_and(|labels| self.are_places(&labels.spellings));
            !self.order_is_given && is_place
        };
        let has_unnamed = |table: &Table| {
            let scores = table.scores.as_ref();
            scores.is_some_and(|scores| {
                let names = scores.names.as_deref();
                names.is_none_or(|names| self.are_places(names)) && scores.width == self.names.len()
            })
        };
        Places {
            truth: guessed(&table.truth),
            predicted: guessed(&table.predicted),
            // Two columns of scores without a name, or more, are in the order of the model as well, and so are
            // those that are called by a number.
            scores: self.has_names && !self.order_is_given && has_unnamed(table) && self.names.len() > 1,
        }
    }

    /// Columns whose numbers were taken as places among names that only the alphabet puts in order.
    pub(super) fn guessed_places(&self, columns: &[&Option<Labels>]) -> Vec<Joined> {
        let guessed = columns
            .iter()
            .filter_map(|labels| labels.as_ref())
            .filter_map(|labels| {
                let is_guess = !self.order_is_given && self.are_places(&labels.spellings);
                let written = labels.spellings.first().filter(|_| is_guess)?;
                let class = *self.classes_of(&labels.spellings, "", "").ok()?.first()?;
                Some(Joined {
                    column: labels.column.clone(),
                    written: written.clone(),
                    read: self.names[class as usize].clone(),
                    how: Join::Places,
                })
            });
        guessed.collect()
    }

    /// The class of each spelling.
    pub(super) fn classes_of(
        &self,
        spellings: &[String],
        column: &str,
        source: &str,
    ) -> Result<Vec<u32>, Error> {
        let are_places = self.are_places(spellings);
        let first = if are_places {
            self.first_place(spellings)
        } else {
            0
        };
        let class = |spelling: &String| {
            let key = label_key(spelling, self.is_exact);
            let class = if are_places {
                key.parse::<usize>()
                    .ok()
                    .and_then(|number| number.checked_sub(first))
                    .filter(|class| *class < self.names.len())
                    .and_then(|class| u32::try_from(class).ok())
            } else {
                self.keys.get(&key).copied()
            };
            class.ok_or_else(|| Error::LabelNumber {
                place: source.to_owned(),
                column: column.to_owned(),
                number: spelling.clone(),
                labels: self.names.clone(),
            })
        };
        spellings.iter().map(class).collect()
    }
}

/// The names of the score columns, if each class has one.
fn class_columns(table: &Table) -> Option<&[String]> {
    let scores = table.scores.as_ref().filter(|scores| scores.width > 1)?;
    scores.names.as_deref()
}

/// Whether two score columns differ only in what spellings vary: then they are two classes.
fn score_names_need_care(table: &Table) -> bool {
    let names = class_columns(table).unwrap_or_default();
    let keys: BTreeSet<String> = names.iter().map(|name| label_key(name, false)).collect();
    keys.len() < names.len()
}

/// Numbers by value; names by bytes, as scikit-learn's `LabelEncoder` sorts, but for the numbers that end
/// them: `LABEL_10` comes after `LABEL_9`.
fn sorted(tallies: &BTreeMap<String, Tally>) -> Vec<String> {
    let are_numbers = tallies.keys().all(|key| is_integer(key));
    let mut keys: Vec<_> = tallies
        .iter()
        .map(|(key, tally)| {
            let shown = tally.shown();
            let number = key.parse::<i64>().ok().filter(|_| are_numbers);
            let stem = shown.trim_end_matches(|character: char| character.is_ascii_digit());
            let end = shown[stem.len()..].parse::<u64>().ok();
            (number, stem.to_owned(), end, shown, key.clone())
        })
        .collect();
    keys.sort();
    keys.into_iter().map(|(.., key)| key).collect()
}

/// Scores without names say how many classes there are; numbered labels may lack some of them.
fn extend_to_scores(table: &Table, keys: &mut Vec<String>, names: &mut Vec<String>) -> Result<(), Error> {
    let Some(scores) = &table.scores else {
        return Ok(());
    };
    if scores.names.is_some() || scores.width == 1 || scores.width == keys.len() {
        return Ok(());
    }
    let numbers: Option<Vec<i64>> = keys.iter().map(|key| key.parse().ok()).collect();
    let width = i64::try_from(scores.width).unwrap_or(i64::MAX);
    let first = match numbers.as_deref() {
        Some([]) => Some(0),
        Some([first, .., last]) if *first >= 0 && *last < width => Some(0),
        Some([first, .., last]) if *first >= 1 && *last == width => Some(1),
        Some([only]) if (0..width).contains(only) => Some(0),
        _ => None,
    };
    let first = first.ok_or_else(|| Error::ScoreCount {
        place: table.source.clone(),
        scores: scores.width,
        labels: names.clone(),
    })?;
    *keys = (first..first + width).map(|number| number.to_string()).collect();
    names.clone_from(keys);
    Ok(())
}
