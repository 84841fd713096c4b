//! What one way to read a file makes of it, over all of its rows.

use std::hash::{DefaultHasher, Hasher};

use super::{Declared, File, Width, layout};
use crate::delimited::{Counts, Records, Written};
use crate::dialect::{Dialect, Header, LineEnds, Quote};
use crate::error::Error;

/// Columns that are told apart; what lies beyond counts as one.
const COLUMNS: usize = 256;
/// Lines that are remembered.
const LINES: usize = 1_000;
/// Fields that are needed where a few could be chance.
const MANY: u64 = 3;
/// The same where each is a weaker sign.
const VERY_MANY: u64 = 8;

/// What a way to read a file found.
#[derive(Debug)]
pub(super) struct Findings {
    /// The way.
    pub(super) dialect: Dialect,
    /// Why the file cannot be read so.
    pub(super) fault: Option<Error>,
    /// Rows of another length than the header.
    pub(super) ragged: u64,
    /// What tells these rows from those of another way.
    pub(super) digest: u64,
    pub(super) counts: Counts,
    /// Quoted fields.
    pub(super) quoted: u64,
    /// The line of the first of them.
    pub(super) first_quoted: u64,
    /// The lines on which rows begin and end that hold a field quoted over several lines; not all of very many.
    pub(super) over_lines: Vec<(u64, u64)>,
    /// The line of the first backslash that escapes something.
    pub(super) first_escape: u64,
    /// The lines of rows of another length; not all of very many.
    pub(super) ragged_lines: Vec<u64>,
    /// Fields with a carriage return that is text, outside quotes.
    pub(super) returns: u64,
    /// Whether rows that a lone line feed ends and rows that both end come in a few long runs.
    pub(super) ends_in_runs: bool,
    /// Quoted fields with a quotation mark within.
    inner: u64,
    /// Quotation marks in bare fields that no backslash escapes.
    bare_marks: u64,
    /// Fields that are quoted because of a comma and the like, and bare ones with and without one.
    quoted_commas: u64,
    bare_commas: u64,
    bare_plain: u64,
    columns: Vec<ColumnFindings>,
    /// Whether the header is quoted as a whole; true where there is none.
    is_header_quoted: bool,
    /// Whether the header has names that may be meant; true where there is none.
    pub(super) is_named: bool,
    /// Quotation marks in bare fields, whatever mark quotes and whether a backslash escapes them.
    quotes_in_bare: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct ColumnFindings {
    quoted: u64,
    /// Fields that are quoted and did not have to be.
    needless: u64,
    /// Fields that are bare, and neither empty nor a number or the like, which many writers leave bare.
    bare: u64,
}

impl Findings {
    /// Whether a writer that quotes would have written the file so: it quotes where it has to, or whole
    /// columns, and leaves no quotation mark bare.
    fn is_quoted_by_a_writer(&self) -> bool {
        if self.quoted == 0 {
            return true;
        }
        let is_needless = |column: &ColumnFindings| column.needless > 0 && column.bare > 0;
        // People quote more than they need, too; in CSV one who doubles the marks within does not mean text.
        let is_by_hand = self.dialect.separator != b'\t' && self.counts.doubled > 0;
        self.bare_marks == 0 && (is_by_hand || !self.columns.iter().any(is_needless))
    }

    /// Whether a writer that escapes with backslashes would have written so.
    fn is_escaped_by_a_writer(&self) -> bool {
        use crate::dialect::Escape;
        let Counts {
            doubled,
            quotes_within,
            quotes_outside,
            breaks,
            letters,
            ..
        } = self.counts;
        let has_quotes = quotes_within + quotes_outside > 0;
        match self.dialect.escape {
            Escape::None => true,
            // Who doubles quotation marks escapes nothing but backslashes. Letters in CSV are likelier to be
            // backslashes of the text, unless something else is escaped.
            // Who escapes a quotation mark outside of quotes escapes all of them.
            Escape::Everywhere => {
                let is_tab = self.dialect.separator == b'\t';
                let is_mixed = doubled > 0 && (has_quotes || breaks > 0 || letters > 0);
                let leaves_some = quotes_outside > 0 && self.quotes_in_bare > quotes_outside;
                let is_partly = leaves_some && (is_tab || quotes_outside < MANY);
                !is_mixed && !is_partly && (letters == 0 || has_quotes || is_tab)
            }
            Escape::Quoted => doubled == 0,
            Escape::Marks => doubled == 0 && self.is_all_quoted(),
        }
    }

