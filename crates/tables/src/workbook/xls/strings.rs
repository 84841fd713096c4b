//! How long the strings are that the cells of a workbook share: each cell that shows one is a copy of it in
//! memory.
//!
//! [MS-XLS], sections 2.4.265 (SST) and 2.5.293 (`XLUnicodeRichExtendedString`). What the strings say is the library's
//! affair.
//!
//! [MS-XLS]: https://learn.microsoft.com/openspecs/office_file_formats/ms-xls/

use super::{Records, four_bytes, kind, two_bytes};

/// Before the first string there are two counts, which nobody has to believe.
pub(super) const COUNTS: usize = 8;
/// Bits of a string's flags: it has two bytes for each character, something behind it, formats behind it.
const WIDE: u8 = 1;
const EXTENDED: u8 = 4;
const RICH: u8 = 8;

/// The lengths of the shared strings, in characters, as far as they can be read.
pub(super) fn lengths(stream: &[u8]) -> Vec<u16> {
    let mut records = Records(stream).take_while(|(kind, _)| *kind != kind::END);
    let Some((_, first)) = records.find(|(kind, _)| *kind == kind::SHARED_STRINGS) else {
        return Vec::new();
    };
    let more = records.map_while(|(kind, content)| (kind == kind::CONTINUATION).then_some(content));
    let mut parts = Parts {
        at_hand: first.get(COUNTS..).unwrap_or_default(),
        more: more.collect::<Vec<_>>().into_iter(),
    };
    let mut lengths = Vec::new();
    while let Some(length) = parts.string() {
        lengths.push(length);
    }
    lengths
}

/// A record with the ones that continue it.
struct Parts<'s> {
    at_hand: &'s [u8],
    more: std::vec::IntoIter<&'s [u8]>,
}

impl Parts<'_> {
    /// Passes over the next string, and says how many characters it has.
    fn string(&mut self) -> Option<u16> {
        while self.at_hand.is_empty() {
            self.at_hand = self.more.next()?;
        }
        let length = two_bytes(self.at_hand, 0)?;
        let flags = *self.at_hand.get(2)?;
        let mut head = 3;
        let mut behind = 0;
        if flags & RICH != 0 {
            behind += 4 * usize::from(two_bytes(self.at_hand, head)?);
            head += 2;
        }
        if flags & EXTENDED != 0 {
            behind += four_bytes(self.at_hand, head)? as usize;
            head += 4;
        }
        self.at_hand = &self.at_hand[head..];
        self.skip_characters(usize::from(length), flags)?;
        self.skip(behind)?;
        Some(length)
    }

    /// Passes over characters, which have other flags in each record.
    fn skip_characters(&mut self, mut left: usize, mut flags: u8) -> Option<()> {
        loop {
            let width = 1 + usize::from(flags & WIDE);
            let count = left.min(self.at_hand.len() / width);
            self.at_hand = &self.at_hand[count * width..];
            left -= count;
            if left == 0 {
                return Some(());
            }
            let (first, rest) = self.more.next()?.split_first()?;
            flags = *first;
            self.at_hand = rest;
        }
    }

    /// Passes over bytes.
    fn skip(&mut self, mut left: usize) -> Option<()> {
        loop {
            let count = left.min(self.at_hand.len());
            self.at_hand = &self.at_hand[count..];
            left -= count;
            if left == 0 {
                return Some(());
            }
            self.at_hand = self.more.next()?;
        }
    }
}
