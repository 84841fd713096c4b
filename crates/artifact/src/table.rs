//! Typed Parquet tables: one row type per kind of table, the same bytes for the same rows, and readers that
//! refuse what they do not know.
//!
//! Writer settings are fixed here and nowhere else, because they show in the bytes.

use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::WriterProperties;

use crate::artifacts::Artifacts;
use crate::containment::{ParquetBatches, parquet_metadata};
use crate::diagnostic::{Advice, Diagnostic, Fault};
use crate::fs::{self, FsError};
use crate::stage::{Kind, StageId};

/// Rows a batch, in memory and in what readers yield. A row group is a batch, so that a reader never needs
/// more than one batch of texts in memory.
const BATCH_ROWS: usize = 4096;

/// A batch of long texts ends early, at so many bytes of them: it has to fit into memory, and a string column
/// into the 2 GiB that its offsets reach.
const BATCH_BYTES: usize = 64 << 20;

/// A file that a stage wrote cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum ArtifactError {
    /// The operating system refused a file operation.
    #[error(transparent)]
    File(#[from] FsError),
    /// The file does not exist.
    #[error("`{}` is missing", path.display())]
    Missing { path: PathBuf, stage: StageId },
    /// The content of the file is not what the stage writes.
    #[error("`{}` is damaged: {problem}", path.display())]
    Damaged {
        path: PathBuf,
        stage: StageId,
        problem: String,
    },
    /// The file has another version of the format.
    #[error("`{}` has format {found}, this program reads format {expected}", path.display())]
    Format {
        path: PathBuf,
        stage: StageId,
        found: u32,
        expected: u32,
    },
    /// The file could not be written.
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: ParquetError },
}

impl Diagnostic for ArtifactError {
    fn advice(&self) -> Advice {
        match self {
            Self::File(error) => error.advice(),
            Self::Missing { stage, .. } => Fault::Artifact.hint(format!("make it: labelproof run {stage}")),
            Self::Format { found, expected, .. } if found > expected => {
                Fault::Artifact.hint("use the newer labelproof that wrote it")
            }
            Self::Damaged { stage, .. } | Self::Format { stage, .. } => {
                Fault::Artifact.hint(format!("make it anew: labelproof run {stage} --force"))
            }
            Self::Write { .. } => Fault::Environment.into(),
        }
    }
}

/// A row of one kind of table.
pub trait Row: Sized {
    /// The file that holds the table.
    const KIND: Kind;

    /// The columns, in the order they are stored.
    fn schema() -> Schema;

    /// About how many bytes the row takes, of row types that may be long; decides where a batch ends.
    fn bytes(&self) -> usize {
        0
    }

    /// The columns' values for some rows, in the order of the schema.
    fn columns(rows: &[Self]) -> Vec<ArrayRef>;

    /// The rows of a batch whose schema was checked; an error says which value is none of this row type's.
    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String>;

    /// Whether the fields of a row that was read agree with each other; an error says which do not.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Writes a table row by row with bounded memory.
pub struct TableWriter<R> {
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<BufWriter<File>>,
    pending: Vec<R>,
    pending_bytes: usize,
}

impl<R: Row> TableWriter<R> {
    /// Starts the table of this row type in a stage's output folder.
    pub fn create(folder: &Path) -> Result<Self, ArtifactError> {
        let path = folder.join(R::KIND.file);
        let schema = Arc::new(R::schema());
        let properties = WriterProperties::builder()
            .set_created_by("labelproof".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(BATCH_ROWS))
            .set_key_value_metadata(Some(vec![
                KeyValue::new("labelproof.stage".to_owned(), R::KIND.stage.name().to_owned()),
                KeyValue::new("labelproof.file".to_owned(), R::KIND.file.to_owned()),
                KeyValue::new("labelproof.format".to_owned(), R::KIND.format.to_string()),
            ]))
            .build();
        let file = BufWriter::new(fs::create(&path)?);
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(|source| {
            ArtifactError::Write {
                path: path.clone(),
                source,
            }
        })?;
        Ok(Self {
            path,
            schema,
            writer,
            pending: Vec::with_capacity(BATCH_ROWS),
            pending_bytes: 0,
        })
    }

    /// Adds a row.
    pub fn push(&mut self, row: R) -> Result<(), ArtifactError> {
        self.pending_bytes += row.bytes();
        self.pending.push(row);
        if self.pending.len() == BATCH_ROWS || self.pending_bytes >= BATCH_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), ArtifactError> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), R::columns(&self.pending))
            .expect("a row type's columns fit its own schema");
        self.pending.clear();
        self.pending_bytes = 0;
        let result = self.writer.write(&batch).and_then(|()| self.writer.flush());
        result.map_err(|source| ArtifactError::Write {
            path: self.path.clone(),
            source,
        })
    }

    /// Writes the pending rows and the footer.
    pub fn finish(mut self) -> Result<(), ArtifactError> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        let Self { path, writer, .. } = self;
        let file = writer.into_inner().map_err(|source| ArtifactError::Write {
            path: path.clone(),
            source,
        })?;
        file.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(|source| FsError::new("write", &path, source).into())
    }
}

