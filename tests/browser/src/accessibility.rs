//! What axe-core has to say: names, roles, contrast, order of headings.

use serde::Deserialize;

use crate::browser::{Browser, Page, Theme};
use crate::pages::{self, MIDDLE, NARROW, Problems};

/// Nodes of one violation that are shown; the rest is counted.
const MOST_NODES: usize = 3;

/// axe-core looks at every element, minutes long where there are thousands of rows: of what is alike, it gets the first ones.
pub(crate) const THIN: &str = "
    for (const list of document.querySelectorAll('ol, ul, tbody')) {
        for (const item of [...list.children].slice(25)) item.remove();
    }";

#[derive(Deserialize)]
struct Violation {
    id: String,
    impact: Option<String>,
    help: String,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    html: String,
    summary: String,
}

#[test]
fn axe_finds_no_barrier() {
    let axe = pages::axe();
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let page = browser.open(&file);
        page.run("document.querySelectorAll('details').forEach(part => { part.open = true; })");
        page.run(THIN);
        for width in [NARROW, MIDDLE] {
            page.view(width, Theme::Light);
            let place = format!("{}, {width} px", pages::name(&file));
            problems.add_all(&place, barriers(&page, &axe));
            page.view(width, Theme::Dark);
            problems.add_all(format!("{place}, dark"), barriers_of_colour(&page, &axe));
        }
    }
    problems.none();
}

/// Everything that axe-core finds on the page as it is shown now.
#[track_caller]
pub(crate) fn barriers(page: &Page, axe: &str) -> Vec<String> {
    find(page, axe, "{resultTypes: ['violations']}")
}

/// Only what colours may do: all that another theme changes.
#[track_caller]
pub(crate) fn barriers_of_colour(page: &Page, axe: &str) -> Vec<String> {
    let rules = "['color-contrast', 'link-in-text-block']";
    find(
        page,
        axe,
        &format!("{{resultTypes: ['violations'], runOnly: {{type: 'rule', values: {rules}}}}}"),
    )
}

#[track_caller]
fn find(page: &Page, axe: &str, options: &str) -> Vec<String> {
    if !page.ask::<bool>("'axe' in window") {
        page.run(&format!("{axe}"));
    }
    let violations: Vec<Violation> = page.ask(&format!(
        "axe.run(document, {options}).then(found => found.violations.map(({{id, impact, help, nodes}}) => ({{
            id, impact, help,
            nodes: nodes.map(node => ({{html: node.html, summary: node.failureSummary ?? ''}})),
        }})))"
    ));
    violations.iter().map(tell).collect()
}

fn tell(violation: &Violation) -> String {
    let Violation {
        id,
        impact,
        help,
        nodes,
    } = violation;
    let mut told = format!("{id} ({}): {help}", impact.as_deref().unwrap_or("-"));
    for node in nodes.iter().take(MOST_NODES) {
        let html: String = node.html.chars().take(300).collect();
        told += &format!(
            "\n    {html}\n        {}",
            node.summary.replace('\n', "\n        ")
        );
    }
    if nodes.len() > MOST_NODES {
        told += &format!("\n    and {} more", nodes.len() - MOST_NODES);
    }
    told
}
