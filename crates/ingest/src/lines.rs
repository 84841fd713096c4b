//! Rows of plain text, one on each line. There are no labels in such a source, so only texts to label come this way.

use crate::error::Error;
use crate::limits::Limits;
use crate::rows::{Fields, RowSink, Value};
use crate::sources::Input;

/// Reads the lines into the sink, each as the text of a row, and says how many there are.
pub(crate) fn read<S: RowSink>(
    mut input: Input<'_>,
    source: u32,
    limits: Limits,
    sink: &mut S,
) -> Result<u64, S::Stop> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        if input.read_line(&mut line, limits.row_bytes + 1)? == 0 {
            return Ok(number);
        }
        number += 1;
        if line.len() > limits.row_bytes {
            let too_long = Error::TooLong {
                place: format!("{}:{number}", input.name()),
                limit_mib: limits.row_bytes >> 20,
            };
            return Err(too_long.into());
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let fields = Fields {
            text: vec![Value::Bytes(text)],
            label: Value::Missing,
            id: None,
            group: None,
            split: None,
        };
        sink.row(source, Some(number), fields)?;
    }
}
