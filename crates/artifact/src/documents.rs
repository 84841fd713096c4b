//! The tables that ingest writes: documents, and rejected rows.

use crate::column::columns;
use crate::splits::Split;
use crate::stage::{Kind, StageId};
use crate::table::Row;
use serde::{Deserialize, Serialize};

/// A labelled text. The table is in the byte order of `id`, so that the order of the source's rows does not
/// show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The document's id, unique and stable from here to the report.
    pub id: String,
    /// The text as it came, decoded to UTF-8.
    pub text: String,
    /// The class, after `ingest.labels.rename`.
    pub label: String,
    /// The value of the declared group column: rows of a group are never split apart.
    pub group: Option<String>,
    /// The split that the source gives, if it declares one.
    pub split: Option<Split>,
}

impl Row for Document {
    const KIND: Kind = Kind {
        stage: StageId::Ingest,
        file: "documents.parquet",
        format: 1,
    };

    const DEALT_BY: Option<fn(&Self) -> &str> = Some(|row| &row.id);

    columns! { id, text, label, group, split }

    fn bytes(&self) -> usize {
        self.id.len() + self.text.len() + self.label.len() + self.group.as_ref().map_or(0, String::len)
    }
}

/// A row of the source that did not become a document, and why. The table is in the order of source and line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reject {
    /// The source file, relative to what `pipeline.yaml` names.
    pub source: String,
    /// The line on which the record starts, from 1; in Parquet, the number of the record. None where the
    /// whole file is rejected.
    pub line: Option<u64>,
    /// The row's id, where it has one.
    pub id: Option<String>,
    /// The reason, in one or two fixed words (`empty text`, `repeated id`), so that rejects can be counted.
    pub reason: String,
    /// The details, for people.
    pub detail: String,
}

impl Row for Reject {
    const KIND: Kind = Kind {
        stage: StageId::Ingest,
        file: "rejects.parquet",
        format: 1,
    };

    columns! { source, line, id, reason, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{ArtifactError, TableReader, write_table};

    fn document(id: &str) -> Document {
        Document {
            id: id.to_owned(),
            text: format!("text of {id}, naïve — 東京"),
            label: "sport".to_owned(),
            group: (id == "b").then(|| "thread 7".to_owned()),
            split: (id == "b").then_some(Split::Test),
        }
    }

    #[test]
    fn rows_come_back_as_they_went_in_and_the_bytes_repeat() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("documents.parquet");
        let rows: Vec<_> = (0..10_000)
            .map(|number| document(&format!("row {number:05}")))
            .collect();
        write_table(folder.path(), rows.clone()).unwrap();
        let first = crate::fs::read(&path).unwrap();
        let batches: Vec<_> = TableReader::<Document>::open_file(&path)
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(batches.iter().all(|batch| batch.len() <= 4096));
        assert_eq!(batches.concat(), rows);
        write_table(folder.path(), rows).unwrap();
        assert_eq!(crate::fs::read(&path).unwrap(), first);
    }

    #[test]
    fn long_texts_make_short_batches() {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<_> = (0..10)
            .map(|number| Document {
                text: "x".repeat(20 << 20),
                ..document(&number.to_string())
            })
            .collect();
        write_table(folder.path(), rows.clone()).unwrap();
        let reader = TableReader::<Document>::open_file(&folder.path().join("documents.parquet")).unwrap();
        assert_eq!(reader.row_count(), 10);
        let batches: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
        assert!(batches.concat() == rows);
    }

    #[test]
    fn another_table_and_a_cut_one_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        write_table(folder.path(), [document("a"), document("b")]).unwrap();
        let path = folder.path().join("documents.parquet");
        let other = TableReader::<Reject>::open_file(&path).err().unwrap();
        assert!(other.to_string().contains("rejects.parquet"), "{other}");
        let bytes = crate::fs::read(&path).unwrap();
        crate::fs::write_atomic(&path, &bytes[..bytes.len() / 2]).unwrap();
        let cut = TableReader::<Document>::open_file(&path).err().unwrap();
        assert!(matches!(cut, ArtifactError::Damaged { .. }), "{cut}");
    }
}
