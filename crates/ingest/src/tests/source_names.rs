//! What files are called in messages and rejects.

use labelproof_artifact::Silent;

use super::*;

fn names(params: &str, base: &Path) -> Vec<String> {
    let params: Params = serde_yaml::from_str(params).unwrap();
    source_files(&params, base, &Silent)
        .unwrap()
        .into_iter()
        .map(|file| file.name)
        .collect()
}

#[test]
fn names_are_relative_sorted_and_without_repeats() {
    let world = World::with(&[
        ("b/2.csv", b""),
        ("b/1.csv", b""),
        ("a[1].csv", b""),
        ("z.csv", b""),
    ]);
    let base = world.base.path();
    let found = names("{format: csv, paths: [b, 'b/*.csv', ./z.csv, 'a[1].csv']}", base);
    assert_eq!(found, ["a[1].csv", "b/1.csv", "b/2.csv", "z.csv"]);
    let found = names("{format: csv, paths: ['../z.csv', ../b]}", &base.join("b"));
    assert_eq!(found, ["../b/1.csv", "../b/2.csv", "../z.csv"]);
}

#[test]
fn an_absolute_path_shows_its_end_only() {
    let (one, other) = (World::with(&[("x.csv", b"")]), World::with(&[("x.csv", b"")]));
    let path = |world: &World| world.base.path().join("x.csv").display().to_string();
    let yaml = format!("{{format: csv, paths: ['{}', '{}']}}", path(&one), path(&other));
    assert_eq!(names(&yaml, &PathBuf::from("/elsewhere")), ["x.csv", "x.csv (2)"]);
    assert_eq!(
        names(
            &format!("{{format: csv, paths: ['{}/*.csv']}}", one.base.path().display()),
            one.base.path()
        ),
        ["x.csv"]
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    let world = World::with(&[("d/s/1.txt", b"a"), ("real/1.txt", b"b")]);
    let base = world.base.path();
    std::os::unix::fs::symlink(base.join("real"), base.join("d/t")).unwrap();
    std::os::unix::fs::symlink(base.join("d"), base.join("d/s/loop")).unwrap();
    let output = world.run("{format: folder, paths: [d]}").unwrap();
    assert_eq!(rows_of(&output), ["s/1/a/s", "t/1/b/t"]);
    std::os::unix::fs::symlink(base.join("gone"), base.join("d/t/2.txt")).unwrap();
    let error = world.run("{format: folder, paths: [d]}").unwrap_err();
    assert_eq!(error.to_string(), "cannot read `d/t/2.txt`");
}
