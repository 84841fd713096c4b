//! Errors as Python's exceptions. The classes are declared in `labelproof._errors`, where people see them.

use labelproof_artifact::Fault;
use labelproof_driver::{ExitCode, Failure};
use pyo3::prelude::*;

/// The exception of a failure, with its message, the hints below it, and the exit code that the command would have.
pub(crate) fn raised(py: Python<'_>, failure: impl Into<Failure>) -> PyErr {
    let failure = failure.into();
    let text = failure.render();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    of(py, failure.fault(), text).unwrap_or_else(|error| error)
}

fn of(py: Python<'_>, fault: Fault, text: &str) -> PyResult<PyErr> {
    let errors = py.import("labelproof._errors")?;
    let code = ExitCode::from(fault) as u8;
    let exception = errors.getattr("of_exit_code")?.call1((code, text))?;
    Ok(PyErr::from_value(exception))
}
