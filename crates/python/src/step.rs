//! A step of a cluster's job: batches of Python in, batches of Python out.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use arrow::array::RecordBatch;
use arrow::ffi_stream::ArrowArrayStreamReader;
use arrow_pyarrow::{FromPyArrow, ToPyArrow};
use labelproof_artifact::{Advice, Diagnostic, Fault};
use labelproof_cluster::{Context, Step, UnknownStep, run};
use labelproof_driver::Failure;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors;

/// The batches that wait for Python. More would only fill the memory.
const WAITING: usize = 2;

/// Python does not want the other batches of a step.
#[derive(Debug, thiserror::Error)]
#[error("the rows of the step are not wanted any more")]
struct Unwanted;

impl Diagnostic for Unwanted {
    fn advice(&self) -> Advice {
        Fault::Interrupted.into()
    }
}

/// What a step gives, batch by batch.
#[pyclass(frozen, module = "labelproof")]
pub(crate) struct Batches(Mutex<Receiver<Result<RecordBatch, Option<Failure>>>>);

/// What Python is told of a step that panicked.
const BUG: &str = "this is a bug in labelproof; please report it with the lines that the step wrote";

#[pymethods]
impl Batches {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    /// The next batch as one of pyarrow.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = py.detach(|| self.0.lock().ok()?.recv().ok());
        match next {
            None => Ok(None),
            Some(Ok(batch)) => batch.to_pyarrow(py).map(Some),
            Some(Err(Some(failure))) => Err(errors::raised(py, failure)),
            // Without it a step that broke off would look like one that has no more rows.
            Some(Err(None)) => Err(PyRuntimeError::new_err(BUG)),
        }
    }
}

/// Runs a step on the batches of an object that has `__arrow_c_stream__`, which are asked for one by one.
/// Other threads of Python go on meanwhile, and give them.
#[pyfunction]
#[pyo3(name = "step")]
pub(crate) fn step(py: Python<'_>, name: &str, context: &str, rows: &Bound<'_, PyAny>) -> PyResult<Batches> {
    let step: Step = name
        .parse()
        .map_err(|error: UnknownStep| errors::raised(py, error))?;
    let context = Context::parse(context).map_err(|error| errors::raised(py, error))?;
    let reader = ArrowArrayStreamReader::from_pyarrow_bound(rows)?;
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    let of_panic = sender.clone();
    let step_to_end = move || {
        let mut input = reader.map(|batch| batch.map_err(|error| error.to_string()));
        let mut output = |batch| sender.send(Ok(batch)).map_err(|_unsent| Unwanted.into());
        if let Err(failure) = run(step, &context, &mut input, &mut output) {
            // Nobody is left to be told where nobody takes it.
            let _ = sender.send(Err(Some(failure)));
        }
    };
    let work = move || {
        if panic::catch_unwind(AssertUnwindSafe(step_to_end)).is_err() {
            let _ = of_panic.send(Err(None));
        }
    };
    let started = thread::Builder::new()
        .name(format!("labelproof {step}"))
        .spawn(work);
    started.map_err(|error| PyRuntimeError::new_err(format!("no thread can be started: {error}")))?;
    Ok(Batches(Mutex::new(receiver)))
}
