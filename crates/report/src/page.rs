//! The page as a whole: head, navigation, style sheet and script around the sections.

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use labelproof_artifact::Split;
use sha2::{Digest, Sha256};

use crate::checks::Remark;
use crate::facts::Facts;
use crate::figures::{Figure, lettering};
use crate::format::counted;
use crate::judgement::Judgement;
use crate::sections::audit::Audit;
use crate::sections::confidence::Confidence;
use crate::sections::confusion::{self, ConfusionSection};
use crate::sections::data::Data;
use crate::sections::decisions::Decisions;
use crate::sections::examples::Examples;
use crate::sections::map::MapSection;
use crate::sections::mistakes::MistakesSection;
use crate::sections::numbers::Numbers;
use crate::sections::provenance::Provenance;
use crate::sections::training::Training;
use crate::sections::verdict::Verdict;
use crate::sections::words::Words;
use crate::{Params, palette, text};

/// Anchor and heading of every section, in the order of the page.
pub(crate) const SECTIONS: [(&str, &str); 12] = [
    ("verdict", "Verdict"),
    ("audit", "Audit"),
    ("numbers", "Numbers"),
    ("confusion", "Confusion"),
    ("mistakes", "Worst mistakes"),
    ("words", "Words"),
    ("training", "Training"),
    ("confidence", "Confidence"),
    ("decisions", "Decisions"),
    ("data", "Data"),
    ("map", "Map"),
    ("provenance", "Provenance"),
];

#[derive(Template)]
#[template(path = "page.html", whitespace = "minimize")]
struct Page<'a> {
    title: String,
    subtitle: String,
    light_rules: Css,
    dark_rules: Css,
    font: Css,
    verdict: Verdict<'a>,
    audit: Audit<'a>,
    numbers: Numbers,
    confusion: ConfusionSection,
    mistakes: MistakesSection,
    words: Words,
    training: Training,
    confidence: Confidence,
    decisions: Decisions,
    data: Data,
    map: MapSection,
    provenance: Provenance,
    cells: Examples,
    script: Script,
}

/// Rules of a style sheet that this program made: no part of them comes from data.
struct Css(String);

impl std::fmt::Display for Css {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Css {}

/// The page's script, which is the same on every page.
struct Script;

impl Script {
    const SOURCE: &str = include_str!("../templates/script.js");

    /// The digest by which the page's security policy allows the script: no other script runs.
    fn digest() -> String {
        STANDARD.encode(Sha256::digest(Self::SOURCE))
    }
}

impl std::fmt::Display for Script {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(Self::SOURCE)
    }
}

impl askama::filters::HtmlSafe for Script {}

/// Writes the page, and the figures on it and behind it.
pub(crate) fn render(
    params: &Params,
    facts: &Facts,
    judgement: &Judgement,
    remarks: &[Remark],
) -> (String, Vec<Figure>) {
    let page = Page {
        title: text::name(params.heading()),
        subtitle: subtitle(facts),
        light_rules: Css(palette::light_rules()),
        dark_rules: Css(palette::dark_rules()),
        font: Css(lettering::font_face()),
        verdict: Verdict::new(facts, judgement),
        audit: Audit::new(facts, remarks),
        numbers: Numbers::new(facts),
        confusion: ConfusionSection::new(facts),
        mistakes: MistakesSection::new(facts),
        words: Words::new(facts),
        training: Training::new(facts),
        confidence: Confidence::new(facts),
        decisions: Decisions::new(facts),
        data: Data::new(facts),
        map: MapSection::new(facts),
        cells: Examples::new(facts),
        script: Script,
        provenance: Provenance::new(params, facts),
    };
    let figures = [
        confusion::figure(facts).into_iter().collect(),
        page.audit.figures(),
        page.words.figures(),
        page.training.figures(),
        page.confidence.figures(),
        page.decisions.figures(),
        page.data.figures(),
        page.map.figures(),
    ];
    let text = page
        .render()
        .expect("a String takes everything, and no template calls what can fail");
    (text, figures.into_iter().flatten().collect())
}

/// The subtitle: what was classified, in one line.
pub(crate) fn subtitle(facts: &Facts) -> String {
    let parts =
        Split::ALL.map(|split| format!("{} {split}", crate::format::count(facts.rows.of_split(split))));
    format!(
        "{}, {}: {}",
        counted(facts.rows.total(), "text"),
        counted(facts.labels.len() as u64, "label"),
        parts.join(" · ")
    )
}