    /// Whether the file is as a usual writer writes it.
    pub(super) fn is_canonical(&self) -> bool {
        self.is_quoted_by_a_writer() && self.is_escaped_by_a_writer()
    }

    fn is_all_quoted(&self) -> bool {
        self.is_header_quoted && self.quoted > 0 && self.columns.iter().all(|column| column.bare == 0)
    }

    /// Whether so many fields are quoted as this way says that it is no chance.
    pub(super) fn is_beyond_chance(&self) -> bool {
        let by_commas =
            self.quoted_commas >= VERY_MANY && self.bare_commas == 0 && self.bare_plain >= VERY_MANY;
        let has_escapes =
            self.dialect.separator != b'\t' && self.counts.quotes_within + self.counts.quotes_outside >= MANY;
        self.is_all_quoted() || self.inner >= MANY || by_commas || has_escapes
    }

    pub(super) fn is_valid(&self, least: u64) -> bool {
        self.fault.is_none() && self.ragged == least
    }

    /// The lines of a row that holds several lines of which each is a row where quotation marks are text.
    pub(super) fn swallowed(&self, raw: &Self) -> Option<(u64, u64)> {
        let is_even = |&&(opens, closes): &&(u64, u64)| {
            !raw.ragged_lines
                .iter()
                .any(|line| (opens..=closes).contains(line))
        };
        self.over_lines.iter().find(is_even).copied()
    }

    fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            fault: None,
            ragged: 0,
            digest: 0,
            counts: Counts::default(),
            quoted: 0,
            first_quoted: 0,
            over_lines: Vec::new(),
            first_escape: 0,
            ragged_lines: Vec::new(),
            returns: 0,
            ends_in_runs: false,
            inner: 0,
            bare_marks: 0,
            quoted_commas: 0,
            bare_commas: 0,
            bare_plain: 0,
            columns: Vec::new(),
            is_header_quoted: true,
            is_named: true,
            quotes_in_bare: 0,
        }
    }

    /// Takes a field of a row.
    fn field(&mut self, records: &Records, index: usize, separator: u8) {
        let place = index.min(COLUMNS);
        if self.columns.len() <= place {
            self.columns.resize(place + 1, ColumnFindings::default());
        }
        let mark = self.dialect.quote.byte();
        let field = records.field(index);
        let has_mark = mark.is_some_and(|mark| field.contains(&mark));
        let has_comma = || field.iter().any(|byte| b",;\t".contains(byte));
        let column = &mut self.columns[place];
        match records.written(index) {
            Written::Null => {}
            Written::Quoted => {
                self.quoted += 1;
                column.quoted += 1;
                if self.first_quoted == 0 {
                    self.first_quoted = records.start();
                }
                self.inner += u64::from(has_mark);
                let has_break = field.iter().any(|byte| *byte == b'\n' || *byte == b'\r');
                if self.over_lines.len() < LINES && field.contains(&b'\n') {
                    self.over_lines
                        .push((records.start(), records.line().saturating_sub(1)));
                }
                let is_needed = has_mark || has_break || field.contains(&separator);
                if !is_needed && has_comma() {
                    self.quoted_commas += 1;
                } else if !is_needed && !is_quoted_by_some(field) {
                    column.needless += 1;
                }
            }
            Written::Bare => {
                self.quotes_in_bare += (field.split(|byte| *byte == b'"').count() - 1) as u64;
                if has_mark {
                    let marks = field.iter().filter(|byte| Some(**byte) == mark).count();
                    self.bare_marks += marks as u64;
                }
                if self.dialect.line_ends != LineEnds::Any && field.contains(&b'\r') {
                    self.returns += 1;
                }
                let is_asked = column.bare == 0 || self.bare_plain < VERY_MANY;
                if is_asked && !is_left_bare(field) {
                    column.bare += 1;
                    self.bare_plain += 1;
                }
                if mark.is_some() && self.bare_commas == 0 && has_comma() {
                    self.bare_commas += 1;
                }
            }
        }
    }
}

/// Whether some writers quote a field that they need not: an empty one, one with blanks at its ends, and what
/// could be taken for a comment or a missing value.
fn is_quoted_by_some(field: &[u8]) -> bool {
    field.is_empty()
        || field[0] == b'#'
        || field.trim_ascii().len() < field.len()
        || field == b"\\."
        || is_left_bare(field)
}

/// Whether writers that quote strings leave a field bare: no value, a number, a truth value.
fn is_left_bare(field: &[u8]) -> bool {
    let field = field.trim_ascii();
    let is_word = [
        &b""[..],
        b"NA",
        b"NaN",
        b"NULL",
        b"null",
        b"true",
        b"false",
        b"TRUE",
        b"FALSE",
        b"True",
        b"False",
    ]
    .contains(&field);
    is_word || (field.len() <= 40 && std::str::from_utf8(field).is_ok_and(|text| text.parse::<f64>().is_ok()))
}

