//! The audit of what Python has: tables in memory, texts of logs, and paths.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use labelproof_artifact::{Silent, findings};
use labelproof_audit::files::{Columns, Counts, Files, Held, read};
use labelproof_audit::{page, summary};
use labelproof_driver::Failure;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::column::{self, Values};
use crate::{errors, table};

/// How long Python's signals wait while an audit runs.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// What an audit found.
#[pyclass(frozen, module = "labelproof")]
pub(crate) struct Findings(findings::Findings);

#[pymethods]
impl Findings {
    /// What `labelproof audit --json` prints.
    fn json(&self) -> String {
        serde_json::to_string_pretty(&self.0).expect("findings have string keys only")
    }

    /// What `labelproof audit` prints.
    fn text(&self) -> String {
        summary::text(&self.0)
    }

    /// What `labelproof audit --html` writes.
    fn html(&self) -> String {
        page::html(&self.0)
    }
}

/// What a name stands for that is no file.
#[derive(FromPyObject)]
pub(crate) enum Given<'py> {
    Text(String),
    Columns(Vec<(String, Values<'py>)>),
    Table(Bound<'py, PyAny>),
}

/// The paths, or names of what is held, by their roles.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Roles {
    validation: Option<PathBuf>,
    test: Option<PathBuf>,
    train: Option<PathBuf>,
    predictions: Option<PathBuf>,
    validation_predictions: Option<PathBuf>,
    confusion: Option<PathBuf>,
    tokenizer: Option<PathBuf>,
    log: Vec<String>,
}

/// Columns by name, and counts that a log does not say.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    id: Option<String>,
    text: Option<String>,
    label: Option<String>,
    predicted: Option<String>,
    group: Option<String>,
    no_header: bool,
    classes: Option<u64>,
    validation_rows: Option<u64>,
    test_rows: Option<u64>,
    train_rows: Option<u64>,
    batch_size: Option<u64>,
}

/// Audits what is given. Other threads of Python go on meanwhile.
#[pyfunction]
pub(crate) fn audit(
    py: Python<'_>,
    roles: Roles,
    options: Options,
    held: BTreeMap<PathBuf, Given<'_>>,
) -> PyResult<Findings> {
    let mut files = files(roles, options);
    for (name, given) in held {
        files.held.insert(name, given.held()?);
    }
    let (sender, mut receiver) = mpsc::channel();
    thread::spawn(move || {
        let found = read(&files, &Silent).map(|evidence| labelproof_audit::audit(&evidence));
        // Nobody waits for it after Ctrl-C. The thread reads and computes, and changes nothing.
        let _ = sender.send(found.map_err(Failure::from));
    });
    loop {
        let (back, found) = py.detach(move || {
            let found = receiver.recv_timeout(SIGNALS_EVERY);
            (receiver, found)
        });
        receiver = back;
        match found {
            Ok(found) => return found.map(Findings).map_err(|failure| errors::raised(py, failure)),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                let message = "this is a bug in labelproof; please report it with the lines above";
                return Err(PyRuntimeError::new_err(message));
            }
        }
    }
}

impl Given<'_> {
    fn held(self) -> PyResult<Held> {
        Ok(match self {
            Self::Text(text) => Held::Text(text),
            Self::Columns(columns) => Held::Rows(column::table(columns)?),
            Self::Table(object) => Held::Rows(table::imported(&object)?),
        })
    }
}

fn files(roles: Roles, options: Options) -> Files {
    Files {
        validation: roles.validation,
        test: roles.test,
        train: roles.train,
        predictions: roles.predictions,
        validation_predictions: roles.validation_predictions,
        no_header: options.no_header,
        logs: roles.log,
        confusion: roles.confusion,
        tokenizer: roles.tokenizer,
        columns: Columns {
            id: options.id,
            text: options.text,
            label: options.label,
            predicted: options.predicted,
            group: options.group,
        },
        counts: Counts {
            classes: options.classes,
            validation_rows: options.validation_rows,
            test_rows: options.test_rows,
            train_rows: options.train_rows,
            batch_size: options.batch_size,
        },
        ..Files::default()
    }
}
