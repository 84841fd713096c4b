//! Pictures of every page, in every size and in both themes: for people to look at.

use std::path::Path;

use crate::browser::{Browser, Theme};
use crate::pages::{self, MIDDLE, NARROW, WIDE};

/// Chromium paints no more at once.
const MOST_PIXELS: u32 = 16_000;

/// Every size in both themes of a real report; of the others not every size in both, as no size has colours
/// of its own.
fn views(file: &Path) -> Vec<(u32, Theme)> {
    let mut views = vec![
        (NARROW, Theme::Light),
        (MIDDLE, Theme::Dark),
        (WIDE, Theme::Light),
    ];
    if pages::name(file) == "artifacts" {
        views.extend([(NARROW, Theme::Dark), (MIDDLE, Theme::Light), (WIDE, Theme::Dark)]);
    }
    views
}

#[test]
fn pictures_of_every_page() {
    let folder = pages::pictures();
    let browser = Browser::start();
    for file in pages::all() {
        let page = browser.open(&file);
        for (width, theme) in views(&file) {
            page.view(width, theme);
            let picture = page.picture(MOST_PIXELS);
            assert!(picture.starts_with(b"\x89PNG"), "{}", pages::name(&file));
            let name = format!("{}-{width}-{}.png", pages::name(&file), theme.name());
            std::fs::write(folder.join(name), picture).unwrap();
        }
    }
}
