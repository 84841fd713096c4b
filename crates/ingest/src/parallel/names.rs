//! Labels from the names of files of which each holds the texts of one label: `pos.txt` and `neg.txt`,
//! `rt-polarity.pos` and `rt-polarity.neg`, `train_pos.txt`.
//!
//! The label is the part of the name that varies. Words that name a split say nothing of the label.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::sources::Found;

/// Words of names that say a split.
const SPLITS: [&str; 10] = [
    "train",
    "training",
    "validation",
    "valid",
    "val",
    "dev",
    "eval",
    "test",
    "testing",
    "all",
];
/// What the name of a packed file ends in.
const PACKED: [&str; 6] = ["gz", "bz2", "xz", "zst", "zip", "tgz"];
/// What separates the words of a name.
const SEPARATORS: [char; 4] = ['.', '-', '_', ' '];

/// The label of each file.
pub(super) fn labels(sources: &[Found]) -> Result<Vec<String>, Error> {
    let names: Vec<&str> = sources.iter().map(|found| found.file.name.as_str()).collect();
    of_names(&names).map_err(|problem| Error::NamesWithoutLabels {
        files: names.iter().map(|name| (*name).to_owned()).collect(),
        problem,
    })
}

fn of_names(names: &[&str]) -> Result<Vec<String>, &'static str> {
    let words: Vec<Vec<&str>> = names.iter().map(|name| words(name)).collect();
    let varying = varying(&words);
    if varying.iter().any(Vec::is_empty) {
        return Err("they do not differ in a word that could be a label");
    }
    let labels: Vec<String> = varying.iter().map(|words| words.join("-")).collect();
    let different: BTreeSet<&String> = labels.iter().collect();
    let is_counted = |label: &&String| label.len() > 1 && label.starts_with('0') && is_number(label);
    if different.iter().any(is_counted) {
        return Err("they differ in a number, as the parts of one file do");
    }
    Ok(labels)
}

/// The words of a name, without those that say how the file is packed.
fn words(name: &str) -> Vec<&str> {
    let mut words: Vec<&str> = name
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .split(SEPARATORS)
        .filter(|word| !word.is_empty())
        .collect();
    if words.last().is_some_and(|last| PACKED.contains(last)) {
        words.pop();
    }
    words.retain(|word| !SPLITS.contains(&word.to_lowercase().as_str()));
    words
}

/// The words of each name but for those that all names begin or end with.
fn varying<'n>(names: &[Vec<&'n str>]) -> Vec<Vec<&'n str>> {
    let Some(first) = names.first() else {
        return Vec::new();
    };
    let shortest = names.iter().map(Vec::len).min().unwrap_or(0);
    let is_common = |place: &usize| names.iter().all(|name| name[*place] == first[*place]);
    let start = (0..shortest).take_while(is_common).count();
    let is_common_end = |back: &usize| {
        let word = |name: &Vec<&'n str>| name[name.len() - 1 - back];
        names.iter().all(|name| word(name) == word(first))
    };
    let end = (0..shortest - start).take_while(is_common_end).count();
    names
        .iter()
        .map(|name| name[start..name.len() - end].to_vec())
        .collect()
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: Result<&[&str], &str>) {
        let found = of_names(names);
        let found = found
            .as_ref()
            .map(|labels| labels.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(
            found.map_err(|problem| *problem),
            expected.map(<[&str]>::to_vec),
            "{names:?}"
        );
    }

    #[test]
    fn the_label_is_the_part_of_the_name_that_varies() {
        check(&["d/pos.txt", "d/neg.txt"], Ok(&["pos", "neg"]));
        // Pang and Lee's sentences.
        check(&["rt-polarity.neg", "rt-polarity.pos"], Ok(&["neg", "pos"]));
        check(
            &[
                "train_neg.txt.gz",
                "train_pos.txt.gz",
                "test_neg.txt.gz",
                "test_pos.txt.gz",
            ],
            Ok(&["neg", "pos", "neg", "pos"]),
        );
        check(
            &["very-good.txt", "very-bad.txt", "fair.txt"],
            Ok(&["very-good", "very-bad", "fair"]),
        );
        check(&["0.txt", "1.txt"], Ok(&["0", "1"]));
    }

    #[test]
    fn parts_and_splits_are_no_labels() {
        check(
            &["part-00000.txt", "part-00001.txt"],
            Err("they differ in a number, as the parts of one file do"),
        );
        let none = "they do not differ in a word that could be a label";
        check(&["train.txt", "test.txt"], Err(none));
        check(&["all.txt"], Err(none));
    }
}
