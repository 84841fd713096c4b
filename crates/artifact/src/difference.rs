//! Where two files of one kind first differ, in words, for messages to a user who expected them to be equal.

use std::io::BufRead;
use std::path::Path;

use arrow::array::{Array, RecordBatch};

use crate::containment::{ParquetBatches, open_parquet};
use crate::fs;

/// Names the first difference of two files: the row and column of a table, the line of a text. `None` where
/// neither can be said, as of weights, or where a file cannot be read.
pub fn first_difference(first: &Path, second: &Path) -> Option<String> {
    let extension = first.extension()?.to_str()?;
    match extension {
        "parquet" => of_tables(first, second),
        "json" | "md" | "html" | "txt" => of_lines(first, second),
        _ => None,
    }
}

fn of_tables(first: &Path, second: &Path) -> Option<String> {
    let open = |path: &Path| -> Option<ParquetBatches> {
        let file = fs::open(path).ok()?;
        ParquetBatches::new(open_parquet(file).ok()?).ok()
    };
    let (mut first, mut second) = (open(first)?, open(second)?);
    let mut row = 0;
    loop {
        match (first.next(), second.next()) {
            (None, None) => return Some("the rows are equal, the files are not".to_owned()),
            (None, Some(_)) | (Some(_), None) => return Some(format!("one of them ends at row {row}")),
            (Some(one), Some(other)) => {
                let (one, other) = (one.ok()?, other.ok()?);
                if let Some((place, column)) = of_batches(&one, &other) {
                    return Some(format!("row {}, column `{column}`", row + place));
                }
                if one.num_rows() != other.num_rows() {
                    return Some(format!(
                        "one of them ends at row {}",
                        row + one.num_rows().min(other.num_rows())
                    ));
                }
                row += one.num_rows();
            }
        }
    }
}

/// The first row, from 0, in which two batches differ, and the first column that does in it.
fn of_batches(one: &RecordBatch, other: &RecordBatch) -> Option<(usize, String)> {
    let rows = one.num_rows().min(other.num_rows());
    let columns = one.schema();
    let differing = columns.fields().iter().filter_map(|field| {
        let name = field.name();
        let Some(theirs) = other.column_by_name(name) else {
            return Some((0, name.clone()));
        };
        let ours = one.column_by_name(name)?;
        let same = |row: usize| ours.slice(row, 1).to_data() == theirs.slice(row, 1).to_data();
        (0..rows).find(|&row| !same(row)).map(|row| (row, name.clone()))
    });
    differing.min_by_key(|(row, _)| *row)
}

fn of_lines(first: &Path, second: &Path) -> Option<String> {
    let lines = |path: &Path| Some(std::io::BufReader::new(fs::open(path).ok()?).lines());
    let (mut first, mut second) = (lines(first)?, lines(second)?);
    for number in 1_usize.. {
        match (first.next(), second.next()) {
            (None, None) => break,
            (Some(Ok(one)), Some(Ok(other))) if one == other => {}
            _ => return Some(format!("line {number}")),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Split, SplitRow, write_table};

    #[test]
    fn the_first_row_and_column_or_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let row = |id: &str, split| SplitRow {
            id: id.to_owned(),
            label: "a".to_owned(),
            split,
            group: id.to_owned(),
        };
        let write = |name: &str, rows: Vec<SplitRow>| {
            let folder = folder.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            write_table(&folder, rows).unwrap();
            folder.join("split.parquet")
        };
        let one = write("a", vec![row("x", Split::Train), row("y", Split::Test)]);
        let other = write("b", vec![row("x", Split::Train), row("y", Split::Validation)]);
        let short = write("c", vec![row("x", Split::Train)]);
        assert_eq!(first_difference(&one, &other).unwrap(), "row 1, column `split`");
        assert_eq!(
            first_difference(&one, &short).unwrap(),
            "one of them ends at row 1"
        );

        let text = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write_atomic(&path, text.as_bytes()).unwrap();
            path
        };
        let (one, other) = (text("a.json", "{\n1\n}"), text("b.json", "{\n2\n}"));
        assert_eq!(first_difference(&one, &other).unwrap(), "line 2");
        assert_eq!(first_difference(Path::new("a.safetensors"), &other), None);
    }
}
