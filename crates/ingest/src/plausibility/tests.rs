//! Each warning on a table that deserves it, and none on one that does not.

use super::*;

fn rows(number: usize, make: impl Fn(usize) -> (String, String)) -> Vec<(String, String)> {
    (0..number).map(make).collect()
}

/// A table in which nothing is odd.
fn plain(number: usize) -> Vec<(String, String)> {
    rows(number, |row| {
        let text = format!(
            "the {row} of them said that it was {}",
            "so ".repeat(row * 37 % 101)
        );
        (text, ["sport", "tech"][row % 2].to_owned())
    })
}

fn warnings_of(format: &str, rows: &[(String, String)]) -> Vec<String> {
    let columns = if format == "folder" {
        ""
    } else {
        ", columns: {text: text, label: label}"
    };
    let params: Params = serde_yaml::from_str(&format!("{{format: {format}, paths: [x]{columns}}}")).unwrap();
    let mut plausibility = Plausibility::default();
    let mut labels = LabelCounts::default();
    for ((text, label), line) in rows.iter().zip(2..) {
        labels.add(label, None).unwrap();
        plausibility.see(
            &params,
            &Candidate {
                id: line.to_string(),
                text: text.clone(),
                label: label.clone(),
                group: None,
                split: None,
                source: 0,
                line: Some(line),
            },
        );
    }
    let name = |source: u32, line: Option<u64>| format!("file{source}:{}", line.unwrap_or_default());
    plausibility.warnings(&params, &labels, &name)
}

#[test]
fn shares_together_remember_what_one_does_who_saw_all() {
    let params: Params =
        serde_yaml::from_str("{format: csv, paths: [x], columns: {text: text, label: label}}").unwrap();
    let mut texts: Vec<String> = plain(90).into_iter().map(|(text, _)| text).collect();
    texts[70] = "far ".repeat(4000);
    texts[40] = "label".to_owned();
    texts[41] = "label".to_owned();
    for text in &mut texts[50..60] {
        text.push_str("\nÃ©tude <b>x</b> \\n");
    }
    let see = |share: &[(usize, String)]| {
        let mut plausibility = Plausibility::default();
        for (row, text) in share {
            let candidate = Candidate {
                id: format!("{row:03}"),
                text: text.clone(),
                label: "label".to_owned(),
                group: None,
                split: None,
                source: 0,
                line: Some(*row as u64),
            };
            plausibility.see(&params, &candidate);
        }
        plausibility
    };
    let rows: Vec<(usize, String)> = texts.into_iter().enumerate().collect();
    let json = |plausibility: &Plausibility| serde_json::to_value(plausibility).unwrap();
    let whole = json(&see(&rows));
    for shares in [2, 7] {
        // The last share first: none of them knows what comes before it.
        let mut merged = Plausibility::default();
        for share in (0..shares).rev() {
            let of_share: Vec<_> = rows
                .iter()
                .filter(|(row, _)| row % shares == share)
                .cloned()
                .collect();
            let read_back = serde_json::from_value(json(&see(&of_share))).unwrap();
            merged.merge(read_back);
        }
        let mut found = json(&merged);
        // How often the most frequent text comes is estimated.
        found["common"] = whole["common"].clone();
        assert_eq!(found, whole, "{shares} shares");
    }
}

#[track_caller]
fn check(rows: &[(String, String)], expected: &[&str]) {
    assert_eq!(warnings_of("csv", rows), expected);
}

/// The plain table with some texts made anew.
fn with(number: usize, of: impl Fn(usize) -> bool, text: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let mut rows = plain(number);
    for (row, (old, _)) in rows.iter_mut().enumerate() {
        if of(row) {
            *old = text(old);
        }
    }
    rows
}

#[test]
fn nothing_is_said_of_a_table_in_which_nothing_is_odd() {
    check(&plain(200), &[]);
    check(
        &plain(3),
        &["1 label has only one row, which cannot be in train and test: `tech`"],
    );
}

