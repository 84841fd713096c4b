//! In which forms one class is written: what a label is without its wrapping, its prefix, or its stars, and
//! whether two vocabularies are the same in another form.
//!
//! Pure functions of labels. A form is only taken off if all labels of a vocabulary have it.

use std::collections::{BTreeMap, BTreeSet};

use super::labels::label_key;
use crate::evidence::Join;

/// What the labels of a vocabulary become.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rewriting {
    /// For each label that changes what it becomes; nothing if none does.
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) how: Join,
    pub(super) is_stars: bool,
}

impl Rewriting {
    fn none() -> Self {
        Self {
            labels: None,
            how: Join::Form,
            is_stars: false,
        }
    }

    fn of(labels: BTreeMap<String, String>, how: Join) -> Self {
        Self {
            labels: Some(labels),
            how,
            is_stars: false,
        }
    }
}

/// Labels without what a program's printing puts around each of them: `tensor(3)`, `[3]`, `['a']`,
/// `np.int64(3)`, `"a"`, `b'a'`.
pub(super) fn unwrapped(labels: &[String]) -> Option<Vec<String>> {
    let inner: Option<Vec<String>> = labels.iter().map(|label| unwrap(label)).collect();
    inner.filter(|inner| inner.iter().all(|label| !label.is_empty()))
}

fn unwrap(label: &str) -> Option<String> {
    let label = label.trim();
    let called = [
        "tensor",
        "array",
        "np.int64",
        "np.int32",
        "np.str_",
        "np.float64",
        "np.float32",
        "numpy.int64",
        "torch.tensor",
        "tf.Tensor",
    ];
    if let Some((name, rest)) = label.split_once('(')
        && called.contains(&name)
    {
        let inner = rest.strip_suffix(')')?;
        // `tensor(3, device='cuda:0')` says where it lies as well.
        let first = inner.split(", dtype").next()?.split(", device").next()?;
        return Some(unwrap(first).unwrap_or_else(|| first.trim().to_owned()));
    }
    let within = |open: &str, close: &str| -> Option<&str> {
        let inner = label.strip_prefix(open)?.strip_suffix(close)?;
        (!inner.contains([',', '[', ']', '(', ')', '{'])).then_some(inner)
    };
    let pairs = [
        ("[", "]"),
        ("(", ",)"),
        ("(", ")"),
        ("b'", "'"),
        ("'", "'"),
        ("\"", "\""),
        ("{'", "'}"),
    ];
    let inner = pairs.iter().find_map(|(open, close)| within(open, close))?;
    Some(unwrap(inner).unwrap_or_else(|| inner.trim().to_owned()))
}

/// How to write two vocabularies that have no label in common, so that they are one; `None` if nothing says
/// that they mean the same.
pub(super) fn same(one: &BTreeSet<String>, other: &BTreeSet<String>) -> Option<[Rewriting; 2]> {
    numbers(one, other)
        .or_else(|| truths(one, other))
        .or_else(|| affixes(one, other))
        .or_else(|| abbreviations(one, other))
}

/// Labels that are numbers in some form.
struct Numbered {
    numbers: Vec<i64>,
    is_plain: bool,
    is_stars: bool,
}

fn numbered(labels: &BTreeSet<String>) -> Option<Numbered> {
    let all = |number: fn(&str) -> Option<i64>| -> Option<Vec<i64>> {
        labels.iter().map(|label| number(label)).collect()
    };
    let of = |numbers, is_plain, is_stars| Numbered {
        numbers,
        is_plain,
        is_stars,
    };
    let plain = all(|label| label_key(label, false).parse().ok());
    plain
        .map(|numbers| of(numbers, true, false))
        .or_else(|| {
            let stars = all(stars).map(|numbers| of(numbers, false, true));
            stars.or_else(|| {
                let stripped = stripped(labels)?;
                let numbers: Option<Vec<i64>> = stripped
                    .iter()
                    .map(|label| label_key(label, false).parse().ok())
                    .collect();
                numbers.map(|numbers| of(numbers, false, false))
            })
        })
        .or_else(|| {
            let both: Option<Vec<i64>> = labels.iter().map(|label| Some(behind_number(label)?.0)).collect();
            both.map(|numbers| of(numbers, false, false))
        })
}

