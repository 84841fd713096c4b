//! A scatter plot of points, coloured by label, with mistakes ringed.

use std::collections::BTreeMap;
use std::fmt::Write;

use askama::Template;
use askama::filters::HtmlSafe;

use super::Pixels;
use super::lettering::extent;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 480.0;
const MARGIN: f64 = 16.0;

/// Labels that have a colour of their own; the rows of the others are grey.
pub(crate) const COLOURS: usize = 8;

/// The most rings; beyond, they would cover the points.
const MOST_RINGS: usize = 600;

/// The size of the labels' letters, and the room above and below them.
const LETTERS: f64 = 14.0;
const LINE: f64 = 17.0;

/// A point, in its own units.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    /// The horizontal coordinate, from left to right, 0 to 1.
    pub(crate) x: f64,
    /// The vertical coordinate, from bottom to top, 0 to 1.
    pub(crate) y: f64,
    /// The coloured label of the point; `None` for another label.
    pub(crate) group: Option<usize>,
    /// The hint at the point's ring, if it has one.
    pub(crate) ring: Option<String>,
}

/// The points of a label: dots at the ends of lines without length, the shortest way to write them.
struct Group {
    style: String,
    path: String,
}

struct Name {
    style: String,
    text: String,
    x: Pixels,
    y: Pixels,
}

struct Ring {
    x: Pixels,
    y: Pixels,
    hint: String,
}

/// The points, with the name of each coloured label in the middle of its points.
#[derive(Template)]
#[template(path = "figures/scatter.html", whitespace = "minimize")]
pub(crate) struct Scatter {
    description: String,
    groups: Vec<Group>,
    names: Vec<Name>,
    rings: Vec<Ring>,
}

impl HtmlSafe for Scatter {}

impl Scatter {
    /// Places the points; `names` are those of the coloured labels.
    pub(crate) fn new(description: String, points: &[Point], names: &[String]) -> Self {
        let mut paths: BTreeMap<Option<usize>, String> = BTreeMap::new();
        for point in points {
            let path = paths.entry(point.group).or_default();
            write!(path, "M{} {}h0", across(point.x), down(point.y)).expect("a String takes everything");
        }
        Self {
            description,
            // The grey ones first: the others lie over them.
            groups: paths
                .into_iter()
                .map(|(group, path)| Group {
                    style: style(group),
                    path,
                })
                .collect(),
            names: place_names(points, names),
            rings: points
                .iter()
                .filter_map(|point| {
                    Some(Ring {
                        x: across(point.x),
                        y: down(point.y),
                        hint: point.ring.clone()?,
                    })
                })
                .take(MOST_RINGS)
                .collect(),
        }
    }
}

fn style(group: Option<usize>) -> String {
    // Dots and squares, for those to whom the colours look alike.
    match group {
        None => "others".to_owned(),
        Some(group) if group % 2 == 0 => format!("group-{group}"),
        Some(group) => format!("group-{group} square"),
    }
}

fn across(x: f64) -> Pixels {
    Pixels(MARGIN + x.clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN))
}

fn down(y: f64) -> Pixels {
    Pixels(HEIGHT - MARGIN - y.clamp(0.0, 1.0) * (HEIGHT - 2.0 * MARGIN))
}

/// The names at the medians of their points, moved down where one would cover another.
fn place_names(points: &[Point], names: &[String]) -> Vec<Name> {
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    let mut placed = Vec::new();
    for (group, name) in names.iter().enumerate() {
        let own = || points.iter().filter(|point| point.group == Some(group));
        let (Some(x), Some(y)) = (
            median(own().map(|point| point.x)),
            median(own().map(|point| point.y)),
        ) else {
            continue;
        };
        let half = extent(name).width * LETTERS / 2.0;
        let x = across(x)
            .0
            .clamp(half.min(WIDTH / 2.0), (WIDTH - half).max(WIDTH / 2.0));
        let mut y = down(y).0.clamp(LINE, HEIGHT - LINE);
        let covers = |y: f64, &(left, right, other): &(f64, f64, f64)| {
            x - half < right && left < x + half && (y - other).abs() < LINE
        };
        let free = (0..names.len())
            .flat_map(|step| [y + step as f64 * LINE, y - step as f64 * LINE])
            .find(|&y| (LINE..=HEIGHT - LINE).contains(&y) && !taken.iter().any(|other| covers(y, other)));
        y = free.unwrap_or(y);
        taken.push((x - half, x + half, y));
        placed.push(Name {
            style: format!("group-{group}"),
            text: name.clone(),
            x: Pixels(x),
            y: Pixels(y),
        });
    }
    placed
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, y: f64, group: Option<usize>, ring: Option<&str>) -> Point {
        Point {
            x,
            y,
            group,
            ring: ring.map(str::to_owned),
        }
    }

    #[test]
    fn points_rings_and_names_are_placed() {
        let names = ["one".to_owned(), "two".to_owned()];
        let points = [
            point(0.0, 0.0, Some(0), None),
            point(1.0, 1.0, Some(1), Some("wrong")),
            point(0.5, 0.5, None, None),
        ];
        let chart = Scatter::new(String::new(), &points, &names).to_string();
        assert!(chart.contains("M16 464h0") && chart.contains("M624 16h0") && chart.contains("M320 240h0"));
        assert_eq!(chart.matches("<circle").count(), 1);
        assert!(chart.contains(">one</text>") && chart.contains(">two</text>"));
    }

    #[test]
    fn names_do_not_cover_each_other() {
        let names: Vec<String> = (0..COLOURS).map(|name| format!("a long name {name}")).collect();
        let points: Vec<Point> = (0..COLOURS)
            .map(|group| point(0.5, 0.5, Some(group), None))
            .collect();
        let placed = place_names(&points, &names);
        for (place, one) in placed.iter().enumerate() {
            assert!(
                placed[..place]
                    .iter()
                    .all(|other| (one.y.0 - other.y.0).abs() >= LINE)
            );
        }
        assert_eq!(placed.len(), COLOURS);
    }
}