/// Reads a table batch by batch.
pub struct TableReader<R> {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    /// The row groups that are still to come.
    groups: Range<usize>,
    reader: Option<ParquetBatches>,
    row_count: u64,
    row: std::marker::PhantomData<fn() -> R>,
}

impl<R: Row> TableReader<R> {
    /// Opens the table of this row type in a folder of artifacts, and checks kind, format and columns.
    pub fn open(artifacts: Artifacts<'_>) -> Result<Self, ArtifactError> {
        Self::open_file(&artifacts.path(R::KIND))
    }

    /// Opens a table at a path of its own.
    pub fn open_file(path: &Path) -> Result<Self, ArtifactError> {
        let Kind { stage, .. } = R::KIND;
        let damaged = |problem: String| ArtifactError::Damaged {
            path: path.to_path_buf(),
            stage,
            problem,
        };
        if !path.exists() {
            return Err(ArtifactError::Missing {
                path: path.to_path_buf(),
                stage,
            });
        }
        let file = fs::open(path)?;
        let metadata = parquet_metadata(&file).map_err(|error| damaged(error.to_string()))?;
        check_format::<R>(path, metadata.metadata())?;
        check_columns(metadata.schema(), &R::schema()).map_err(damaged)?;
        let row_count = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        let groups = 0..metadata.metadata().num_row_groups();
        Ok(Self {
            path: path.to_path_buf(),
            file,
            metadata,
            groups,
            reader: None,
            row_count,
            row: std::marker::PhantomData,
        })
    }

    /// The number of rows in the table.
    pub fn row_count(&self) -> u64 {
        self.row_count
    }

    /// The next batch. Each row group is read on its own, because a batch over several may not fit into
    /// memory.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ParquetError> {
        loop {
            if let Some(batch) = self.reader.as_mut().and_then(Iterator::next) {
                return Ok(Some(batch?));
            }
            let Some(group) = self.groups.next() else {
                return Ok(None);
            };
            let file = self.file.try_clone()?;
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
            let builder = builder.with_row_groups(vec![group]).with_batch_size(BATCH_ROWS);
            self.reader = Some(ParquetBatches::new(builder)?);
        }
    }
}

impl<R: Row> Iterator for TableReader<R> {
    type Item = Result<Vec<R>, ArtifactError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = match self.next_batch() {
            Ok(batch) => R::rows(&batch?),
            Err(error) => {
                // What comes after damage cannot be trusted, and a caller that goes on must come to an end.
                self.reader = None;
                self.groups = 0..0;
                Err(error.to_string())
            }
        };
        Some(rows.map_err(|problem| ArtifactError::Damaged {
            path: self.path.clone(),
            stage: R::KIND.stage,
            problem,
        }))
    }
}

fn check_format<R: Row>(path: &Path, metadata: &ParquetMetaData) -> Result<(), ArtifactError> {
    let Kind {
        stage,
        file,
        format: expected,
    } = R::KIND;
    let metadata = metadata.file_metadata().key_value_metadata();
    let value = |key: &str| {
        metadata
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == key))
            .and_then(|pair| pair.value.as_deref())
    };
    let found = value("labelproof.format").and_then(|text| text.parse::<u32>().ok());
    match found {
        Some(found) if found != expected => Err(ArtifactError::Format {
            path: path.to_path_buf(),
            stage,
            found,
            expected,
        }),
        Some(_) if value("labelproof.file") == Some(file) => Ok(()),
        _ => Err(ArtifactError::Damaged {
            path: path.to_path_buf(),
            stage,
            problem: format!("it does not say that it is a `{file}` of this program"),
        }),
    }
}

fn check_columns(found: &Schema, expected: &Schema) -> Result<(), String> {
    let list = |schema: &Schema| {
        schema
            .fields()
            .iter()
            .map(|field| format!("{}: {}", field.name(), field.data_type()))
            .collect::<Vec<_>>()
    };
    let (found, expected) = (list(found), list(expected));
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "its columns are [{}], expected [{}]",
        found.join(", "),
        expected.join(", ")
    ))
}

/// Reads a whole table into memory.
pub fn read_table<R: Row>(artifacts: Artifacts<'_>) -> Result<Vec<R>, ArtifactError> {
    let mut all = Vec::new();
    for rows in TableReader::open(artifacts)? {
        all.extend(rows?);
    }
    Ok(all)
}

/// Writes a whole table from memory.
pub fn write_table<R: Row>(folder: &Path, rows: impl IntoIterator<Item = R>) -> Result<(), ArtifactError> {
    let mut writer = TableWriter::create(folder)?;
    for row in rows {
        writer.push(row)?;
    }
    writer.finish()
}
