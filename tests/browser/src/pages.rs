//! Which pages are tested, and how what is wrong with them is told.

use std::fmt::Display;
use std::path::{Path, PathBuf};

pub(crate) const NARROW: u32 = 400;
pub(crate) const MIDDLE: u32 = 1000;
pub(crate) const WIDE: u32 = 1600;
pub(crate) const WIDTHS: [u32; 3] = [NARROW, MIDDLE, WIDE];

#[track_caller]
fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("`{name}` is not set: run `make test-browser`"))
        .into()
}

/// The pages in the order of their names.
#[track_caller]
pub(crate) fn all() -> Vec<PathBuf> {
    let folder = variable("LABELPROOF_BROWSER_PAGES");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut pages: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "html"))
        .collect();
    pages.sort();
    assert!(!pages.is_empty(), "{}: no pages", folder.display());
    pages
}

#[track_caller]
pub(crate) fn axe() -> String {
    let path = variable("LABELPROOF_BROWSER_AXE");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folder of the pictures, which is made.
#[track_caller]
pub(crate) fn pictures() -> PathBuf {
    let folder = variable("LABELPROOF_BROWSER_PICTURES");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A page that a test needs, beside the pictures.
pub(crate) fn made(name: &str, content: &str) -> PathBuf {
    let folder = pictures().with_file_name("made");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name).with_extension("html");
    let page =
        format!("<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Made</title>{content}</html>");
    std::fs::write(&file, page).unwrap();
    file
}

pub(crate) fn name(page: &Path) -> &str {
    page.file_stem()
        .and_then(|name| name.to_str())
        .expect("pages have plain names")
}

/// What is wrong, gathered over all pages: one run tells all.
#[derive(Default)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    pub(crate) fn add(&mut self, place: impl Display, problem: impl Display) {
        self.0.push(format!("{place}: {problem}"));
    }

    pub(crate) fn add_all<T: Display>(&mut self, place: impl Display, problems: impl IntoIterator<Item = T>) {
        for problem in problems {
            self.add(&place, problem);
        }
    }

    pub(crate) fn check(&mut self, holds: bool, place: impl Display, problem: impl Display) {
        if !holds {
            self.add(place, problem);
        }
    }

    #[track_caller]
    pub(crate) fn none(self) {
        assert!(
            self.0.is_empty(),
            "{} problems\n\n{}\n",
            self.0.len(),
            self.0.join("\n")
        );
    }
}
