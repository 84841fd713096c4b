//! Rows of fastText's format: on each line a text and its label, a word that begins with `__label__`.
//!
//! Such a word is a label wherever it stands, as for fastText itself; a line with several has several labels,
//! and no row of one.

use std::borrow::Cow;
use std::ops::Range;

use labelproof_tables::{Cell, Options, RowProblem, Source, Table};

use crate::error::Error;
use crate::intake::Intake;
use crate::rows::Fields;
use crate::share::Share;
use crate::sources::Found;

/// What a label begins with.
pub(crate) const PREFIX: &str = "__label__";

/// Reads every line that is not blank into the intake.
pub(crate) fn read(
    sources: &[Found],
    share: &Share,
    options: &Options<'_>,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    for (number, found) in share.of(sources) {
        let source = Source::file(&found.file.name, &found.file.path);
        let mut rows = Table::open(source, options)?.rows_by_place(&[0])?;
        let mut is_empty = true;
        while let Some(row) = rows.next_row()? {
            let line = Some(row.place.number());
            match row.cells.map(|cells| cells.into_iter().next()) {
                Ok(Some(Cell::Bytes(bytes))) if bytes.trim_ascii().is_empty() => continue,
                Ok(Some(Cell::Bytes(bytes))) => match std::str::from_utf8(bytes) {
                    Ok(text) => intake.row(number, line, fields(text))?,
                    Err(error) => {
                        intake.problem(number, line, RowProblem::not_utf8("the line", bytes, error))?;
                    }
                },
                Ok(_) => continue,
                Err(problem) => intake.problem(number, line, problem)?,
            }
            is_empty = false;
        }
        if is_empty {
            let file = found.file.name.clone();
            return Err(labelproof_tables::Error::Empty { file }.into());
        }
    }
    Ok(())
}

fn fields(line: &str) -> Fields<'_> {
    let (text, label) = parts(line);
    Fields {
        text: vec![text],
        label,
        id: None,
        group: None,
        split: None,
        conditions: Vec::new(),
    }
}

/// The text and the label of a line.
fn parts(line: &str) -> (Cell<'_>, Cell<'_>) {
    let places = places(line);
    let label = |place: &Range<usize>| match &line[place.start + PREFIX.len()..place.end] {
        "" => Cell::Missing,
        label => Cell::Text(Cow::Borrowed(label)),
    };
    match &places[..] {
        [] => (Cell::Text(line.into()), Cell::Missing),
        [place] => {
            let (before, behind) = (line[..place.start].trim_end(), line[place.end..].trim_start());
            let text = match (before, behind) {
                ("", text) | (text, "") => Cow::Borrowed(text),
                _ => Cow::Owned(format!("{before} {behind}")),
            };
            (Cell::Text(text), label(place))
        }
        several => (
            Cell::Text(line.into()),
            Cell::List(several.iter().map(label).collect()),
        ),
    }
}

/// The words that are labels.
fn places(line: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(found) = line[from..].find(PREFIX) {
        let start = from + found;
        let end = line[start..]
            .find(char::is_whitespace)
            .map_or(line.len(), |length| start + length);
        if line[..start].chars().next_back().is_none_or(char::is_whitespace) {
            places.push(start..end);
        }
        from = end;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, text: &str, label: &Cell<'_>) {
        assert_eq!(parts(line), (Cell::Text(text.into()), label.clone()), "{line}");
    }

    #[test]
    fn the_label_is_a_word_wherever_it_stands() {
        let label = |label| Cell::Text(Cow::Borrowed(label));
        check("__label__a-b the  text", "the  text", &label("a-b"));
        check("__label__2 , quotes \" stay", ", quotes \" stay", &label("2"));
        check("the text\t__label__a", "the text", &label("a"));
        check("the __label__a text", "the text", &label("a"));
        check("no__label__a here", "no__label__a here", &Cell::Missing);
        check("__label__ text", "text", &Cell::Missing);
        check(
            "__label__a __label__b text",
            "__label__a __label__b text",
            &Cell::List(vec![label("a"), label("b")]),
        );
    }
}
