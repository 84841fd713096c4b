//! # The texts of a split are damaged or of another column
//!
//! The texts are not the texts: another column was read, missing values became the word `nan`, the
//! encoding was wrong, or the markup of web pages was left in.
//!
//! ## Why the figures look good
//! The other splits were read correctly. An empty or mangled text raises no error and gets a prediction
//! like any other.
//!
//! ## How it is tested
//! The audit counts signs in at most 20,000 texts of each split: no text at all (empty, a missing value
//! in words, no letter, or a single word with digits, as ids are), one long word of base64 or
//! hexadecimal digits, markup, characters that were mangled in decoding, escapes (`&amp;`, `%20`,
//! `\\u00e9`), and the text that most rows have in common. Each split is compared with the others by
//! Fisher's exact test:
//!
//! ```text
//! found:  significant, share ≥ 3 %, and more than 3 times the share elsewhere
//!    or:  share ≥ 30 %, for no text, codes, mangled characters and the same text
//! cut:    ≥ 30 % of the texts have the same number of characters, or words (or one less), which is at
//!         most half of the median elsewhere, where less than 10 % have it; and at most 1 % are longer
//! ```
//!
//! Markup and escapes are not compared with splits from which punctuation was removed, because that is
//! C31. The finding is unsound, and certain.
//!
//! ## What to do
//! Read the texts again: name the column and the encoding, and look at some rows of each split before
//! training.
//!
//! ## Example
//! For the data of the test `missing_and_mangled_texts_are_found_in_their_split`, the audit prints:
//!
//! ```text
//! 1. The texts of a split are damaged or of another column (C37, fault, certain)
//!    20.0 % of the test texts have no text at all (most are a missing value in words, such as `nan`),
//!    elsewhere 0.0 %.
//!    What to do: Read the texts again: name the column and the encoding, and look at some rows of each
//!    split before training.
//!    How to make sure: print five texts of the test file
//! ```
//!
//! ## References
//! - Fisher's exact test: Fisher, 1935, *The Design of Experiments*.
//! - `huggingface/autotrain-advanced#948`: columns that are not the expected ones.

use std::collections::BTreeMap;

use labelproof_artifact::Split;
use labelproof_artifact::wording::one_line;
use labelproof_metrics::statistics::fisher_exact;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::suspect::missing;
use crate::evidence::{Missing, Need};
use crate::measures::text_style::{Hollow, Style, styles};

/// The share of a split's texts from which on damage matters.
const MANY: f64 = 0.03;

/// The share from which on it matters although every split has it.
const MOST: f64 = 0.3;

const MARKUP: &str = "the markup of web pages";

const ESCAPES: &str = "characters as web pages, addresses or programs write them (`&amp;`, `%20`, `\\u00e9`)";

/// The share of characters below which punctuation was cleaned away, and markup and escapes with it; C31
/// finds that.
const NO_PUNCTUATION: f64 = 0.005;

fn without_punctuation(styles: &[Style]) -> bool {
    let shares = styles.iter().map(|style| style.punctuation);
    shares.sum::<f64>() < NO_PUNCTUATION * styles.len() as f64
}

