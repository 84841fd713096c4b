//! The page by keyboard alone: one can see where one is, hear it by name, and skip what is the same every
//! time.

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
fn every_stop_is_in_sight() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let page = browser.open(&file);
        page.run(WATCH);
        for _ in 0..MOST_STOPS {
            page.press("Tab");
        }
        let (stops, faults): (usize, Vec<String>) = page.ask("[watched.stops, [...watched.faults.values()]]");
        problems.check(stops > 10, pages::name(&file), format!("only {stops} stops"));
        problems.add_all(pages::name(&file), faults);
    }
    problems.none();
}

/// Looks at whatever gets the focus, and keeps one fault of each kind.
const WATCH: &str = r"
    var watched = {stops: 0, faults: new Map()};
    const fault = element => {
        const style = getComputedStyle(element), box = element.getBoundingClientRect();
        if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) return 'no outline';
        if (/^rgba\(.*, 0\)$|^transparent$/.test(style.outlineColor)) return 'an outline that is not seen';
        if (box.width === 0 || box.height === 0 || !element.checkVisibility()) return 'not shown';
        if (box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth) return 'out of sight';
        return null;
    };
    document.addEventListener('focusin', event => {
        watched.stops += 1;
        const element = event.target, found = fault(element), kind = `${found} ${element.localName}.${element.className}`;
        if (found && !watched.faults.has(kind)) watched.faults.set(kind, `${found}: ${element.outerHTML.slice(0, 160)}`);
    })";

#[test]
fn what_can_be_focused_has_a_name() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let page = browser.open(&file);
        let named = page.focusable();
        problems.check(
            named.len() > 10,
            pages::name(&file),
            format!("only {} can be focused", named.len()),
        );
        let nameless = named.iter().filter(|(_, name)| name.trim().is_empty());
        let roles: BTreeSet<_> = nameless.map(|(role, _)| role).collect();
        problems.add_all(
            pages::name(&file),
            roles.iter().map(|role| format!("no name: {role}")),
        );
    }
    problems.none();
}