#[test]
fn rows_that_ran_together_are_named_with_their_line() {
    check(
        &with(100, |row| row == 40, |text| text.repeat(8)),
        &[
            "one text is far longer than all others, as if rows had run together: file0:42 has 1840 characters, \
           the next one 332",
        ],
    );
    check(
        &with(100, |row| row % 5 == 0, |text| format!("{text}\nand more")),
        &["20.0 % of the texts have line breaks, as rows have that a quotation mark made one: file0:2"],
    );
    assert!(
        warnings_of(
            "parquet",
            &with(100, |row| row % 5 == 0, |text| format!("{text}\nx"))
        )
        .is_empty()
    );
    check(&with(100, |_| true, |text| format!("{text}\nand more")), &[]);
}

#[test]
fn texts_that_are_cut_off_are_counted() {
    let long = |text: &str| format!("{text}{}", "x".repeat(500)).chars().take(400).collect();
    check(
        &with(100, |row| row % 10 == 0, long),
        &["10 texts have exactly 400 characters and none has more, as if they were cut off there: file0:2"],
    );
}

#[test]
fn a_column_that_holds_no_texts_is_said() {
    let column = "does `ingest.columns.text` name the right column?";
    check(
        &with(100, |_| true, |text| text.len().to_string()),
        &[&format!(
            "100.0 % of the texts are nothing but numbers or dates: {column} file0:2"
        )],
    );
    let mut own = plain(100);
    for (text, label) in &mut own {
        *text = label.to_uppercase();
    }
    check(
        &own,
        &[&format!("100.0 % of the texts are the label itself: {column}")],
    );
    check(
        &rows(100, |row| {
            (format!("kind {}", row % 3), ["s", "t"][row % 2].to_owned())
        }),
        &[&format!("there are only 3 different texts in 100 rows: {column}")],
    );
    check(
        &with(1000, |row| row % 3 == 0, |_| "no comment".to_owned()),
        &["one and the same text is in about 32.4 % of the rows"],
    );
}

#[test]
fn characters_of_another_writing_are_said() {
    check(
        &with(100, |row| row % 20 == 0, |text| format!("{text} cafÃ©")),
        &[
            "5.0 % of the texts have letters that were read in another encoding than they were written in (`Ã©` \
           for `é`): file0:2",
        ],
    );
    check(
        &with(100, |row| row % 20 == 1, |text| format!("{text} &amp; more")),
        &["5.0 % of the texts have HTML in them, which `preprocess.clean: [html]` makes text of: file0:3"],
    );
    check(
        &with(100, |row| row % 20 == 1, |text| format!("{text}\\nAnd more")),
        &[
            "5.0 % of the texts have `\\n`, `\\t` or `\\\"` as two characters, as if escapes were not undone: file0:3",
        ],
    );
}

#[test]
fn rows_of_nothing_and_of_headers_are_named() {
    check(
        &with(100, |row| row == 7, |_| "NaN".to_owned()),
        &["1 text is what programs write for nothing, such as `NaN` or `null`: file0:9"],
    );
    let mut twice = plain(100);
    twice[50] = ("text".to_owned(), "label".to_owned());
    let warnings = warnings_of("csv", &twice);
    assert_eq!(
        warnings[0],
        "1 row has the names of the columns as text and label, as files that were put together do: file0:52"
    );
}

#[test]
fn labels_that_are_rows_or_texts_are_said() {
    check(
        &rows(40, |row| {
            (format!("some text of row {row}"), format!("label {row}"))
        }),
        &["there are 40 labels for 40 rows: does `ingest.columns.label` name the right column?"],
    );
    let mut odd = plain(100);
    odd[3].1 = "this is what somebody wrote into the wrong column".to_owned();
    check(
        &odd,
        &["1 label of one row looks like a text: `this is what somebody wrote into the wrong column`"],
    );
}

#[test]
fn lists_of_one_are_said() {
    let mut lists = plain(100);
    for (_, label) in &mut lists {
        *label = format!("['{label}']");
    }
    check(
        &lists,
        &[
            "every label is a list of one, as a program writes it: `['sport']`, `['tech']`; \
           `ingest.labels.rename` makes names of them",
        ],
    );
}
