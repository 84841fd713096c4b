//! The pages have one form, agree with the catalogue and with `docs/causes.md`, and are found by every name.

use std::path::Path;

use labelproof_artifact::fs;

use super::*;

/// Where the repository keeps the pages.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/causes.md");

const HEADINGS: [&str; 5] = [
    "## Why the figures look good",
    "## How it is tested",
    "## What to do",
    "## Example",
    "## References",
];

#[test]
fn every_page_has_the_same_form() {
    for check in catalogue::ALL {
        let page = check.page();
        let title = format!("# {}\n\n", capitalized(check.name));
        assert!(page.starts_with(&title), "{}: {page}", check.id);
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, HEADINGS, "{}", check.id);
        assert_eq!(page.matches("```").count() % 2, 0, "{}", check.id);
        assert!(
            page.lines().all(|line| line.chars().count() <= 106),
            "{}",
            check.id
        );
    }
}

/// `LABELPROOF_WRITE_GOLDEN=1` writes the document anew, as `labelproof explain --markdown > docs/causes.md`
/// does.
#[test]
fn the_document_is_what_the_command_prints() {
    let document = Path::new(DOCUMENT);
    let printed = markdown() + "\n";
    if std::env::var_os("LABELPROOF_WRITE_GOLDEN").is_some() {
        fs::write_atomic(document, printed.as_bytes()).unwrap();
    }
    assert!(
        fs::read_to_string(document).unwrap() == printed,
        "docs/causes.md is stale; write it anew: labelproof explain --markdown > docs/causes.md"
    );
}

/// A number such as `C43`, anywhere in the document, is that of a cause.
#[test]
fn only_causes_of_the_catalogue_are_named() {
    let text = markdown();
    for word in text.split(|character: char| !character.is_alphanumeric()) {
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if word.strip_prefix('C').is_some_and(is_number) {
            assert!(catalogue::ALL.iter().any(|check| check.id == word), "{word}");
        }
    }
}

#[test]
fn a_cause_is_found_by_number_name_and_part_of_either() {
    let id = |called: &str| find(called).unwrap().id;
    for called in [
        "C43",
        "c43",
        "43",
        "redrawn-split",
        "redrawn_split",
        "Redrawn Split",
        "redrawn",
        "drawn again in every epoch",
    ] {
        assert_eq!(id(called), "C43", "{called}");
    }
    // A number is no part of another one.
    assert_eq!(id("C1"), "C1");
    assert_eq!(id("4"), "C4");
}

#[test]
fn a_typing_error_gets_the_nearest_name() {
    let error = find("redrwan-splti").unwrap_err();
    assert_eq!(error.to_string(), "no cause is called `redrwan-splti`");
    let list = "`labelproof explain` lists all causes";
    assert_eq!(error.hints(), ["did you mean `redrawn-split`?", list]);
    assert_eq!(error.fault(), Fault::Configuration);
    assert_eq!(
        find("shufled").unwrap_err().hints(),
        ["did you mean `shuffled`?", list]
    );
    assert_eq!(find("shuffled").unwrap().id, "C11");
    assert_eq!(find("qqq").unwrap_err().hints(), [list]);
    assert_eq!(find("--").unwrap_err().hints(), [list]);
}

#[test]
fn a_part_that_several_causes_have_lists_them() {
    let error = find("duplicates").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`duplicates` fits more than one cause:\n  \
         C40  exact-duplicates          The same texts in two splits\n  \
         C41  near-duplicates           Nearly the same texts in two splits"
    );
    assert_eq!(error.hints(), ["give the number of the one you mean"]);
}

#[test]
fn the_list_has_every_cause_in_its_family() {
    let list = list();
    let lines: Vec<&str> = list.lines().filter(|line| line.starts_with("  C")).collect();
    assert_eq!(lines.len(), catalogue::ALL.len());
    assert!(lines.iter().all(|line| line.chars().count() <= 110));
    let first = "Losses and metrics\n  C1   double-softmax            Softmax is applied twice in the loss\n";
    assert!(list.starts_with(first), "{list}");
}
