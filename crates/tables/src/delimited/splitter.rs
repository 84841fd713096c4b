//! The machine that splits bytes into fields, chunk by chunk.
//!
//! Strict, because what is read loosely is read wrongly: characters behind a closing quotation mark and a
//! backslash before what nobody escapes are faults. What the dialect gave another meaning is counted.

use crate::dialect::{Dialect, Escape, LineEnds};

/// How a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Bare,
    Quoted,
    /// As `\N`, which says that there is no value.
    Null,
}

/// What was not taken as it is written, over all records so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Quotation marks within quoted fields that are written twice.
    pub(crate) doubled: u64,
    /// Quotation marks behind a backslash within quoted fields.
    pub(crate) quotes_within: u64,
    /// Quotation marks behind a backslash within bare fields.
    pub(crate) quotes_outside: u64,
    /// Backslashes behind a backslash.
    pub(crate) backslashes: u64,
    /// Separators and ends of lines behind a backslash.
    pub(crate) breaks: u64,
    /// Letters behind a backslash that stand for another character.
    pub(crate) letters: u64,
    /// Fields without a value.
    pub(crate) nulls: u64,
    /// Records that a carriage return alone ends.
    pub(crate) lone_returns: u64,
}

impl Counts {
    /// The backslashes that escape something.
    pub(crate) fn escapes(self) -> u64 {
        self.quotes_within + self.quotes_outside + self.backslashes + self.breaks + self.letters + self.nulls
    }
}

/// Where the splitter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    RecordStart,
    /// In a line that is no row.
    Comment,
    FieldStart,
    Bare,
    Quoted,
    /// After a quotation mark within quotes: the closing one, or the first half of one that is meant.
    QuoteInQuoted,
    /// After a backslash.
    Escaped {
        is_quoted: bool,
    },
    /// After `\N` at the beginning of a field.
    Null,
    /// After a carriage return that may be the first half of an end of line.
    Return,
}

/// How far a step went.
pub(super) enum Step {
    Used(usize),
    /// A record is complete behind so many bytes.
    Complete(usize),
}

/// Why a record cannot be split.
pub(super) enum Fault {
    /// What follows a closing quotation mark.
    Stray(String),
    /// What follows a backslash; nothing at the end.
    Escape(Option<u8>),
}

/// What ends a run of characters that are taken as they are.
const ENDS_BARE: u8 = 1;
const ENDS_QUOTED: u8 = 2;

/// Splits chunk by chunk.
pub(super) struct Splitter {
    pub(super) dialect: Dialect,
    /// The mark that quotes; none that a byte could be where nothing does.
    quote: Option<u8>,
    /// What each byte ends.
    stops: [u8; 256],
    pub(super) state: State,
    /// The fields of the record, one behind the other.
    pub(super) bytes: Vec<u8>,
    /// Where each field ends.
    pub(super) ends: Vec<usize>,
    pub(super) written: Vec<Written>,
    /// Where the field at hand begins.
    pub(super) begin: usize,
    pub(super) kind: Written,
    /// The line the record starts on, from 1.
    pub(super) start: u64,
    /// The line of the next byte.
    pub(super) line: u64,
    /// The line on which the quoted field at hand opens.
    pub(super) quote_line: u64,
    /// Whether a line feed that comes next belongs to the carriage return before it.
    pub(super) after_return: bool,
    pub(super) counts: Counts,
    pub(super) ends_of_lines: EndsOfLines,
}

/// How rows end that a line feed ends, alone or behind a carriage return.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EndsOfLines {
    feeds: u64,
    pairs: u64,
    /// How often one kind follows on the other.
    changes: u64,
    was_pair: Option<bool>,
}

impl EndsOfLines {
    fn take(&mut self, is_pair: bool) {
        if is_pair {
            self.pairs += 1;
        } else {
            self.feeds += 1;
        }
        self.changes += u64::from(self.was_pair.is_some_and(|was_pair| was_pair != is_pair));
        self.was_pair = Some(is_pair);
    }

    /// Whether all of a part of the file ends in one way and all of another part in the other.
    pub(super) fn are_in_runs(self) -> bool {
        const LONG: u64 = 3;
        self.changes <= 2 && self.feeds >= LONG && self.pairs >= LONG
    }
}

