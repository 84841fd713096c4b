//! `labelproof explain`: the list of the causes, one page, and the whole document.

use labelproof_artifact::fs;

use crate::harness::{Project, Run};

fn explain(arguments: &[&str]) -> Run {
    Project::empty().run(&[&["explain"], arguments].concat())
}

#[test]
fn a_page_is_printed_by_number_name_or_part_of_its_title() {
    let page = explain(&["C43"]).expect_success().stdout;
    let title = "# C43: A split that is drawn again in every epoch\n\nName: `redrawn-split`. Family: leakage";
    assert!(page.starts_with(title), "{page}");
    assert!(page.contains("\n## How it is tested\n"), "{page}");
    for called in [&["redrawn_split"][..], &["drawn", "again"]] {
        assert_eq!(explain(called).expect_success().stdout, page, "{called:?}");
    }
}

#[test]
fn the_list_names_what_to_ask_for() {
    let list = explain(&[]).expect_success().stdout;
    assert!(list.contains("\n  C43  redrawn-split "), "{list}");
}

#[test]
fn the_document_in_the_repository_is_what_is_printed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/causes.md");
    let document = fs::read_to_string(path.as_ref()).unwrap();
    assert!(
        explain(&["--markdown"]).expect_success().stdout == document,
        "write it anew: labelproof explain --markdown > docs/causes.md"
    );
}

#[test]
fn an_unknown_cause_gets_the_nearest_name() {
    let run = explain(&["shufled"]);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.trim_end()),
        (
            2,
            "",
            "error: no cause is called `shufled`\n\nhint: did you mean `shuffled`?\n\
             hint: `labelproof explain` lists all causes"
        )
    );
}
