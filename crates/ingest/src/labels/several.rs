//! Labels that are several labels in one cell: `a,b`, `a|b`, `['a', 'b']`, `[0, 1, 1]`.
//!
//! A label with a comma in it is a label. It is several if its parts are labels of their own: each of them is
//! in another label, too, and one is alone there, or some part of the column stands first in one label and
//! behind another in the next. `Springfield, Ohio` is one label, however many towns and states there are.

use std::collections::{BTreeMap, BTreeSet};

use super::LabelCounts;
use crate::params::Labels;

/// Labels that are several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Several {
    /// The labels in the order of their rows, the most frequent first.
    pub labels: Vec<String>,
    /// The number of their rows.
    pub rows: u64,
    /// The single labels.
    pub parts: Vec<String>,
}

/// What stands between several labels in a cell.
const SEPARATORS: [&str; 7] = ["|", ";", ",", "\t", "\n", "&", "+"];

/// The labels that are several, unless the settings name them: those of the separator that most of them have.
pub(crate) fn several(settings: &Labels, counts: &LabelCounts) -> Option<Several> {
    let lists = of_lists(settings, counts);
    if lists.is_some() {
        return lists;
    }
    SEPARATORS
        .iter()
        .filter_map(|separator| by_separator(separator, settings, counts))
        .max_by_key(|several| several.rows)
}

fn by_separator(separator: &str, settings: &Labels, counts: &LabelCounts) -> Option<Several> {
    let mut parts_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // In how many labels each part is.
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut alone, mut first) = (BTreeSet::new(), BTreeSet::new());
    let mut later: BTreeSet<&str> = BTreeSet::new();
    for label in counts.names() {
        let mut parts: Vec<&str> = label.split(separator).map(str::trim).collect();
        let is_several = parts.len() > 1 && parts.iter().all(|part| !part.is_empty());
        if is_several {
            first.insert(parts[0]);
            later.extend(&parts[1..]);
        } else if let [part] = parts.as_slice() {
            alone.insert(*part);
        }
        parts.sort_unstable();
        parts.dedup();
        for part in &parts {
            *uses.entry(part).or_default() += 1;
        }
        if is_several && !settings.names_class(label) {
            parts_of.insert(label, parts);
        }
    }
    let is_mixed = first.intersection(&later).next().is_some();
    let is_combined = |parts: &Vec<&str>| {
        parts.len() > 1
            && parts.iter().all(|part| uses[part] > 1)
            && (is_mixed || parts.iter().any(|part| alone.contains(part)))
    };
    collect(
        parts_of.into_iter().filter(|(_, parts)| is_combined(parts)),
        counts,
    )
}

/// Labels that a program wrote as lists. One item in each is a label with something around it, and no fault.
fn of_lists(settings: &Labels, counts: &LabelCounts) -> Option<Several> {
    let mut parts_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for label in counts.names() {
        let inside = [('[', ']'), ('{', '}')].iter().find_map(|(open, close)| {
            let rest = label.trim().strip_prefix(*open)?;
            rest.strip_suffix(*close)
        });
        // Without a bracket around each label, one bracket is part of a name.
        let inside = inside?;
        // NumPy puts nothing but blanks between numbers.
        let is_numbers = inside
            .chars()
            .all(|character| character.is_ascii_digit() || ". ".contains(character));
        let parts: Vec<&str> = inside
            .split(|character| character == ',' || is_numbers && character == ' ')
            .map(|part| part.trim().trim_matches(['\'', '"']))
            .filter(|part| !part.is_empty())
            .collect();
        if parts.len() > 1 && !settings.names_class(label) {
            parts_of.insert(label, parts);
        }
    }
    collect(parts_of.into_iter(), counts)
}

fn collect<'a>(
    labels: impl Iterator<Item = (&'a str, Vec<&'a str>)>,
    counts: &LabelCounts,
) -> Option<Several> {
    let labels: BTreeMap<&str, Vec<&str>> = labels.collect();
    if labels.is_empty() {
        return None;
    }
    let parts: BTreeSet<&str> = labels.values().flatten().copied().collect();
    let mut rows: Vec<(u64, &str)> = counts
        .iter()
        .filter(|(label, _)| labels.contains_key(label.as_str()))
        .map(|(label, rows)| (rows, label.as_str()))
        .collect();
    rows.sort_by(|one, other| (other.0, one.1).cmp(&(one.0, other.1)));
    Some(Several {
        rows: rows.iter().map(|(rows, _)| rows).sum(),
        labels: rows.into_iter().map(|(_, label)| label.to_owned()).collect(),
        parts: parts.into_iter().map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(labels: &[&str], expected: &[&str]) {
        let counts = labels.iter().map(|label| (*label, 2)).collect();
        let found = several(&Labels::default(), &counts);
        assert_eq!(
            found.map(|several| several.labels).unwrap_or_default(),
            expected,
            "{labels:?}"
        );
    }

    #[test]
    fn several_labels_in_one_cell_are_told_from_a_label_with_a_comma() {
        check(&["joy", "anger", "joy|anger"], &["joy|anger"]);
        check(
            &["joy, love", "joy, anger", "anger, love"],
            &["anger, love", "joy, anger", "joy, love"],
        );
        check(&["a;b", "a", "b", "c"], &["a;b"]);
        check(&["a, b", "😀 happy", "say \"no\""], &[]);
        check(&["Sci/Tech", "World", "Business"], &[]);
        check(&["R&D", "HR", "sales"], &[]);
        check(&["rec.sport.hockey", "rec.sport.baseball", "sci.med"], &[]);
        check(&["Smith, J", "Smith, K", "Doe, J"], &[]);
        check(&["C", "C++", "C#"], &[]);
    }

    #[test]
    fn lists_of_several_are_told_from_lists_of_one() {
        check(&["['a']", "['b']", "['a', 'b']"], &["['a', 'b']"]);
        check(&["[0, 1, 0]", "[1, 0, 0]"], &["[0, 1, 0]", "[1, 0, 0]"]);
        check(&["['a']", "['b']"], &[]);
        check(&["[x] done", "open"], &[]);
    }

    #[test]
    fn what_the_settings_name_is_a_class() {
        let counts = ["a", "b", "a,b"].iter().map(|label| (*label, 2)).collect();
        let settings: Labels = serde_yaml::from_str("{keep: [a, b, 'a,b']}").unwrap();
        assert_eq!(several(&settings, &counts), None);
    }
}
