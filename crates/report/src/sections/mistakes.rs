//! The section on mistakes: the wrongly classified test rows of the highest confidence with their word
//! attributions, and rows whose label looks wrong.

use std::collections::BTreeMap;

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;

use crate::facts::{Doubtful, Explanation, Facts, TestRow};
use crate::format::{UNDEFINED, count, counted, decimal, more, percent};
use crate::text;

/// The most bytes that all mistakes together take on the page: its 2 MB less what the other sections can
/// need.
const BUDGET: usize = 600_000;

/// The most words that are named beside a marked text, for each direction.
const WORDS_NAMED: usize = 5;

/// A word is marked when it moved the decision at least this share of the word that moved it most.
const MARKED: f64 = 0.2;
const STRONGLY_MARKED: f64 = 0.6;

/// The bytes that a mistake takes beside its texts.
const MARKUP: usize = 1_500;

/// The bytes that the markup of a word takes.
const PIECE_MARKUP: usize = 40;

struct Shown {
    place: usize,
    id: String,
    label: String,
    predicted: String,
    probability: String,
    probability_of_label: String,
    baseline_predicted: String,
    baseline_right: bool,
    loss: String,
    text: Vec<Piece>,
    left_out: String,
    explanation: Option<Moved>,
}

/// A part of a text and how it is marked: a style, empty for none.
struct Piece {
    text: String,
    style: &'static str,
}

/// The words that moved a decision most.
struct Moved {
    toward: String,
    against: String,
    sum: String,
}

struct DoubtfulRow {
    id: String,
    part: String,
    label: String,
    suggestion: String,
    text: String,
    left_out: String,
}

/// The worst mistakes.
#[derive(Template)]
#[template(path = "mistakes.html", whitespace = "minimize")]
pub(crate) struct MistakesSection {
    summary: String,
    shown: Vec<Shown>,
    explained: bool,
    doubtful: Vec<DoubtfulRow>,
    doubter: String,
}

impl HtmlSafe for MistakesSection {}

impl MistakesSection {
    /// Takes the worst mistakes as long as they fit on the page.
    pub(crate) fn new(facts: &Facts) -> Self {
        let mut room = BUDGET;
        let shown: Vec<_> = facts
            .test_rows
            .worst
            .iter()
            .enumerate()
            .map(|(place, mistake)| shown(facts, place + 1, mistake))
            .take_while(|shown| {
                let wanted = shown.size();
                let fits = wanted <= room;
                room = room.saturating_sub(wanted);
                fits
            })
            .collect();
        Self {
            summary: summary(facts, shown.len() as u64),
            explained: shown.iter().any(|shown| shown.explanation.is_some()),
            shown,
            doubtful: facts
                .doubtful
                .iter()
                .map(|row| doubtful_row(facts, row))
                .collect(),
            doubter: facts.doubter.clone(),
        }
    }
}

impl Shown {
    fn size(&self) -> usize {
        let texts = [&self.id, &self.label, &self.predicted, &self.baseline_predicted];
        let pieces = self.text.iter();
        MARKUP
            + texts
                .into_iter()
                .map(|text| text::escaped_len(text))
                .sum::<usize>()
            + pieces
                .map(|piece| PIECE_MARKUP + text::escaped_len(&piece.text))
                .sum::<usize>()
    }
}

fn summary(facts: &Facts, shown: u64) -> String {
    let Some((_, rows)) = facts.hits(Split::Test) else {
        return "There are no test rows.".to_owned();
    };
    let total = facts.test_rows.mistakes;
    let of_all = format!(
        "BERT gets {} of {} wrong.",
        count(total),
        counted(rows, "test row")
    );
    match (total, total - shown.min(total)) {
        (0, _) => of_all,
        (_, 0) => format!("{of_all} All of them, highest loss first:"),
        (_, left_out) if shown == 0 => format!("{of_all} {} not shown.", count(left_out)),
        (_, left_out) => format!(
            "{of_all} The {} with the highest loss are below, {} not shown.",
            count(shown),
            count(left_out)
        ),
    }
}