/// Words for stars that stand behind their number.
const STARS: &[&str] = &[
    "star",
    "stars",
    "stern",
    "sterne",
    "étoile",
    "étoiles",
    "etoile",
    "etoiles",
    "estrella",
    "estrellas",
    "stella",
    "stelle",
    "sterren",
    "ster",
    "point",
    "points",
];

/// The number of stars: `5 stars`, `4-star`, `★★★★☆`.
fn stars(label: &str) -> Option<i64> {
    let label = label.trim();
    let is_full = |character: char| matches!(character, '★' | '⭐' | '🌟');
    let is_star = |character: char| {
        is_full(character) || matches!(character, '☆' | '✩' | '\u{fe0f}') || character.is_whitespace()
    };
    if !label.is_empty() && label.chars().all(is_star) {
        return i64::try_from(label.chars().filter(|character| is_full(*character)).count()).ok();
    }
    let digits = label.find(|character: char| !character.is_ascii_digit())?;
    let number = label[..digits].parse().ok()?;
    let word = label[digits..].trim_matches([' ', '_', '-', '.']).to_lowercase();
    STARS.contains(&word.as_str()).then_some(number)
}

/// The number and the name of a label that has both: `0: World`, `3 - sport`.
fn behind_number(label: &str) -> Option<(i64, String)> {
    let label = label.trim();
    let digits = label.find(|character: char| !character.is_ascii_digit())?;
    let rest = label[digits..].trim_start();
    let name = rest.strip_prefix([':', ')', '-', '.', '=', '_'])?.trim_start();
    let is_name = name.starts_with(char::is_alphabetic);
    is_name.then(|| Some((label[..digits].parse().ok()?, name.to_owned())))?
}

fn numbers(one: &BTreeSet<String>, other: &BTreeSet<String>) -> Option<[Rewriting; 2]> {
    let rewriting = |labels: &BTreeSet<String>, numbered: &Numbered| {
        if numbered.is_plain {
            return Rewriting::none();
        }
        let new = labels
            .iter()
            .cloned()
            .zip(numbered.numbers.iter().map(i64::to_string))
            .collect();
        Rewriting {
            is_stars: numbered.is_stars,
            ..Rewriting::of(new, Join::Form)
        }
    };
    match (numbered(one), numbered(other)) {
        (Some(first), Some(second)) if !first.is_plain || !second.is_plain => {
            Some([rewriting(one, &first), rewriting(other, &second)])
        }
        // `0: World` beside names is a name.
        (Some(_), None) if one.iter().all(|label| behind_number(label).is_some()) => None,
        (None, Some(_)) if other.iter().all(|label| behind_number(label).is_some()) => None,
        // `LABEL_3` beside names is the place of a name, as 3 is.
        (Some(first), None) if is_place(&first, other.len()) => {
            Some([rewriting(one, &first), Rewriting::none()])
        }
        (None, Some(second)) if is_place(&second, one.len()) => {
            Some([Rewriting::none(), rewriting(other, &second)])
        }
        _ => None,
    }
}

/// Whether numbers that are not plain may be places among so many names.
fn is_place(numbered: &Numbered, names: usize) -> bool {
    let fits = |number: &i64| usize::try_from(*number).is_ok_and(|number| number < names);
    !numbered.is_plain && !numbered.is_stars && numbered.numbers.iter().all(fits)
}

/// Words for true and false.
const TRUTHS: [(&str, &str); 5] = [
    ("true", "false"),
    ("yes", "no"),
    ("y", "n"),
    ("t", "f"),
    ("on", "off"),
];

fn truth(label: &str) -> Option<&'static str> {
    let key = label_key(label, false);
    let is = |(yes, no): &(&str, &str)| (*yes == key).then_some("1").or((*no == key).then_some("0"));
    TRUTHS.iter().find_map(is).or(match key.as_str() {
        "1" => Some("1"),
        "0" => Some("0"),
        _ => None,
    })
}

