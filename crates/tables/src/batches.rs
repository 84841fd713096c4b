//! Rows of Arrow's record batches, whose columns have types: those of a Parquet file, and those of a table that
//! another program has in memory.

mod nested;

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, LargeListArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use arrow::error::ArrowError;

use crate::column::{Column, ColumnKind, Selection};
use crate::dialect::Form;
use crate::error::Error;
use crate::features::{self, ClassNames};
use crate::row::{Cell, Place, Row};
use nested::{Step, ways};

/// A table in memory. A clone shares the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Batches {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Batches {
    /// The table of these batches, each of which has the columns of the schema.
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }
}

/// A table in memory, of which no row has been read.
pub(crate) struct InMemory {
    name: String,
    form: Form,
    table: Batches,
    columns: Vec<Column>,
}

impl InMemory {
    pub(crate) fn new(name: String, table: Batches, form: Form) -> Self {
        let columns = columns(table.schema.fields());
        Self {
            name,
            form,
            table,
            columns,
        }
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, with a cell for each column that is chosen by its name, or by the way to it.
    pub(crate) fn rows_by_name(self, selection: &mut Selection) -> Result<BatchRows, Error> {
        let chosen = chosen_by_name(self.table.schema.fields(), selection, &self.name)?;
        Ok(self.rows_of(chosen))
    }

    /// The rows, with a cell for each of these columns.
    pub(crate) fn rows(self, places: &[usize]) -> BatchRows {
        self.rows_of(chosen_by_place(places))
    }

    fn rows_of(self, columns: Vec<Chosen>) -> BatchRows {
        /// Whole batches of a program may have any number of rows, and cells are a copy of them.
        const MOST_ROWS: usize = 4096;
        let class_names = self.table.schema.metadata().get("huggingface");
        let class_names = class_names
            .map(|json| features::class_names(json))
            .unwrap_or_default();
        let slices = self.table.batches.into_iter().flat_map(|batch| {
            let starts = (0..batch.num_rows()).step_by(MOST_ROWS);
            starts.map(move |start| Ok(batch.slice(start, MOST_ROWS.min(batch.num_rows() - start))))
        });
        let failed = |table, source| Error::BadBatch { table, source };
        BatchRows::new(
            self.name,
            self.form,
            Box::new(slices),
            columns,
            class_names,
            failed,
        )
    }
}

/// A column that is read: its place in a batch, and the way from there.
pub(crate) type Chosen = (usize, Vec<Step>);

/// The columns that are chosen by their names, or by the ways to them.
pub(crate) fn chosen_by_name(
    fields: &Fields,
    selection: &mut Selection,
    name: &str,
) -> Result<Vec<Chosen>, Error> {
    let wanted: Vec<String> = selection
        .wanted()
        .iter()
        .map(|wanted| wanted.column.clone())
        .collect();
    let ways = ways(fields, wanted.iter().map(String::as_str));
    let header: Vec<Column> = ways.iter().map(|way| way.column.clone()).collect();
    let places = selection.find(&header, name, name)?;
    let chosen = places.into_iter().map(|place| ways[place].clone());
    Ok(chosen.map(|way| (way.root, way.steps)).collect())
}

/// The columns at these places.
pub(crate) fn chosen_by_place(places: &[usize]) -> Vec<Chosen> {
    places.iter().map(|place| (*place, Vec::new())).collect()
}

/// The error of rows that cannot be read, of the table of this name.
type Failed = fn(String, ArrowError) -> Error;

/// The rows of record batches. Their numbers stand for lines.
pub(crate) struct BatchRows {
    name: String,
    form: Form,
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
    columns: Vec<Chosen>,
    class_names: ClassNames,
    failed: Failed,
    /// The values of the batch, for each cell.
    arrays: Vec<Values>,
    rows_of_batch: usize,
    /// The next row of the batch.
    row: usize,
    /// The rows of the table so far.
    number: u64,
}

impl BatchRows {
    pub(crate) fn new(
        name: String,
        form: Form,
        batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
        columns: Vec<Chosen>,
        class_names: ClassNames,
        failed: Failed,
    ) -> Self {
        Self {
            name,
            form,
            batches,
            columns,
            class_names,
            failed,
            arrays: Vec::new(),
            rows_of_batch: 0,
            row: 0,
            number: 0,
        }
    }

    pub(crate) fn class_names(&self) -> &ClassNames {
        &self.class_names
    }

    pub(crate) fn next_row(&mut self, selection: &mut Selection) -> Result<Option<Row<'_>>, Error> {
        while self.row == self.rows_of_batch {
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
        let batch = batch.map_err(|source| (self.failed)(self.name.clone(), source))?;
        self.row = 0;
        self.rows_of_batch = batch.num_rows();
        self.arrays.clear();
        for (place, steps) in &self.columns {
            let values = Values::of(batch.column(*place), steps, self.form);
            self.arrays
                .push(values.map_err(|source| (self.failed)(self.name.clone(), source))?);
        }
        Ok(true)
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

/// The columns of a table.
pub(crate) fn columns(fields: &Fields) -> Vec<Column> {
    fields.iter().map(|field| column(field)).collect()
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