/// Reads all of a file in one way, as long as not more rows are ragged than in a better one.
pub(super) fn examine(
    file: &File<'_>,
    dialect: Dialect,
    declared: &Declared,
    most_ragged: u64,
) -> Result<Findings, Error> {
    let mut findings = Findings::new(dialect);
    let input = file.open()?;
    let mut records = Records::new(
        input,
        dialect,
        file.options.limits.row_bytes,
        file.options.settings,
    );
    records.skip_lines(dialect.preamble)?;
    match run(&mut records, &mut findings, declared, file.wanted, most_ragged) {
        Ok(()) => {}
        Err(error @ (Error::UnclosedQuote { .. } | Error::StrayQuote { .. } | Error::BadEscape { .. })) => {
            findings.fault = Some(error);
        }
        Err(error @ Error::TooLong { .. }) => findings.fault = Some(error),
        Err(error) => return Err(error),
    }
    findings.counts = records.counts();
    findings.bare_marks = findings.bare_marks.saturating_sub(match dialect.quote {
        Quote::None => findings.bare_marks,
        _ => findings.counts.quotes_outside,
    });
    Ok(findings)
}

fn run(
    records: &mut Records,
    findings: &mut Findings,
    declared: &Declared,
    wanted: &[&str],
    most_ragged: u64,
) -> Result<(), Error> {
    let separator = findings.dialect.separator;
    let mut hasher = DefaultHasher::new();
    let mut width = match declared.no_header {
        Some(Width::Exactly(width)) => Some(width),
        _ => None,
    };
    let mut lengths = Lengths::default();
    let mut escapes = 0;
    let mut is_header = declared.no_header.is_none();
    while records.next()? {
        let length = records.len();
        let expected = *width.get_or_insert(length);
        hasher.write_usize(length);
        for index in 0..length {
            let field = records.field(index);
            hasher.write_usize(field.len());
            hasher.write(field);
            hasher.write_u8(u8::from(records.written(index) == Written::Null));
            if !is_header {
                findings.field(records, index, separator);
            }
        }
        if escapes == 0 {
            escapes = records.counts().escapes();
            findings.first_escape = records.start();
        }
        if std::mem::take(&mut is_header) {
            findings.is_named = is_named(records, findings.dialect.header, wanted);
            let is_quoted =
                |index| records.written(index) == Written::Quoted || is_left_bare(records.field(index));
            findings.is_header_quoted = (0..length).all(is_quoted);
            continue;
        }
        lengths.take(length, expected);
        if length != expected && findings.ragged_lines.len() < LINES {
            findings.ragged_lines.push(records.start());
        }
        if lengths.ragged(declared) > most_ragged {
            break;
        }
    }
    findings.ragged = lengths.ragged(declared);
    if declared.no_header.is_none() && lengths.one_more > lengths.exact + 1 {
        findings.dialect.header = Header::NamesButFirst;
    }
    findings.ends_in_runs = records.ends_in_runs();
    findings.digest = hasher.finish();
    Ok(())
}

/// Whether a header has the columns that are wanted. Where none are, nobody calls columns by names that are
/// all in quotation marks.
fn is_named(records: &Records, header: Header, wanted: &[&str]) -> bool {
    let fields = || (0..records.len()).map(|index| records.field(index));
    if wanted.is_empty() {
        let is_enclosed = |name: &[u8]| match name {
            [first, .., last] => first == last && b"\"'".contains(first),
            _ => false,
        };
        return !fields().all(is_enclosed);
    }
    let names: Vec<String> = fields()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    layout::found(&names, header, wanted) == wanted.len()
}

/// How many rows are as long as the header.
#[derive(Default)]
struct Lengths {
    rows: u64,
    exact: u64,
    /// Rows with one field more, as R writes them whose header leaves out the row names.
    one_more: u64,
}

impl Lengths {
    fn take(&mut self, length: usize, expected: usize) {
        self.rows += 1;
        self.exact += u64::from(length == expected);
        self.one_more += u64::from(length == expected + 1);
    }

    fn ragged(&self, declared: &Declared) -> u64 {
        let ragged = self.rows - self.exact;
        match declared.no_header {
            Some(_) => ragged,
            // A header that names all columns is likelier.
            None => ragged.min(self.rows - self.one_more + 1),
        }
    }
}
