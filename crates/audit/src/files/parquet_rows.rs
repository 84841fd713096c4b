//! Rows of Parquet files, of which only the needed columns are read, some rows at a time.

use std::borrow::Cow;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use arrow::error::ArrowError;
use labelproof_artifact::{ParquetBatches, Reporter, fs, open_parquet};
use parquet::arrow::ProjectionMask;
use parquet::errors::ParquetError;

use super::error::Error;
use super::roles::{Columns, Roles, ScoreColumns};
use super::table::{Builder, Cell, Table};

/// Rows that are in memory as Arrow arrays.
const BATCH_ROWS: usize = 4096;

/// Reads a Parquet file.
pub(super) fn read(path: &Path, columns: &Columns, reporter: &dyn Reporter) -> Result<Table, Error> {
    let file = path.display().to_string();
    let damaged = |source: ParquetError| Error::BadParquet {
        path: path.to_path_buf(),
        source,
    };
    let arrow_failed = |error: ArrowError| damaged(error.into());
    let opened = fs::open(path)?;
    if opened
        .metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
    {
        return Err(Error::Empty {
            path: path.to_path_buf(),
        });
    }
    let reader = open_parquet(opened).map_err(damaged)?;
    let schema = reader.schema().clone();
    let header: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut roles = Roles::find(&header, columns, &file)?;
    roles.check(&header, columns, &file)?;
    roles
        .candidates
        .retain(|place| schema.field(*place).data_type().is_numeric());
    check_types(&roles, &schema, &file)?;
    let needed = needed(&roles);
    let mask = ProjectionMask::roots(reader.parquet_schema(), needed.iter().copied());
    let reader =
        ParquetBatches::new(reader.with_projection(mask).with_batch_size(BATCH_ROWS)).map_err(damaged)?;
    let mut builder = Builder::new(file.clone(), &header, roles);
    for batch in reader {
        let batch = batch.map_err(arrow_failed)?;
        // In the order of `needed`, because a projection keeps the order of the file.
        let arrays = batch
            .columns()
            .iter()
            .map(simplified)
            .collect::<Result<Vec<_>, _>>()
            .map_err(arrow_failed)?;
        for row in 0..batch.num_rows() {
            let cell = |place: usize| arrays[needed.partition_point(|needed| *needed < place)].cell(row);
            if let Err(stop) = builder.push(cell) {
                let number = builder.rows() + 1;
                return Err(stop.at(&file, || format!("{file}: row {number}")));
            }
        }
        reporter.advance(batch.num_rows() as u64, "");
    }
    if builder.rows() == 0 {
        return Err(Error::NoRows {
            path: path.to_path_buf(),
        });
    }
    Ok(builder.finish())
}

fn needed(roles: &Roles) -> Vec<usize> {
    let singles = [roles.id, roles.text, roles.truth, roles.predicted, roles.group];
    let mut needed: Vec<usize> = singles.into_iter().flatten().collect();
    match &roles.scores {
        ScoreColumns::None => {}
        ScoreColumns::Each { places, .. } => needed.extend(places),
        ScoreColumns::One { place, .. } => needed.push(*place),
    }
    needed.extend(&roles.candidates);
    needed.sort_unstable();
    needed.dedup();
    needed
}

/// A column of a batch in one of the few types that a row needs.
enum Column {
    Strings(ArrayRef),
    Numbers(ArrayRef),
    /// Lists, and the numbers in them.
    Lists(ArrayRef, ArrayRef),
}

fn simplified(column: &ArrayRef) -> Result<Column, ArrowError> {
    match column.data_type() {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let item = Field::new(item.name(), DataType::Float64, true);
            let lists = cast(column, &DataType::LargeList(item.into()))?;
            let values = lists.as_list::<i64>().values().clone();
            Ok(Column::Lists(lists, values))
        }
        other if other.is_floating() => Ok(Column::Numbers(cast(column, &DataType::Float64)?)),
        _ => Ok(Column::Strings(cast(column, &DataType::Utf8)?)),
    }
}

impl Column {
    fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Strings(array) if array.is_valid(row) => {
                Cell::Text(Cow::Borrowed(array.as_string::<i32>().value(row)))
            }
            Self::Numbers(array) if array.is_valid(row) => {
                Cell::Number(array.as_primitive::<Float64Type>().value(row))
            }
            Self::Lists(lists, values) if lists.is_valid(row) => {
                let offsets = lists.as_list::<i64>().value_offsets();
                let place = |offset: i64| usize::try_from(offset).expect("offsets of Arrow are not negative");
                let (start, end) = (place(offsets[row]), place(offsets[row + 1]));
                if values.slice(start, end - start).null_count() > 0 {
                    return Cell::Other("a list with missing numbers");
                }
                Cell::Numbers(&values.as_primitive::<Float64Type>().values()[start..end])
            }
            _ => Cell::Missing,
        }
    }
}

fn check_types(roles: &Roles, schema: &Schema, file: &str) -> Result<(), Error> {
    let check = |place: usize, is_fine: fn(&DataType) -> bool, expected: &'static str| {
        let field = schema.field(place);
        if is_fine(field.data_type()) {
            return Ok(());
        }
        Err(Error::ColumnType {
            place: file.to_owned(),
            column: field.name().clone(),
            found: field.data_type().to_string(),
            expected,
        })
    };
    for place in [roles.id, roles.text, roles.truth, roles.predicted, roles.group]
        .into_iter()
        .flatten()
    {
        check(place, is_simple, "a string, number or boolean")?;
    }
    match &roles.scores {
        ScoreColumns::None => {}
        ScoreColumns::Each { places, .. } => {
            for place in places {
                check(*place, DataType::is_numeric, "numbers")?;
            }
        }
        ScoreColumns::One { place, .. } => check(*place, is_score_list, "a list of numbers, or numbers")?,
    }
    Ok(())
}

fn is_simple(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_simple(value),
        other => other.is_numeric(),
    }
}

fn is_score_list(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_numeric()
        }
        // A list that was written as text.
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        other => other.is_numeric(),
    }
}
