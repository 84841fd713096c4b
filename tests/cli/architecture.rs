//! The dependencies between the crates are the ones ARCHITECTURE.md draws, and every crate follows the lints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::Project;

/// Which crates of this workspace a crate may depend on: downwards only, and stages never on each other.
const ALLOWED: &[(&str, &[&str])] = &[
    ("artifact", &[]),
    (FOR_TESTS, &["artifact"]),
    ("settings", &["artifact"]),
    ("text", &["artifact"]),
    ("metrics", &["artifact"]),
    ("baseline", &["artifact", "metrics", "text"]),
    ("model", &["artifact", "settings", "text"]),
    ("ingest", &["artifact"]),
    ("preprocess", &["artifact", "text"]),
    ("split", &["artifact"]),
    ("train", &["artifact", "metrics", "model", "settings", "text"]),
    (
        "evaluate",
        &["artifact", "baseline", "metrics", "model", "settings"],
    ),
    (
        "audit",
        &["artifact", "baseline", "metrics", "model", "settings", "text"],
    ),
    ("report", &["artifact", "metrics", "text"]),
    (
        "driver",
        &[
            "artifact",
            "ingest",
            "metrics",
            "preprocess",
            "report",
            "settings",
            "split",
        ],
    ),
    (
        "cli",
        &["artifact", "driver", "ingest", "metrics", "report", "settings"],
    ),
    (
        "torch",
        &[
            "artifact", "audit", "cli", "driver", "evaluate", "ingest", "metrics", "model", "text", "train",
        ],
    ),
    (
        "fuzz",
        &["artifact", "audit", "driver", "ingest", "model", "text"],
    ),
];

/// What only tests may depend on, and those of every crate.
const FOR_TESTS: &str = "testkit";

/// Crates whose code may name burn; the others build without LibTorch, or leave it to `model`.
const WITH_BURN: [&str; 2] = ["model", "train"];

fn workspace() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn short_name(value: &Value) -> &str {
    let name = value["name"].as_str().unwrap();
    name.strip_prefix("labelproof-").unwrap_or(name)
}

#[test]
fn crates_depend_downwards_only() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED
        .iter()
        .map(|(name, on)| (*name, on.iter().copied().collect()))
        .collect();
    for package in workspace() {
        let name = short_name(&package);
        let may = allowed
            .get(name)
            .unwrap_or_else(|| panic!("add `{name}` to the table and to ARCHITECTURE.md"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = short_name(dependency);
            if on == FOR_TESTS {
                assert_eq!(
                    dependency["kind"], "dev",
                    "`{name}` must depend on `{on}` in tests only"
                );
                continue;
            }
            if dependency["name"].as_str().unwrap().starts_with("labelproof-") {
                assert!(
                    may.contains(on),
                    "`{name}` must not depend on `{on}`: see ARCHITECTURE.md"
                );
            }
            if on == "burn" || on == "tch" {
                assert!(
                    WITH_BURN.contains(&name),
                    "`{name}` must not name burn: see ARCHITECTURE.md"
                );
            }
        }
    }
}

#[test]
fn every_allowed_dependency_is_used() {
    let packages = workspace();
    for (name, allowed) in ALLOWED {
        let package = packages
            .iter()
            .find(|package| short_name(package) == *name)
            .unwrap_or_else(|| panic!("there is no crate `{name}`: remove it from the table"));
        let dependencies = package["dependencies"].as_array().unwrap();
        let used: BTreeSet<&str> = dependencies.iter().map(short_name).collect();
        for on in *allowed {
            assert!(
                used.contains(on),
                "`{name}` does not depend on `{on}`: remove it from the table and from ARCHITECTURE.md"
            );
        }
    }
}

#[test]
fn every_crate_follows_the_lints_of_the_workspace() {
    for package in workspace() {
        let manifest = package["manifest_path"].as_str().unwrap();
        let text = labelproof_artifact::fs::read_to_string(Path::new(manifest)).unwrap();
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "`{manifest}` lacks `[lints] workspace = true`"
        );
    }
}

#[test]
fn one_place_names_the_backend() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let naming: Vec<String> = labelproof_artifact::fs::files_below(&crates)
        .unwrap()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| {
            let text = labelproof_artifact::fs::read_to_string(path).unwrap();
            ["Device::libtorch", "libtorch::", " tch::", "&tch::"]
                .iter()
                .any(|name| text.contains(name))
        })
        .map(|path| path.strip_prefix(&crates).unwrap().to_string_lossy().into_owned())
        .collect();
    // Three of them only in their tests, which compare with LibTorch.
    assert_eq!(
        naming,
        [
            "model/src/backend/fused/learning.rs",
            "model/src/backend/fused/libtorch.rs",
            "model/src/backend/gelu.rs",
            "model/src/backend/int8.rs",
            "model/src/backend/residual.rs",
            "model/src/backend.rs"
        ]
    );
}

#[test]
fn the_committed_schema_is_the_one_the_binary_prints() {
    let project = Project::empty();
    let printed = project.run(&["schema"]).expect_success().stdout;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/pipeline.schema.json");
    let committed = labelproof_artifact::fs::read_to_string(&path).unwrap();
    assert_eq!(
        committed, printed,
        "write it anew: labelproof schema > schema/pipeline.schema.json"
    );
}
