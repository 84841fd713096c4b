//! Rows of Parquet files, of which only the needed columns are read, some rows at a time.

use std::borrow::Cow;

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use labelproof_artifact::{ParquetBatches, open_parquet};
use parquet::arrow::ProjectionMask;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::columns::{Places, Wanted};
use crate::error::Error;
use crate::limits::Limits;
use crate::rows::{Fields, RowSink, Value};
use crate::settings::Settings;
use crate::sources::{SourceFile, open_file};

/// Reads a file into the sink. A row's number stands for its line.
pub(crate) fn read<S: RowSink>(
    file: &SourceFile,
    source: u32,
    wanted: &Wanted<'_>,
    limits: Limits,
    sink: &mut S,
) -> Result<(), S::Stop> {
    let damaged = |source: ParquetError| Error::BadParquet {
        file: file.name.clone(),
        source,
    };
    let opened = open_file(file)?;
    if opened.metadata().is_ok_and(|metadata| metadata.len() == 0) {
        let file = file.name.clone();
        return Err(Error::Empty { file }.into());
    }
    let builder = open_parquet(opened).map_err(damaged)?;
    let schema = builder.schema();
    let header: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let places = Places::find(wanted, &header, &file.name)?;
    check_types(&places, wanted.settings, schema, file)?;
    let mut needed: Vec<usize> = places.text.clone();
    let optional = [places.label, places.id, places.group, places.split];
    needed.extend(optional.into_iter().flatten());
    needed.sort_unstable();
    needed.dedup();
    let batch_rows = batch_rows(builder.metadata(), limits.run_bytes);
    let mask = ProjectionMask::roots(builder.parquet_schema(), needed.iter().copied());
    let builder = builder.with_projection(mask).with_batch_size(batch_rows);
    let reader = ParquetBatches::new(builder).map_err(damaged)?;
    let mut number = 0_u64;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(error.into()))?;
        // In the order of `needed`, because a projection keeps the order of the file.
        let strings = batch
            .columns()
            .iter()
            .map(|column| cast(column, &DataType::Utf8))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| damaged(error.into()))?;
        let strings: Vec<&StringArray> = strings.iter().map(AsArray::as_string::<i32>).collect();
        let column = |place: usize| strings[needed.partition_point(|needed| *needed < place)];
        for row in 0..batch.num_rows() {
            number += 1;
            let value = |place: usize| field(column(place), row);
            let fields = Fields {
                text: places.text.iter().copied().map(value).collect(),
                label: places.label.map_or(Value::Missing, value),
                id: places.id.map(value),
                group: places.group.map(value),
                split: places.split.map(value),
            };
            sink.row(source, Some(number), fields)?;
        }
    }
    if number == 0 {
        let file = file.name.clone();
        return Err(Error::NoRecords { file }.into());
    }
    Ok(())
}

fn field(column: &StringArray, row: usize) -> Value<'_> {
    if column.is_valid(row) {
        Value::Text(Cow::Borrowed(column.value(row)))
    } else {
        Value::Missing
    }
}

/// Rows a batch, so that a batch of long texts takes no more memory than one of short texts.
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

fn check_types(places: &Places, settings: Settings, schema: &Schema, file: &SourceFile) -> Result<(), Error> {
    let check = |key: &'static str, place: usize| {
        let field = schema.field(place);
        let is_name = matches!(key, "label" | "id" | "group");
        if is_string(field.data_type()) || is_name && is_simple(field.data_type()) {
            return Ok(());
        }
        Err(Error::ColumnType {
            file: file.name.clone(),
            setting: settings.column(key),
            column: field.name().clone(),
            found: field.data_type().to_string(),
            expected: if is_name {
                "a string, number or boolean"
            } else {
                "a string"
            },
        })
    };
    for place in &places.text {
        check("text", *place)?;
    }
    let optional = [
        ("label", places.label),
        ("id", places.id),
        ("group", places.group),
        ("split", places.split),
    ];
    for (key, place) in optional {
        place.map_or(Ok(()), |place| check(key, place))?;
    }
    Ok(())
}

fn is_string(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_string(value),
        _ => false,
    }
}

fn is_simple(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean => true,
        DataType::Dictionary(_, value) => is_simple(value),
        other => other.is_integer() || matches!(other, DataType::Float32 | DataType::Float64),
    }
}
