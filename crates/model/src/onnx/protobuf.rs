//! Protocol buffers, as far as ONNX needs them written.

/// A message that is being written.
#[derive(Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Adds a field of variable length: a 64-bit integer, in two's complement.
    #[expect(
        clippy::cast_sign_loss,
        reason = "the format keeps the bits of negative numbers"
    )]
    pub(super) fn integer(&mut self, field: u32, value: i64) {
        self.key(field, 0);
        self.variable_length(value as u64);
    }

    /// Adds a field of a float32.
    pub(super) fn float(&mut self, field: u32, value: f32) {
        self.key(field, 5);
        self.bytes.extend(value.to_le_bytes());
    }

    /// Adds a field of bytes, such as a string.
    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.key(field, 2);
        self.variable_length(value.len() as u64);
        self.bytes.extend(value);
    }

    /// Adds a field that is a message itself.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        write(&mut inner);
        self.bytes(field, &inner.bytes);
    }

    fn key(&mut self, field: u32, wire_type: u32) {
        self.variable_length(u64::from((field << 3) | wire_type));
    }

    #[expect(clippy::cast_possible_truncation, reason = "seven bits are taken at a time")]
    fn variable_length(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the format's documentation: 150 in field 1, and `testing` in field 2.
    #[test]
    fn fields_are_those_of_the_documentation() {
        let mut message = Message::default();
        message.integer(1, 150);
        message.bytes(2, b"testing");
        assert_eq!(message.into_bytes(), b"\x08\x96\x01\x12\x07testing");
        let mut message = Message::default();
        message.message(3, |inner| inner.integer(1, 150));
        message.integer(1, -2);
        assert_eq!(
            message.into_bytes(),
            b"\x1a\x03\x08\x96\x01\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
        );
    }
}
