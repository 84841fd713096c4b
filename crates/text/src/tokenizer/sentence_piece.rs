//! The file of a trained sentencepiece tokenizer: a protocol buffer, of which the pieces with their scores and
//! the table of the normaliser are read.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use labelproof_artifact::protobuf::{Field, Fields};

/// What a sentencepiece file says.
#[derive(Debug, PartialEq)]
pub(super) struct SentencePiece {
    pub(super) pieces: Vec<Piece>,
    /// The place of the piece for unknown characters.
    pub(super) unknown: usize,
    /// The table of the normaliser in base64, if the file has one.
    pub(super) charsmap: Option<String>,
}

/// An entry of the vocabulary.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) score: f32,
    pub(super) kind: Kind,
}

/// What a piece is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A part of texts.
    Normal,
    /// A special token.
    Control,
    /// A token that is found in a text before all else.
    UserDefined,
    /// Anything else, such as the piece for unknown characters.
    Other,
}

/// Why a sentencepiece file cannot be used.
#[derive(Debug, PartialEq)]
pub(super) enum Problem {
    /// The bytes end early, or are no sentencepiece file.
    Damaged,
    /// The model is of another type.
    NotUnigram(&'static str),
}

impl SentencePiece {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let mut model = Self {
            pieces: Vec::new(),
            unknown: 0,
            charsmap: None,
        };
        whole(bytes, |number, field| match (number, field) {
            (1, Field::Bytes(piece)) => {
                model.pieces.push(parse_piece(piece)?);
                Ok(())
            }
            (2, Field::Bytes(trainer)) => {
                model.unknown = parse_trainer(trainer)?;
                Ok(())
            }
            (3, Field::Bytes(normalizer)) => {
                model.charsmap = parse_normalizer(normalizer)?;
                Ok(())
            }
            _ => Ok(()),
        })?;
        if model.pieces.is_empty() {
            return Err(Problem::Damaged);
        }
        Ok(model)
    }
}

/// Looks at all fields of a message, which must not be damaged.
fn whole<'a>(
    bytes: &'a [u8],
    mut look: impl FnMut(u64, Field<'a>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut fields = Fields::of(bytes);
    for (number, field) in fields.by_ref() {
        look(number, field)?;
    }
    if fields.is_damaged() {
        return Err(Problem::Damaged);
    }
    Ok(())
}

fn parse_piece(bytes: &[u8]) -> Result<Piece, Problem> {
    let mut piece = Piece {
        text: String::new(),
        score: 0.0,
        kind: Kind::Normal,
    };
    whole(bytes, |number, field| {
        match (number, field) {
            (1, Field::Bytes(text)) => {
                let text = std::str::from_utf8(text).ok().ok_or(Problem::Damaged)?;
                text.clone_into(&mut piece.text);
            }
            (2, Field::Bits32(bits)) => piece.score = f32::from_bits(bits),
            (3, Field::Number(kind)) => {
                piece.kind = match kind {
                    1 => Kind::Normal,
                    3 => Kind::Control,
                    4 => Kind::UserDefined,
                    _ => Kind::Other,
                };
            }
            _ => {}
        }
        Ok(())
    })?;
    if piece.text.is_empty() || !piece.score.is_finite() {
        return Err(Problem::Damaged);
    }
    Ok(piece)
}

/// Checks the type of the model, and gives the place of the piece for unknown characters.
fn parse_trainer(bytes: &[u8]) -> Result<usize, Problem> {
    let (mut kind, mut unknown) = (1, 0);
    whole(bytes, |number, field| {
        match (number, field) {
            (3, Field::Number(number)) => kind = number,
            (40, Field::Number(number)) => unknown = usize::try_from(number).unwrap_or(usize::MAX),
            _ => {}
        }
        Ok(())
    })?;
    match kind {
        1 => Ok(unknown),
        2 => Err(Problem::NotUnigram("BPE")),
        3 => Err(Problem::NotUnigram("word")),
        4 => Err(Problem::NotUnigram("char")),
        _ => Err(Problem::Damaged),
    }
}

/// The table of the normaliser: a length, a trie of so many bytes, and the texts that its leaves point to.
fn parse_normalizer(bytes: &[u8]) -> Result<Option<String>, Problem> {
    let mut map = None;
    whole(bytes, |number, field| {
        if let (2, Field::Bytes(content)) = (number, field) {
            map = (!content.is_empty()).then_some(content);
        }
        Ok(())
    })?;
    let Some(map) = map else {
        return Ok(None);
    };
    // The library reserves as much memory as the length says.
    let (length, rest) = map.split_first_chunk().ok_or(Problem::Damaged)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length < 4 || length > rest.len() {
        return Err(Problem::Damaged);
    }
    Ok(Some(BASE64_STANDARD.encode(map)))
}
