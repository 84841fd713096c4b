//! Character encodings, and their decoding as a stream.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A character encoding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark, or UTF-16 with one. A row with other bytes is a reject.
    #[default]
    Utf8,
    /// ISO 8859-1: every byte is the character of the same number.
    Latin1,
    /// The western European encoding of Windows, which most files called Latin-1 are in truth.
    Windows1252,
    /// Another one of the Encoding Standard.
    Found(Charset),
}

/// A character encoding of the Encoding Standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static encoding_rs::Encoding);

/// The encodings that editors offer; others of the Encoding Standard are read, too.
const OFFERED: [&str; 14] = [
    "utf-8",
    "latin-1",
    "windows-1252",
    "utf-16le",
    "utf-16be",
    "windows-1250",
    "windows-1251",
    "windows-1256",
    "koi8-r",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-jp",
    "euc-kr",
];

impl Encoding {
    /// UTF-16 with the lower byte of a unit first.
    pub(crate) const UTF_16LE: Self = Self::Found(Charset(UTF_16LE));
    /// UTF-16 with the higher byte of a unit first.
    pub(crate) const UTF_16BE: Self = Self::Found(Charset(UTF_16BE));

    /// The encoding's name in `pipeline.yaml` and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Latin1 => "latin-1",
            Self::Windows1252 => "windows-1252",
            Self::Found(Charset(charset)) if charset == UTF_16LE => "utf-16le",
            Self::Found(Charset(charset)) if charset == UTF_16BE => "utf-16be",
            Self::Found(Charset(charset)) => charset.name(),
        }
    }

    /// The encoding of this name, in upper or lower case: any that the Encoding Standard knows.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.trim().to_lowercase().as_str() {
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => Some(Self::Latin1),
            name => encoding_rs::Encoding::for_label_no_replacement(name.as_bytes()).map(Self::found),
        }
    }

    /// Whether no character takes two bytes of which one may be any.
    pub(crate) fn is_of_single_bytes(self) -> bool {
        self != Self::UTF_16LE && self != Self::UTF_16BE
    }

    /// Whether a byte order mark speaks for this encoding, and is no character of the text.
    pub(crate) fn is_marked_by(self, mark: Mark) -> bool {
        match mark {
            Mark::None => false,
            Mark::Utf8 => self == Self::Utf8,
            Mark::Utf16Le => self == Self::Utf8 || self == Self::UTF_16LE,
            Mark::Utf16Be => self == Self::Utf8 || self == Self::UTF_16BE,
        }
    }

    /// The encoding that a detector names.
    pub(crate) fn found(charset: &'static encoding_rs::Encoding) -> Self {
        if charset == WINDOWS_1252 {
            Self::Windows1252
        } else if charset == UTF_8 {
            Self::Utf8
        } else {
            Self::Found(Charset(charset))
        }
    }

    /// Decodes a stream, which has `mark` at its beginning, into UTF-8. What is said to be UTF-8 already
    /// stays as it is.
    pub(crate) fn decode(self, reader: Box<dyn BufRead>, mark: Mark, buffer: usize) -> Box<dyn BufRead> {
        let decoder = match (self, mark) {
            (Self::Utf8, Mark::Utf16Le) => UTF_16LE.new_decoder_without_bom_handling(),
            (Self::Utf8, Mark::Utf16Be) => UTF_16BE.new_decoder_without_bom_handling(),
            (Self::Utf8, _) => return reader,
            (Self::Latin1, _) => return Box::new(BufReader::with_capacity(buffer, Latin1::new(reader))),
            (Self::Windows1252, _) => WINDOWS_1252.new_decoder_without_bom_handling(),
            (Self::Found(Charset(charset)), _) => charset.new_decoder_without_bom_handling(),
        };
        Box::new(BufReader::with_capacity(buffer, Decoded::new(reader, decoder)))
    }
}

impl Serialize for Encoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Encoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::of_name(&name).ok_or_else(|| {
            let offered: Vec<String> = OFFERED.iter().map(|name| format!("`{name}`")).collect();
            D::Error::custom(format!(
                "unknown encoding `{name}`, expected one of the Encoding Standard, such as {}",
                offered.join(", ")
            ))
        })
    }
}

