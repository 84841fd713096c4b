//! The section on words: which words stand for which label, which all labels share, and which confused labels
//! share.

use std::collections::BTreeSet;

use askama::Template;
use askama::filters::HtmlSafe;

use super::confusion::confused_classes;
use crate::facts::{Facts, TypicalWord};
use crate::figures::Figure;
use crate::figures::word_cloud::{CloudWord, WordCloud};
use crate::format::{count, more, percent};
use crate::{audited, text};

/// The most labels whose words are shown at once; the others are folded.
const LABELS_OPEN: usize = 6;

/// The most labels whose words are shown at all, and the words of each in its cloud, as many as fit on a page
/// of 2 MB.
const LABELS_SHOWN: usize = 150;
const CLOUD_WORDS: [(usize, usize); 3] = [(10, 60), (30, 40), (LABELS_SHOWN, 18)];

const TABLE_WORDS: usize = 10;
const COMMON_WORDS: usize = 60;
const PAIRS: usize = 3;
const PAIR_WORDS: usize = 15;

struct Term {
    word: String,
    inside: String,
    outside: String,
    odds: String,
    interval: String,
}

struct LabelWords {
    label: String,
    texts: String,
    cloud: Option<WordCloud>,
    terms: Vec<Term>,
    left_out: String,
}

struct PairWords {
    label: String,
    predicted: String,
    words: Vec<String>,
}

/// The audit's suggestion to leave out words that all classes use alike.
struct Suggestion {
    words: Vec<String>,
    left_out: String,
    verdict: String,
}

/// The check that looks for words that all classes use alike, and tries what leaving them out does.
const GENERIC_WORDS: &str = "C51";

const SUGGESTED_WORDS: usize = 60;

/// The words of the training texts.
#[derive(Template)]
#[template(path = "words.html", whitespace = "minimize")]
pub(crate) struct Words {
    open: Vec<LabelWords>,
    folded: Vec<LabelWords>,
    labels_left_out: String,
    common: Vec<(String, String)>,
    common_left_out: String,
    pairs: Vec<PairWords>,
    suggestion: Option<Suggestion>,
    sample: String,
}

impl HtmlSafe for Words {}

impl Words {
    /// Chooses the words that are shown.
    pub(crate) fn new(facts: &Facts) -> Self {
        let classes = facts.words.classes();
        let cloud_words = CLOUD_WORDS
            .into_iter()
            .find(|(most, _)| classes <= *most)
            .map_or(CLOUD_WORDS[2].1, |(_, words)| words);
        let mut open: Vec<LabelWords> = (0..classes.min(LABELS_SHOWN))
            .map(|class| label_words(facts, class, cloud_words))
            .collect();
        let folded = open.split_off(open.len().min(LABELS_OPEN));
        let common = facts.words.common();
        Self {
            open,
            folded,
            labels_left_out: more(classes.saturating_sub(LABELS_SHOWN) as u64, "label"),
            common_left_out: more(common.len().saturating_sub(COMMON_WORDS) as u64, "word"),
            common: common
                .into_iter()
                .take(COMMON_WORDS)
                .map(|(word, share)| (word, percent(share)))
                .collect(),
            pairs: pairs(facts),
            suggestion: suggestion(facts),
            sample: match facts.words.step() {
                1 => String::new(),
                step => format!("Of the texts of each label, one in {} is counted.", count(step)),
            },
        }
    }
}

impl Words {
    /// The clouds, numbered as the labels are.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let labels = self.open.iter().chain(&self.folded).enumerate();
        labels
            .filter_map(|(class, words)| {
                let cloud = words.cloud.as_ref()?;
                Some(Figure::new(
                    format!("words-{:03}-{}", class + 1, text::file_name(&words.label)),
                    cloud,
                ))
            })
            .collect()
    }
}

fn suggestion(facts: &Facts) -> Option<Suggestion> {
    let finding = audited::answer(&facts.findings, GENERIC_WORDS)?;
    let words = finding.evidence.get("words")?.as_array()?;
    let words: Vec<String> = words
        .iter()
        .filter_map(|word| word.as_str())
        .map(text::label)
        .collect();
    let left_out = words.len().saturating_sub(SUGGESTED_WORDS) as u64;
    (!words.is_empty()).then(|| Suggestion {
        words: words.into_iter().take(SUGGESTED_WORDS).collect(),
        left_out: more(left_out, "word"),
        verdict: text::sentence(&finding.summary),
    })
}

fn label_words(facts: &Facts, class: usize, cloud_words: usize) -> LabelWords {
    let typical = facts.words.typical(class);
    let shown = &typical[..typical.len().min(cloud_words)];
    let strongest = shown.first().map_or(1.0, |word| word.contrast.low.max(1e-9));
    let cloud: Vec<CloudWord> = shown
        .iter()
        .map(|word| CloudWord {
            word: word.word.clone(),
            share: word.inside.share(),
            hint: hint(word),
            tone: match word.contrast.low / strongest {
                strength if strength > 0.66 => 2,
                strength if strength > 0.33 => 1,
                _ => 0,
            },
        })
        .collect();
    let label = facts.label(class);
    LabelWords {
        cloud: WordCloud::new(format!("cloud-{class}"), format!("Words of {label}"), &cloud),
        texts: count(facts.words.texts(class)),
        terms: typical.iter().take(TABLE_WORDS).map(term).collect(),
        left_out: more(typical.len().saturating_sub(shown.len()) as u64, "word"),
        label,
    }
}

fn hint(word: &TypicalWord) -> String {
    format!(
        "{}: in {} of these texts, in {} of the others",
        word.word,
        percent(word.inside.share()),
        percent(word.outside.share())
    )
}

fn term(word: &TypicalWord) -> Term {
    let odds = |logarithm: f64| times(logarithm.exp());
    let contrast = word.contrast;
    Term {
        word: text::label(&word.word),
        inside: percent(word.inside.share()),
        outside: percent(word.outside.share()),
        odds: odds(contrast.log_odds_ratio),
        interval: format!("{} to {}", odds(contrast.low), odds(contrast.high)),
    }
}

/// An odds ratio with two digits that count.
fn times(ratio: f64) -> String {
    if ratio < 10.0 {
        format!("{ratio:.1}")
    } else if ratio < 10_000.0 {
        format!("{ratio:.0}")
    } else {
        "> 10,000".to_owned()
    }
}

/// The words that the labels of the most frequent mistakes have in common, and the other labels have not.
fn pairs(facts: &Facts) -> Vec<PairWords> {
    if facts.words.classes() < 3 {
        // With two labels there are no others.
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    confused_classes(facts)
        .into_iter()
        // Both directions of a mistake have the same words.
        .filter(|&(_, class, predicted)| seen.insert((class.min(predicted), class.max(predicted))))
        .take(PAIRS)
        .map(|(_, class, predicted)| {
            let shared = facts.words.shared(class, predicted).into_iter().take(PAIR_WORDS);
            PairWords {
                label: facts.label(class),
                predicted: facts.label(predicted),
                words: shared.map(|word| word.word).collect(),
            }
        })
        .filter(|pair| !pair.words.is_empty())
        .collect()
}
