//! Model tokens.
//!
//! Responsible for giving the ids that transformers gives for `tokenizer(text, truncation=True,
//! max_length=max_tokens)`, for any `tokenizer.json`, and for the folders of encoders that have none
//! (`folder`). Not responsible for padding, which depends on the batch, nor for the largest length a model can
//! take.

mod families;
mod folder;
mod sentence_piece;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use labelproof_artifact::contained;
use rayon::prelude::*;
use tokenizers::models::ModelWrapper;
use tokenizers::normalizers::NormalizerWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::{Token, TruncationDirection};

use crate::error::Error;
use crate::windows::{WindowCutter, Windows};
use crate::word_cache::WordCache;

pub use self::folder::SPECIAL_TOKENS;

/// Texts longer than this are encoded piece by piece, where that cannot change the result, when the places of
/// tokens are asked for. Crate `tokenizers` keeps offsets and strings many times the size of the text, so the
/// piece bounds its memory; it is far longer than what a model reads, and long enough to make the cost of a
/// cut small.
const PIECE_BYTES: usize = 1 << 16;

/// The characters before which a long text may be cut.
const IS_CUT: [char; 2] = [' ', '\n'];

/// Stands for the text when the special tokens around it are looked up; no vocabulary has so many entries.
const TEXT_MARK: u32 = u32::MAX;

/// A tokenizer as stored in `tokenizer.json`, without the truncation and padding stored there.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Special tokens before the text, such as `[CLS]`.
    prefix: Vec<u32>,
    /// Special tokens after the text, such as `[SEP]`.
    suffix: Vec<u32>,
    /// The end from which a long text is truncated.
    direction: TruncationDirection,
    pad_id: u32,
    unknown_id: Option<u32>,
    vocabulary_size: usize,
    /// Whether white space always separates tokens, so that text may be cut there.
    cuts_at_white_space: bool,
    /// The tokens of words between white space, where text may be cut there.
    words: Arc<WordCache>,
}

/// The tokens of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids, the special ones included, not more than asked for.
    pub ids: Vec<u32>,
    /// Number of tokens, the special ones included, that the whole text has.
    pub full_length: u32,
}

