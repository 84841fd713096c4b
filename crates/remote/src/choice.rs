//! Which of the objects below a prefix an address means: one, those of a folder, or those that a glob
//! matches, with the rules that hold for files of this machine.

use std::collections::BTreeSet;

use glob::{MatchOptions, Pattern};

use crate::address::Address;
use crate::error::Error;

/// What the path of an address means.
#[derive(Debug)]
pub(crate) enum Choice {
    /// Everything below a folder; with its `/`, or nothing for the whole bucket.
    Folder(String),
    /// What a glob matches, and what lies in a folder that it matches.
    Glob(Pattern),
}

/// As for files of this machine: `*` stays within a folder, and matches nothing that is hidden.
const RULES: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

impl Choice {
    pub(crate) fn folder(path: &str) -> Self {
        let path = path.trim_end_matches('/');
        Self::Folder(if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        })
    }

    pub(crate) fn glob(address: &Address, path: &str) -> Result<Self, Error> {
        let pattern = Pattern::new(path.trim_end_matches('/'));
        pattern
            .map(Self::Glob)
            .map_err(|error| address.bad(&format!("it is no glob: {}", error.msg)))
    }

    /// The longest folder that holds all that can be meant, without its last `/`.
    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::Folder(folder) => folder.trim_end_matches('/'),
            Self::Glob(pattern) => {
                let text = pattern.as_str();
                let literal = &text[..text.find(['*', '?', '[']).unwrap_or(text.len())];
                literal.rfind('/').map_or("", |end| &literal[..end])
            }
        }
    }

    /// The path below the named folder of an object that is meant. `wanted` says which of a folder's are.
    pub(crate) fn inside(&self, key: &str, wanted: &dyn Fn(&str) -> bool) -> Option<String> {
        match self {
            Self::Folder(folder) => {
                let inside = key.strip_prefix(folder.as_str())?;
                (is_seen(inside) && wanted(inside)).then(|| inside.to_owned())
            }
            Self::Glob(pattern) => {
                if pattern.matches_with(key, RULES) {
                    return Some(last_two(key).to_owned());
                }
                let mut ends = key.match_indices('/').map(|(end, _)| end);
                let folder = ends.rfind(|end| pattern.matches_with(&key[..*end], RULES))?;
                let inside = &key[folder + 1..];
                (is_seen(inside) && wanted(inside)).then(|| inside.to_owned())
            }
        }
    }
}

/// The last two parts of a path: of a single file they may be its label and its name.
pub(crate) fn last_two(key: &str) -> &str {
    let mut slashes = key.rmatch_indices('/');
    slashes.next();
    slashes.next().map_or(key, |(place, _)| &key[place + 1..])
}

/// Whether nothing on the way to a file is hidden.
fn is_seen(inside: &str) -> bool {
    !inside.is_empty() && inside.split('/').all(|part| !part.starts_with('.'))
}

/// The folders above these objects. An empty object of such a name stands for the folder, as some tools leave
/// one, and is no file.
pub(crate) fn folders<'a>(keys: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    keys.flat_map(|key| key.match_indices('/').map(|(end, _)| &key[..end]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen<'a>(choice: &Choice, keys: &[&'a str]) -> Vec<(&'a str, String)> {
        let wanted = |inside: &str| inside.rsplit('.').next() == Some("csv");
        let chosen = keys
            .iter()
            .filter_map(|key| Some((*key, choice.inside(key, &wanted)?)));
        chosen.collect()
    }

    fn glob(text: &str) -> Choice {
        let address = Address::parse("s3://bucket/").unwrap().unwrap();
        Choice::glob(&address, text).unwrap()
    }

    #[test]
    fn a_folder_means_what_is_wanted_below_it() {
        let keys = [
            "a/b/1.csv",
            "a/2.csv",
            "a/README.md",
            "a/.x/3.csv",
            "ab/4.csv",
            "a/_SUCCESS",
        ];
        assert_eq!(
            chosen(&Choice::folder("a"), &keys),
            [
                ("a/b/1.csv", "b/1.csv".to_owned()),
                ("a/2.csv", "2.csv".to_owned())
            ]
        );
        assert_eq!(Choice::folder("a").prefix(), "a");
        assert_eq!(
            chosen(&Choice::folder(""), &["1.csv"]),
            [("1.csv", "1.csv".to_owned())]
        );
    }

    #[test]
    fn a_glob_stays_within_a_folder_and_takes_folders_whole() {
        let keys = [
            "d/train-1.csv",
            "d/train-2.tsv",
            "d/train-x/1.csv",
            "d/train-x/1.md",
            "d/e/train-3.csv",
        ];
        assert_eq!(
            chosen(&glob("d/train-*"), &keys),
            [
                ("d/train-1.csv", "d/train-1.csv".to_owned()),
                ("d/train-2.tsv", "d/train-2.tsv".to_owned()),
                ("d/train-x/1.csv", "1.csv".to_owned()),
            ]
        );
        assert_eq!(chosen(&glob("**/*.csv"), &keys).len(), 3);
        assert_eq!(glob("d/train-*").prefix(), "d");
        assert_eq!(glob("*.csv").prefix(), "");
        assert_eq!(glob("a/b/c?/d.csv").prefix(), "a/b");
    }

    #[test]
    fn an_empty_object_that_stands_for_a_folder_is_told_apart() {
        let folders = folders(["a/b/c.txt", "a/d"].into_iter());
        assert!(folders.contains("a/b") && folders.contains("a") && !folders.contains("a/d"));
        assert_eq!(last_two("x/y/z.txt"), "y/z.txt");
        assert_eq!(last_two("z.txt"), "z.txt");
    }
}
