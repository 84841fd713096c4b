//! A step as a program: an Arrow stream in, an Arrow stream out.

use std::io::{Cursor, Read, Write};

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

/// The four bytes with which each message of a stream begins.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// The batches of a stream. Other bytes would be read as a length, and as much memory be taken.
fn batches<R: Read>(mut from: R) -> Result<StreamReader<impl Read>, BadInput> {
    let bad_input = |problem: String| BadInput {
        problem: format!("they are no Arrow stream: {problem}"),
    };
    let mut first = [0; 4];
    from.read_exact(&mut first)
        .map_err(|error| bad_input(error.to_string()))?;
    if first != CONTINUATION {
        return Err(bad_input(format!("they begin with {}", first.escape_ascii())));
    }
    let stream = Cursor::new(first).chain(from);
    StreamReader::try_new(stream, None).map_err(|error| bad_input(error.to_string()))
}

/// Runs `step` on the batches of a stream, if it takes any, and writes what it gives as another. A step that
/// gives nothing writes a stream without columns.
pub fn pipe(
    from: Option<impl Read>,
    to: impl Write,
    step: impl FnOnce(Input<'_>, Output<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let bad_output = |error: arrow::error::ArrowError| BadOutput {
        problem: error.to_string(),
    };
    let reader = from.map(batches).transpose()?;
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
