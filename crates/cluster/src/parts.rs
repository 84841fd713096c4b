//! The step that writes parts of a table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use labelproof_artifact::parts::{PartWriter, path_of_part};
use labelproof_artifact::{Digest, Row, fs};
use labelproof_driver::{Config, Failure, store_file};
use tempfile::TempDir;

use crate::columns::{Columns, batch, next};
use crate::context::Context;
use crate::error::BadInput;
use crate::{Input, Output};

/// Writes rows, which come part by part in the order of their ids, and gives the files with their rows, and
/// with their digests where they are in object storage.
///
/// A part is written beside its place and renamed, or stored under its digest, so that a task that dies
/// leaves no half part, and one that runs twice leaves the same bytes.
pub(crate) fn write<R: Row>(
    context: &Context,
    input: Input<'_>,
    output: Output<'_>,
    rows_of: fn(&RecordBatch) -> Result<Vec<R>, BadInput>,
) -> Result<(), Failure> {
    let (config, parts) = (context.config()?, context.parts()?);
    let mut current: Option<Part<R>> = None;
    let mut written = Vec::new();
    for batch in input {
        let batch = next(batch)?;
        let numbers = Columns(&batch).all_numbers("part")?;
        for (row, number) in rows_of(&batch)?.into_iter().zip(numbers) {
            let number = u32::try_from(number).ok().filter(|number| *number < parts);
            let number = number.ok_or_else(|| BadInput {
                problem: format!("`part` is none of {parts} parts, which are counted from 0"),
            })?;
            if current.as_ref().is_none_or(|part| part.number != number) {
                if let Some(done) = current.take() {
                    written.push(done.finish(context, &config)?);
                }
                current = Some(Part::create(context, &config, number)?);
            }
            if let Some(part) = &mut current {
                part.rows += 1;
                part.writer.push(row)?;
            }
        }
    }
    if let Some(done) = current {
        written.push(done.finish(context, &config)?);
    }
    let schema = Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("rows", DataType::Int64, false),
        Field::new("digest", DataType::Utf8, true),
    ]));
    let digests = written
        .iter()
        .map(|part| part.digest.as_ref().map(Digest::as_str));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            written.iter().map(|part| &part.file),
        )),
        Arc::new(Int64Array::from_iter_values(written.iter().map(|part| part.rows))),
        Arc::new(digests.collect::<StringArray>()),
    ];
    output(batch(&schema, columns))
}

/// The folder in the scratch folder in which parts are written. What a task leaves there that dies is no
/// part.
pub(crate) const ATTEMPTS: &str = ".attempts";

/// A part that is being written.
struct Part<R> {
    number: u32,
    of: u32,
    rows: i64,
    writer: PartWriter<R>,
    /// The folder of this attempt: beside the part's place, or among this machine's temporary files.
    folder: TempDir,
}

/// A part that was written.
struct Written {
    /// Its name below the stage's folder.
    file: String,
    rows: i64,
    /// The digest of what is in object storage.
    digest: Option<Digest>,
}

impl<R: Row> Part<R> {
    fn create(context: &Context, config: &Config, number: u32) -> Result<Self, Failure> {
        let of = context.parts()?;
        let folder = if config.stored.is_some() {
            fs::temporary_folder()?
        } else {
            // Made by the plan alone: a task that comes after the end must not make it anew.
            let attempts = context.scratch()?.join(ATTEMPTS);
            TempDir::new_in(&attempts)
                .map_err(|source| fs::FsError::new("create a folder in", &attempts, source))?
        };
        Ok(Self {
            number,
            of,
            rows: 0,
            writer: PartWriter::create(folder.path(), number, of)?,
            folder,
        })
    }

    /// Puts the part in its place.
    fn finish(self, context: &Context, config: &Config) -> Result<Written, Failure> {
        self.writer.finish()?;
        let name: PathBuf = path_of_part(Path::new(R::KIND.file), self.number, self.of);
        let (path, file) = (
            self.folder.path().join(&name),
            name.to_string_lossy().into_owned(),
        );
        let digest = if config.stored.is_some() {
            Some(store_file(config, context.stage, &file, &path)?)
        } else {
            let scratch = context.scratch()?;
            if let Some(folder) = scratch.join(&name).parent() {
                fs::create_dir_all(folder)?;
            }
            fs::rename(&path, &scratch.join(&name))?;
            None
        };
        Ok(Written {
            file,
            rows: self.rows,
            digest,
        })
    }
}