impl Splitter {
    pub(super) fn new(dialect: Dialect) -> Self {
        let quote = dialect.quote.byte();
        let mut stops = [0_u8; 256];
        for byte in [dialect.separator, b'\n'] {
            stops[usize::from(byte)] |= ENDS_BARE;
        }
        if dialect.line_ends != LineEnds::Feed {
            stops[usize::from(b'\r')] |= ENDS_BARE;
        }
        if let Some(quote) = quote {
            stops[usize::from(quote)] |= ENDS_QUOTED;
        }
        match dialect.escape {
            Escape::None => {}
            Escape::Everywhere => stops[usize::from(b'\\')] |= ENDS_BARE | ENDS_QUOTED,
            Escape::Quoted | Escape::Marks => stops[usize::from(b'\\')] |= ENDS_QUOTED,
        }
        Self {
            dialect,
            quote,
            stops,
            state: State::RecordStart,
            bytes: Vec::new(),
            ends: Vec::new(),
            written: Vec::new(),
            begin: 0,
            kind: Written::Bare,
            start: 1,
            line: 1,
            quote_line: 1,
            after_return: false,
            counts: Counts::default(),
            ends_of_lines: EndsOfLines::default(),
        }
    }

    pub(super) fn step(&mut self, rest: &[u8]) -> Result<Step, Fault> {
        let byte = rest[0];
        Ok(match self.state {
            State::RecordStart => self.record_start(byte),
            State::Comment => self.comment(rest),
            State::FieldStart => self.field_start(byte),
            State::Bare => self.bare(rest),
            State::Quoted => self.quoted(rest),
            State::QuoteInQuoted => return self.quote_in_quoted(rest),
            State::Escaped { is_quoted } => return self.escaped(byte, is_quoted),
            State::Null => return self.null(byte),
            State::Return => return self.carriage_return(rest),
        })
    }

    fn record_start(&mut self, byte: u8) -> Step {
        if std::mem::take(&mut self.after_return) {
            if byte == b'\n' {
                self.ends_of_lines.take(true);
                return Step::Used(1);
            }
            self.counts.lone_returns += 1;
        }
        match byte {
            b'\n' => {
                self.line += 1;
                Step::Used(1)
            }
            b'\r' if self.dialect.line_ends == LineEnds::Any => {
                self.line += 1;
                self.after_return = true;
                Step::Used(1)
            }
            b'\r' => {
                // The rest of a blank line, or the beginning of a text.
                self.start = self.line;
                self.begin = 0;
                self.kind = Written::Bare;
                self.state = State::Return;
                Step::Used(1)
            }
            _ if self.dialect.comment == Some(byte) => {
                self.state = State::Comment;
                Step::Used(1)
            }
            _ => {
                self.start = self.line;
                self.state = State::FieldStart;
                Step::Used(0)
            }
        }
    }

    fn comment(&mut self, rest: &[u8]) -> Step {
        let is_end = |byte: &u8| *byte == b'\n' || *byte == b'\r';
        let Some(count) = rest.iter().position(is_end) else {
            return Step::Used(rest.len());
        };
        self.line += 1;
        self.after_return = rest[count] == b'\r';
        self.state = State::RecordStart;
        Step::Used(count + 1)
    }

    fn field_start(&mut self, byte: u8) -> Step {
        self.begin = self.bytes.len();
        self.kind = Written::Bare;
        if self.quote == Some(byte) {
            self.kind = Written::Quoted;
            self.quote_line = self.line;
            self.state = State::Quoted;
            return Step::Used(1);
        }
        if self.dialect.is_merged && byte == self.dialect.separator {
            return Step::Used(1);
        }
        if self.dialect.is_merged && (byte == b'\n' || byte == b'\r') {
            // Spaces at the end of a line, or on it alone.
            self.line += 1;
            self.after_return = byte == b'\r';
            self.state = State::RecordStart;
            return if self.ends.is_empty() {
                Step::Used(1)
            } else {
                Step::Complete(1)
            };
        }
        self.state = State::Bare;
        Step::Used(0)
    }

    fn bare(&mut self, rest: &[u8]) -> Step {
        let ends = |byte: &u8| self.stops[usize::from(*byte)] & ENDS_BARE != 0;
        let Some(count) = rest.iter().position(ends) else {
            self.bytes.extend_from_slice(rest);
            return Step::Used(rest.len());
        };
        self.bytes.extend_from_slice(&rest[..count]);
        match rest[count] {
            b'\\' if self.dialect.escape == Escape::Everywhere => {
                self.state = State::Escaped { is_quoted: false };
                Step::Used(count + 1)
            }
            byte => self.end_field(byte, count + 1),
        }
    }

    /// Ends a field at a separator or at the end of a line.
    fn end_field(&mut self, byte: u8, used: usize) -> Step {
        if byte == b'\r' && self.dialect.line_ends == LineEnds::Pair {
            self.state = State::Return;
            return Step::Used(used);
        }
        self.push_field();
        if byte == self.dialect.separator {
            self.state = State::FieldStart;
            return Step::Used(used);
        }
        self.line += 1;
        self.after_return = byte == b'\r';
        if !self.after_return {
            self.ends_of_lines.take(false);
        }
        self.state = State::RecordStart;
        Step::Complete(used)
    }

