//! The objects of a JSON table as text, one after the other, whatever the shape of the table.

use crate::dialect::Options;
use crate::error::Error;
use crate::json::Shape;
use crate::json::shape::{self, Told};
use crate::json::whole::Found;
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
enum Stream {
    /// One on each line. `is_read` if the next one has been read already, to tell the shape.
    Lines { is_read: bool },
    /// As the elements of an array that starts on this line.
    Array { start: u64 },
    /// Each on as many lines as it likes. `is_read` as of lines.
    Sequence { is_read: bool },
    /// A single object is all there is: a row, or the whole table.
    Single,
    /// They are all in memory: their lines, and their texts.
    Whole(std::vec::IntoIter<(u64, Vec<u8>)>),
}

/// The bytes that tell the shape.
const SAMPLE: usize = 1 << 16;

impl Objects {
    pub(super) fn open(mut input: Input, shape: Shape, options: &Options<'_>) -> Result<Self, Error> {
        // Lines are taken as they come.
        let told = if input.is_stream() && shape != Shape::Any {
            Told::Lines
        } else {
            shape::told(&input.peek(SAMPLE)?, SAMPLE)
        };
        let mut objects = Self {
            input,
            limits: options.limits,
            stream: Stream::Lines { is_read: false },
            text: Vec::new(),
            line: 0,
            next_line: 1,
            left_aside: Vec::new(),
        };
        if let Told::NoJson(seems) = told {
            let file = objects.name().to_owned();
            return Err(Error::NotJson { file, seems });
        }
        match (shape, told.instead_of_lines()) {
            (Shape::Lines, Some(found)) => Err(Error::NotJsonLines {
                file: objects.name().to_owned(),
                found,
                json: options.settings.json,
            }),
            (Shape::Lines | Shape::ArraysOnLines, _) => Ok(objects),
            (Shape::Any, _) => {
                objects.begin(told)?;
                Ok(objects)
            }
        }
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

    /// Whether the elements of the array are arrays themselves.
    pub(super) fn is_of_arrays(&mut self) -> Result<bool, Error> {
        if !matches!(self.stream, Stream::Array { .. }) {
            return Ok(false);
        }
        Ok(self.skip_white_space()? && self.input.fill()?.starts_with(b"["))
    }

    /// The text and the line of the single object that is all there is, if it is not known yet what it is.
    pub(super) fn single(&self) -> Option<(&[u8], u64)> {
        matches!(self.stream, Stream::Single).then(|| (self.text(), self.line))
    }

    /// Says what the single object is: the table that was found in it, or a row.
    pub(super) fn settle(&mut self, found: Option<Found>) {
        self.stream = match found {
            Some(found) => {
                self.left_aside = found.left_aside;
                Stream::Whole(found.rows.into_iter())
            }
            None => Stream::Lines { is_read: true },
        };
    }

    /// Goes to the next object; says whether there is one.
    pub(super) fn next(&mut self) -> Result<bool, Error> {
        match &mut self.stream {
            Stream::Lines { is_read } | Stream::Sequence { is_read } if *is_read => {
                *is_read = false;
                Ok(true)
            }
            Stream::Lines { .. } => self.next_line(),
            Stream::Sequence { .. } => self.next_of_sequence(),
            Stream::Array { start } => {
                let start = *start;
                self.next_element(start)
            }
            Stream::Single => {
                self.settle(None);
                self.next()
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

    /// Reads as much as the shape needs to be known.
    fn begin(&mut self, told: Told) -> Result<(), Error> {
        if !self.skip_white_space()? {
            return Ok(());
        }
        match told {
            Told::Array | Told::ArrayLines => {
                self.input.consume(1);
                let start = self.next_line;
                self.stream = Stream::Array { start };
            }
            Told::Spread => {
                self.next_of_sequence()?;
                self.stream = if self.skip_white_space()? {
                    Stream::Sequence { is_read: true }
                } else {
                    Stream::Single
                };
            }
            Told::Lines | Told::NoJson(_) => {
                if self.next_line()? {
                    self.stream = if self.skip_white_space()? {
                        Stream::Lines { is_read: true }
                    } else {
                        Stream::Single
                    };
                }
            }
        }
        Ok(())
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

    /// Goes to the next of the objects that follow each other without anything between them.
    fn next_of_sequence(&mut self) -> Result<bool, Error> {
        self.text.clear();
        if !self.skip_white_space()? {
            return Ok(false);
        }
        self.line = self.next_line;
        if !self.input.fill()?.starts_with(b"{") {
            return Err(self.bad(self.line, "an object is expected here, after those before"));
        }
        let is_closed = self.take_until(Scanner::closes_at)?;
        if is_closed {
            return Ok(true);
        }
        Err(self.bad(self.line, "the object that opens here never closes"))
    }

    /// Goes to the next element of the array that starts on the line `start`.
    fn next_element(&mut self, start: u64) -> Result<bool, Error> {
        self.text.clear();
        let has_more = self.skip_white_space()?;
        self.line = self.next_line;
        if !has_more || !self.take_until(Scanner::ends_at)? {
            return Err(self.bad(start, "the array that opens here never closes"));
        }
        // What ends the element belongs to the array.
        if self.text.pop() == Some(b']') {
            self.end_array()?;
            return Ok(!self.text.trim_ascii().is_empty());
        }
        Ok(true)
    }

    /// Takes bytes up to and with the one at which `is_end` says so; false if there is none.
    fn take_until(&mut self, is_end: impl Fn(&mut Scanner, u8) -> bool) -> Result<bool, Error> {
        let mut scanner = Scanner::default();
        loop {
            let chunk = self.input.fill()?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let end = chunk.iter().position(|byte| is_end(&mut scanner, *byte));
            let count = end.map_or(chunk.len(), |end| end + 1);
            self.text.extend_from_slice(&chunk[..count]);
            self.next_line += count_lines(&chunk[..count]);
            self.input.consume(count);
            self.check_length()?;
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

    fn check_length(&self) -> Result<(), Error> {
        if self.text.len() <= self.limits.row_bytes {
            return Ok(());
        }
        Err(Error::LongJson {
            place: format!("{}:{}", self.input.name(), self.line),
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

/// Finds where a value ends, without parsing it.
#[derive(Default)]
struct Scanner {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
}

impl Scanner {
    /// Takes the next byte of an array's element; says whether it is the comma or the bracket behind it.
    fn ends_at(&mut self, byte: u8) -> bool {
        let is_end = !self.is_string && self.depth == 0 && matches!(byte, b',' | b']');
        self.take(byte);
        is_end
    }

    /// Takes the next byte of an object; says whether it is the brace that closes it.
    fn closes_at(&mut self, byte: u8) -> bool {
        self.take(byte);
        byte == b'}' && self.depth == 0 && !self.is_string
    }

    fn take(&mut self, byte: u8) {
        if self.is_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.is_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}
