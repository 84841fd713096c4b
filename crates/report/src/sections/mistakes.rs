//! The test rows that the model was most sure of and wrong about.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;

use crate::facts::{self, Facts};
use crate::format::{UNDEFINED, count, counted, decimal, more, percent};
use crate::text;

/// What all mistakes together may take of the page, in bytes. Below the page's 2 MB by what the rest can need.
const BUDGET: usize = 1_000_000;

/// What a mistake takes beside its texts, in bytes.
const MARKUP: usize = 1_000;

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
    text: String,
    left_out: String,
}

/// The worst mistakes.
#[derive(Template)]
#[template(path = "mistakes.html", whitespace = "minimize")]
pub(crate) struct MistakesSection {
    summary: String,
    shown: Vec<Shown>,
}

impl HtmlSafe for MistakesSection {}

impl MistakesSection {
    /// Takes the worst mistakes as long as they fit on the page.
    pub(crate) fn new(facts: &Facts) -> Self {
        let mut room = BUDGET;
        let shown: Vec<_> = facts
            .mistakes
            .shown
            .iter()
            .enumerate()
            .map(|(place, mistake)| shown(place + 1, mistake))
            .take_while(|shown| {
                let wanted = shown.size();
                let fits = wanted <= room;
                room = room.saturating_sub(wanted);
                fits
            })
            .collect();
        Self {
            summary: summary(facts, shown.len() as u64),
            shown,
        }
    }
}

impl Shown {
    fn size(&self) -> usize {
        let texts = [
            &self.id,
            &self.label,
            &self.predicted,
            &self.baseline_predicted,
            &self.text,
        ];
        MARKUP
            + texts
                .into_iter()
                .map(|text| text::escaped_len(text))
                .sum::<usize>()
    }
}

fn summary(facts: &Facts, shown: u64) -> String {
    let Some((_, rows)) = facts.hits(Split::Test) else {
        return "There are no test rows.".to_owned();
    };
    let total = facts.mistakes.total;
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

fn shown(place: usize, mistake: &facts::Mistake) -> Shown {
    let probability = |value: Option<f64>| value.map_or_else(|| UNDEFINED.to_owned(), percent);
    let left_out = mistake.excerpt.left_out;
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
        text: mistake.excerpt.text.clone(),
        left_out: more(left_out, "character"),
    }
}
