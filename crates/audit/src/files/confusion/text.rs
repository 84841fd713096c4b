//! The text of a file that is given as a matrix, whatever it is encoded in; an array of NumPy as the text that
//! it stands for.

use std::io::Cursor;
use std::path::Path;

use labelproof_tables::{Cell, Encoding, Form, Format, Limits, Options, Part, Source, Table, read_bytes};

use super::super::error::{ConfusionProblem, Error};
use super::super::rows::SETTINGS;

/// Longer than any matrix that means something.
const MOST_BYTES: usize = 32 << 20;

/// The file that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// The text of a file, and in words what it is written in where that is unusual.
pub(super) fn of_file(path: &Path) -> Result<(String, Option<String>), Error> {
    let file = path.display().to_string();
    let source = if file == STANDARD_INPUT {
        Source::stream("standard input", std::io::stdin())
    } else {
        Source::file(&file, path)
    };
    let bytes =
        read_bytes(source, Encoding::Utf8, SETTINGS, MOST_BYTES).map_err(|error| too_large(error, &file))?;
    if bytes.starts_with(b"\x93NUMPY") {
        return Ok((of_array(&file, path)?, Some("An array of NumPy.".to_owned())));
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok((text, None)),
        Err(error) => error.into_bytes(),
    };
    // Archives, pictures, workbooks.
    if bytes.contains(&0) {
        return Err(Error::Confusion {
            place: file,
            problem: ConfusionProblem::NoText,
        });
    }
    let source = Source::stream(file.as_str(), Cursor::new(bytes));
    let bytes = read_bytes(source, Encoding::Windows1252, SETTINGS, 3 * MOST_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|_not_utf8| labelproof_tables::Error::NotUtf8 { file })?;
    Ok((text, Some("Not UTF-8, read as windows-1252.".to_owned())))
}

fn too_large(error: labelproof_tables::Error, file: &str) -> labelproof_tables::Error {
    match error {
        labelproof_tables::Error::TooLong { .. } => labelproof_tables::Error::TooLarge {
            file: file.to_owned(),
            mebibytes: (MOST_BYTES as u64 >> 20) + 1,
            what: "confusion matrix",
        },
        other => other,
    }
}

/// The rows of an array, a line each.
fn of_array(file: &str, path: &Path) -> Result<String, Error> {
    let options = Options {
        format: Format::Npy,
        part: Part::Only,
        encoding: Encoding::Utf8,
        form: Form::Typed,
        limits: Limits::default(),
        settings: SETTINGS,
    };
    let mut table = Table::open(Source::file(file, path), &options)?;
    let places: Vec<usize> = (0..table.columns()?.len()).collect();
    let mut rows = table.rows_by_place(&places)?;
    let mut text = String::new();
    while let Some(row) = rows.next_row()? {
        let place = row.place;
        let cells = row.cells.map_err(|problem| Error::Row {
            place: place.within(file),
            problem: problem.into(),
        })?;
        for cell in cells {
            match cell {
                Cell::Numbers(numbers) => text.extend(numbers.iter().map(|number| format!("{number} "))),
                Cell::Number(number) => text += &format!("{number} "),
                Cell::Text(number) => text += &format!("{number} "),
                Cell::Bytes(number) => text += &format!("{} ", String::from_utf8_lossy(number)),
                _ => text += "NaN ",
            }
        }
        text.push('\n');
    }
    Ok(text)
}
