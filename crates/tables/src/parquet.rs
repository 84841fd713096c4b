//! Rows of Parquet files, of which only the chosen columns are read, some rows at a time.

mod nested;

use std::borrow::Cow;
use std::fs::File;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, LargeListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use labelproof_artifact::{ParquetBatches, open_parquet};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::column::{Column, ColumnKind, Selection};
use crate::dialect::{Form, Format, Settings};
use crate::error::Error;
use crate::features::{self, ClassNames};
use crate::limits::Limits;
use crate::row::{Cell, Place, Row};
use crate::source::Source;
use nested::{Step, Way, ways};

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
        let columns = builder
            .schema()
            .fields()
            .iter()
            .map(|field| column(field))
            .collect();
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
    pub(crate) fn rows_by_name(self, selection: &mut Selection) -> Result<ParquetRows, Error> {
        let fields = self.builder.schema().fields().clone();
        let wanted: Vec<String> = selection
            .wanted()
            .iter()
            .map(|wanted| wanted.column.clone())
            .collect();
        let ways = ways(&fields, wanted.iter().map(String::as_str));
        let header: Vec<Column> = ways.iter().map(|way| way.column.clone()).collect();
        let places = selection.find(&header, &self.name, &self.name)?;
        let chosen: Vec<Way> = places.into_iter().map(|place| ways[place].clone()).collect();
        self.rows_of(
            &chosen
                .into_iter()
                .map(|way| (way.root, way.steps))
                .collect::<Vec<_>>(),
        )
    }

    /// The rows, with a cell for each of these columns.
    pub(crate) fn rows(self, places: &[usize]) -> Result<ParquetRows, Error> {
        self.rows_of(
            &places
                .iter()
                .map(|place| (*place, Vec::new()))
                .collect::<Vec<_>>(),
        )
    }

    fn rows_of(self, chosen: &[(usize, Vec<Step>)]) -> Result<ParquetRows, Error> {
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
        Ok(ParquetRows {
            name: self.name,
            form: self.form,
            batches,
            columns: chosen
                .iter()
                .map(|(root, steps)| (in_batch(*root), steps.clone()))
                .collect(),
            class_names,
            arrays: Vec::new(),
            batch_rows: 0,
            row: 0,
            number: 0,
        })
    }
}

/// The rows of a Parquet file. Their numbers stand for lines.
pub(crate) struct ParquetRows {
    name: String,
    form: Form,
    batches: ParquetBatches,
    /// For each cell, the place of its column in a batch, and the way from there.
    columns: Vec<(usize, Vec<Step>)>,
    class_names: ClassNames,
    /// The values of the batch, for each cell.
    arrays: Vec<Values>,
    batch_rows: usize,
    /// The next row of the batch.
    row: usize,
    /// The rows of the file so far.
    number: u64,
}

impl ParquetRows {
    pub(crate) fn class_names(&self) -> &ClassNames {
        &self.class_names
    }

    pub(crate) fn next_row(&mut self, selection: &mut Selection) -> Result<Option<Row<'_>>, Error> {
        while self.row == self.batch_rows {
            if !self.next_batch()? {
                return match self.number {
                    0 => Err(Error::NoRecords {
                        file: self.name.clone(),
                    }),
                    _ => Ok(None),
                };
            }
        }
        let row = self.row;
        self.row += 1;
        self.number += 1;
        let mut cells = Vec::with_capacity(self.arrays.len());
        for (place, values) in self.arrays.iter().enumerate() {
            let (cell, passes_over) = values.cell(row);
            if passes_over {
                selection.note_passed_over(place);
            }
            cells.push(cell);
        }
        Ok(Some(Row {
            place: Place::Row(self.number),
            cells: Ok(cells),
        }))
    }

    fn next_batch(&mut self) -> Result<bool, Error> {
        let Some(batch) = self.batches.next() else {
            return Ok(false);
        };
        let batch = batch.map_err(|error| damaged(&self.name, error.into()))?;
        self.row = 0;
        self.batch_rows = batch.num_rows();
        self.arrays.clear();
        for (place, steps) in &self.columns {
            let values = Values::of(batch.column(*place), steps, self.form);
            self.arrays
                .push(values.map_err(|error| damaged(&self.name, error.into()))?);
        }
        Ok(true)
    }
}

fn damaged(name: &str, source: ParquetError) -> Error {
    Error::BadParquet {
        file: name.to_owned(),
        source,
    }
}

/// A column of a batch in one of the few types that cells have.
enum Values {
    /// Text, and what is made of it.
    Texts(nested::Values),
    Numbers(Float64Array),
    /// Lists, and the numbers of all of them.
    Lists(LargeListArray, Float64Array),
}

impl Values {
    fn of(column: &ArrayRef, steps: &[Step], form: Form) -> Result<Self, ArrowError> {
        match column.data_type() {
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
                if form == Form::Typed =>
            {
                let item = Field::new(item.name(), DataType::Float64, true);
                let lists = cast(column, &DataType::LargeList(item.into()))?
                    .as_list::<i64>()
                    .clone();
                let values = lists.values().as_primitive().clone();
                Ok(Self::Lists(lists, values))
            }
            other if other.is_floating() && form == Form::Typed => Ok(Self::Numbers(
                cast(column, &DataType::Float64)?.as_primitive().clone(),
            )),
            _ => Ok(Self::Texts(nested::Values::of(column, steps)?)),
        }
    }

    /// The cell of a row, and whether items of a list beside it were passed over.
    fn cell(&self, row: usize) -> (Cell<'_>, bool) {
        let cell = match self {
            Self::Texts(values) => return values.cell(row),
            Self::Numbers(values) if values.is_valid(row) => Cell::Number(values.value(row)),
            Self::Lists(lists, values) if lists.is_valid(row) => {
                let offsets = lists.value_offsets();
                let place = |offset: i64| usize::try_from(offset).expect("offsets of Arrow are not negative");
                let (start, end) = (place(offsets[row]), place(offsets[row + 1]));
                if values.slice(start, end - start).null_count() > 0 {
                    Cell::Other("a list with missing numbers")
                } else {
                    Cell::Numbers(Cow::Borrowed(&values.values()[start..end]))
                }
            }
            _ => Cell::Missing,
        };
        (cell, false)
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

fn column(field: &Field) -> Column {
    Column {
        name: field.name().clone(),
        within: None,
        kind: kind(field.data_type()),
        type_name: field.data_type().to_string(),
    }
}

fn kind(data_type: &DataType) -> ColumnKind {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnKind::Text,
        DataType::Boolean => ColumnKind::Boolean,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
            if item.data_type().is_numeric() =>
        {
            ColumnKind::NumberList
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
            if matches!(kind(item.data_type()), ColumnKind::Text | ColumnKind::Boolean) =>
        {
            ColumnKind::TextList
        }
        DataType::Dictionary(_, value) => kind(value),
        other if other.is_numeric() => ColumnKind::Number,
        _ => ColumnKind::Other,
    }
}
