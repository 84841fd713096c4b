//! Neither the order of rows nor of files shows, and ids from content stay.

use super::*;

/// Rows with and without repeats, as CSV records.
fn records() -> Vec<String> {
    (0..400_u32)
        .map(|number| {
            let content = number % 150;
            format!(
                "\"text {content}\n{}\",{},g{}\n",
                "é".repeat(content as usize % 9),
                content % 3,
                content % 4
            )
        })
        .collect()
}

/// Writes the records into as many files.
fn world_of(records: &[String], files: usize) -> World {
    let world = World::new();
    for (index, part) in records.chunks(records.len().div_ceil(files)).enumerate() {
        let content = format!("text,label,group\n{}", part.concat());
        world.write(&format!("{index}.csv"), content.as_bytes());
    }
    world
}

const YAML: &str = "format: csv\npaths: ['*.csv']\ncolumns: {text: text, label: label, group: group}\n";

#[test]
fn neither_order_nor_files_nor_runs_show_in_the_artifacts() {
    let forward = records();
    let backward: Vec<_> = forward.iter().rev().cloned().collect();
    let mixed: Vec<_> = (0..forward.len())
        .map(|index| forward[index * 7 % forward.len()].clone())
        .collect();
    for yaml in [YAML.to_owned(), format!("{YAML}rows_per_label: 30\n")] {
        let reference = world_of(&forward, 1);
        let output = reference.run(&yaml).unwrap();
        assert!(output.documents.is_sorted_by(|one, other| one.id < other.id));
        for (records, files, run_bytes) in [
            (&backward, 1, 64 << 20),
            (&mixed, 3, 64 << 20),
            (&mixed, 1, 1),
            (&forward, 5, 2000),
        ] {
            let world = world_of(records, files);
            let limits = Limits {
                run_bytes,
                open_runs: 4,
                ..Limits::default()
            };
            world.run_within(&yaml, limits).unwrap();
            assert!(
                world.bytes() == reference.bytes(),
                "{files} files, runs of {run_bytes} bytes"
            );
            // Scratch files are gone: the three artifacts are all there is.
            assert_eq!(world.out.path().read_dir().unwrap().count(), 3);
        }
    }
}

#[test]
fn equal_rows_without_ids_are_numbered() {
    let mut content = "text,label\nb,t\n".to_owned();
    content.push_str(&"a,s\n".repeat(12));
    let world = World::with(&[("a.csv", content.as_bytes())]);
    let output = world.run(CSV).unwrap();
    let id = output
        .documents
        .iter()
        .find(|document| document.text == "a")
        .unwrap()
        .id
        .clone();
    let mut expected: Vec<_> = (2..=12).map(|number| format!("{id}-{number}")).collect();
    expected.push(id);
    expected.sort();
    let found: Vec<_> = output
        .documents
        .iter()
        .filter(|document| document.text == "a")
        .collect();
    assert_eq!(
        found.iter().map(|document| &document.id).collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    assert!(output.documents.is_sorted_by(|one, other| one.id < other.id));
}

#[test]
fn an_id_from_content_is_the_same_for_ever_and_outlives_a_renaming() {
    let world = World::with(&[("a.csv", b"text,label\na,s\nb,t\n")]);
    let before: Vec<_> = world
        .run(CSV)
        .unwrap()
        .documents
        .into_iter()
        .map(|document| document.id)
        .collect();
    let renamed = world
        .run(&format!("{CSV}labels: {{rename: {{s: sport}}}}\n"))
        .unwrap();
    let after: Vec<_> = renamed
        .documents
        .into_iter()
        .map(|document| document.id)
        .collect();
    assert_eq!(before, after);
    // Ids are joined with across versions of this program: another digest needs another revision.
    assert_eq!(
        before,
        [
            "492d109ded3a9bae361440ae52f9403e",
            "b8f092869e982b2a7c43b0cd231e4cf6"
        ]
    );
}
