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
//! The audit counts three signs in at most 20,000 texts of each split: no text at all (empty, a missing
//! value in words, no letter, or a single word with digits, as ids are), markup, and characters that
//! were mangled in decoding. Each split is compared with the others by Fisher's exact test:
//!
//! ```text
//! found:  significant, share ≥ 3 %, and more than 3 times the share elsewhere
//!    or:  share ≥ 30 %, for no text and mangled characters
//! ```
//!
//! Markup is not compared with splits from which punctuation was removed, because that is C31. The
//! finding is unsound, and certain.
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
//!    20.0 % of the test texts have no text at all (empty, `nan`, a bare number or id), elsewhere 0.0
//!    %.
//!    What to do: Read the texts again: name the column and the encoding, and look at some rows of each
//!    split before training.
//!    How to make sure: print five texts of the test file
//! ```
//!
//! ## References
//! - Fisher's exact test: Fisher, 1935, *The Design of Experiments*.
//! - `huggingface/autotrain-advanced#948`: columns that are not the expected ones.

use labelproof_artifact::Split;
use labelproof_metrics::statistics::fisher_exact;

use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::case::Case;
use crate::case::suspect::missing;
use crate::evidence::{Missing, Need};
use crate::measures::text_style::{Style, styles};

/// The share of a split's texts from which on damage matters.
const MANY: f64 = 0.03;

/// The share from which on it matters although every split has it.
const MOST: f64 = 0.3;

const MARKUP: &str = "the markup of web pages";

/// The share of characters below which punctuation was cleaned away, and markup with it; C31 finds that.
const NO_PUNCTUATION: f64 = 0.005;

fn without_punctuation(styles: &[Style]) -> bool {
    let shares = styles.iter().map(|style| style.punctuation);
    shares.sum::<f64>() < NO_PUNCTUATION * styles.len() as f64
}

/// What it is, how it shows, and whether it is damage even where every split has it.
type Sign = (&'static str, fn(&Style) -> bool, bool);

const SIGNS: [Sign; 3] = [
    (
        "no text at all (empty, `nan`, a bare number or id)",
        |style| style.hollow,
        true,
    ),
    (MARKUP, |style| style.markup, false),
    (
        "characters that were mangled in decoding",
        |style| style.mangled,
        true,
    ),
];

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
        for (split, own) in &all {
            let bad = count(own, sign);
            let share = bad as f64 / own.len().max(1) as f64;
            let others: Vec<&Vec<Style>> = all
                .iter()
                .filter(|(other, styles)| other != split && !(what == MARKUP && without_punctuation(styles)))
                .map(|(_, styles)| styles)
                .collect();
            let other_bad: u64 = others.iter().map(|styles| count(styles, sign)).sum();
            let other_rows: u64 = others.iter().map(|styles| styles.len() as u64).sum();
            let other_share = other_bad as f64 / other_rows.max(1) as f64;
            let p_value = fisher_exact((bad, own.len() as u64), (other_bad, other_rows)).unwrap_or(1.0);
            let differs =
                case.significant(p_value) && share >= MANY && share > 3.0 * other_share && !others.is_empty();
            if differs || always && share >= MOST {
                let measured = Measured::new()
                    .statistic("share of the texts", share)
                    .p_value(if differs { p_value } else { 0.0 })
                    .with("split", split.name())
                    .with("share_elsewhere", other_share);
                return Ok(found(case, *split, what, share, other_share, measured));
            }
        }
    }
    let summary = "Texts are texts in every split, and their characters are whole.";
    Ok(Answer::clear(summary, Measured::new()))
}

fn found(
    case: &Case<'_>,
    split: Split,
    what: &str,
    share: f64,
    elsewhere: f64,
    measured: Measured,
) -> Answer {
    Diagnosis {
        severity: Severity::Unsound,
        confidence: Confidence::Certain,
        summary: format!(
            "{:.1} % of the {split} texts have {what}, elsewhere {:.1} %.",
            100.0 * share,
            100.0 * elsewhere
        ),
        effect: missing(case),
        fix: "Read the texts again: name the column and the encoding, and look at some rows of each split \
              before training."
            .to_owned(),
        confirm: format!("print five texts of the {split} file"),
        measured,
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
                            format!("a text of {row} words")
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

    const FISHER: f64 = 7.146_031_651_385_91e-11;
}