/// The tokens of one text, and where they stand in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpannedEncoding {
    /// Token ids, the special ones included, not more than asked for: those of [`Encoding`].
    pub ids: Vec<u32>,
    /// The byte range in the text of each token that is not special.
    pub spans: Vec<Range<usize>>,
    /// The place in `ids` of the first token that is not special.
    pub first: usize,
    /// The part of the text, in bytes, that was not cut off. Of a byte-level tokenizer it may end within a
    /// character.
    pub read: Range<usize>,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        #[expect(
            clippy::disallowed_methods,
            reason = "the error below names the path and what to do"
        )]
        let bytes = std::fs::read(path).map_err(|source| Error::ReadTokenizer {
            path: path.into(),
            source,
        })?;
        Self::contained_parse(&bytes, path)
    }

    /// Reads the tokenizer of an encoder's folder: its `tokenizer.json`, or what transformers would build of
    /// the vocabulary and settings that it has instead.
    pub fn from_folder(folder: &Path) -> Result<Self, Error> {
        let (path, bytes) = folder::tokenizer_json(folder)?;
        Self::contained_parse(&bytes, &path)
    }

    /// The content of the `tokenizer.json` of an encoder's folder, whether the folder has that file or not:
    /// what [`Self::from_folder`] reads.
    pub fn json_of_folder(folder: &Path) -> Result<Vec<u8>, Error> {
        folder::tokenizer_json(folder).map(|(_, bytes)| bytes)
    }

    /// Reads the content of a `tokenizer.json`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::contained_parse(bytes, Path::new("tokenizer.json"))
    }

    /// The library panics on some damaged files, while reading them or when they are used first.
    fn contained_parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        contained(|| Self::parse(bytes, path)).unwrap_or_else(|panicked| {
            Err(Error::ParseTokenizer {
                path: path.into(),
                source: panicked.into(),
            })
        })
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::ParseTokenizer {
            path: PathBuf::from(path),
            source,
        };
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(unusable)?;
        let direction = inner
            .get_truncation()
            .map_or(TruncationDirection::Right, |truncation| truncation.direction);
        let pad_id = match inner.get_padding() {
            Some(padding) => padding.pad_id,
            None => ["[PAD]", "<pad>"]
                .iter()
                .find_map(|token| inner.token_to_id(token))
                .unwrap_or(0),
        };
        inner.with_truncation(None).map_err(unusable)?;
        inner.with_padding(None);

        let marked =
            tokenizers::Encoding::from_tokens(vec![Token::new(TEXT_MARK, "x".to_owned(), (0, 1))], 0);
        let surrounded = inner.post_process(marked, None, true).map_err(unusable)?;
        let mut sides = surrounded.get_ids().split(|&id| id == TEXT_MARK);
        let (Some(prefix), Some(suffix), None) = (sides.next(), sides.next(), sides.next()) else {
            return Err(Error::PostProcessor { path: path.into() });
        };

        // Not `get_vocab_size`: ids may have gaps, and an embedding table needs a row for the largest one, of
        // padding and the special tokens as well, whose ids the file may state apart from the vocabulary.
        let vocabulary = inner.get_vocab(true);
        let ids = vocabulary.values().chain(prefix).chain(suffix).chain([&pad_id]);
        let vocabulary_size = ids.max().map_or(0, |&largest| largest as usize + 1);

        Ok(Self {
            prefix: prefix.to_vec(),
            suffix: suffix.to_vec(),
            direction,
            pad_id,
            unknown_id: unknown_id(&inner),
            vocabulary_size,
            cuts_at_white_space: cuts_at_white_space(&inner),
            words: Arc::default(),
            inner,
        })
    }

    /// The number of rows that an embedding table needs: one more than the largest id.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// The id to fill batches with: the stored padding's, or that of `[PAD]` or `<pad>`, or 0.
    pub fn pad_id(&self) -> u32 {
        self.pad_id
    }

    /// The token of [`Self::pad_id`].
    pub fn pad_token(&self) -> Option<String> {
        self.inner.id_to_token(self.pad_id)
    }

    /// The end from which a long text is truncated: `left` or `right`.
    pub fn truncation_side(&self) -> &'static str {
        match self.direction {
            TruncationDirection::Left => "left",
            TruncationDirection::Right => "right",
        }
    }

    /// The id of what is not in the vocabulary, for tokenizers that have one; byte-level ones do not.
    pub fn unknown_id(&self) -> Option<u32> {
        self.unknown_id
    }

    /// The number of special tokens around every text.
    pub fn special_tokens_count(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }

    /// What cuts this tokenizer's rows into windows; `None` where a window would not go on from the one before it.
    pub fn cutter(&self, windows: Windows) -> Option<WindowCutter> {
        WindowCutter::new(windows, [self.prefix.len(), self.suffix.len()])
    }

    /// Whether at least one token of the text fits into `max_tokens`, for checking settings before the first
    /// text.
    pub fn check_max_tokens(&self, max_tokens: usize) -> Result<(), Error> {
        let special_tokens = self.special_tokens_count();
        if max_tokens > special_tokens {
            Ok(())
        } else {
            Err(Error::MaxTokens {
                max_tokens,
                special_tokens,
            })
        }
    }

    /// The ids of `text`, shortened to `max_tokens` with the special tokens on both sides kept.
    ///
    /// The whole text is tokenised, since its full length is part of the answer. For BERT's pre-tokenizer
    /// this is done word by word, most of which were seen before; other tokenizers get the text in one piece.
    pub fn encode(&self, text: &str, max_tokens: usize) -> Result<Encoding, Error> {
        self.check_max_tokens(max_tokens)?;
        let mut ids = Vec::new();
        if self.cuts_at_white_space {
            for word in text.split(IS_CUT).filter(|word| !word.is_empty()) {
                self.words.extend(&mut ids, word, |word| {
                    let encoding =
                        self.encode_piece(word, |tokenizer, word| tokenizer.encode_fast(word, false))?;
                    Ok(encoding.get_ids().to_vec())
                })?;
            }
        } else if !text.is_empty() {
            let encoding = self.encode_piece(text, |tokenizer, text| tokenizer.encode_fast(text, false))?;
            ids.extend_from_slice(encoding.get_ids());
        }
        let full_length = u32::try_from(self.special_tokens_count() + ids.len()).unwrap_or(u32::MAX);
        let kept = &ids[self.kept(ids.len(), max_tokens)];
        Ok(Encoding {
            ids: [&self.prefix, kept, &self.suffix].concat(),
            full_length,
        })
    }

    /// [`Tokenizer::encode`], with the place of every token in the text.
    pub fn encode_with_spans(&self, text: &str, max_tokens: usize) -> Result<SpannedEncoding, Error> {
        self.check_max_tokens(max_tokens)?;
        let (mut ids, mut spans) = (Vec::new(), Vec::new());
        let mut start = 0;
        while start < text.len() {
            let length = self.piece_length(&text[start..]);
            let encoding = self.encode_piece(&text[start..start + length], |tokenizer, piece| {
                tokenizer.encode(piece, false)
            })?;
            ids.extend_from_slice(encoding.get_ids());
            let offsets = encoding.get_offsets().iter();
            spans.extend(offsets.map(|&(from, to)| (start + from)..(start + to)));
            start += length;
        }
        let kept = self.kept(ids.len(), max_tokens);
        let before = kept.start;
        let after = ids.len() - kept.end;
        let read = match (spans.get(kept.start), spans.get(kept.end.wrapping_sub(1))) {
            (Some(first), Some(last)) => {
                let start = if before == 0 { 0 } else { first.start };
                let end = if after == 0 { text.len() } else { last.end };
                start..end.max(start)
            }
            // No token: all there is to read is white space.
            _ => 0..text.len(),
        };
        Ok(SpannedEncoding {
            ids: [&self.prefix, &ids[kept.clone()], &self.suffix].concat(),
            spans: spans.drain(kept).collect(),
            first: self.prefix.len(),
            read,
        })
    }

    /// Encodes a part of a text by one of the library's ways to do it.
    fn encode_piece<'a>(
        &'a self,
        piece: &'a str,
        encode: impl FnOnce(&'a tokenizers::Tokenizer, &'a str) -> tokenizers::Result<tokenizers::Encoding>,
    ) -> Result<tokenizers::Encoding, Error> {
        contained(|| encode(&self.inner, piece))
            .unwrap_or_else(|panicked| Err(panicked.into()))
            .map_err(|source| Error::Encode {
                beginning: piece.chars().take(40).collect(),
                source,
            })
    }

    /// The range of a text's tokens that fits between the special tokens.
    fn kept(&self, tokens: usize, max_tokens: usize) -> Range<usize> {
        let room = max_tokens - self.special_tokens_count();
        let excess = tokens.saturating_sub(room);
        match self.direction {
            TruncationDirection::Right => 0..tokens - excess,
            TruncationDirection::Left => excess..tokens,
        }
    }

    /// [`Tokenizer::encode`] for many texts, on all threads of the current rayon pool, in the order of the
    /// texts.
    ///
    /// # Errors
    ///
    /// That of the first text, in their order, that has one.
    pub fn encode_batch(
        &self,
        texts: &[impl AsRef<str> + Sync],
        max_tokens: usize,
    ) -> Result<Vec<Encoding>, Error> {
        self.check_max_tokens(max_tokens)?;
        // Collected first: rayon's own collection into a `Result` gives any of several errors.
        let encodings: Vec<Result<Encoding, Error>> = texts
            .par_iter()
            .map(|text| self.encode(text.as_ref(), max_tokens))
            .collect();
        encodings.into_iter().collect()
    }

    /// The length in bytes of the piece of `text` that is encoded next.
    fn piece_length(&self, text: &str) -> usize {
        if !self.cuts_at_white_space || text.len() <= PIECE_BYTES {
            return text.len();
        }
        let is_cut = |byte: &u8| IS_CUT.contains(&char::from(*byte));
        let bytes = text.as_bytes();
        let before = bytes[1..PIECE_BYTES]
            .iter()
            .rposition(is_cut)
            .map(|offset| 1 + offset);
        let after = || {
            bytes[PIECE_BYTES..]
                .iter()
                .position(is_cut)
                .map(|offset| PIECE_BYTES + offset)
        };
        before.or_else(after).unwrap_or(text.len())
    }
}