    pub(super) fn push_field(&mut self) {
        self.ends.push(self.bytes.len());
        self.written.push(self.kind);
    }

    fn quoted(&mut self, rest: &[u8]) -> Step {
        let ends = |byte: &u8| self.stops[usize::from(*byte)] & ENDS_QUOTED != 0;
        let count = rest.iter().position(ends).unwrap_or(rest.len());
        let part = &rest[..count];
        self.bytes.extend_from_slice(part);
        self.line += part.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        let Some(byte) = rest.get(count) else {
            return Step::Used(count);
        };
        self.state = if self.quote == Some(*byte) {
            State::QuoteInQuoted
        } else {
            State::Escaped { is_quoted: true }
        };
        Step::Used(count + 1)
    }

    fn quote_in_quoted(&mut self, rest: &[u8]) -> Result<Step, Fault> {
        let byte = rest[0];
        if self.quote == Some(byte) {
            self.bytes.push(byte);
            self.counts.doubled += 1;
            self.state = State::Quoted;
            return Ok(Step::Used(1));
        }
        let ends = self.stops[usize::from(byte)] & ENDS_BARE != 0 && byte != b'\\';
        if ends || byte == self.dialect.separator {
            return Ok(self.end_field(byte, 1));
        }
        Err(Fault::Stray(self.start_of(rest)))
    }

    /// The first characters of what follows in the field, for a message.
    fn start_of(&self, rest: &[u8]) -> String {
        const SHOWN: usize = 20;
        let ends = |byte: &u8| self.stops[usize::from(*byte)] & ENDS_BARE != 0;
        let count = rest.iter().position(ends).unwrap_or(rest.len());
        let text = String::from_utf8_lossy(&rest[..count.min(4 * SHOWN)]);
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < count {
            shown.push('…');
        }
        shown
    }

    fn escaped(&mut self, byte: u8, is_quoted: bool) -> Result<Step, Fault> {
        self.state = if is_quoted { State::Quoted } else { State::Bare };
        if self.quote == Some(byte) {
            self.bytes.push(byte);
            if is_quoted {
                self.counts.quotes_within += 1;
            } else {
                self.counts.quotes_outside += 1;
            }
            return Ok(Step::Used(1));
        }
        if self.dialect.escape == Escape::Marks {
            self.bytes.push(b'\\');
            return Ok(Step::Used(0));
        }
        if byte == b'\\' {
            self.bytes.push(byte);
            self.counts.backslashes += 1;
            return Ok(Step::Used(1));
        }
        if self.dialect.escape == Escape::Quoted {
            return Err(Fault::Escape(Some(byte)));
        }
        if byte == b'N' && !is_quoted && self.bytes.len() == self.begin {
            self.state = State::Null;
            return Ok(Step::Used(1));
        }
        let (meant, count) = match byte {
            b'\n' | b'\r' => (byte, &mut self.counts.breaks),
            _ if byte == self.dialect.separator => (byte, &mut self.counts.breaks),
            b'"' | b'\'' => (byte, &mut self.counts.quotes_outside),
            b'0' => (0, &mut self.counts.letters),
            b'b' => (0x08, &mut self.counts.letters),
            b'f' => (0x0C, &mut self.counts.letters),
            b'n' => (b'\n', &mut self.counts.letters),
            b'r' => (b'\r', &mut self.counts.letters),
            b't' => (b'\t', &mut self.counts.letters),
            b'v' => (0x0B, &mut self.counts.letters),
            b'Z' => (0x1A, &mut self.counts.letters),
            _ => return Err(Fault::Escape(Some(byte))),
        };
        *count += 1;
        self.line += u64::from(byte == b'\n');
        self.bytes.push(meant);
        Ok(Step::Used(1))
    }

    fn null(&mut self, byte: u8) -> Result<Step, Fault> {
        if self.stops[usize::from(byte)] & ENDS_BARE == 0 || byte == b'\\' {
            return Err(Fault::Escape(Some(b'N')));
        }
        self.counts.nulls += 1;
        self.kind = Written::Null;
        Ok(self.end_field(byte, 1))
    }

    fn carriage_return(&mut self, rest: &[u8]) -> Result<Step, Fault> {
        if rest[0] == b'\n' {
            let is_blank = self.ends.is_empty() && self.bytes.is_empty() && self.kind == Written::Bare;
            if is_blank {
                self.line += 1;
                self.state = State::RecordStart;
                return Ok(Step::Used(1));
            }
            return Ok(self.end_field(b'\n', 1));
        }
        if self.kind != Written::Bare {
            return Err(Fault::Stray(format!("\r{}", self.start_of(rest))));
        }
        self.bytes.push(b'\r');
        self.state = State::Bare;
        Ok(Step::Used(0))
    }
}
