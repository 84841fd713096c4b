//! Contains panics of libraries that parse untrusted bytes: a damaged file is an error with a message, and
//! does not end the process.
//!
//! Only calls into such libraries are contained. A panic of this workspace is a bug and has to be seen.

use std::cell::Cell;
use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use crate::parquet_headers;

/// A library panicked on some bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Panicked {
    message: String,
}

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Calls a library, and turns a panic into an error without a word on the terminal. What `work` was about to
/// change must not be used after an error.
pub fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CONTAINED.get() {
                usual(panic);
            }
        }));
    });
    let before = CONTAINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(before);
    result.map_err(|payload| Panicked {
        message: payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "its reader gave up".to_owned()),
    })
}

/// Calls the Parquet library.
fn contained_parquet<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    contained(work).unwrap_or_else(|panicked| Err(ParquetError::General(panicked.to_string())))
}

/// The metadata of an untrusted Parquet file, after its claims were checked. The Arrow schema that writers
/// add is ignored: columns have the types of Parquet, categories come as plain strings.
pub(crate) fn parquet_metadata(file: &File) -> Result<ArrowReaderMetadata, ParquetError> {
    parquet_headers::check_footer(file)?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = contained_parquet(|| ArrowReaderMetadata::load(file, options))?;
    parquet_headers::check(file, metadata.metadata())?;
    Ok(metadata)
}

/// Opens an untrusted Parquet file, after the claims of its metadata were checked.
pub fn open_parquet(file: File) -> Result<ParquetRecordBatchReaderBuilder<File>, ParquetError> {
    let metadata = parquet_metadata(&file)?;
    Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata))
}

/// The batches of an untrusted Parquet file. The iterator ends after an error.
pub struct ParquetBatches {
    reader: Option<ParquetRecordBatchReader>,
}

impl ParquetBatches {
    /// The batches that a builder describes.
    pub fn new(builder: ParquetRecordBatchReaderBuilder<File>) -> Result<Self, ParquetError> {
        let reader = contained_parquet(|| builder.build())?;
        Ok(Self { reader: Some(reader) })
    }
}

impl Iterator for ParquetBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let batch = contained(|| reader.next())
            .unwrap_or_else(|panicked| Some(Err(ArrowError::ParquetError(panicked.to_string()))));
        if !matches!(batch, Some(Ok(_))) {
            self.reader = None;
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        assert_eq!(contained(|| 3), Ok(3));
        let panicked = contained(|| -> u8 { panic!("no {}", "more") });
        assert_eq!(panicked.unwrap_err().to_string(), "no more");
        assert_eq!(contained(|| 4), Ok(4));
    }
}