/// Whether cutting a text before a space or line feed gives the same tokens.
///
/// True of BERT: its normalizer treats characters one by one, and its pre-tokenizer drops white space.
/// Byte-level and sentence-piece tokenizers make white space part of tokens, some by rules that look further
/// ahead.
fn cuts_at_white_space(tokenizer: &tokenizers::Tokenizer) -> bool {
    matches!(tokenizer.get_normalizer(), None | Some(NormalizerWrapper::BertNormalizer(_)))
        && matches!(tokenizer.get_pre_tokenizer(), Some(PreTokenizerWrapper::BertPreTokenizer(_)))
        // An added token is looked for before all else.
        && !tokenizer
            .get_added_vocabulary()
            .get_vocab()
            .keys()
            .any(|token| token.contains(char::is_whitespace))
}

fn unknown_id(tokenizer: &tokenizers::Tokenizer) -> Option<u32> {
    match tokenizer.get_model() {
        ModelWrapper::WordPiece(model) => tokenizer.token_to_id(&model.unk_token),
        ModelWrapper::WordLevel(model) => tokenizer.token_to_id(&model.unk_token),
        ModelWrapper::BPE(model) => tokenizer.token_to_id(model.unk_token.as_deref()?),
        // Its field is private; sentence-piece and DeBERTa call the token so.
        ModelWrapper::Unigram(_) => ["<unk>", "[UNK]"]
            .iter()
            .find_map(|token| tokenizer.token_to_id(token)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const ENCODER: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../external/encoders/all-minilm-l6-v2/tokenizer.json"
    );
    const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/encoder.json");

    /// A tokenizer of a few words that truncates and pads, and whose last ids are out of order.
    fn tiny() -> Value {
        let mut tokenizer = labelproof_testkit::encoder::tokenizer(&["road", "##s", "clean"]);
        tokenizer["truncation"] = json!({"direction": "Right", "max_length": 4, "strategy": "LongestFirst",
                                         "stride": 0});
        tokenizer["padding"] = json!({"strategy": {"Fixed": 6}, "direction": "Right", "pad_to_multiple_of": null,
                                      "pad_id": 7, "pad_type_id": 0, "pad_token": "[PAD]"});
        tokenizer["model"]["vocab"]["##ing"] = json!(9);
        tokenizer["model"]["vocab"]["."] = json!(8);
        tokenizer
    }

    fn load(json: &Value) -> Tokenizer {
        Tokenizer::from_bytes(json.to_string().as_bytes()).expect("the test's tokenizer is valid")
    }

    #[test]
    fn spans_are_those_of_the_text_as_it_was_and_ids_those_without_spans() {
        let text = "Cl\u{e9}aning ROADS. ro\u{301}ads";
        let tokenizer = load(&tiny());
        for max_tokens in [3, 5, 64] {
            let spanned = tokenizer.encode_with_spans(text, max_tokens).expect("it fits");
            let plain = tokenizer.encode(text, max_tokens).expect("it fits");
            assert_eq!(spanned.ids, plain.ids);
            assert_eq!((spanned.first, spanned.spans.len()), (1, plain.ids.len() - 2));
        }
        let whole = tokenizer.encode_with_spans(text, 64).expect("it fits");
        let words: Vec<&str> = whole.spans.iter().map(|span| &text[span.clone()]).collect();
        assert_eq!(words, ["Cl\u{e9}an", "ing", "ROAD", "S", ".", "ro\u{301}ad", "s"]);
        assert_eq!(whole.read, 0..text.len());
        let short = tokenizer.encode_with_spans(text, 5).expect("it fits");
        assert_eq!(&text[short.read], "Cl\u{e9}aning ROAD");

        let mut left = tiny();
        left["truncation"]["direction"] = json!("Left");
        let short = load(&left).encode_with_spans(text, 5).expect("it fits");
        assert_eq!(&text[short.read], ". ro\u{301}ads");
    }

    #[test]
    fn special_tokens_survive_truncation() {
        let tokenizer = load(&tiny());
        let whole = tokenizer.encode("Cleaning roads.", 64).expect("it fits");
        assert_eq!(
            whole,
            Encoding {
                ids: vec![2, 6, 9, 4, 5, 8, 3],
                full_length: 7
            }
        );
        let short = tokenizer.encode("Cleaning roads.", 4).expect("it fits");
        assert_eq!(
            short,
            Encoding {
                ids: vec![2, 6, 9, 3],
                full_length: 7
            }
        );
        let empty = tokenizer.encode("", 4).expect("it fits");
        assert_eq!(
            empty,
            Encoding {
                ids: vec![2, 3],
                full_length: 2
            }
        );
    }

    #[test]
    fn the_stored_direction_of_truncation_is_kept() {
        let mut json = tiny();
        json["truncation"]["direction"] = "Left".into();
        let short = load(&json).encode("Cleaning roads.", 4).expect("it fits");
        assert_eq!(
            short,
            Encoding {
                ids: vec![2, 5, 8, 3],
                full_length: 7
            }
        );
    }

    #[test]
    fn vocabulary_facts() {
        let mut json = tiny();
        let tokenizer = load(&json);
        assert_eq!(tokenizer.vocabulary_size(), 10, "ids have a gap");
        assert_eq!(tokenizer.pad_id(), 7);
        assert_eq!(tokenizer.unknown_id(), Some(1));
        assert_eq!(tokenizer.special_tokens_count(), 2);
        json["padding"]["pad_id"] = json!(20);
        assert_eq!(load(&json).vocabulary_size(), 21, "padding has an id of its own");
        json["padding"] = Value::Null;
        assert_eq!(load(&json).pad_id(), 0);
        json["post_processor"]["special_tokens"]["[SEP]"]["ids"] = json!([30]);
        assert_eq!(load(&json).vocabulary_size(), 31, "so may a special token have");
        json["post_processor"] = Value::Null;
        assert_eq!(load(&json).special_tokens_count(), 0);
        assert_eq!(load(&json).encode("roads", 1).expect("it fits").ids, [4]);
    }

    #[test]
    fn too_few_tokens_are_an_error() {
        let tokenizer = load(&tiny());
        assert!(tokenizer.check_max_tokens(3).is_ok());
        let error = tokenizer.encode("roads", 2).expect_err("no room");
        assert!(error.to_string().ends_with("give at least 3"), "{error}");
        assert!(tokenizer.encode_batch(&["roads"], 0).is_err());
    }

    #[test]
    fn a_template_without_one_text_is_refused() {
        let mut json = tiny();
        let twice = json!([{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]);
        json["post_processor"]["single"] = twice;
        let error = Tokenizer::from_bytes(json.to_string().as_bytes()).expect_err("two copies of the text");
        assert!(error.to_string().contains("`[CLS] $A [SEP]`"), "{error}");
    }

    #[test]
    fn broken_files_are_named() {
        let error = Tokenizer::from_file("no/such/tokenizer.json")
            .expect_err("no such file")
            .to_string();
        assert!(error.contains("`no/such/tokenizer.json`"), "{error}");
        let error = Tokenizer::from_file(REFERENCE)
            .expect_err("not a tokenizer")
            .to_string();
        assert!(
            error.contains("encoder.json` is not a usable tokenizer"),
            "{error}"
        );
        assert!(Tokenizer::from_bytes(b"").is_err());
    }

    #[test]
    fn ids_equal_those_of_transformers() {
        let tokenizer = Tokenizer::from_file(ENCODER).expect("the set-up scripts fetch the sample encoder");
        let reference = std::fs::File::open(REFERENCE).expect("the fixture is in the repository");
        let reference: Value =
            serde_json::from_reader(std::io::BufReader::new(reference)).expect("the fixture is JSON");
        let rows = reference["rows"].as_array().expect("the fixture has rows");
        assert!(!rows.is_empty());
        let texts: Vec<&str> = rows
            .iter()
            .map(|row| row["text"].as_str().expect("rows have a text"))
            .collect();
        let encodings = tokenizer.encode_batch(&texts, 512).expect("the texts fit");
        for (row, encoding) in rows.iter().zip(&encodings) {
            let expected: Vec<u32> =
                serde_json::from_value(row["input_ids"].clone()).expect("rows have input ids");
            assert_eq!(encoding.ids, expected, "ids of {}", row["text"]);
        }
        assert_eq!(tokenizer.vocabulary_size(), 30522);
        assert_eq!((tokenizer.pad_id(), tokenizer.unknown_id()), (0, Some(100)));
    }

    #[test]
    fn pieces_do_not_change_the_tokens() {
        let tokenizer = load(&tiny());
        assert!(tokenizer.cuts_at_white_space);
        let mut whole = tokenizer.clone();
        whole.cuts_at_white_space = false;
        let words = ["roads ", "cleaning\n", "[SEP] ", "x.", "\u{a0}", "\u{301}"];
        let text: String = (0..60_000_usize)
            .map(|index| words[index * index % 7 % words.len()])
            .collect();
        assert!(text.len() > 2 * PIECE_BYTES);
        assert_eq!(
            tokenizer.encode(&text, 100_000).expect("it fits"),
            whole.encode(&text, 100_000).expect("it fits")
        );
        assert_eq!(
            tokenizer.encode_with_spans(&text, 100_000).expect("it fits"),
            whole.encode_with_spans(&text, 100_000).expect("it fits")
        );
    }

    #[test]
    fn added_tokens_with_white_space_forbid_pieces() {
        let mut json = tiny();
        json["added_tokens"][3]["content"] = "the end".into();
        json["post_processor"] = Value::Null;
        assert!(!load(&json).cuts_at_white_space);
    }

    #[test]
    fn threads_do_not_change_the_order() {
        let tokenizer = load(&tiny());
        let texts: Vec<String> = (0..200).map(|count| "roads ".repeat(count)).collect();
        let expected: Vec<Encoding> = texts
            .iter()
            .map(|text| tokenizer.encode(text, 64).expect("it fits"))
            .collect();
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads can start");
            let encodings = pool
                .install(|| tokenizer.encode_batch(&texts, 64))
                .expect("they fit");
            assert_eq!(encodings, expected, "{threads} threads");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_encoded(text in any::<String>(), max_tokens in 3_usize..20) {
            let encoding = load(&tiny()).encode(&text, max_tokens).expect("it fits");
            prop_assert_eq!(encoding.ids.len(), max_tokens.min(encoding.full_length as usize));
            prop_assert_eq!(encoding.ids.first(), Some(&2));
            prop_assert_eq!(encoding.ids.last(), Some(&3));
        }
    }
}
