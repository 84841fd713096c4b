//! The section with the map of the test rows.

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::Split;

use crate::facts::{Facts, Place};
use crate::figures::Figure;
use crate::figures::scatter::{COLOURS, Point, Scatter};
use crate::format::{count, counted};
use crate::text;

/// The map.
#[derive(Template)]
#[template(path = "map.html", whitespace = "minimize")]
pub(crate) struct MapSection {
    summary: String,
    chart: Option<Scatter>,
}

impl HtmlSafe for MapSection {}

impl MapSection {
    /// Draws the rows that have a place.
    pub(crate) fn new(facts: &Facts) -> Self {
        let places = &facts.map.places;
        if places.is_empty() {
            let summary = if facts.model(Split::Test).is_some() {
                "The evaluation drew no map."
            } else {
                "There are no test rows."
            };
            return Self {
                summary: summary.to_owned(),
                chart: None,
            };
        }
        let coloured = largest_classes(facts);
        let names: Vec<String> = coloured.iter().map(|&class| facts.label(class)).collect();
        let points: Vec<Point> = places
            .iter()
            .map(|place| point(facts, place, &coloured))
            .collect();
        let summary = summary(facts, coloured.len());
        Self {
            chart: Some(Scatter::new(summary.clone(), &points, &names)),
            summary,
        }
    }

    /// The map.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        self.chart.iter().map(|chart| Figure::new("map", chart)).collect()
    }
}

/// The classes with the most rows on the map, in the order of the classes.
fn largest_classes(facts: &Facts) -> Vec<usize> {
    let mut rows = vec![0_u64; facts.labels.len()];
    for place in &facts.map.places {
        rows[place.class] += 1;
    }
    let mut classes: Vec<usize> = (0..rows.len()).filter(|&class| rows[class] > 0).collect();
    classes.sort_by_key(|&class| (std::cmp::Reverse(rows[class]), class));
    classes.truncate(COLOURS);
    classes.sort_unstable();
    classes
}

fn point(facts: &Facts, place: &Place, coloured: &[usize]) -> Point {
    let wrong = place.class != place.predicted;
    Point {
        x: place.x,
        y: place.y,
        group: coloured.iter().position(|&class| class == place.class),
        ring: wrong.then(|| {
            format!(
                "{} called {}: {}",
                facts.label(place.class),
                facts.label(place.predicted),
                text::name(&place.id)
            )
        }),
    }
}

fn summary(facts: &Facts, coloured: usize) -> String {
    let shown = facts.map.places.len() as u64;
    let all = facts.model(Split::Test).map_or(shown, |metrics| metrics.rows);
    let rows = if shown < all {
        format!("{} of {}", count(shown), counted(all, "test text"))
    } else {
        counted(shown, "test text")
    };
    let wrong = facts
        .map
        .places
        .iter()
        .filter(|place| place.class != place.predicted)
        .count();
    let others = if coloured < facts.labels.len() {
        format!(" The {coloured} labels with the most of them have a colour, the others are grey.")
    } else {
        String::new()
    };
    format!(
        "{rows}, {} of them ringed: they are classified wrongly.{others}",
        count(wrong as u64)
    )
}
