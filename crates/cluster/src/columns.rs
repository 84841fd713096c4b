//! The columns of batches by name, whatever form of a type the engine has made of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use labelproof_artifact::Split;
use labelproof_driver::Failure;

use crate::Output;
use crate::error::{BadInput, BrokenInput};

/// Rows of a batch that a step gives, at most.
pub(crate) const BATCH_ROWS: usize = 4096;

/// The bytes of text at which a batch ends early: a column of strings holds 2 GiB.
pub(crate) const BATCH_BYTES: usize = 64 << 20;

/// The columns of a batch.
pub struct Columns<'a>(pub &'a RecordBatch);

impl Columns<'_> {
    /// The values of a column of text.
    pub fn texts(&self, name: &str) -> Result<Vec<Option<String>>, BadInput> {
        let column = self.column(name, &DataType::Utf8)?;
        let values = column.as_string::<i32>().iter();
        Ok(values.map(|value| value.map(str::to_owned)).collect())
    }

    /// The same where none is missing.
    pub(crate) fn all_texts(&self, name: &str) -> Result<Vec<String>, BadInput> {
        self.texts(name)?
            .into_iter()
            .map(|value| present(name, value))
            .collect()
    }

    /// The values of a column of whole numbers.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<Option<i64>>, BadInput> {
        let column = self.column(name, &DataType::Int64)?;
        Ok(column.as_primitive::<Int64Type>().iter().collect())
    }

    /// The same where none is missing.
    pub(crate) fn all_numbers(&self, name: &str) -> Result<Vec<i64>, BadInput> {
        self.numbers(name)?
            .into_iter()
            .map(|value| present(name, value))
            .collect()
    }

    /// The values of a column of lists of whole numbers; a missing list is empty.
    pub(crate) fn lists(&self, name: &str) -> Result<Vec<Vec<u32>>, BadInput> {
        let item = Arc::new(Field::new("item", DataType::UInt32, true));
        let column = self.column(name, &DataType::List(item))?;
        let lists = column.as_list::<i32>();
        let list = |row| -> Vec<u32> {
            if lists.is_null(row) {
                return Vec::new();
            }
            let values = lists.value(row);
            values
                .as_primitive::<arrow::datatypes::UInt32Type>()
                .values()
                .to_vec()
        };
        Ok((0..lists.len()).map(list).collect())
    }

    /// The digests of a column of bytes.
    pub(crate) fn digests(&self, name: &str) -> Result<Vec<[u8; 16]>, BadInput> {
        let column = self.column(name, &DataType::Binary)?;
        let digest = |value: Option<&[u8]>| {
            let value = value.and_then(|value| value.try_into().ok());
            value.ok_or_else(|| BadInput {
                problem: format!("`{name}` holds what is no digest of 16 bytes"),
            })
        };
        column.as_binary::<i32>().iter().map(digest).collect()
    }

    /// The splits of a column of text.
    pub(crate) fn splits(&self, name: &str) -> Result<Vec<Option<Split>>, BadInput> {
        let split = |value: Option<String>| {
            let split = value.map(|value| Split::parse(&value)).transpose();
            split.map_err(|problem| BadInput {
                problem: format!("`{name}`: {problem}"),
            })
        };
        self.texts(name)?.into_iter().map(split).collect()
    }

    fn column(&self, name: &str, kind: &DataType) -> Result<ArrayRef, BadInput> {
        let Some(column) = self.0.column_by_name(name) else {
            return Err(BadInput {
                problem: format!("there is no column `{name}`"),
            });
        };
        cast(column, kind).map_err(|error| BadInput {
            problem: format!("`{name}`: {error}"),
        })
    }
}

fn present<T>(name: &str, value: Option<T>) -> Result<T, BadInput> {
    value.ok_or_else(|| BadInput {
        problem: format!("`{name}` lacks a value"),
    })
}

/// The next batch that a step gets.
pub(crate) fn next(batch: Result<RecordBatch, String>) -> Result<RecordBatch, BrokenInput> {
    batch.map_err(|problem| BrokenInput { problem })
}

/// Gives one row of JSON.
pub(crate) fn give_json(value: &serde_json::Value, output: Output<'_>) -> Result<(), Failure> {
    let schema = Arc::new(Schema::new(vec![Field::new("json", DataType::Utf8, false)]));
    let column: ArrayRef = Arc::new(StringArray::from(vec![value.to_string()]));
    output(batch(&schema, vec![column]))
}

/// A batch of columns that a step has made for its own schema.
pub(crate) fn batch(schema: &Arc<Schema>, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(Arc::clone(schema), columns).expect("a step's columns fit its own schema")
}

/// What JSON says that an earlier step wrote.
pub(crate) fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, BadInput> {
    serde_json::from_str(json).map_err(|error| BadInput {
        problem: format!("`json` is not what the step before wrote: {error}"),
    })
}