/// What it is, how it shows, and whether it is damage even where every split has it.
type Sign = (&'static str, fn(&Style) -> bool, bool);

const NO_TEXT: &str = "no text at all";

const SIGNS: [Sign; 5] = [
    (NO_TEXT, |style| style.hollow.is_some(), true),
    (
        "one long word of a code for bytes (base64, hexadecimal) in place of a text",
        |style| style.encoded,
        true,
    ),
    (MARKUP, |style| style.markup, false),
    (
        "characters that were mangled in decoding",
        |style| style.mangled,
        true,
    ),
    (ESCAPES, |style| style.escaped, false),
];

/// Texts that are alike below which nothing is said of them.
const FEWEST_ALIKE: u64 = 20;

/// The share of the texts that end at one place, from which on they were cut there.
const CUT: f64 = 0.3;

/// The share of the texts that may be longer than the place where they were cut.
const BEYOND: f64 = 0.01;

/// The share of them where nothing was cut.
const UNCUT: f64 = 0.1;

pub(crate) fn run(case: &Case<'_>) -> Result<Answer, Missing> {
    let all: Vec<(Split, Vec<Style>)> = Split::ALL
        .into_iter()
        .filter_map(|split| Some((split, styles(case.evidence, split).ok()?)))
        .collect();
    if all.is_empty() {
        return Err(Missing(vec![Need::TrainTexts, Need::TestTexts]));
    }
    let count =
        |styles: &[Style], sign: fn(&Style) -> bool| styles.iter().filter(|style| sign(style)).count() as u64;
    for (what, sign, always) in SIGNS {
        let is_cleaned_away = [MARKUP, ESCAPES].contains(&what);
        for (split, own) in &all {
            let others = all
                .iter()
                .filter(|(other, styles)| other != split && !(is_cleaned_away && without_punctuation(styles)))
                .map(|(_, styles)| (count(styles, sign), styles.len() as u64));
            let own_counts = (count(own, sign), own.len() as u64);
            if let Some(damage) = damage(case, own_counts, others, always) {
                let what = if what == NO_TEXT {
                    format!("{NO_TEXT} (most are {})", commonest(own))
                } else {
                    what.to_owned()
                };
                return Ok(found(case, *split, &format!("have {what}"), &damage));
            }
        }
    }
    if let Some(answer) = same_text(case).or_else(|| cut(case, &all)) {
        return Ok(answer);
    }
    let summary = "Texts are texts in every split, and their characters are whole.";
    Ok(Answer::clear(summary, Measured::new()))
}

/// What most of the texts are that are none.
fn commonest(styles: &[Style]) -> &'static str {
    let mut counts: BTreeMap<Hollow, usize> = BTreeMap::new();
    for kind in styles.iter().filter_map(|style| style.hollow) {
        *counts.entry(kind).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or("", |(kind, _)| kind.words())
}

/// How many texts of a split are damaged, and how many of the others.
struct Damage {
    share: f64,
    elsewhere: Option<f64>,
    p_value: f64,
}

fn damage(
    case: &Case<'_>,
    own: (u64, u64),
    others: impl Iterator<Item = (u64, u64)>,
    always: bool,
) -> Option<Damage> {
    let (other_bad, other_rows) = others.fold((0, 0), |(bad, rows), (more, all)| (bad + more, rows + all));
    let share = |(bad, rows): (u64, u64)| bad as f64 / rows.max(1) as f64;
    let (own_share, other_share) = (share(own), share((other_bad, other_rows)));
    let p_value = fisher_exact(own, (other_bad, other_rows)).unwrap_or(1.0);
    let differs =
        case.significant(p_value) && own_share >= MANY && own_share > 3.0 * other_share && other_rows > 0;
    (differs || always && own_share >= MOST).then_some(Damage {
        share: own_share,
        elsewhere: (other_rows > 0).then_some(other_share),
        p_value: if differs { p_value } else { 0.0 },
    })
}

/// A split whose rows mostly have one text: a constant in place of a column.
fn same_text(case: &Case<'_>) -> Option<Answer> {
    let commonest = |split: Split| -> Option<(u64, u64, String)> {
        let texts = case.evidence.texts(split).ok()?;
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for text in texts {
            *counts.entry(text.trim()).or_default() += 1;
        }
        let (text, most) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        Some((most, texts.len() as u64, text.to_owned()))
    };
    let all: Vec<_> = Split::ALL
        .into_iter()
        .filter_map(|split| Some((split, commonest(split)?)))
        .collect();
    all.iter().find_map(|(split, (most, rows, text))| {
        let others = all.iter().filter(|(other, _)| other != split);
        let others = others.map(|(_, (most, rows, _))| (*most, *rows));
        let damage = damage(case, (*most, *rows), others, true).filter(|damage| damage.share >= MOST)?;
        let beginning: String = text.chars().take(40).collect();
        let what = format!("are the same one, `{}`", one_line(&beginning));
        (*most >= FEWEST_ALIKE).then(|| found(case, *split, &what, &damage))
    })
}

/// The length that most texts have, or nearly: a cut may end before a space.
fn commonest_length(styles: &[Style], length: fn(&Style) -> u32) -> u32 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for style in styles {
        *counts.entry(length(style)).or_default() += 1;
    }
    let of = |length: u32| counts.get(&length).copied().unwrap_or(0);
    let near = |length: &u32| of(*length) + of(length.saturating_sub(1));
    counts.keys().copied().max_by_key(near).unwrap_or(0)
}

