//! Typed Parquet tables: one row type per kind of table, the same bytes for the same rows, and readers that
//! refuse what they do not know.
//!
//! Writer settings are fixed here and nowhere else, because they show in the bytes. A table is a file; one
//! that is long is a folder of such files, of which `parts` knows.

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
use crate::parts::{self, MergedParts, Part};
use crate::stage::{Kind, StageId};

/// Rows a batch, in memory and in what readers yield. A row group is a batch, so that a reader never needs
/// more than one batch of texts in memory.
pub(crate) const BATCH_ROWS: usize = 4096;

/// A batch of long texts ends early, at so many bytes of them: it has to fit into memory, and a string column
/// into the 2 GiB that its offsets reach.
pub(crate) const BATCH_BYTES: usize = 64 << 20;

/// The key under which a part's metadata say which part it is of how many.
const PART_KEY: &str = "labelproof.part";

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
    /// A row was to be written into a part of a table where it does not lie.
    #[error("cannot write `{}`: {problem}", path.display())]
    Misplaced { path: PathBuf, problem: String },
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
            Self::Misplaced { .. } => Fault::Artifact
                .hint("give each part its own rows alone, in the byte order of their ids, each once"),
        }
    }
}

/// A row of one kind of table.
pub trait Row: Sized {
    /// The file that holds the table, or the folder of its parts.
    const KIND: Kind;

    /// The id by which the rows are dealt into parts where the table is long; such a table is in the byte
    /// order of this id. A table without is always one file.
    const DEALT_BY: Option<fn(&Self) -> &str> = None;

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
    folder: PathBuf,
    file: FileWriter<R>,
}

impl<R: Row> TableWriter<R> {
    /// Starts the table of this row type in a stage's output folder.
    pub fn create(folder: &Path) -> Result<Self, ArtifactError> {
        Ok(Self {
            folder: folder.to_path_buf(),
            file: FileWriter::create(folder.join(R::KIND.file), None)?,
        })
    }

    /// Adds a row.
    pub fn push(&mut self, row: R) -> Result<(), ArtifactError> {
        self.file.push(row)
    }

    /// Writes what is pending, and deals the rows into parts if there are many.
    pub fn finish(self) -> Result<(), ArtifactError> {
        self.finish_in_parts(parts::PART_ROWS)
    }

    /// [`finish`](Self::finish) with another number of rows a part.
    pub(crate) fn finish_in_parts(self, part_rows: u64) -> Result<(), ArtifactError> {
        let Self { folder, file } = self;
        let parts = parts::part_count_of(file.row_count, part_rows);
        file.finish()?;
        if parts > 1 && R::DEALT_BY.is_some() {
            parts::deal::<R>(&folder, parts)?;
        }
        Ok(())
    }
}

/// Writes one file of a table.
pub(crate) struct FileWriter<R> {
    pub(crate) path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<BufWriter<File>>,
    pending: Vec<R>,
    pending_bytes: usize,
    row_count: u64,
}

