//! Which characters a file has that some dialect gives a meaning.
//!
//! A cheap pass: most files have few of them, and then nothing more needs to be asked.

use crate::error::Error;
use crate::source::Input;

/// What is somewhere in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent signs, and no states")]
pub(super) struct Signs {
    /// A quotation mark.
    pub(super) quote: bool,
    /// One at the beginning of a field.
    pub(super) quote_begins: bool,
    /// An apostrophe at the beginning of a field.
    pub(super) apostrophe_begins: bool,
    /// A backslash.
    pub(super) backslash: bool,
    /// A carriage return without a line feed behind it.
    pub(super) lone_return: bool,
    /// A carriage return with one.
    pub(super) pair: bool,
    /// A line feed without a carriage return before it.
    pub(super) lone_feed: bool,
    /// The bytes that end the first line, as far as they are known.
    pub(super) first_end: [u8; 2],
}

/// Looks for the signs in all of a file.
pub(super) fn scan(input: &mut Input, separator: u8) -> Result<Signs, Error> {
    let mut is_sign = [false; 256];
    for byte in [b'"', b'\'', b'\\', b'\r', b'\n'] {
        is_sign[usize::from(byte)] = true;
    }
    let mut signs = Signs::default();
    // What stands before the first byte ends no field, and begins one.
    let mut before = b'\n';
    loop {
        let chunk = input.fill()?;
        let Some(last) = chunk.last().copied() else {
            signs.lone_return |= before == b'\r';
            return Ok(signs);
        };
        signs.lone_return |= before == b'\r' && chunk[0] != b'\n';
        let mut start = 0;
        while let Some(count) = chunk[start..].iter().position(|byte| is_sign[usize::from(*byte)]) {
            let place = start + count;
            let previous = place.checked_sub(1).map_or(before, |place| chunk[place]);
            let begins = previous == separator || previous == b'\n' || previous == b'\r';
            if signs.first_end[0] == 0 && b"\r\n".contains(&chunk[place]) {
                signs.first_end = [chunk[place], chunk.get(place + 1).copied().unwrap_or(b'\n')];
            }
            match chunk[place] {
                b'"' => {
                    signs.quote = true;
                    signs.quote_begins |= begins;
                }
                b'\'' => signs.apostrophe_begins |= begins,
                b'\\' => signs.backslash = true,
                b'\n' if previous == b'\r' => signs.pair = true,
                b'\n' => signs.lone_feed = true,
                _ => {}
            }
            // What follows a carriage return at the end of a chunk is seen in the next one.
            if chunk[place] == b'\r'
                && let Some(next) = chunk.get(place + 1)
            {
                signs.lone_return |= *next != b'\n';
            }
            start = place + 1;
        }
        before = last;
        let count = chunk.len();
        input.consume(count);
    }
}
