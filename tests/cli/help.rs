//! The help, the version, the completions, and the binary without its sibling.

use std::process::Command;

use labelproof_artifact::fs;

use crate::harness::{Project, labelproof};

#[test]
fn help_shows_examples_and_exit_codes_and_the_rest_prints_what_it_says() {
    let project = Project::empty();
    let help = project.run(&["--help"]).expect_success().stdout;
    assert!(
        help.contains("Examples:") && help.contains("Exit codes: 0 ok"),
        "{help}"
    );
    let version = project.run(&["--version"]).expect_success().stdout;
    assert_eq!(
        version.trim_end(),
        format!("labelproof {}", env!("CARGO_PKG_VERSION"))
    );
    assert!(
        project
            .run(&["completions", "bash"])
            .expect_success()
            .stdout
            .contains("_labelproof")
    );
    assert_eq!(project.run(&["run", "trian"]).code, 2);
}

#[test]
fn a_command_without_its_other_half_says_what_is_missing() {
    let project = Project::empty();
    let alone = project.path("labelproof");
    fs::copy(labelproof(), &alone).unwrap();
    let version = Command::new(&alone).arg("--version").output().unwrap();
    assert_eq!(version.status.code(), Some(0));
    let run = project.shell("./labelproof predict --bundle model < /dev/null");
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert_eq!(
        run.stderr,
        "error: cannot start `[DIR]/labelproof-torch`\n  caused by: No such file or directory (os error 2)\n\nhint: \
         this command runs a network, which `labelproof-torch` does: build both binaries (`cargo build --bin \
         labelproof --bin labelproof-torch`), and keep them in one folder\n"
    );
}