impl JsonSchema for Encoding {
    fn schema_name() -> Cow<'static, str> {
        "Encoding".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A character encoding: the name of one of the Encoding Standard.",
            "anyOf": [{ "enum": OFFERED }, { "type": "string" }]
        })
    }
}

/// A byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    None,
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Mark {
    /// The most bytes that a mark has.
    pub(crate) const LONGEST: usize = 3;

    /// Whether a stream that begins with this byte may begin with a mark.
    pub(crate) fn may_begin_with(first: u8) -> bool {
        matches!(first, 0xEF | 0xFE | 0xFF)
    }

    /// The mark that a stream begins with.
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0xEF, 0xBB, 0xBF, ..] => Self::Utf8,
            [0xFF, 0xFE, ..] => Self::Utf16Le,
            [0xFE, 0xFF, ..] => Self::Utf16Be,
            _ => Self::None,
        }
    }

    /// What it is the mark of.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "no encoding",
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
        }
    }

    /// The bytes of the mark.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::None => 0,
            Self::Utf8 => 3,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }
}

/// Bytes are not of the encoding that their stream is said to have.
#[derive(Debug, thiserror::Error)]
#[error("bytes that are no character")]
pub(crate) struct Malformed {
    /// The encoding that they should have.
    pub(crate) encoding: &'static str,
}

/// A decoder that fails where the usual ones replace bytes by U+FFFD, because nobody would see that.
struct Decoded<R> {
    reader: R,
    decoder: Decoder,
    text: Vec<u8>,
    position: usize,
    is_done: bool,
}

impl<R: BufRead> Decoded<R> {
    fn new(reader: R, decoder: Decoder) -> Self {
        Self {
            reader,
            decoder,
            text: Vec::new(),
            position: 0,
            is_done: false,
        }
    }

    /// Decodes what the reader has at hand.
    fn refill(&mut self) -> io::Result<()> {
        let bytes = self.reader.fill_buf()?;
        let is_last = bytes.is_empty();
        let most = self
            .decoder
            .max_utf8_buffer_length_without_replacement(bytes.len());
        self.text.resize(most.unwrap_or(0), 0);
        let (result, read, written) =
            self.decoder
                .decode_to_utf8_without_replacement(bytes, &mut self.text, is_last);
        self.reader.consume(read);
        self.text.truncate(written);
        self.position = 0;
        self.is_done = is_last;
        match result {
            DecoderResult::Malformed(..) => {
                let encoding = self.decoder.encoding();
                let encoding = if encoding == UTF_16LE || encoding == UTF_16BE {
                    "UTF-16"
                } else {
                    encoding.name()
                };
                Err(io::Error::new(io::ErrorKind::InvalidData, Malformed { encoding }))
            }
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.text.len() && !self.is_done {
            self.refill()?;
        }
        Ok(take(&self.text, &mut self.position, buffer))
    }
}

/// Copies as much of the text behind `position` as the buffer has room for.
fn take(text: &[u8], position: &mut usize, buffer: &mut [u8]) -> usize {
    let rest = &text[*position..];
    let count = rest.len().min(buffer.len());
    buffer[..count].copy_from_slice(&rest[..count]);
    *position += count;
    count
}

/// A decoder of ISO 8859-1. The Encoding Standard, and with it `encoding_rs`, takes that name for
/// windows-1252.
struct Latin1<R> {
    reader: R,
    decoded: Vec<u8>,
    position: usize,
}

impl<R> Latin1<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            decoded: Vec::new(),
            position: 0,
        }
    }
}

impl<R: BufRead> Read for Latin1<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.decoded.len() {
            let bytes = self.reader.fill_buf()?;
            let count = bytes.len();
            self.decoded.resize(count * 2, 0);
            let written = encoding_rs::mem::convert_latin1_to_utf8(bytes, &mut self.decoded);
            self.decoded.truncate(written);
            self.position = 0;
            self.reader.consume(count);
        }
        Ok(take(&self.decoded, &mut self.position, buffer))
    }
}