/// What a text has some of, and how many.
type Unit = (&'static str, fn(&Style) -> u32);

/// A split whose texts were cut after so many characters or words.
fn cut(case: &Case<'_>, all: &[(Split, Vec<Style>)]) -> Option<Answer> {
    let units: [Unit; 2] = [
        ("characters", |style| style.characters),
        ("words", |style| style.words),
    ];
    for (unit, length) in units {
        for (split, own) in all {
            let end = commonest_length(own, length);
            let at_end = |styles: &[Style]| {
                let is_there = |style: &&Style| length(style) == end || length(style) + 1 == end;
                styles.iter().filter(is_there).count() as u64
            };
            let others: Vec<&Vec<Style>> = all
                .iter()
                .filter(|(other, _)| other != split)
                .map(|(_, styles)| styles)
                .collect();
            let is_longer = |styles: &&Vec<Style>| {
                let mut lengths: Vec<u32> = styles.iter().map(length).collect();
                lengths.sort_unstable();
                let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
                median >= 2 * end && (at_end(styles) as f64) < UNCUT * styles.len() as f64
            };
            // Whatever shortens texts in another way leaves some that are longer.
            let beyond = own.iter().filter(|style| length(style) > end).count();
            let is_end = beyond as f64 <= BEYOND * own.len() as f64;
            if own.len() < 20 || end < 2 || !is_end || others.is_empty() || !others.iter().all(is_longer) {
                continue;
            }
            let counts = others.iter().map(|styles| (at_end(styles), styles.len() as u64));
            let cut = damage(case, (at_end(own), own.len() as u64), counts, false);
            if let Some(damage) = cut.filter(|damage| damage.share >= CUT) {
                let what = format!("end after {end} {unit}: they were cut off");
                return Some(found(case, *split, &what, &damage));
            }
        }
    }
    None
}

fn found(case: &Case<'_>, split: Split, what: &str, damage: &Damage) -> Answer {
    let elsewhere = damage
        .elsewhere
        .map_or_else(String::new, |share| format!(", elsewhere {:.1} %", 100.0 * share));
    Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "{:.1} % of the {split} texts {what}{elsewhere}.",
            100.0 * damage.share
        ),
        effect: missing(case),
        fix: "Read the texts again: name the column and the encoding, and look at some rows of each split \
              before training."
            .to_owned(),
        confirm: format!("print five texts of the {split} file"),
        measured: Measured::new()
            .statistic("share of the texts", damage.share)
            .p_value(damage.p_value)
            .with("split", split.name())
            .with("share_elsewhere", damage.elsewhere.unwrap_or(0.0)),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use crate::cause::Cause;
    use crate::evidence::Evidence;
    use crate::testing::{ask, assert_close, clear, evidence, example, found, number, part, statistic};

    /// 100 texts in each split, of which so many of the test split are another one.
    fn with_bad(bad: usize, what: &str) -> Evidence {
        let texts = |bad: usize| {
            let rows: Vec<(String, u32)> = (0..100)
                .map(|row| {
                    (
                        if row < bad {
                            what.to_owned()
                        } else {
                            format!("a text, of {row} words.")
                        },
                        0,
                    )
                })
                .collect();
            part(&rows)
        };
        evidence(&["a"], [texts(0), texts(0), texts(bad)])
    }

    #[test]
    fn missing_and_mangled_texts_are_found_in_their_split() {
        let check = |what: &str, words: &str| {
            let found = found(ask(Cause::WrongColumn, &with_bad(20, what)));
            assert_close(statistic(&found.measured), 0.2, 1e-12);
            assert_close(number(&found.measured, "share_elsewhere"), 0.0, 1e-12);
            assert_eq!(found.measured.evidence["split"], "test");
            assert!(found.summary.contains(words), "{}", found.summary);
            // SciPy: fisher_exact([[20, 80], [0, 200]]).
            assert_close(found.measured.p_value.unwrap() / FISHER, 1.0, 1e-6);
        };
        check("nan", "no text at all");
        check("row-00017", "no text at all");
        check("un cafÃ© au lait", "mangled");
        example(Cause::WrongColumn, &with_bad(20, "nan"));
    }

    #[test]
    fn whole_texts_are_clear() {
        clear(ask(Cause::WrongColumn, &with_bad(0, "nan")));
        clear(ask(Cause::WrongColumn, &with_bad(1, "nan")));
    }

    #[test]
    fn one_text_in_all_rows_is_found() {
        let found = found(ask(
            Cause::WrongColumn,
            &with_bad(80, "the text of the first row"),
        ));
        assert!(
            found
                .summary
                .contains("are the same one, `the text of the first row`"),
            "{}",
            found.summary
        );
        assert_close(statistic(&found.measured), 0.8, 1e-12);
    }

    #[test]
    fn texts_that_end_at_one_place_were_cut() {
        let long = |row: usize| {
            format!(
                "a text of {row} words that goes on {}",
                "and on ".repeat(2 + row % 30)
            )
        };
        let split = |cut: Option<usize>| {
            let rows: Vec<(String, u32)> = (0..100)
                .map(|row| (long(row).chars().take(cut.unwrap_or(1000)).collect(), 0))
                .collect();
            part(&rows)
        };
        let splits = |cut| evidence(&["a"], [split(None), split(None), split(cut)]);
        let found = found(ask(Cause::WrongColumn, &splits(Some(12))));
        assert!(
            found.summary.contains("end after 12 characters"),
            "{}",
            found.summary
        );
        assert_eq!(found.measured.evidence["split"], "test");
        clear(ask(Cause::WrongColumn, &splits(None)));
        // Words that were left out shorten texts, and leave most of them at no common place.
        let shortened = |row: usize| {
            (
                format!("and {row} on {}", "on ".repeat(row % 10 / 6 + row % 2)),
                0,
            )
        };
        let rows: Vec<(String, u32)> = (0..100).map(shortened).collect();
        clear(ask(
            Cause::WrongColumn,
            &evidence(&["a"], [part(&rows), split(None), split(None)]),
        ));
    }

    #[test]
    fn escapes_beside_splits_without_punctuation_are_a_matter_of_cleaning() {
        let texts = |text: &str| {
            part(
                &(0..100)
                    .map(|row| (text.replace('N', &row.to_string()), 0))
                    .collect::<Vec<_>>(),
            )
        };
        let cleaned = || texts("bread butter N and much more of what one eats");
        let raw = texts("Bread &amp; butter, N, and much more of what one eats.");
        clear(ask(
            Cause::WrongColumn,
            &evidence(&["a"], [cleaned(), cleaned(), raw]),
        ));
    }

    #[test]
    fn escapes_and_codes_are_found_in_their_split() {
        let check = |what: &str, words: &str| {
            let found = found(ask(Cause::WrongColumn, &with_bad(20, what)));
            assert!(found.summary.contains(words), "{}", found.summary);
        };
        check(
            "bread &amp; butter",
            "as web pages, addresses or programs write them",
        );
        check("SGVsbG8gd29ybGQgb2Y=", "base64");
        check("[101, 2054, 102]", "numbers without a letter");
    }

    const FISHER: f64 = 7.146_031_651_385_91e-11;
}