impl<R: Row> FileWriter<R> {
    /// Starts a file, which is the whole table or the given part of it.
    pub(crate) fn create(path: PathBuf, part: Option<Part>) -> Result<Self, ArtifactError> {
        let schema = Arc::new(R::schema());
        let mut metadata = vec![
            KeyValue::new("labelproof.stage".to_owned(), R::KIND.stage.name().to_owned()),
            KeyValue::new("labelproof.file".to_owned(), R::KIND.file.to_owned()),
            KeyValue::new("labelproof.format".to_owned(), R::KIND.format.to_string()),
        ];
        metadata.extend(part.map(|part| KeyValue::new(PART_KEY.to_owned(), part.to_string())));
        let properties = WriterProperties::builder()
            .set_created_by("labelproof".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(BATCH_ROWS))
            .set_key_value_metadata(Some(metadata))
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
            pending: Vec::new(),
            pending_bytes: 0,
            row_count: 0,
        })
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: R) -> Result<(), ArtifactError> {
        self.row_count += 1;
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
    pub(crate) fn finish(mut self) -> Result<(), ArtifactError> {
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

/// Reads a table batch by batch, of a file or of parts.
pub struct TableReader<R> {
    row_count: u64,
    source: Source<R>,
}

/// Where the rows of a table come from.
enum Source<R> {
    File(FileReader<R>),
    Parts(MergedParts<R>),
}

impl<R: Row> TableReader<R> {
    /// Opens the table of this row type in a folder of artifacts, and checks kind, format and columns.
    pub fn open(artifacts: Artifacts<'_>) -> Result<Self, ArtifactError> {
        Self::open_file(&artifacts.path(R::KIND))
    }

    /// Opens a table at a path of its own.
    pub fn open_file(path: &Path) -> Result<Self, ArtifactError> {
        if path.is_dir() {
            let parts = MergedParts::open(path)?;
            return Ok(Self {
                row_count: parts.row_count(),
                source: Source::Parts(parts),
            });
        }
        let file = FileReader::open(path)?;
        if let Some(part) = file.part {
            return Err(damaged::<R>(
                path,
                format!("it is part {part} of a table, and not all of it"),
            ));
        }
        Ok(Self {
            row_count: file.row_count,
            source: Source::File(file),
        })
    }

    /// The number of rows in the table.
    pub fn row_count(&self) -> u64 {
        self.row_count
    }
}

impl<R: Row> Iterator for TableReader<R> {
    type Item = Result<Vec<R>, ArtifactError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.source {
            Source::File(file) => file.next(),
            Source::Parts(parts) => parts.next(),
        }
    }
}

/// Reads one file of a table batch by batch.
pub(crate) struct FileReader<R> {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    /// The row groups that are still to come.
    groups: Range<usize>,
    reader: Option<ParquetBatches>,
    /// The most rows of a batch.
    pub(crate) batch_rows: usize,
    pub(crate) row_count: u64,
    /// Which part of the table the file is, if it is not all of it.
    pub(crate) part: Option<Part>,
    row: std::marker::PhantomData<fn() -> R>,
}

impl<R: Row> FileReader<R> {
    /// Opens a file, and checks kind, format and columns.
    pub(crate) fn open(path: &Path) -> Result<Self, ArtifactError> {
        if !path.exists() {
            return Err(ArtifactError::Missing {
                path: path.to_path_buf(),
                stage: R::KIND.stage,
            });
        }
        let file = fs::open(path)?;
        let metadata = parquet_metadata(&file).map_err(|error| damaged::<R>(path, error.to_string()))?;
        check_format::<R>(path, metadata.metadata())?;
        check_columns(metadata.schema(), &R::schema()).map_err(|problem| damaged::<R>(path, problem))?;
        let part = value(metadata.metadata(), PART_KEY).map(str::parse).transpose();
        Ok(Self {
            path: path.to_path_buf(),
            file,
            groups: 0..metadata.metadata().num_row_groups(),
            reader: None,
            batch_rows: BATCH_ROWS,
            row_count: u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0),
            part: part.map_err(|problem| damaged::<R>(path, problem))?,
            metadata,
            row: std::marker::PhantomData,
        })
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
            let builder = builder
                .with_row_groups(vec![group])
                .with_batch_size(self.batch_rows);
            self.reader = Some(ParquetBatches::new(builder)?);
        }
    }
}

impl<R: Row> Iterator for FileReader<R> {
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
        Some(rows.map_err(|problem| damaged::<R>(&self.path, problem)))
    }
}

/// The error of a file or folder that cannot be what its stage wrote.
pub(crate) fn damaged<R: Row>(path: &Path, problem: String) -> ArtifactError {
    ArtifactError::Damaged {
        path: path.to_path_buf(),
        stage: R::KIND.stage,
        problem,
    }
}

/// What a file's metadata say under a key.
fn value<'a>(metadata: &'a ParquetMetaData, key: &str) -> Option<&'a str> {
    let pairs = metadata.file_metadata().key_value_metadata()?;
    pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
}

fn check_format<R: Row>(path: &Path, metadata: &ParquetMetaData) -> Result<(), ArtifactError> {
    let Kind {
        stage,
        file,
        format: expected,
    } = R::KIND;
    let found = value(metadata, "labelproof.format").and_then(|text| text.parse::<u32>().ok());
    match found {
        Some(found) if found != expected => Err(ArtifactError::Format {
            path: path.to_path_buf(),
            stage,
            found,
            expected,
        }),
        Some(_) if value(metadata, "labelproof.file") == Some(file) => Ok(()),
        _ => Err(damaged::<R>(
            path,
            format!("it does not say that it is a `{file}` of this program"),
        )),
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