fn shown(facts: &Facts, place: usize, mistake: &TestRow) -> Shown {
    let probability = |value: Option<f64>| value.map_or_else(|| UNDEFINED.to_owned(), percent);
    let explanation = facts.explanations.get(&mistake.id);
    let (text, left_out) = match explanation {
        Some(explanation) => marked(explanation),
        None => plain(facts, &mistake.id),
    };
    Shown {
        place,
        id: text::name(&mistake.id),
        label: text::label(&mistake.label),
        predicted: text::label(&mistake.predicted),
        probability: probability(mistake.probability),
        probability_of_label: probability(mistake.probability_of_label),
        baseline_predicted: text::label(&mistake.baseline_predicted),
        baseline_right: mistake.baseline_predicted == mistake.label,
        loss: decimal(mistake.loss),
        text,
        left_out: more(left_out, "character"),
        explanation: explanation.map(moved),
    }
}

fn plain(facts: &Facts, id: &str) -> (Vec<Piece>, u64) {
    let Some(excerpt) = facts.texts.excerpts.get(id) else {
        return (Vec::new(), 0);
    };
    let text = excerpt.text.clone();
    (vec![Piece { text, style: "" }], excerpt.left_out)
}

/// The beginning of the text as the model read it, words of equal mark joined.
fn marked(explanation: &Explanation) -> (Vec<Piece>, u64) {
    let strongest = strongest(explanation);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut words = explanation.pieces.iter();
    let mut shown = 0;
    let mut add = |text: &str, style| match pieces.last_mut() {
        Some(Piece {
            text: last,
            style: same,
        }) if *same == style => last.push_str(text),
        _ => pieces.push(Piece {
            text: text.to_owned(),
            style,
        }),
    };
    for (word, weight) in words.by_ref() {
        let text = text::piece(word);
        shown += text.chars().count();
        let marked = text.trim_end();
        add(marked, style(*weight, strongest));
        // The space after a word is no part of the mark.
        add(&text[marked.len()..], "");
        if shown >= text::EXPLAINED_CHARACTERS {
            break;
        }
    }
    pieces.retain(|piece| !piece.text.is_empty());
    let left_out = words.map(|(word, _)| word.chars().count() as u64).sum();
    (pieces, left_out)
}

fn strongest(explanation: &Explanation) -> f64 {
    let weights = explanation.pieces.iter().map(|(_, weight)| weight.abs());
    weights.filter(|weight| weight.is_finite()).fold(0.0, f64::max)
}

fn style(weight: f64, strongest: f64) -> &'static str {
    match (weight > 0.0, weight.abs() / strongest) {
        (_, share) if share.is_nan() || share < MARKED => "",
        (true, share) if share >= STRONGLY_MARKED => "toward strong",
        (true, _) => "toward",
        (false, share) if share >= STRONGLY_MARKED => "against strong",
        (false, _) => "against",
    }
}

fn moved(explanation: &Explanation) -> Moved {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for (piece, weight) in &explanation.pieces {
        let word = piece.trim_matches(|character: char| !character.is_alphanumeric());
        *sums
            .entry(if word.is_empty() { piece.trim() } else { word })
            .or_default() += weight;
    }
    let strongest = sums.values().map(|sum| sum.abs()).fold(0.0, f64::max);
    let mut words: Vec<(&str, f64)> = sums.into_iter().collect();
    words.retain(|(_, sum)| sum.abs() >= MARKED * strongest);
    words.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()));
    let named = |toward: bool| {
        let words = words.iter().filter(|(_, sum)| (*sum > 0.0) == toward);
        let named: Vec<String> = words
            .take(WORDS_NAMED)
            .map(|(word, sum)| format!("{} ({sum:+.2})", text::label(word)))
            .collect();
        named.join(", ")
    };
    Moved {
        toward: named(true),
        against: named(false),
        sum: format!(
            "{:+.2} with these words, {:+.2} without any",
            explanation.margin, explanation.reference_margin
        ),
    }
}

fn doubtful_row(facts: &Facts, row: &Doubtful) -> DoubtfulRow {
    let excerpt = facts.texts.excerpts.get(&row.id);
    DoubtfulRow {
        id: text::name(&row.id),
        part: text::label(&row.part),
        label: text::label(&row.label),
        suggestion: text::label(&row.suggestion),
        text: excerpt.map(|excerpt| excerpt.text.clone()).unwrap_or_default(),
        left_out: excerpt.map_or_else(String::new, |excerpt| more(excerpt.left_out, "character")),
    }
}
