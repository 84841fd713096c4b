//! Tables between Python and Rust, by Arrow's C interface and without copies.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::ffi_stream::{ArrowArrayStreamReader, FFI_ArrowArrayStream};
use arrow_pyarrow::FromPyArrow;
use labelproof_artifact::{
    Advice, Diagnostic, Document, Fault, ParquetBatches, Row, SplitRow, TableReader, TokenRow, fs,
    open_parquet,
};
use labelproof_driver::Failure;
use labelproof_tables::Batches;
use parquet::errors::ParquetError;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors;

/// Takes a table of any object that has `__arrow_c_stream__`.
pub(crate) fn imported(object: &Bound<'_, PyAny>) -> PyResult<Batches> {
    let reader = ArrowArrayStreamReader::from_pyarrow_bound(object)?;
    let schema = reader.schema();
    let batches: Result<Vec<RecordBatch>, _> = reader.collect();
    let batches = batches.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(Batches::new(schema, batches))
}

/// A table of the pipeline, which any library reads that knows Arrow's C interface.
#[pyclass(frozen, module = "labelproof")]
pub(crate) struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

#[pymethods]
impl Table {
    #[getter]
    fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    #[getter]
    fn column_names(&self) -> Vec<String> {
        let fields = self.schema.fields().iter();
        fields.map(|field| field.name().clone()).collect()
    }

    /// A new stream each time. The schema that a consumer would like better is a request that may be ignored.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let batches = self.batches.clone().into_iter().map(Ok);
        let reader = RecordBatchIterator::new(batches, self.schema.clone());
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

/// A file of the pipeline is no table.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is damaged or no Parquet file", path.display())]
struct Unreadable {
    path: PathBuf,
    source: ParquetError,
}

impl Diagnostic for Unreadable {
    fn advice(&self) -> Advice {
        Fault::Artifact.hint("run the stage again that wrote it: labelproof.run(force=True)")
    }
}

/// Reads a table of the pipeline.
#[pyfunction]
pub(crate) fn read_table(py: Python<'_>, path: PathBuf) -> PyResult<Table> {
    py.detach(|| read(&path))
        .map_err(|failure| errors::raised(py, failure))
}

fn read(path: &Path) -> Result<Table, Failure> {
    if path.is_dir() {
        return match path.file_name().and_then(OsStr::to_str) {
            Some(name) if name == TokenRow::KIND.file => merged::<TokenRow>(path),
            Some(name) if name == SplitRow::KIND.file => merged::<SplitRow>(path),
            _ => merged::<Document>(path),
        };
    }
    let file = fs::open(path)?;
    let failed = |source| Unreadable {
        path: path.to_path_buf(),
        source,
    };
    let builder = open_parquet(file).map_err(failed)?;
    let schema = Arc::clone(builder.schema());
    let batches: Result<Vec<RecordBatch>, _> = ParquetBatches::new(builder).map_err(failed)?.collect();
    let batches = batches.map_err(|error| failed(error.into()))?;
    Ok(Table { schema, batches })
}

/// Reads a table that is a folder of parts, in the order of ids.
fn merged<R: Row>(path: &Path) -> Result<Table, Failure> {
    let schema = Arc::new(R::schema());
    let mut batches = Vec::new();
    for rows in TableReader::<R>::open_file(path)? {
        let batch = RecordBatch::try_new(Arc::clone(&schema), R::columns(&rows?));
        batches.push(batch.expect("a row type's columns fit its own schema"));
    }
    Ok(Table { schema, batches })
}
