//! The page loads without a complaint, and loads nothing but itself.

use std::path::Path;

use crate::browser::{Browser, Seen, Theme};
use crate::pages::{self, Problems, WIDTHS};

#[test]
fn the_browser_has_nothing_to_complain_about() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        problems.add_all(pages::name(&file), all_seen(&browser, &file).complaints);
    }
    problems.none();
}

#[test]
fn the_page_loads_nothing_but_itself() {
    let browser = Browser::start();
    let mut problems = Problems::default();
    for file in pages::all() {
        let requests = all_seen(&browser, &file).requests;
        let (own, other): (Vec<_>, Vec<_>) = requests
            .into_iter()
            .filter(|address| !address.starts_with("data:"))
            .partition(|address| {
                address.starts_with("file:") && address.ends_with(&format!("/{}.html", pages::name(&file)))
            });
        problems.check(
            own.len() == 1,
            pages::name(&file),
            format!("it is asked for {} times", own.len()),
        );
        problems.add_all(pages::name(&file), other);
    }
    problems.none();
}

/// What is said in every size and theme, with everything unfolded, seen to its end, and printed.
fn all_seen(browser: &Browser, file: &Path) -> Seen {
    let page = browser.open(file);
    page.run("document.querySelectorAll('details').forEach(part => { part.open = true; })");
    for width in WIDTHS {
        for theme in Theme::BOTH {
            page.view(width, theme);
            page.run("scrollTo(0, document.documentElement.scrollHeight)");
        }
    }
    page.print();
    page.seen()
}
