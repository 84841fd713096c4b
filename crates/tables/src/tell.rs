//! How a delimited table is written, told from all of its bytes: separator, quotes, backslashes, ends of
//! lines.
//!
//! Responsible for what nobody has declared. The rule is: the rows that were written, or an error that names
//! the line and the setting that decides, never other rows. So each way to read the file is tried over the
//! whole of it, in memory that does not grow with it; a way that a writer would not have written so is left
//! out; and where two are left that give different rows, nobody guesses.
//!
//! The columns that the caller wants tell the separator and the line of the header. What a column means is not
//! asked here, nor what the first row is if the caller does not say that it has no names.

mod choice;
mod evidence;
mod layout;
mod scan;

use crate::dialect::{Dialect, Escape, Format, Header, LineEnds, Options, Quote};
use crate::error::Error;
use crate::source::{Input, Source};

use evidence::Findings;
use scan::Signs;

/// What a caller says of a delimited table. What it leaves out is told from the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// The byte between two fields.
    pub separator: Option<u8>,
    /// What fields are quoted with.
    pub quote: Option<Quote>,
    /// Where a backslash is no character of the text.
    pub escape: Option<Escape>,
    /// What a line begins with that is no row. No such lines, if left out.
    pub comment: Option<u8>,
    /// The lines before the first row.
    pub skip_lines: Option<usize>,
    /// Whether the first row is a row, and how many fields it has where that is known.
    pub no_header: Option<Width>,
}

/// The number of fields of a table without a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// So many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
}

/// How a table was found to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The dialect that its rows are to be read with.
    pub dialect: Dialect,
    /// What was told and not declared, where it is not what the format is by default.
    pub remarks: Vec<String>,
}

/// Tells how a delimited table is written. `options` name the format, which is CSV or TSV by default, and
/// `wanted` the columns that the caller will choose by name. A stream cannot be read twice and is told by
/// nothing: all of it has to be declared.
pub fn tell(
    source: &Source,
    options: &Options<'_>,
    declared: &Declared,
    wanted: &[&str],
) -> Result<Told, Error> {
    let Format::Delimited(usual) = options.format else {
        return Err(Error::NotSeekable {
            name: source.name().to_owned(),
            format: "a table without separators",
        });
    };
    let file = File {
        source,
        options,
        wanted,
    };
    let mut input = file.open()?;
    input.refuse_json(options.settings)?;
    let sample = input.peek(layout::SAMPLE)?;
    let layout = layout::find(&file, &sample, usual, declared, wanted)?;
    let signs = scan::scan(&mut file.open()?, layout.separator)?;
    let plain = layout.dialect(usual, declared);
    let chosen = choice::choose(&file, plain, declared, &signs)?;
    let mut remarks = layout.remarks(usual, declared);
    remarks.extend(remarks_on(&chosen, declared, &signs));
    Ok(Told {
        dialect: chosen.dialect,
        remarks,
    })
}

/// A file that is read several times.
struct File<'f> {
    source: &'f Source,
    options: &'f Options<'f>,
    /// The columns that the caller will choose by name.
    wanted: &'f [&'f str],
}

impl File<'_> {
    fn open(&self) -> Result<Input, Error> {
        let Some(source) = self.source.again() else {
            return Err(Error::NotSeekable {
                name: self.source.name().to_owned(),
                format: "a table whose dialect is to be told",
            });
        };
        Input::open_table(source, self.options.encoding, self.options.settings)
    }

    fn name(&self) -> &str {
        self.source.name()
    }
}

/// What is said of the reading that was chosen.
fn remarks_on(chosen: &Findings, declared: &Declared, signs: &Signs) -> Vec<String> {
    let Dialect {
        separator,
        quote,
        escape,
        line_ends,
        header,
        ..
    } = chosen.dialect;
    let mut remarks = Vec::new();
    if declared.quote.is_none() {
        match quote {
            Quote::None if signs.quote_begins => remarks.push("quotation marks are text"),
            Quote::Double if separator == b'\t' && chosen.quoted > 0 => {
                remarks.push("quoted with quotation marks");
            }
            Quote::Single => remarks.push("quoted with apostrophes"),
            Quote::None | Quote::Double => {}
        }
    }
    if declared.escape.is_none() && chosen.counts.escapes() > 0 {
        remarks.push(match escape {
            Escape::None => "",
            Escape::Everywhere => "with backslash escapes",
            Escape::Quoted => "with backslashes before quotation marks and backslashes, as Spark writes",
            Escape::Marks => "with backslashes before quotation marks, as R writes",
        });
    }
    if line_ends != LineEnds::Any && chosen.returns > 0 {
        remarks.push("carriage returns are text");
    }
    if header == Header::NamesButFirst {
        remarks.push("with row names that the header does not name");
    }
    remarks.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod writers;
