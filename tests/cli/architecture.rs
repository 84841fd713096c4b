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
    ("remote", &["artifact"]),
    ("tables", &["artifact"]),
    ("text", &["artifact"]),
    ("metrics", &["artifact"]),
    ("baseline", &["artifact", "metrics", "text"]),
    ("kernels", &["artifact", "settings"]),
    ("model", &["artifact", "kernels", "settings", "text"]),
    ("ingest", &["artifact", "remote", "tables", "text"]),
    ("preprocess", &["artifact", "settings", "text"]),
    ("split", &["artifact"]),
    (
        "train",
        &["artifact", "kernels", "metrics", "model", "settings", "text"],
    ),
    (
        "evaluate",
        &["artifact", "baseline", "kernels", "metrics", "model", "settings"],
    ),
    (
        "audit",
        &["artifact", "baseline", "metrics", "settings", "tables", "text"],
    ),
    ("report", &["artifact", "metrics", "text"]),
    ("serve", &["artifact"]),
    (
        "driver",
        &[
            "artifact",
            "audit",
            "ingest",
            "metrics",
            "preprocess",
            "remote",
            "report",
            "settings",
            "split",
        ],
    ),
    (
        "cluster",
        &[
            "artifact",
            "driver",
            "ingest",
            "preprocess",
            "remote",
            "settings",
            "text",
        ],
    ),
    (
        "cli",
        &[
            "artifact", "audit", "cluster", "driver", "ingest", "metrics", "report", "settings",
        ],
    ),
    (
        "python",
        &["artifact", "audit", "cli", "cluster", "driver", "tables"],
    ),
    (
        "torch",
        &[
            "artifact", "audit", "cli", "cluster", "driver", "evaluate", "ingest", "kernels", "metrics",
            "model", "serve", "settings", "text", "train",
        ],
    ),
    (
        "fuzz",
        &[
            "artifact", "audit", "driver", "ingest", "kernels", "model", "tables", "text",
        ],
    ),
];

/// What only tests may depend on, and those of every crate.
const FOR_TESTS: &str = "testkit";

/// Crates whose code may name burn's tensors; the others build without LibTorch, or leave them to `model`.
const WITH_BURN: [&str; 3] = ["kernels", "model", "train"];

/// The one crate that may depend on LibTorch's bindings and hold `unsafe` code.
const WITH_BACKEND: &str = "kernels";

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
            if on == "burn" {
                assert!(
                    WITH_BURN.contains(&name),
                    "`{name}` must not name burn: see ARCHITECTURE.md"
                );
            }
            if on == "tch" {
                assert_eq!(
                    name, WITH_BACKEND,
                    "only one crate names LibTorch: see ARCHITECTURE.md"
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

/// The paths, below `crates/`, of the source files whose text has a property.
fn sources_where(holds: impl Fn(&str) -> bool) -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    labelproof_artifact::fs::files_below(&crates)
        .unwrap()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| holds(&labelproof_artifact::fs::read_to_string(path).unwrap()))
        .map(|path| path.strip_prefix(&crates).unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn one_crate_names_the_backend() {
    let names_backend = |text: &str| {
        let names = ["Device::libtorch", "libtorch::", " tch::", "&tch::"];
        names.iter().any(|name| text.contains(name))
    };
    let naming = sources_where(names_backend);
    assert!(!naming.is_empty());
    for path in naming {
        let folder = format!("{WITH_BACKEND}/");
        assert!(
            path.starts_with(&folder),
            "`{path}` names a backend: see ARCHITECTURE.md"
        );
    }
}

#[test]
fn one_crate_has_unsafe_code() {
    // Every use of it needs this lint to be lifted. The memory map of a file is no kernel, and `fs` is the
    // file system.
    let lint = concat!("unsafe", "_code");
    let others: Vec<String> = sources_where(|text| text.contains(lint))
        .into_iter()
        .filter(|path| !path.starts_with(&format!("{WITH_BACKEND}/")))
        .collect();
    assert_eq!(others, ["artifact/src/fs.rs"]);
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