/// `True` and `False` beside 1 and 0, or beside `yes` and `no`.
fn truths(one: &BTreeSet<String>, other: &BTreeSet<String>) -> Option<[Rewriting; 2]> {
    let rewriting = |labels: &BTreeSet<String>| -> Option<Rewriting> {
        let new: Option<BTreeMap<String, String>> = labels
            .iter()
            .map(|label| Some((label.clone(), truth(label)?.to_owned())))
            .collect();
        Some(Rewriting::of(new?, Join::Form))
    };
    Some([rewriting(one)?, rewriting(other)?])
}

/// What programs put before a label.
const PREFIXES: &[&str] = &[
    "__label__",
    "label_",
    "label-",
    "label ",
    "label",
    "class_",
    "class-",
    "class ",
    "class",
    "category_",
    "category ",
    "cat_",
    "topic_",
    "topic ",
    "cls_",
    "b-",
    "i-",
    "c",
    "y_",
    "l",
];

/// Labels without the prefix and the suffix that all of them have.
fn stripped(labels: &BTreeSet<String>) -> Option<Vec<String>> {
    let trimmed: Vec<&str> = labels.iter().map(|label| label.trim()).collect();
    let prefix = common_prefix(&trimmed);
    let without: Vec<&str> = trimmed.iter().map(|label| &label[prefix..]).collect();
    let suffix = common_suffix(&without);
    let without: Vec<String> = without
        .iter()
        .map(|label| label[..label.len() - suffix].to_owned())
        .collect();
    ((prefix > 0 || suffix > 0) && without.iter().all(|label| !label.is_empty())).then_some(without)
}

/// The length of what all labels begin with and may be taken off: up to a joint (`__label__`), or up to the
/// digits that end all of them.
fn common_prefix(labels: &[&str]) -> usize {
    let [first, others @ ..] = labels else { return 0 };
    if others.is_empty() {
        let lower = first.to_lowercase();
        let known = |prefix: &&&str| {
            lower.len() == first.len() && lower.len() > prefix.len() && lower.starts_with(**prefix)
        };
        let is_good = |prefix: &&&str| {
            prefix.ends_with(['_', '-', ' '])
                || first[prefix.len()..].bytes().all(|byte| byte.is_ascii_digit())
        };
        return PREFIXES
            .iter()
            .find(|prefix| known(prefix) && is_good(prefix))
            .map_or(0, |prefix| prefix.len());
    }
    let mut length = first.len();
    for other in others {
        let common = first
            .char_indices()
            .zip(other.chars())
            .find(|((_, one), other)| one != other);
        length = length.min(common.map_or(first.len().min(other.len()), |((at, _), _)| at));
    }
    let common = first[..length].trim_end_matches(|character: char| character.is_ascii_digit());
    let ends_in_digits = labels.iter().all(|label| {
        let rest = &label[common.len()..];
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
    });
    if ends_in_digits {
        return common.len();
    }
    common
        .rfind(|character: char| !character.is_alphanumeric())
        .map_or(0, |at| at + common[at..].chars().next().map_or(1, char::len_utf8))
}

/// The length of what all labels end with and may be taken off, from a joint on.
fn common_suffix(labels: &[&str]) -> usize {
    let [first, others @ ..] = labels else { return 0 };
    if others.is_empty() {
        return 0;
    }
    let mut length = first.len();
    for other in others {
        let common = first
            .char_indices()
            .rev()
            .zip(other.chars().rev())
            .find(|((_, one), other)| one != other)
            .map(|((at, one), _)| first.len() - at - one.len_utf8());
        length = length.min(common.unwrap_or(first.len().min(other.len())));
    }
    let common = &first[first.len() - length..];
    common
        .find(|character: char| !character.is_alphanumeric())
        .map_or(0, |at| common.len() - at)
}

/// A label without letter case and without what joins its words.
pub(super) fn loose(label: &str) -> String {
    let key = label_key(label, false);
    let is_joint = |character: &char| " _-/.,&:;'\"".contains(*character);
    let kept: String = key.chars().filter(|character| !is_joint(character)).collect();
    if kept.is_empty() { key } else { kept }
}

