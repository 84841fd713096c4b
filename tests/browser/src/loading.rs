//! The page loads without a complaint, and loads nothing but itself.

use std::path::Path;

use crate::browser::{Browser, Seen, Theme};
use crate::pages::{self, NARROW, Problems, WIDE};

#[test]
fn no_complaint_and_no_request_but_for_itself() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let place = pages::name(&file);
        let seen = all_seen(&browser, &file);
        problems.add_all(place, seen.complaints);
        let (own, other): (Vec<_>, Vec<_>) = seen
            .requests
            .into_iter()
            .filter(|address| !address.starts_with("data:"))
            .partition(|address| {
                address.starts_with("file:") && address.ends_with(&format!("/{place}.html"))
            });
        problems.check(
            own.len() == 1,
            place,
            format!("it is asked for {} times", own.len()),
        );
        problems.add_all(
            place,
            other.iter().map(|address| format!("it asks for {address}")),
        );
    }
    problems.none();
}

/// What is said narrow and wide, light and dark, with everything unfolded, seen to its end, and printed.
fn all_seen(browser: &Browser, file: &Path) -> Seen {
    let page = browser.open(file);
    page.run("document.querySelectorAll('details').forEach(part => { part.open = true; })");
    for (width, theme) in [(NARROW, Theme::Light), (WIDE, Theme::Dark)] {
        page.view(width, theme);
        page.run("scrollTo(0, document.documentElement.scrollHeight)");
    }
    page.print();
    page.seen()
}
