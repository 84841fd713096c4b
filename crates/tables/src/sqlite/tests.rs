//! A database that Python wrote.

use super::*;
use crate::testing::{fixture, options, read, said};

fn rows(part: Part<'_>) -> Result<Vec<String>, Error> {
    read("python.db", &options(Format::Sqlite, part))
}

#[test]
fn values_are_what_sqlite_prints() {
    let shown = rows(Part::Table("posts")).unwrap();
    assert_eq!(
        shown,
        [
            "id | text | label | score | photo",
            r#"1: Text("1") | Text("two\nlines") | Text("sport") | Text("1.0") | Missing"#,
            r#"2: Text("2") | Text("ünïcödé 😀") | Text("1") | Text("0.1") | Other("a BLOB")"#,
            r#"3: Text("3") | Missing | Text("tech") | Text("1e100") | Missing"#,
            r#"4: Text("4") | Text("") | Missing | Text("-2.5") | Missing"#,
            r#"5: Text("5") | Bytes([97, 255]) | Text("bytes") | Missing | Missing"#,
        ]
    );
    assert_eq!(
        rows(Part::Table("short")).unwrap()[1],
        r#"1: Text("two\nlines") | Text("sport")"#
    );
    let query = "SELECT label AS y, count(*) AS n FROM posts GROUP BY 1 HAVING y = 'sport'";
    assert_eq!(
        rows(Part::Query(query)).unwrap(),
        ["y | n", r#"1: Text("sport") | Text("1")"#]
    );
}

#[test]
fn what_is_asked_wrongly_is_said() {
    let all = |part| said(rows(part));
    assert_eq!(
        all(Part::Only),
        "`python.db` has 3 tables: `odd \"name`, `posts`, `short` / say which in `table`, for example `odd \"name`"
    );
    assert_eq!(
        all(Part::Table("post")),
        "`python.db` has no table `post`; there are: `odd \"name`, `posts`, `short` / did you mean `posts`?"
    );
    assert_eq!(
        all(Part::Table("odd \"name")),
        "`python.db` has columns and no row / name a source that has rows, or write this one again"
    );
    let hint = "write one SELECT, which the program `sqlite3` would run";
    for (query, problem) in [
        ("SELECT txt FROM posts", "no such column: txt, at character 8"),
        ("SELECT 1; SELECT 2", "it is more than one statement"),
        ("DELETE FROM posts", "it selects no rows"),
        ("ATTACH 'x' AS y", "it selects no rows"),
        (
            "SELECT * FROM posts WHERE id = ?",
            "it has parameters, for which there are no values",
        ),
        ("", "it is empty"),
    ] {
        let said = all(Part::Query(query));
        let expected = format!("python.db: the query `{query}` cannot be used: {problem} / {hint}");
        assert_eq!(said, expected);
    }
}

#[test]
fn changes_that_are_not_in_the_file_are_not_left_out_silently() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b%.db");
    std::fs::copy(fixture("python.db"), &path).unwrap();
    let options = options(Format::Sqlite, Part::Table("posts"));
    let open = || Sqlite::open(&Source::file("a.db", &path), &options);
    assert!(open().is_ok());
    let writer = rusqlite::Connection::open(&path).unwrap();
    writer.pragma_update(None, "journal_mode", "wal").unwrap();
    writer.execute("UPDATE posts SET label = 'changed'", []).unwrap();
    assert_eq!(
        said(open()),
        "`a.db` has changes that are in `a.db-wal` and not in the file itself / close the program that writes \
         it; or write a copy: `sqlite3 FILE 'VACUUM INTO \"copy.db\"'`"
    );
}
