//! The fields of a protocol buffer, for the few messages of which a few fields are read.
//!
//! Libraries that know whole formats run `protoc` when they are built, and some reserve as much memory as a
//! damaged length says. Here nothing is copied, and no length is believed that reaches beyond the bytes.

/// The content of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// A number of variable length.
    Number(u64),
    /// Eight bytes.
    Bits64(u64),
    /// A string, bytes, or a message.
    Bytes(&'a [u8]),
    /// Four bytes.
    Bits32(u32),
}

/// The fields of a message, each with its number, up to the first that is damaged.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
    is_damaged: bool,
}

impl<'a> Fields<'a> {
    /// The fields of a message.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            is_damaged: false,
        }
    }

    /// Whether the fields ended where the message is damaged, and not with it.
    pub fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    fn read(&mut self) -> Option<(u64, Field<'a>)> {
        let key = self.variable()?;
        let field = match key & 7 {
            0 => Field::Number(self.variable()?),
            1 => Field::Bits64(u64::from_le_bytes(*self.chunk()?)),
            2 => {
                let length = usize::try_from(self.variable()?).ok()?;
                let (content, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Field::Bytes(content)
            }
            5 => Field::Bits32(u32::from_le_bytes(*self.chunk()?)),
            _ => return None,
        };
        Some((key >> 3, field))
    }

    fn chunk<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (chunk, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(chunk)
    }

    /// A number of seven bits a byte.
    fn variable(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for place in 0..10 {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.is_damaged {
            return None;
        }
        let field = self.read();
        self.is_damaged = field.is_none();
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_numbers_and_contents_of_the_format() {
        // The examples of the format's own description: 150 in field 1, "testing" in field 2.
        let fields: Vec<_> = Fields::of(b"\x08\x96\x01\x12\x07testing").collect();
        assert_eq!(fields, [(1, Field::Number(150)), (2, Field::Bytes(b"testing"))]);
    }

    #[test]
    fn damage_ends_the_fields_and_is_told() {
        for bytes in [&[0xff; 12][..], b"\x12\x07test", b"\x08", b"\x0d\0\0", b"\x0b"] {
            let mut fields = Fields::of(bytes);
            assert_eq!(fields.by_ref().count(), 0);
            assert!(fields.is_damaged());
        }
        let mut whole = Fields::of(b"\x08\x01");
        assert_eq!(whole.by_ref().count(), 1);
        assert!(!whole.is_damaged());
    }
}
