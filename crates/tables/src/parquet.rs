//! Rows of Parquet files, of which only the chosen columns are read, some rows at a time.

use std::fs::File;

use arrow::error::ArrowError;
use labelproof_artifact::{ParquetBatches, open_parquet};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::batches::{self, BatchRows, Chosen};
use crate::column::{Column, Selection};
use crate::dialect::{Form, Format, Settings};
use crate::error::Error;
use crate::features::{self, ClassNames};
use crate::limits::Limits;
use crate::source::Source;

/// A Parquet file whose footer has been read.
pub(crate) struct Parquet {
    name: String,
    limits: Limits,
    form: Form,
    builder: ParquetRecordBatchReaderBuilder<File>,
    columns: Vec<Column>,
}

impl Parquet {
    pub(crate) fn open(
        source: &Source,
        form: Form,
        limits: Limits,
        settings: Settings,
    ) -> Result<Self, Error> {
        let file = source.open_as(Format::Parquet, "Parquet", settings)?.file;
        let builder = open_parquet(file).map_err(|error| damaged(source.name(), error))?;
        let columns = batches::columns(builder.schema().fields());
        Ok(Self {
            name: source.name().to_owned(),
            limits,
            form,
            builder,
            columns,
        })
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The names that the file has for the numbers of some columns: the library `datasets` writes them.
    pub(crate) fn class_names(&self) -> ClassNames {
        let entries = self.builder.metadata().file_metadata().key_value_metadata();
        let entry = entries
            .into_iter()
            .flatten()
            .find(|entry| entry.key == "huggingface");
        let json = entry.and_then(|entry| entry.value.as_deref());
        json.map(features::class_names).unwrap_or_default()
    }

    /// The rows, with a cell for each column that is chosen by its name, or by the way to it.
    pub(crate) fn rows_by_name(self, selection: &mut Selection) -> Result<BatchRows, Error> {
        let chosen = batches::chosen_by_name(self.builder.schema().fields(), selection, &self.name)?;
        self.rows_of(chosen)
    }

    /// The rows, with a cell for each of these columns.
    pub(crate) fn rows(self, places: &[usize]) -> Result<BatchRows, Error> {
        self.rows_of(batches::chosen_by_place(places))
    }

    fn rows_of(self, chosen: Vec<Chosen>) -> Result<BatchRows, Error> {
        let mut needed: Vec<usize> = chosen.iter().map(|(root, _)| *root).collect();
        needed.sort_unstable();
        needed.dedup();
        let class_names = self.class_names();
        let batch_rows = batch_rows(self.builder.metadata(), self.limits.batch_bytes);
        let mask = ProjectionMask::roots(self.builder.parquet_schema(), needed.iter().copied());
        let builder = self.builder.with_projection(mask).with_batch_size(batch_rows);
        let batches = ParquetBatches::new(builder).map_err(|error| damaged(&self.name, error))?;
        // A projection keeps the order of the file.
        let in_batch = |root: usize| needed.partition_point(|needed| *needed < root);
        let columns = chosen.into_iter().map(|(root, steps)| (in_batch(root), steps));
        let columns = columns.collect();
        let failed = |file: String, source: ArrowError| damaged(&file, source.into());
        let batches = Box::new(batches);
        Ok(BatchRows::new(
            self.name,
            self.form,
            batches,
            columns,
            class_names,
            failed,
        ))
    }
}

fn damaged(name: &str, source: ParquetError) -> Error {
    Error::BadParquet {
        file: name.to_owned(),
        source,
    }
}

/// The rows of a batch, fewer where they are long, so that a batch of long texts takes no more memory than
/// one of short texts.
fn batch_rows(metadata: &ParquetMetaData, bytes: usize) -> usize {
    const MOST_ROWS: usize = 4096;
    let longest = metadata
        .row_groups()
        .iter()
        .map(|group| group.total_byte_size() / group.num_rows().max(1))
        .max()
        .unwrap_or(0);
    let longest = usize::try_from(longest).unwrap_or(0).max(1);
    (bytes / longest).clamp(1, MOST_ROWS)
}
