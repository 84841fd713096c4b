//! Which rows are taken: labels kept and renamed, and the cap on rows of each label.

use super::*;

#[test]
fn labels_are_renamed_then_chosen_and_the_rest_is_counted() {
    let world = World::with(&[(
        "a.csv",
        b"text,label\na,sports\nb,sport\nc,tech\nd,world\ne,arts\nf,world\n",
    )]);
    let output = world
        .run(&format!(
            "{CSV}labels: {{keep: [tech, sport], rename: {{sports: sport, game: sport}}}}\n"
        ))
        .unwrap();
    assert_eq!(output.labels, ["sport", "tech"]);
    assert_eq!(output.rejects, []);
    assert_eq!(
        output.message,
        "6 rows read from 1 file, 3 documents of 2 labels\n  sport  2\n  tech   1\n\
         not chosen by `ingest.labels.keep`: 3 rows (`world` 2, `arts` 1)\n\
         `ingest.labels.rename` names labels that no row has: `game`\n\
         warning: 1 label has only one row, which cannot be in train and test: `tech`"
    );
}

fn many(order: impl Iterator<Item = u32>) -> String {
    let mut content = "id,text,label\n".to_owned();
    for number in order {
        let label = ["s", "t", "u"][number as usize % 3];
        writeln!(content, "row {number},text {number},{label}").unwrap();
    }
    // Fewer than the cap.
    content.push_str("v1,text,v\nv2,text,v\n");
    content
}

#[test]
fn the_cap_is_drawn_by_seed_and_not_by_place() {
    let ids = |order: Vec<u32>, seed: u64| {
        let world = World::with(&[("a.csv", many(order.into_iter()).as_bytes())]);
        let output = world
            .run(&format!("{CSV_ID}rows_per_label: 20\nseed: {seed}\n"))
            .unwrap();
        assert!(
            output.message.starts_with(
                "302 rows read from 1 file, 62 documents of 4 labels\n  s  20\n  t  20\n  u  20\n  v   2\n\
                 over the cap of 20 rows per label: 240"
            ),
            "{}",
            output.message
        );
        output
            .documents
            .into_iter()
            .map(|document| document.id)
            .collect::<Vec<_>>()
    };
    let drawn = ids((0..300).collect(), 10);
    assert_eq!(drawn, ids((0..300).rev().collect(), 10));
    let other = ids((0..300).collect(), 11);
    let common = drawn.iter().filter(|id| other.contains(id)).count();
    // Two draws of 20 out of 100 share 4 rows of each label on average, and the 2 rows of `v`.
    assert!((2..40).contains(&common), "{common}");
}

#[test]
fn a_repeated_id_takes_no_place_under_the_cap() {
    let mut content = many(0..300);
    // Equal draws, which must not fill the cap twice.
    content.push_str(&many(0..300)["id,text,label\n".len()..]);
    let world = World::with(&[("a.csv", content.as_bytes())]);
    let yaml = format!("{CSV_ID}rows_per_label: 20\non_reject: continue\n");
    let output = world.run(&yaml).unwrap();
    assert_eq!((output.documents.len(), output.rejects.len()), (62, 302));
}

#[test]
fn many_labels_are_shown_by_their_ends() {
    let mut content = "text,label\n".to_owned();
    for label in 0..40 {
        for row in 0..=label {
            writeln!(content, "text {row} of label {label},label {label:02}").unwrap();
        }
    }
    let world = World::with(&[("a.csv", content.as_bytes())]);
    let output = world.run(CSV).unwrap();
    let lines: Vec<_> = output.message.lines().collect();
    assert_eq!(lines.len(), 18);
    assert!(
        lines[17].starts_with("warning: 1 label has only one row"),
        "{}",
        lines[17]
    );
    assert_eq!(lines[1], "  label 39  40");
    assert_eq!(
        lines[10..13],
        ["  label 30  31", "  … and 25 between them", "  label 04   5"]
    );
    assert_eq!(lines[16], "  label 00   1");
}
