//! The records of a stream, as a [`Dialect`] says.
//!
//! Responsible for where a record stands and for faults said with their lines; how fields are told apart is the
//! splitter's affair, and what follows from its counts is for `tell` to say.

use super::splitter::{Counts, Fault, Splitter, State, Step, Written};
use crate::dialect::{Dialect, Settings};
use crate::error::Error;
use crate::source::Input;

/// Splits a stream into records and fields.
pub(crate) struct Records {
    input: Input,
    splitter: Splitter,
    settings: Settings,
    limit: usize,
}

impl Records {
    pub(crate) fn new(input: Input, dialect: Dialect, limit: usize, settings: Settings) -> Self {
        Self {
            input,
            splitter: Splitter::new(dialect),
            settings,
            limit,
        }
    }

    /// What messages call the source.
    pub(crate) fn name(&self) -> &str {
        self.input.name()
    }

    /// The number of fields of the record.
    pub(crate) fn len(&self) -> usize {
        self.splitter.ends.len()
    }

    /// The line that the record starts on, from 1.
    pub(crate) fn start(&self) -> u64 {
        self.splitter.start
    }

    /// The line behind the record.
    pub(crate) fn line(&self) -> u64 {
        self.splitter.line
    }

    pub(crate) fn field(&self, index: usize) -> &[u8] {
        let ends = &self.splitter.ends;
        let start = index.checked_sub(1).map_or(0, |before| ends[before]);
        &self.splitter.bytes[start..ends[index]]
    }

    /// How the field is written.
    pub(crate) fn written(&self, index: usize) -> Written {
        self.splitter.written[index]
    }

    pub(crate) fn counts(&self) -> Counts {
        self.splitter.counts
    }

    /// Whether rows end in two ways of which each has a part of the file to itself.
    pub(crate) fn ends_in_runs(&self) -> bool {
        self.splitter.ends_of_lines.are_in_runs()
    }

    /// Passes over so many lines before the first record, whatever is in them.
    pub(crate) fn skip_lines(&mut self, lines: usize) -> Result<(), Error> {
        let mut left = lines;
        let mut after_return = false;
        while left > 0 || after_return {
            let chunk = self.input.fill()?;
            let Some(byte) = chunk.first() else { break };
            if std::mem::take(&mut after_return) {
                if *byte == b'\n' {
                    self.input.consume(1);
                }
                continue;
            }
            let is_end = |byte: &u8| *byte == b'\n' || *byte == b'\r';
            let Some(count) = chunk.iter().position(is_end) else {
                let count = chunk.len();
                self.input.consume(count);
                continue;
            };
            after_return = chunk[count] == b'\r';
            self.input.consume(count + 1);
            self.splitter.line += 1;
            left -= 1;
        }
        Ok(())
    }

    /// Goes to the next record; says whether there is one.
    pub(crate) fn next(&mut self) -> Result<bool, Error> {
        self.splitter.bytes.clear();
        self.splitter.ends.clear();
        self.splitter.written.clear();
        loop {
            let chunk = self.input.fill()?;
            if chunk.is_empty() {
                return self.end();
            }
            let mut used = 0;
            let mut is_complete = false;
            let mut fault = None;
            while used < chunk.len() && !is_complete {
                match self.splitter.step(&chunk[used..]) {
                    Ok(Step::Used(count)) => used += count,
                    Ok(Step::Complete(count)) => {
                        used += count;
                        is_complete = true;
                    }
                    Err(found) => {
                        fault = Some(found);
                        break;
                    }
                }
            }
            if let Some(fault) = fault {
                return Err(self.fault(fault));
            }
            self.input.consume(used);
            self.check_length()?;
            if is_complete {
                return Ok(true);
            }
        }
    }

    /// Ends a record at the end of the stream; says whether there is one.
    fn end(&mut self) -> Result<bool, Error> {
        let splitter = &mut self.splitter;
        let state = std::mem::replace(&mut splitter.state, State::RecordStart);
        match state {
            State::RecordStart | State::Comment => {
                splitter.counts.lone_returns += u64::from(std::mem::take(&mut splitter.after_return));
                return Ok(false);
            }
            State::Quoted | State::Escaped { is_quoted: true } => return Err(self.unclosed()),
            State::Escaped { is_quoted: false } => return Err(self.fault(Fault::Escape(None))),
            State::FieldStart if splitter.dialect.is_merged => return Ok(!splitter.ends.is_empty()),
            State::FieldStart => {
                splitter.begin = splitter.bytes.len();
                splitter.kind = Written::Bare;
            }
            State::Null => {
                splitter.counts.nulls += 1;
                splitter.kind = Written::Null;
            }
            State::Return => splitter.bytes.push(b'\r'),
            State::Bare | State::QuoteInQuoted => {}
        }
        splitter.push_field();
        Ok(true)
    }

    fn check_length(&self) -> Result<(), Error> {
        if self.splitter.bytes.len() <= self.limit {
            return Ok(());
        }
        Err(Error::TooLong {
            place: format!("{}:{}", self.name(), self.splitter.start),
            limit_mib: self.limit >> 20,
        })
    }

    fn unclosed(&self) -> Error {
        Error::UnclosedQuote {
            file: self.name().to_owned(),
            line: self.splitter.quote_line,
            text_key: self.settings.dialect_key("quote", "none"),
        }
    }

    fn fault(&self, fault: Fault) -> Error {
        let splitter = &self.splitter;
        let file = self.name().to_owned();
        match fault {
            Fault::Stray(rest) => Error::StrayQuote {
                file,
                line: splitter.quote_line,
                closes: splitter.line,
                rest,
                text_key: self.settings.dialect_key("quote", "none"),
            },
            Fault::Escape(byte) => Error::BadEscape {
                file,
                line: splitter.line,
                found: byte.map_or_else(String::new, |byte| char::from(byte).escape_default().to_string()),
                text_key: self.settings.dialect_key("escape", "none"),
            },
        }
    }
}

#[cfg(test)]
mod tests;
