//! The objects of a JSON table as text, one after the other, whatever the shape of the table.

use serde::de::IgnoredAny;

use crate::dialect::{Form, Options};
use crate::error::Error;
use crate::json::{Shape, whole};
use crate::limits::Limits;
use crate::source::Input;

/// The objects, of which one is in memory at a time where the shape allows it.
pub(super) struct Objects {
    input: Input,
    limits: Limits,
    stream: Stream,
    /// The text of the object.
    text: Vec<u8>,
    /// The line that the object starts on.
    line: u64,
    /// The line of the next byte of the input.
    next_line: u64,
    /// The keys beside the table, where it is a part of an object.
    left_aside: Vec<String>,
}

/// How the objects follow each other.
pub(super) enum Stream {
    /// One on each line. `is_read` if the next one has been read already, to tell the shape.
    Lines { is_read: bool },
    /// As the elements of an array that starts on this line.
    Array { start: u64 },
    /// They are all in memory: their lines, and their texts.
    Whole(std::vec::IntoIter<(u64, Vec<u8>)>),
}

impl Objects {
    pub(super) fn open(input: Input, shape: Shape, options: &Options<'_>) -> Result<Self, Error> {
        let mut objects = Self {
            input,
            limits: options.limits,
            stream: Stream::Lines { is_read: false },
            text: Vec::new(),
            line: 0,
            next_line: 1,
            left_aside: Vec::new(),
        };
        if shape == Shape::Any {
            objects.tell_shape(options.form)?;
        }
        Ok(objects)
    }

    /// What messages call the source.
    pub(super) fn name(&self) -> &str {
        self.input.name()
    }

    /// The keys beside the table.
    pub(super) fn left_aside(&self) -> &[String] {
        &self.left_aside
    }

    /// The text of the object, without white space behind it.
    pub(super) fn text(&self) -> &[u8] {
        self.text.trim_ascii_end()
    }

    /// The line that the object starts on, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Whether there is an object on each line.
    pub(super) fn is_lines(&self) -> bool {
        matches!(self.stream, Stream::Lines { .. })
    }

    /// Goes to the next object; says whether there is one.
    pub(super) fn next(&mut self) -> Result<bool, Error> {
        match &mut self.stream {
            Stream::Lines { is_read } => {
                if std::mem::take(is_read) {
                    return Ok(true);
                }
                self.next_line()
            }
            Stream::Array { start } => {
                let start = *start;
                self.next_element(start)
            }
            Stream::Whole(objects) => Ok(match objects.next() {
                None => false,
                Some((line, text)) => {
                    self.line = line;
                    self.text = text;
                    true
                }
            }),
        }
    }

    /// Goes to the next line that is not blank.
    fn next_line(&mut self) -> Result<bool, Error> {
        loop {
            let limit = self.limits.row_bytes;
            if !self.input.read_line(&mut self.text, self.next_line, limit)? {
                return Ok(false);
            }
            self.line = self.next_line;
            self.next_line += 1;
            if !self.text.trim_ascii_end().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Looks at the beginning. An array begins with a bracket. A line with nothing but a brace begins an
    /// object that is spread over lines, and a line that is alone may be an object of columns; all else are
    /// lines.
    fn tell_shape(&mut self, form: Form) -> Result<(), Error> {
        if !self.skip_white_space()? {
            return Ok(());
        }
        if self.input.fill()?.starts_with(b"[") {
            self.input.consume(1);
            self.stream = Stream::Array {
                start: self.next_line,
            };
            return Ok(());
        }
        if !self.next_line()? {
            return Ok(());
        }
        let line = self.line;
        let is_cut_off = || {
            let line = std::str::from_utf8(&self.text).unwrap_or_default();
            matches!(serde_json::from_str::<IgnoredAny>(line), Err(error) if error.is_eof())
        };
        let is_spread = self.text.trim_ascii() == b"{" || form == Form::Typed && is_cut_off();
        if is_spread {
            self.read_rest()?;
        } else if self.skip_white_space()? {
            self.stream = Stream::Lines { is_read: true };
            return Ok(());
        }
        self.stream = match whole::objects(&self.text, line, self.input.name(), form)? {
            Some(found) => {
                self.left_aside = found.left_aside;
                Stream::Whole(found.rows.into_iter())
            }
            None => Stream::Lines { is_read: true },
        };
        Ok(())
    }

    /// Says whether anything follows.
    fn skip_white_space(&mut self) -> Result<bool, Error> {
        loop {
            let chunk = self.input.fill()?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let count = chunk.len() - chunk.trim_ascii_start().len();
            let is_all = count == chunk.len();
            self.next_line += count_lines(&chunk[..count]);
            self.input.consume(count);
            if !is_all {
                return Ok(true);
            }
        }
    }

    /// Appends the rest of the source to the text.
    fn read_rest(&mut self) -> Result<(), Error> {
        loop {
            let chunk = self.input.fill()?;
            if chunk.is_empty() {
                return Ok(());
            }
            let count = chunk.len();
            self.text.extend_from_slice(chunk);
            self.input.consume(count);
            self.check_length(self.line)?;
        }
    }

    /// Goes to the next element of the array that starts on the line `start`.
    fn next_element(&mut self, start: u64) -> Result<bool, Error> {
        self.text.clear();
        if !self.skip_white_space()? {
            return Err(self.bad(start, "the array that opens here never closes"));
        }
        self.line = self.next_line;
        let mut scanner = Scanner::default();
        loop {
            let chunk = self.input.fill()?;
            if chunk.is_empty() {
                return Err(self.bad(start, "the array that opens here never closes"));
            }
            let end = chunk.iter().position(|byte| scanner.ends_at(*byte));
            let count = end.unwrap_or(chunk.len());
            let closes = end.is_some_and(|end| chunk[end] == b']');
            self.text.extend_from_slice(&chunk[..count]);
            self.next_line += count_lines(&chunk[..count]);
            self.input.consume(count + usize::from(end.is_some()));
            self.check_length(self.line)?;
            if closes {
                self.end_array()?;
                return Ok(!self.text.trim_ascii().is_empty());
            }
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    /// After the array nothing may follow.
    fn end_array(&mut self) -> Result<(), Error> {
        if self.skip_white_space()? {
            return Err(self.bad(self.next_line, "something follows after the end of the array"));
        }
        self.stream = Stream::Whole(Vec::new().into_iter());
        Ok(())
    }

    fn check_length(&self, line: u64) -> Result<(), Error> {
        if self.text.len() <= self.limits.row_bytes {
            return Ok(());
        }
        Err(Error::TooLong {
            place: format!("{}:{line}", self.input.name()),
            limit_mib: self.limits.row_bytes >> 20,
        })
    }

    fn bad(&self, line: u64, problem: &str) -> Error {
        Error::BadJson {
            file: self.input.name().to_owned(),
            line,
            problem: problem.to_owned(),
        }
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Finds where an element of an array ends, without parsing it.
#[derive(Default)]
struct Scanner {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
}

impl Scanner {
    /// Takes the next byte; says whether it is the comma or the bracket behind the element.
    fn ends_at(&mut self, byte: u8) -> bool {
        if self.is_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b',' | b']' if self.depth == 0 => return true,
            b'"' => self.is_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        false
    }
}
