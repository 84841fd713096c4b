//! How the families of tokenizers normalise a text, cut it, and surround it with special tokens.
//!
//! The tokenizers are those of transformers' `convert_slow_tokenizer`, with one exception: for ALBERT, whose
//! converter makes a token of a space at the end, white space is cut off as by sentencepiece, which the model
//! was trained with, and by the `tokenizer.json` files of the published models.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use labelproof_artifact::encoder_files::SENTENCE_PIECE;
use serde_json::{Map, Value, json};
use tokenizers::AddedToken;

use super::folder::{Settings, read, read_text, unusable};
use super::sentence_piece::{Kind, Problem, SentencePiece};
use crate::error::Error;

/// A family of tokenizers, which have the same parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `WordPiece` behind BERT's rules for words.
    Bert,
    /// BERT's tokenizer with the special tokens of `RoBERTa`.
    MpNet,
    /// Byte-level BPE.
    Roberta,
    /// Unigram, with ids one larger than those in the sentencepiece file.
    XlmRoberta,
    /// Unigram, with ids four larger than those in the sentencepiece file.
    Camembert,
    /// Unigram on lower-case text without accents.
    Albert,
    /// Unigram.
    DebertaV2,
}

/// The parts of a tokenizer, as they are written in a `tokenizer.json`.
pub(super) struct Parts {
    /// The file that an error should name.
    pub(super) vocabulary_path: PathBuf,
    pub(super) model: Value,
    pub(super) normalizer: Value,
    pub(super) pre_tokenizer: Value,
    pub(super) decoder: Value,
    /// The ids of the vocabulary's tokens.
    pub(super) ids: BTreeMap<String, u32>,
    /// The id of the first token that is added.
    pub(super) size: u32,
    /// Tokens of the vocabulary that are found in a text before all else.
    pub(super) added: Vec<AddedToken>,
}

/// The mark of white space in the pieces of sentencepiece.
const MARK: &str = "\u{2581}";

/// What ALBERT's pieces such as `5,` lose of their score: the comma should be a token of its own.
const NUMBER_AND_COMMA: f64 = 100.0;

impl Family {
    /// The family of a class of transformers.
    pub(super) fn of_class(class: &str) -> Option<Self> {
        Some(match class.strip_suffix("Fast").unwrap_or(class) {
            "BertTokenizer" | "DistilBertTokenizer" | "ElectraTokenizer" => Self::Bert,
            "MPNetTokenizer" => Self::MpNet,
            "RobertaTokenizer" => Self::Roberta,
            "XLMRobertaTokenizer" => Self::XlmRoberta,
            "CamembertTokenizer" => Self::Camembert,
            "AlbertTokenizer" => Self::Albert,
            "DebertaV2Tokenizer" => Self::DebertaV2,
            _ => return None,
        })
    }

    /// The family whose tokenizer a type of models has by default.
    pub(super) fn of_model_type(model_type: &str) -> Option<Self> {
        Some(match model_type {
            "bert" | "distilbert" | "electra" => Self::Bert,
            "mpnet" => Self::MpNet,
            "roberta" => Self::Roberta,
            "xlm-roberta" => Self::XlmRoberta,
            "camembert" => Self::Camembert,
            "albert" => Self::Albert,
            "deberta-v2" => Self::DebertaV2,
            _ => return None,
        })
    }

