//! The page by keyboard alone: one can see where one is, hear it by name, and skip what is the same every time.

use std::collections::BTreeSet;

use crate::browser::Browser;
use crate::pages::{self, Problems};

/// Stops that are looked at on each page; pages of many labels have thousands of the same kind.
const MOST_STOPS: usize = 80;

#[test]
fn the_skip_link_is_first_and_works() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let page = browser.open(&file);
        page.press("Tab");
        let shown: bool = page.ask(
            "(() => { const link = document.activeElement, box = link.getBoundingClientRect();
                return link.matches('a.skip') && box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight; })()",
        );
        problems.check(
            shown,
            pages::name(&file),
            "the first stop is not the skip link, or is not in sight",
        );
        page.press("Enter");
        let skipped = page
            .soon("document.activeElement.id === 'content' && document.activeElement.localName === 'main'");
        problems.check(
            skipped,
            pages::name(&file),
            "the skip link does not lead to the content",
        );
        page.press("Tab");
        let inside = page.soon(
            "document.activeElement.closest('main') !== null && document.activeElement.localName !== 'main'",
        );
        problems.check(
            inside,
            pages::name(&file),
            "the stop after the skip link is not in the content",
        );
    }
    problems.none();
}

#[test]
fn every_stop_is_in_sight_and_has_a_name() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let page = browser.open(&file);
        let mut told = BTreeSet::new();
        for stop in 0..MOST_STOPS {
            page.press("Tab");
            let at_end: bool = page.ask("document.activeElement === document.body");
            if at_end {
                problems.check(stop > 10, pages::name(&file), format!("only {stop} stops"));
                break;
            }
            let fault: Option<String> = page.ask(
                r"(() => {
                    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
                    if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) return 'no outline';
                    if (/^rgba\(.*, 0\)$|^transparent$/.test(style.outlineColor)) return 'an outline that is not seen';
                    if (box.width === 0 || box.height === 0 || !element.checkVisibility()) return 'not shown';
                    if (box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth) return 'out of sight';
                    return null;
                })()",
            );
            let (role, name) = page.focused();
            let fault = fault.or_else(|| name.trim().is_empty().then(|| "no name".to_owned()));
            if let Some(fault) = fault {
                let element: String = page.ask("document.activeElement.outerHTML.slice(0, 160)");
                // Once for each kind.
                if told.insert((fault.clone(), role.clone())) {
                    problems.add(pages::name(&file), format!("{fault}: {role} {element}"));
                }
            }
        }
    }
    problems.none();
}
