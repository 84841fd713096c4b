//! Scalars of TensorBoard's event files.
//!
//! A record is its length, a checksum of that, the bytes and their checksum; the bytes are a protocol buffer, of
//! whose fields only step, tag and value are read here. `tboard`, the crate that reads such files, runs
//! `protoc` when it is built, and reserves as much memory as a damaged length says.

use labelproof_artifact::protobuf::{Field, Fields};

/// A value that was logged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    pub(super) tag: String,
    pub(super) step: u64,
    pub(super) value: f64,
}

/// More values than any training logs that is read for its epochs.
const MOST_SCALARS: usize = 2_000_000;

/// Whether bytes begin like an event file: with the record that says the version.
pub(super) fn is_event_file(bytes: &[u8]) -> bool {
    record(bytes).is_some_and(|(record, _)| {
        let version = Fields::of(record).find(|(number, _)| *number == 3);
        matches!(version, Some((_, Field::Bytes(text))) if text.starts_with(b"brain.Event"))
    })
}

/// The scalars of a file; what is damaged at its end, where it was written last, is left out.
pub(super) fn scalars(bytes: &[u8]) -> Vec<Scalar> {
    let mut scalars = Vec::new();
    let mut rest = bytes;
    while let Some((bytes, after)) = record(rest) {
        rest = after;
        let mut step = 0;
        for (number, field) in Fields::of(bytes) {
            match (number, field) {
                (2, Field::Number(value)) => step = value,
                (5, Field::Bytes(summary)) => scalars.extend(of_summary(summary)),
                _ => {}
            }
        }
        let of_event = scalars
            .iter_mut()
            .rev()
            .take_while(|scalar: &&mut Scalar| scalar.step == u64::MAX);
        of_event.for_each(|scalar| scalar.step = step.min(u64::MAX - 1));
        if scalars.len() >= MOST_SCALARS {
            break;
        }
    }
    scalars
}

/// The values of a summary; their step is not known yet.
fn of_summary(summary: &[u8]) -> impl Iterator<Item = Scalar> {
    Fields::of(summary).filter_map(|(number, field)| match (number, field) {
        (1, Field::Bytes(value)) => of_value(value),
        _ => None,
    })
}

fn of_value(bytes: &[u8]) -> Option<Scalar> {
    let mut tag = None;
    let mut value = None;
    for (number, field) in Fields::of(bytes) {
        match (number, field) {
            (1, Field::Bytes(text)) => tag = Some(String::from_utf8_lossy(text).into_owned()),
            (2, Field::Bits32(bits)) => value = Some(f64::from(f32::from_bits(bits))),
            (8, Field::Bytes(tensor)) => value = of_tensor(tensor),
            _ => {}
        }
    }
    let (tag, value) = tag.zip(value)?;
    let step = u64::MAX;
    Some(Scalar { tag, step, value })
}

/// The number in a tensor that has a single one, of 32 or 64 bits.
fn of_tensor(bytes: &[u8]) -> Option<f64> {
    let mut kind = 0;
    let mut value = None;
    for (number, field) in Fields::of(bytes) {
        match (number, field) {
            (1, Field::Number(number)) => kind = number,
            (4, Field::Bytes(content)) => {
                value = match (kind, content.len()) {
                    (1, 4) => Some(f64::from(f32::from_le_bytes(content.try_into().ok()?))),
                    (2, 8) => Some(f64::from_le_bytes(content.try_into().ok()?)),
                    _ => None,
                };
            }
            (5, Field::Bits32(bits)) => value = Some(f64::from(f32::from_bits(bits))),
            (5, Field::Bytes(packed)) if packed.len() == 4 => {
                value = Some(f64::from(f32::from_le_bytes(packed.try_into().ok()?)));
            }
            (6, Field::Bits64(bits)) => value = Some(f64::from_bits(bits)),
            (6, Field::Bytes(packed)) if packed.len() == 8 => {
                value = Some(f64::from_le_bytes(packed.try_into().ok()?));
            }
            _ => {}
        }
    }
    value
}

/// The bytes of the first record, and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*checksum) != masked_checksum(length) {
        return None;
    }
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let content = rest.get(..length)?;
    let rest = rest.get(length..)?.split_first_chunk::<4>()?;
    Some((content, rest.1))
}

/// The checksum of Castagnoli, turned and shifted as the format has it.
fn masked_checksum(bytes: &[u8]) -> u32 {
    let mut checksum = u32::MAX;
    for byte in bytes {
        checksum ^= u32::from(*byte);
        for _ in 0..8 {
            let is_odd = checksum & 1 == 1;
            checksum = (checksum >> 1) ^ if is_odd { 0x82f6_3b78 } else { 0 };
        }
    }
    (!checksum).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_the_format() {
        // CRC-32C of nine digits is 0xe3069283 by its specification.
        let expected = 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked_checksum(b"123456789"), expected);
    }

    #[test]
    fn damaged_bytes_end_the_reading() {
        assert!(!is_event_file(b""));
        assert!(!is_event_file(&[0xff; 64]));
        assert!(scalars(&[0; 40]).is_empty());
        let mut huge = u64::MAX.to_le_bytes().to_vec();
        huge.extend(masked_checksum(&u64::MAX.to_le_bytes()).to_le_bytes());
        assert!(scalars(&huge).is_empty());
    }
}