/// The same names with another prefix or suffix, or with other signs between their words.
fn affixes(one: &BTreeSet<String>, other: &BTreeSet<String>) -> Option<[Rewriting; 2]> {
    let forms = |labels: &BTreeSet<String>| -> Vec<(Vec<String>, bool)> {
        let plain = (labels.iter().cloned().collect(), false);
        let numbered: Option<Vec<String>> =
            labels.iter().map(|label| Some(behind_number(label)?.1)).collect();
        [
            Some(plain),
            stripped(labels).map(|labels| (labels, true)),
            numbered.map(|labels| (labels, true)),
        ]
        .into_iter()
        .flatten()
        .collect()
    };
    let (first, second) = (forms(one), forms(other));
    for (mine, is_mine_stripped) in &first {
        for (theirs, is_theirs_stripped) in &second {
            let key_of = |label: &String| loose(label);
            let (Some(my_keys), Some(their_keys)) = (unique(mine, key_of), unique(theirs, key_of)) else {
                continue;
            };
            let shared = my_keys.keys().filter(|key| their_keys.contains_key(*key)).count();
            if shared == 0 || 2 * shared < my_keys.len().min(their_keys.len()) {
                continue;
            }
            let how = if *is_mine_stripped || *is_theirs_stripped {
                Join::Form
            } else {
                Join::Words
            };
            // The side that has nothing to take off stays as it is, and of two the first.
            let like = |labels: &[String], known: &BTreeMap<String, String>| -> Vec<String> {
                let new = labels
                    .iter()
                    .map(|label| known.get(&loose(label)).unwrap_or(label));
                new.cloned().collect()
            };
            return Some(if *is_mine_stripped {
                let theirs_new = is_theirs_stripped.then(|| pairs(other, theirs.clone()));
                [
                    Rewriting::of(pairs(one, like(mine, &their_keys)), how),
                    theirs_new.map_or_else(Rewriting::none, |new| Rewriting::of(new, how)),
                ]
            } else {
                [
                    Rewriting::none(),
                    Rewriting::of(pairs(other, like(theirs, &my_keys)), how),
                ]
            });
        }
    }
    None
}

fn pairs(labels: &BTreeSet<String>, new: Vec<String>) -> BTreeMap<String, String> {
    labels
        .iter()
        .cloned()
        .zip(new)
        .filter(|(old, new)| old != new)
        .collect()
}

/// Labels by their keys, unless two have the same.
fn unique(labels: &[String], key: impl Fn(&String) -> String) -> Option<BTreeMap<String, String>> {
    let keyed: BTreeMap<String, String> = labels.iter().map(|label| (key(label), label.clone())).collect();
    let keys: BTreeSet<String> = labels.iter().map(|label| label_key(label, false)).collect();
    (keyed.len() >= keys.len()).then_some(keyed)
}

/// `pos` and `neg` beside `positive` and `negative`, or `autos` beside `rec.autos`: every label begins or ends
/// one of the other vocabulary, and no two the same.
fn abbreviations(one: &BTreeSet<String>, other: &BTreeSet<String>) -> Option<[Rewriting; 2]> {
    if one.len() < 2 || other.len() < 2 {
        return None;
    }
    let expand = |short: &BTreeSet<String>, long: &BTreeSet<String>| -> Option<BTreeMap<String, String>> {
        let mut taken = BTreeSet::new();
        let mut new = BTreeMap::new();
        for label in short {
            let key = loose(label);
            let is_end = |long: &str| {
                let ends = long.to_lowercase();
                let before = ends.strip_suffix(&label.trim().to_lowercase());
                before.is_some_and(|before| before.ends_with(['.', '/', ':', '_', '-', ' ']))
            };
            let mut fitting = long
                .iter()
                .filter(|long| loose(long).starts_with(&key) || is_end(long.trim()));
            let (Some(found), None) = (fitting.next(), fitting.next()) else {
                return None;
            };
            let is_number = key.parse::<i64>().is_ok();
            if is_number || !taken.insert(loose(found)) {
                return None;
            }
            new.insert(label.clone(), found.clone());
        }
        Some(new)
    };
    if let Some(new) = expand(one, other) {
        return Some([Rewriting::of(new, Join::Words), Rewriting::none()]);
    }
    let new = expand(other, one)?;
    Some([Rewriting::none(), Rewriting::of(new, Join::Words)])
}