    /// The name of the token with a role, where the folder says none.
    pub(super) fn usual_name(self, role: &str) -> Option<&'static str> {
        let of_bert = match role {
            "cls_token" => "[CLS]",
            "sep_token" => "[SEP]",
            "pad_token" => "[PAD]",
            "unk_token" => "[UNK]",
            "mask_token" => "[MASK]",
            _ => "",
        };
        let of_roberta = match role {
            "bos_token" | "cls_token" => "<s>",
            "eos_token" | "sep_token" => "</s>",
            "pad_token" => "<pad>",
            "unk_token" => "<unk>",
            "mask_token" => "<mask>",
            _ => "",
        };
        let name = match (self, role) {
            (Self::Albert | Self::DebertaV2, "bos_token") => "[CLS]",
            (Self::Albert | Self::DebertaV2, "eos_token") => "[SEP]",
            (Self::Albert, "pad_token" | "unk_token") => of_roberta,
            (Self::MpNet, "unk_token") | (Self::Bert | Self::Albert | Self::DebertaV2, _) => of_bert,
            _ => of_roberta,
        };
        (!name.is_empty()).then_some(name)
    }

    /// The token with a role of which the folder says no more than the name.
    pub(super) fn usual_token(self, role: &str, name: &str) -> AddedToken {
        let token = AddedToken::from(name, true);
        match (self, role) {
            // A mask stands for a word with the space before it.
            (
                Self::MpNet | Self::Roberta | Self::XlmRoberta | Self::Camembert | Self::Albert,
                "mask_token",
            ) => token.lstrip(true),
            (Self::Roberta, _) | (Self::DebertaV2, "unk_token") => token.normalized(true),
            _ => token,
        }
    }

    /// The special tokens without a role, where the folder says none.
    pub(super) fn usual_additional(self) -> &'static [&'static str] {
        match self {
            Self::Camembert => &["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"],
            _ => &[],
        }
    }

    /// What surrounds a text with its first and last token.
    pub(super) fn post_processor(
        self,
        settings: &Settings,
        (first_id, first): (u32, String),
        (last_id, last): (u32, String),
    ) -> Value {
        if self == Self::Roberta {
            return json!({
                "type": "RobertaProcessing", "sep": [last, last_id], "cls": [first, first_id],
                "trim_offsets": settings.is_set("trim_offsets", true),
                "add_prefix_space": settings.is_set("add_prefix_space", false),
            });
        }
        let special = |name: &str, kind: u8| json!({"SpecialToken": {"id": name, "type_id": kind}});
        let text = |name: &str, kind: u8| json!({"Sequence": {"id": name, "type_id": kind}});
        let entry = |id: u32, name: &str| json!({"id": name, "ids": [id], "tokens": [name]});
        let second = u8::from(!matches!(self, Self::XlmRoberta | Self::Camembert));
        let mut pair = vec![special(&first, 0), text("A", 0), special(&last, 0)];
        if matches!(self, Self::MpNet | Self::XlmRoberta | Self::Camembert) {
            pair.push(special(&last, 0));
        }
        pair.extend([text("B", second), special(&last, second)]);
        let mut specials = Map::new();
        specials.insert(first.clone(), entry(first_id, &first));
        specials.insert(last.clone(), entry(last_id, &last));
        json!({
            "type": "TemplateProcessing",
            "single": [special(&first, 0), text("A", 0), special(&last, 0)],
            "pair": pair,
            "special_tokens": specials,
        })
    }

    /// Reads the vocabulary, and says what the tokenizer consists of.
    pub(super) fn parts(self, folder: &Path, settings: &Settings) -> Result<Parts, Error> {
        match self {
            Self::Bert | Self::MpNet => self.word_piece(folder, settings),
            Self::Roberta => byte_pairs(folder, settings),
            Self::XlmRoberta | Self::Camembert | Self::Albert | Self::DebertaV2 => {
                self.unigram(folder, settings)
            }
        }
    }

    fn word_piece(self, folder: &Path, settings: &Settings) -> Result<Parts, Error> {
        let path = require(folder, &["vocab.txt"])?;
        let text = read_text(&path)?;
        // As Python reads lines.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines = text.strip_suffix('\n').unwrap_or(&text).split('\n');
        let ids: BTreeMap<String, u32> = lines.map(str::to_owned).zip(0..).collect();
        let unknown = settings.role(self, "unk_token").map(|token| token.content);
        let Some(unknown) = unknown.filter(|token| ids.contains_key(token)) else {
            return Err(unusable(&path, "it has no token for unknown words (`unk_token`)"));
        };
        let vocabulary: Map<String, Value> =
            ids.iter().map(|(token, id)| (token.clone(), json!(id))).collect();
        Ok(Parts {
            model: json!({
                "type": "WordPiece", "unk_token": unknown, "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": vocabulary,
            }),
            normalizer: json!({
                "type": "BertNormalizer",
                "clean_text": true,
                "handle_chinese_chars": settings.is_set("tokenize_chinese_chars", true),
                "strip_accents": settings.value("strip_accents").as_bool(),
                "lowercase": settings.is_set("do_lower_case", true),
            }),
            pre_tokenizer: json!({"type": "BertPreTokenizer"}),
            decoder: json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
            size: size(&path, ids.len())?,
            ids,
            added: Vec::new(),
            vocabulary_path: path,
        })
    }

    fn unigram(self, folder: &Path, settings: &Settings) -> Result<Parts, Error> {
        let path = require(folder, &SENTENCE_PIECE)?;
        let model = SentencePiece::parse(&read(&path)?).map_err(|problem| match problem {
            Problem::Damaged => unusable(&path, "it is no sentencepiece model, or was cut short"),
            Problem::NotUnigram(kind) => Error::OtherTokenizer {
                path: path.clone(),
                reason: format!("it is a sentencepiece model of the type {kind}"),
            },
        })?;
        let (vocabulary, unknown) = self.vocabulary(&model);
        if unknown >= vocabulary.len() {
            return Err(unusable(
                &path,
                "it has no piece for unknown characters (`unk_id`)",
            ));
        }
        let names = vocabulary.iter().map(|(piece, _)| piece.clone());
        let is_added = |kind: Kind| matches!(kind, Kind::Control | Kind::UserDefined);
        let added = model.pieces.iter().filter(|piece| is_added(piece.kind));
        let added = added.map(|piece| {
            AddedToken::from(piece.text.as_str(), piece.kind == Kind::Control).normalized(false)
        });
        let metaspace =
            json!({"type": "Metaspace", "replacement": MARK, "prepend_scheme": "always", "split": true});
        Ok(Parts {
            normalizer: json!({"type": "Sequence", "normalizers": self.normalizers(settings, &model)}),
            pre_tokenizer: match self {
                Self::Albert => {
                    json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]})
                }
                Self::DebertaV2 if settings.is_set("split_by_punct", false) => {
                    let punctuation = json!({"type": "Punctuation", "behavior": "Isolated"});
                    json!({"type": "Sequence", "pretokenizers": [punctuation, metaspace]})
                }
                _ => metaspace.clone(),
            },
            decoder: metaspace.clone(),
            ids: names.zip(0..).collect(),
            size: size(&path, vocabulary.len())?,
            added: added.collect(),
            model: json!({
                "type": "Unigram", "unk_id": unknown, "vocab": vocabulary, "byte_fallback": false,
            }),
            vocabulary_path: path,
        })
    }

    /// The pieces with their scores, in the order of the model's ids, and the id of unknown characters.
    fn vocabulary(self, model: &SentencePiece) -> (Vec<(String, f64)>, usize) {
        let pieces = |from: usize| {
            let pieces = model.pieces.iter().skip(from);
            pieces.map(|piece| (piece.text.clone(), f64::from(piece.score)))
        };
        // These two number the special tokens as fairseq does, before the pieces, and `<mask>` behind them.
        let fairseq = |special: &[(&str, f64)], from: usize| {
            let special = special.iter().map(|(name, score)| ((*name).to_owned(), *score));
            let mask = [("<mask>".to_owned(), 0.0)];
            (special.chain(pieces(from)).chain(mask).collect(), 3)
        };
        match self {
            Self::XlmRoberta => {
                let special = ["<s>", "<pad>", "</s>", "<unk>"].map(|name| (name, 0.0));
                fairseq(&special, 3)
            }
            Self::Camembert => {
                let special = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"].map(|name| (name, 0.0));
                let [a, b, c, d] = special;
                fairseq(&[a, b, c, d, ("<unk>NOTUSED", -100.0)], 1)
            }
            Self::Albert => {
                let scored = pieces(0).map(|(piece, score)| {
                    let lost = if ends_in_number_and_comma(&piece) {
                        NUMBER_AND_COMMA
                    } else {
                        0.0
                    };
                    (piece, score - lost)
                });
                (scored.collect(), model.unknown)
            }
            _ => (pieces(0).collect(), model.unknown),
        }
    }

    fn normalizers(self, settings: &Settings, model: &SentencePiece) -> Vec<Value> {
        let replace =
            |what: &str, by: &str| json!({"type": "Replace", "pattern": {"String": what}, "content": by});
        let spaces = |by: &str| json!({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": by});
        let strip = |left: bool| json!({"type": "Strip", "strip_left": left, "strip_right": true});
        let lower_case = || json!({"type": "Lowercase"});
        let precompiled = model
            .charsmap
            .as_deref()
            .map(|map| json!({"type": "Precompiled", "precompiled_charsmap": map}));
        let mut steps = Vec::new();
        match self {
            Self::Albert => {
                steps.extend([replace("``", "\""), replace("''", "\"")]);
                if !settings.is_set("keep_accents", false) {
                    steps.extend([json!({"type": "NFKD"}), json!({"type": "StripAccents"})]);
                }
                if settings.is_set("do_lower_case", true) {
                    steps.push(lower_case());
                }
                steps.extend(precompiled);
                steps.push(spaces(" "));
            }
            Self::DebertaV2 => {
                if settings.is_set("do_lower_case", false) {
                    steps.push(lower_case());
                }
                steps.push(strip(true));
                steps.extend(precompiled);
                steps.push(spaces(" "));
            }
            _ => {
                steps.extend(precompiled);
                steps.extend([strip(false), spaces(MARK)]);
            }
        }
        steps
    }
}

/// Whether a piece ends in a digit with a comma.
fn ends_in_number_and_comma(piece: &str) -> bool {
    let before = piece.strip_suffix(',').and_then(|rest| rest.chars().next_back());
    before.is_some_and(char::is_numeric)
}

/// Reads `vocab.json` and `merges.txt`.
fn byte_pairs(folder: &Path, settings: &Settings) -> Result<Parts, Error> {
    let path = require(folder, &["vocab.json"])?;
    let merges_path = require(folder, &["merges.txt"])?;
    let ids: BTreeMap<String, u32> =
        serde_json::from_slice(&read(&path)?).map_err(|error| unusable(&path, error.to_string()))?;
    let text = read_text(&merges_path)?;
    let mut merges = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("#version") || line.is_empty() {
            continue;
        }
        let Some((left, right)) = line.split_once(' ').filter(|(_, right)| !right.contains(' ')) else {
            return Err(unusable(
                &merges_path,
                format!("line {number} has not two tokens"),
            ));
        };
        merges.push([left, right]);
    }
    let vocabulary: Map<String, Value> = ids.iter().map(|(token, id)| (token.clone(), json!(id))).collect();
    Ok(Parts {
        model: json!({
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": merges,
        }),
        normalizer: Value::Null,
        pre_tokenizer: json!({
            "type": "ByteLevel", "add_prefix_space": settings.is_set("add_prefix_space", false),
            "trim_offsets": true, "use_regex": true,
        }),
        decoder: json!({
            "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true,
        }),
        size: size(&path, ids.len())?,
        ids,
        added: Vec::new(),
        vocabulary_path: path,
    })
}

/// The first of these files that the folder has.
fn require(folder: &Path, files: &[&str]) -> Result<PathBuf, Error> {
    let paths = files.iter().map(|file| folder.join(file));
    paths
        .clone()
        .find(|path| path.is_file())
        .ok_or_else(|| Error::NoVocabulary {
            folder: folder.to_path_buf(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
        })
}

fn size(path: &Path, entries: usize) -> Result<u32, Error> {
    u32::try_from(entries).map_err(|error| unusable(path, error.to_string()))
}
