//! What a person sees in a cell.

use calamine::{CellErrorType, DataType, ExcelDateTime};

use crate::ahead::OwnedCell;
use crate::dialect::Form;

/// A value as its cell shows it, but for the width of the column and the decimals that it is set to.
pub(super) fn cell(value: &impl DataType, form: Form) -> OwnedCell {
    if let Some(text) = value.get_string() {
        return OwnedCell::Text(text.to_owned());
    }
    if let Some(number) = value.get_float() {
        return match form {
            Form::Typed if number.fract() != 0.0 => OwnedCell::Number(number),
            _ => OwnedCell::Text(digits(number)),
        };
    }
    if let Some(number) = value.get_int() {
        return OwnedCell::Text(number.to_string());
    }
    if let Some(truth) = value.get_bool() {
        return OwnedCell::Text(if truth { "TRUE" } else { "FALSE" }.to_owned());
    }
    if let Some(time) = value.get_datetime() {
        return OwnedCell::Text(date_and_time(time));
    }
    if let Some(time) = value.get_datetime_iso() {
        return OwnedCell::Text(time.replacen('T', " ", 1));
    }
    if let Some(duration) = value.get_duration_iso() {
        return OwnedCell::Text(clock(duration).unwrap_or_else(|| duration.to_owned()));
    }
    match value.get_error() {
        Some(error) => OwnedCell::Other(error_name(error)),
        None => OwnedCell::Missing,
    }
}

/// A number without the digits that a spreadsheet does not keep: 15 are what it computes with, and 0.1 + 0.2
/// is 0.3 there.
fn digits(number: f64) -> String {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    if rounded != 0.0 && !(1e-9..1e21).contains(&rounded.abs()) {
        return format!("{rounded:e}");
    }
    // Without the sign of a zero.
    (rounded + 0.0).to_string()
}

/// `2024-03-05`, with the time behind it where it is not midnight; a time alone, or a duration, as hours.
fn date_and_time(time: ExcelDateTime) -> String {
    let value = time.as_f64();
    let (year, month, day, hour, minute, second, millisecond) = time.to_ymd_hms_milli();
    let fraction = match millisecond {
        0 => String::new(),
        _ => format!(".{millisecond:03}"),
    };
    if time.is_duration() {
        let milliseconds = (value.abs() * 86_400_000.0).round();
        let seconds = (milliseconds / 1000.0).floor();
        let (hours, minutes, seconds) = (
            (seconds / 3600.0).floor(),
            (seconds / 60.0).floor() % 60.0,
            seconds % 60.0,
        );
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{hours}:{minutes:02}:{seconds:02}");
    }
    let clock = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (0.0..1.0).contains(&value) && value != 0.0 {
        clock
    } else if clock == "00:00:00" {
        date
    } else {
        format!("{date} {clock}")
    }
}

/// A duration such as `PT06H30M00S` as `06:30:00`.
fn clock(duration: &str) -> Option<String> {
    let (hours, rest) = duration.strip_prefix("PT")?.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?;
    Some(format!("{hours}:{minutes}:{seconds}"))
}

fn error_name(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "the error #DIV/0!",
        CellErrorType::NA => "the error #N/A",
        CellErrorType::Name => "the error #NAME?",
        CellErrorType::Null => "the error #NULL!",
        CellErrorType::Num => "the error #NUM!",
        CellErrorType::Ref => "the error #REF!",
        CellErrorType::Value => "the error #VALUE!",
        CellErrorType::GettingData => "data that were not there when the file was saved",
    }
}

#[cfg(test)]
mod tests {
    use calamine::{Data, ExcelDateTimeType};

    use super::*;

    #[test]
    fn a_value_is_what_a_person_sees() {
        // What LibreOffice shows in cells of the format "General", or of a date.
        let date = |value| Data::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false));
        let duration = |value| Data::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::TimeDelta, false));
        for (value, shown) in [
            (Data::Float(1.0), "1"),
            (Data::Float(-0.0), "0"),
            (Data::Float(0.1 + 0.2), "0.3"),
            (Data::Float(2.5), "2.5"),
            (Data::Float(123_456_789_012.0), "123456789012"),
            (Data::Float(1e25), "1e25"),
            (Data::Int(-3), "-3"),
            (Data::Bool(true), "TRUE"),
            (date(45_356.0), "2024-03-05"),
            (date(45_356.75), "2024-03-05 18:00:00"),
            (date(0.25), "06:00:00"),
            (duration(1.5), "36:00:00"),
            (
                Data::DateTimeIso("2024-03-05T18:00:00".to_owned()),
                "2024-03-05 18:00:00",
            ),
            (Data::DurationIso("PT06H30M00S".to_owned()), "06:30:00"),
            (Data::String(" a ".to_owned()), " a "),
        ] {
            assert_eq!(
                cell(&value, Form::Text),
                OwnedCell::Text(shown.to_owned()),
                "{value:?}"
            );
        }
        assert_eq!(cell(&Data::Float(2.5), Form::Typed), OwnedCell::Number(2.5));
        assert_eq!(
            cell(&Data::Float(2.0), Form::Typed),
            OwnedCell::Text("2".to_owned())
        );
        assert_eq!(cell(&Data::Empty, Form::Text), OwnedCell::Missing);
    }
}
