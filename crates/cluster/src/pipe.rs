//! A step as a program: an Arrow stream in, an Arrow stream out.

use std::io::{Read, Write};

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use labelproof_artifact::{Advice, Diagnostic, Fault};
use labelproof_driver::Failure;

use crate::error::BadInput;
use crate::{Input, Output};

/// The stream that a step gives cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the rows of the step cannot be written: {problem}")]
pub struct BadOutput {
    problem: String,
}

impl Diagnostic for BadOutput {
    fn advice(&self) -> Advice {
        Fault::Environment.into()
    }
}

/// Runs `step` on the batches of a stream, if it takes any, and writes what it gives as another. A step that
/// gives nothing writes a stream without columns.
pub fn pipe(
    from: Option<impl Read>,
    to: impl Write,
    step: impl FnOnce(Input<'_>, Output<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let bad_input = |error: arrow::error::ArrowError| BadInput {
        problem: format!("they are no Arrow stream: {error}"),
    };
    let bad_output = |error: arrow::error::ArrowError| BadOutput {
        problem: error.to_string(),
    };
    let reader = from
        .map(|from| StreamReader::try_new(from, None))
        .transpose()
        .map_err(bad_input)?;
    let mut input = reader
        .into_iter()
        .flatten()
        .map(|batch| batch.map_err(|error| error.to_string()));
    let mut to = Some(to);
    let mut writer = None;
    let mut output = |batch: RecordBatch| -> Result<(), Failure> {
        if let Some(to) = to.take() {
            writer = Some(StreamWriter::try_new(to, &batch.schema()).map_err(bad_output)?);
        }
        if let Some(writer) = &mut writer {
            writer.write(&batch).map_err(bad_output)?;
            // Whoever asks batch by batch waits for the answer before it asks again.
            writer.flush().map_err(bad_output)?;
        }
        Ok(())
    };
    step(&mut input, &mut output)?;
    if let Some(to) = to {
        writer = Some(StreamWriter::try_new(to, &arrow::datatypes::Schema::empty()).map_err(bad_output)?);
    }
    if let Some(mut writer) = writer {
        writer.finish().map_err(bad_output)?;
    }
    Ok(())
}
