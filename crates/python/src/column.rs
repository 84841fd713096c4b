//! Columns that Python hands over as lists or as the bytes of an array, where there is no Arrow.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, LargeListArray, RecordBatch, RecordBatchOptions,
    StringArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema};
use labelproof_tables::Batches;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// The values of a column, as `labelproof._columns` makes them.
#[derive(FromPyObject)]
pub(crate) enum Values<'py> {
    /// The bytes of an array of numbers, the word that says which (`float64`, `int64`, `lists`), and the numbers a row.
    Bytes(Bound<'py, PyBytes>, String, usize),
    Booleans(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
}

/// The table of named columns.
pub(crate) fn table(columns: Vec<(String, Values<'_>)>) -> PyResult<Batches> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (name, values) in columns {
        let array = array(values)?;
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let rows = arrays.first().map_or(0, |array| array.len());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options);
    let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(Batches::new(schema, vec![batch]))
}

fn array(values: Values<'_>) -> PyResult<ArrayRef> {
    Ok(match values {
        Values::Booleans(values) => Arc::new(BooleanArray::from(values)),
        Values::Texts(values) => Arc::new(StringArray::from(values)),
        Values::Bytes(bytes, dtype, width) => match dtype.as_str() {
            "int64" => Arc::new(Int64Array::from(words(bytes.as_bytes(), i64::from_le_bytes))),
            "float64" => Arc::new(Float64Array::from(words(bytes.as_bytes(), f64::from_le_bytes))),
            "lists" => lists(words(bytes.as_bytes(), f64::from_le_bytes), width)?,
            other => {
                return Err(PyValueError::new_err(format!(
                    "no column is of the dtype {other}"
                )));
            }
        },
    })
}

/// Numbers of eight bytes each.
fn words<T>(bytes: &[u8], number: fn([u8; 8]) -> T) -> Vec<T> {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().map(|word| number(*word)).collect()
}

/// `[rows * width]` as a list for each row.
fn lists(values: Vec<f64>, width: usize) -> PyResult<ArrayRef> {
    let rows = values.len() / width.max(1);
    let offset =
        |row: usize| i64::try_from(row * width).map_err(|error| PyValueError::new_err(error.to_string()));
    let offsets: PyResult<Vec<i64>> = (0..=rows).map(offset).collect();
    let item = Arc::new(Field::new("item", DataType::Float64, true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets?));
    let values = Arc::new(Float64Array::from(values));
    let lists = LargeListArray::try_new(item, offsets, values, None);
    Ok(Arc::new(
        lists.map_err(|error| PyValueError::new_err(error.to_string()))?,
    ))
}
