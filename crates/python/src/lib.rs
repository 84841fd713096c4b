//! The Python module: what of Labelproof runs inside of Python's process.
//!
//! Responsible for the way from Python's objects to the audit and the command line, and back. What people
//! call is Python (`python/labelproof`), which brings the objects of other libraries into one form; this
//! module is its `_native`, and nobody else's. It links no LibTorch: what runs a network is another process.

#![expect(
    clippy::needless_pass_by_value,
    reason = "what Python hands over is converted, and belongs to the function"
)]

mod audit;
mod column;
mod command;
mod errors;
mod step;
mod table;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::audit::{Findings, audit};
    #[pymodule_export]
    use crate::command::{artifacts_folder, fetched_artifacts, main};
    #[pymodule_export]
    use crate::step::{Batches, step};
    #[pymodule_export]
    use crate::table::{Table, read_table};
}
