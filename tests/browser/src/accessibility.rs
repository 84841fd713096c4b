//! What axe-core has to say: names, roles, contrast, order of headings.

use serde::Deserialize;

use crate::browser::{Browser, Page, Theme};
use crate::pages::{self, MIDDLE, NARROW, Problems};

/// Nodes of one violation that are shown; the rest is counted.
const MOST_NODES: usize = 3;

/// axe-core looks at every element, minutes long where there are thousands: of what is alike, it gets the
/// first ones. The legend of the matrix still has each of its colours.
pub(crate) const THIN: &str = "
    for (const [lists, most] of [['ol, ul, tbody, table.matrix tr', 8], ['.clouds', 2]]) {
        for (const list of document.querySelectorAll(lists)) [...list.children].slice(most).forEach(item => item.remove());
    }
    for (const chart of document.querySelectorAll('svg')) {
        [...chart.querySelectorAll('circle')].slice(8).forEach(point => point.remove());
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
        // The widths differ in what is shown and where it scrolls, the themes in their colours.
        for (width, theme, rules) in [
            (NARROW, Theme::Light, Rules::AllButColours),
            (MIDDLE, Theme::Light, Rules::All),
            (MIDDLE, Theme::Dark, Rules::Colours),
        ] {
            page.view(width, theme);
            let place = format!("{}, {width} px, {}", pages::name(&file), theme.name());
            problems.add_all(&place, barriers(&page, &axe, "html", rules));
        }
    }
    problems.none();
}

/// What axe-core looks for.
#[derive(Clone, Copy)]
pub(crate) enum Rules {
    All,
    /// All that another theme changes. It takes as long as the others together.
    Colours,
    AllButColours,
}

impl Rules {
    fn options(self) -> &'static str {
        match self {
            Self::All => "{resultTypes: ['violations']}",
            Self::Colours => {
                "{resultTypes: ['violations'], runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']}}"
            }
            Self::AllButColours => {
                "{resultTypes: ['violations'], rules: {'color-contrast': {enabled: false}, 'link-in-text-block': {enabled: false}}}"
            }
        }
    }
}

/// What axe-core finds in a part of the page as it is shown now.
#[track_caller]
pub(crate) fn barriers(page: &Page, axe: &str, part: &str, rules: Rules) -> Vec<String> {
    if !page.ask::<bool>("'axe' in window") {
        page.run(axe);
    }
    let violations: Vec<Violation> = page.ask(&format!(
        "axe.run('{part}', {}).then(found => found.violations.map(({{id, impact, help, nodes}}) => ({{
            id, impact, help,
            nodes: nodes.map(node => ({{html: node.html, summary: node.failureSummary ?? ''}})),
        }})))",
        rules.options()
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
