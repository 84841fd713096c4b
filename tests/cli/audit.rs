//! `labelproof audit` of files runs in the small binary, whether `labelproof-torch` is there or not.

use std::fmt::Write;

use insta::assert_snapshot;
use labelproof_artifact::fs;

use crate::harness::{Project, labelproof};

/// 1,000 rows of which nine in ten are right, with probabilities.
fn rows(named: [&str; 3]) -> String {
    let mut csv = String::from("id,text,label,predicted,prob_film,prob_sport,prob_trade\n");
    for row in 0..1000 {
        let truth = row * 7 % 3;
        let said = if row % 10 == 3 { (truth + 1) % 3 } else { truth };
        let scores = [0, 1, 2].map(|class| if class == said { "0.8" } else { "0.1" });
        let label = ["film", "sport", "trade"][truth];
        writeln!(
            csv,
            "r{row},text {row},{label},{},{}",
            named[said],
            scores.join(",")
        )
        .unwrap();
    }
    csv
}

#[test]
fn files_are_audited_without_the_other_binary() {
    let project = Project::empty();
    fs::copy(labelproof(), &project.path("labelproof")).unwrap();
    project.write("validation.csv", &rows(["film", "sport", "trade"]));
    project.write("test.csv", &rows(["sport", "trade", "film"]));
    let script = "./labelproof audit --quiet --validation validation.csv --test test.csv";
    let audited = project.shell(script).expect_success().stdout;
    assert!(audited.contains("\n\nverdict: unsound\n"), "{audited}");
    assert!(audited.contains("(C10"), "{audited}");
    assert_eq!(project.shell(&format!("{script} --check > /dev/null")).code, 8);
    // Running a bundle takes LibTorch.
    let bundle = project.shell(&format!("{script} --bundle model"));
    assert_eq!(bundle.code, 7, "{}", bundle.stderr);
    assert!(bundle.stderr.contains("labelproof-torch"), "{}", bundle.stderr);
}

#[test]
fn files_without_a_word_and_folders_are_asked_about() {
    let project = Project::empty();
    project.write("results.csv", &rows(["film", "sport", "trade"]));
    assert_snapshot!(project.run(&["audit", "results.csv"]).expect_message(), @r#"
        exit code 2
        error: what `results.csv` is has to be said

        hint: put --test, --validation or --train before a file of rows, --log before what a training printed or wrote, --confusion before a matrix, and --bundle before the folder of a model
    "#);
    assert_snapshot!(project.run(&["audit", "--quiet", "--test", "."]).expect_message(), @r#"
        exit code 3
        error: `.` is a folder

        hint: name the file in it that is meant
    "#);
}

/// What each file was understood to be comes first, and what was not examined has an exit code of its own.
#[test]
fn predictions_without_labels_are_not_examined() {
    let project = Project::empty();
    project.write(
        "test.csv",
        "index,prediction,note\n7,film,x\n8,film,y\n9,sport,z\n",
    );
    let audited = project.run(&["audit", "--test", "test.csv", "--check"]);
    assert_eq!(audited.code, 10, "{}", audited.stderr);
    // What was decided in reading is said once, where the answer begins.
    assert!(
        !audited.stderr.contains("no column of true labels"),
        "{}",
        audited.stderr
    );
    assert_snapshot!(audited.stdout.split("\n\n").take(2).collect::<Vec<_>>().join("\n\n"), @r"
        test.csv: test rows
          3 rows: ids from `index` and predicted labels from `prediction`. Predicted labels: `film`,
          `sport`. No column of true labels among `index`, `prediction`, `note`; name it with --label.
          Left aside: column `note`.

        verdict: not examined
        Nothing speaks against these figures, and too little was given to say that they are right: test.csv
        has predictions and no true labels. What would tell most: the true labels, which are missing from
        test.csv: name their column with --label, or add one.
    ");
    let unknown = project.run(&["audit", "--log", "val_accuracy=0.9", "--label", "gold"]);
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
    assert!(
        unknown
            .stderr
            .contains("--label names a column, and there is no file of rows"),
        "{}",
        unknown.stderr
    );
    let rows = project.run(&["audit", "--test", "test.csv", "--validation-rows", "3"]);
    assert_eq!(rows.code, 2, "{}", rows.stderr);
}

#[test]
fn an_audit_of_nothing_says_what_to_give() {
    let nothing = Project::empty().run(&["audit"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (2, ""));
    assert!(
        nothing.stderr.contains("give at least one of --validation"),
        "{}",
        nothing.stderr
    );
}
