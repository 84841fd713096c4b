//! The step that writes parts of a table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use labelproof_artifact::parts::{PartWriter, path_of_part};
use labelproof_artifact::{Row, fs};
use labelproof_driver::Failure;
use tempfile::TempDir;

use crate::columns::{Columns, batch, next};
use crate::context::Context;
use crate::error::BadInput;
use crate::{Input, Output};

/// Writes rows, which come part by part in the order of their ids, and gives the files with their rows.
///
/// A part is written beside its place and renamed, so that a task that dies leaves no half part, and one that
/// runs twice leaves the same bytes.
pub(crate) fn write<R: Row>(
    context: &Context,
    input: Input<'_>,
    output: Output<'_>,
    rows_of: fn(&RecordBatch) -> Result<Vec<R>, BadInput>,
) -> Result<(), Failure> {
    let (scratch, parts) = (context.scratch()?, context.parts()?);
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
                    written.push(done.finish(scratch)?);
                }
                current = Some(Part::create(scratch, number, parts)?);
            }
            if let Some(part) = &mut current {
                part.rows += 1;
                part.writer.push(row)?;
            }
        }
    }
    if let Some(done) = current {
        written.push(done.finish(scratch)?);
    }
    let schema = Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("rows", DataType::Int64, false),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            written.iter().map(|(file, _)| file),
        )),
        Arc::new(Int64Array::from_iter_values(
            written.iter().map(|(_, rows)| *rows),
        )),
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
    /// The folder of this attempt, beside the part's place.
    folder: TempDir,
}

impl<R: Row> Part<R> {
    fn create(scratch: &Path, number: u32, of: u32) -> Result<Self, Failure> {
        // Made by the plan alone: a task that comes after the end must not make it anew.
        let attempts = scratch.join(ATTEMPTS);
        let folder = TempDir::new_in(&attempts)
            .map_err(|source| fs::FsError::new("create a folder in", &attempts, source))?;
        Ok(Self {
            number,
            of,
            rows: 0,
            writer: PartWriter::create(folder.path(), number, of)?,
            folder,
        })
    }

    /// Puts the part in its place. Returns its name below `scratch`, and its rows.
    fn finish(self, scratch: &Path) -> Result<(String, i64), Failure> {
        self.writer.finish()?;
        let name: PathBuf = path_of_part(Path::new(R::KIND.file), self.number, self.of);
        if let Some(folder) = scratch.join(&name).parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&self.folder.path().join(&name), &scratch.join(&name))?;
        Ok((name.to_string_lossy().into_owned(), self.rows))
    }
}
