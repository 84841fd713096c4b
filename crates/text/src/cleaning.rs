//! The cleaning steps that `pipeline.yaml` lists under `clean`.
//!
//! Responsible for what the steps are called, how they are written, and what each does to one text. The list
//! is stored in the model bundle and applied by the same code at prediction, so a step's meaning must never
//! depend on the other texts. Not responsible for what comes after: model tokens ([`crate::tokenizer`]) and
//! the comparison of texts ([`crate::duplicates`]), which has its own normal form.
//!
//! The order matters: steps run as listed. `lowercase` after `unicode` also lowers letters that only
//! composition makes; `html` before `whitespace` lets the latter squeeze what tags leave behind; `unicode`
//! after `html` also composes what was written as character references. Each step changes nothing when it is
//! applied a second time in a row.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

use crate::error::Error;
use crate::html;
use crate::key::squeeze;
use crate::terms::{is_apostrophe, word_ranges};

/// One cleaning step.
///
/// Written in YAML and JSON as its name (`html`) or as one key with a value (`unicode: nfkc`). The two serde
/// implementations are by hand: derived ones would ask for a YAML tag (`!unicode nfkc`).
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Step {
    /// Brings characters that can be written in several ways into one form.
    Unicode(UnicodeForm),
    /// Takes out HTML: tags, scripts, styles and comments go, character references are decoded, and those
    /// that lost their ampersand (`#39;`) are repaired.
    Html,
    /// Lower case, by the rules of Unicode.
    Lowercase,
    /// Every run of white space becomes one space; none is left at the two ends.
    Whitespace,
    /// Removes words.
    StopWords(StopWords),
}

/// A normal form of Unicode Standard Annex 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnicodeForm {
    /// Canonical composition: `e` and an accent become `é`.
    Nfc,
    /// Compatibility composition: also `ﬁ` becomes `fi` and `①` becomes `1`.
    Nfkc,
}

/// Which words the step `stop_words` removes.
///
/// A word is what [`crate::terms::words`] says; letter case and the form of the apostrophe do not matter.
/// White space next to a removed word goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopWords {
    /// The list to start from.
    pub language: Language,
    /// Words to remove besides, such as `service` where every text has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Words of the list to leave in, such as `not`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
}

/// A language with a list of stop words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// No list: only the words that are added.
    None,
    /// The English list of NLTK.
    English,
}

const STEP_NAMES: &[&str] = &["unicode", "html", "lowercase", "whitespace", "stop_words"];

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn entry<S: Serializer, V: Serialize>(
            serializer: S,
            key: &str,
            value: &V,
        ) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(key, value)?;
            map.end()
        }
        match self {
            Self::Unicode(form) => entry(serializer, "unicode", form),
            Self::Html => serializer.serialize_str("html"),
            Self::Lowercase => serializer.serialize_str("lowercase"),
            Self::Whitespace => serializer.serialize_str("whitespace"),
            Self::StopWords(settings) => entry(serializer, "stop_words", settings),
        }
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a cleaning step, one of `{}`", STEP_NAMES.join("`, `"))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Step, E> {
        match name {
            "html" => Ok(Step::Html),
            "lowercase" => Ok(Step::Lowercase),
            "whitespace" => Ok(Step::Whitespace),
            "unicode" => Err(E::custom(
                "step `unicode` needs a form: write `unicode: nfkc` or `unicode: nfc`",
            )),
            "stop_words" => Err(E::custom(
                "step `stop_words` needs a language: write `stop_words: { language: english }`",
            )),
            other => Err(E::unknown_variant(other, STEP_NAMES)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        let step = match name.as_str() {
            "unicode" => Step::Unicode(map.next_value()?),
            "stop_words" => Step::StopWords(map.next_value()?),
            "html" | "lowercase" | "whitespace" => {
                return Err(de::Error::custom(format_args!(
                    "step `{name}` has no settings: write `{name}` alone"
                )));
            }
            other => return Err(de::Error::unknown_variant(other, STEP_NAMES)),
        };
        if let Some(second) = map.next_key::<String>()? {
            return Err(de::Error::custom(format_args!(
                "step `{name}` is followed by `{second}` in the same list item: give each step an item of \
                 its own"
            )));
        }
        Ok(step)
    }
}

/// Cleaning steps, ready to run.
///
/// ```
/// use labelproof_text::cleaning::{Cleaner, Step};
///
/// let cleaner = Cleaner::new(&[Step::Html, Step::Lowercase, Step::Whitespace])?;
/// assert_eq!(cleaner.clean("<p>Fire &amp; Water</p> "), "fire & water");
/// # Ok::<(), labelproof_text::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cleaner {
    steps: Vec<CompiledStep>,
}

#[derive(Debug, Clone)]
enum CompiledStep {
    Unicode(UnicodeForm),
    Html,
    Lowercase,
    Whitespace,
    /// The words in the form that [`stop_word_form`] gives.
    StopWords(BTreeSet<String>),
}

impl Cleaner {
    /// Checks and prepares `steps`; an empty list leaves texts as they are.
    pub fn new(steps: &[Step]) -> Result<Self, Error> {
        let compile = |step: &Step| {
            Ok(match step {
                Step::Unicode(form) => CompiledStep::Unicode(*form),
                Step::Html => CompiledStep::Html,
                Step::Lowercase => CompiledStep::Lowercase,
                Step::Whitespace => CompiledStep::Whitespace,
                Step::StopWords(settings) => CompiledStep::StopWords(settings.words()?),
            })
        };
        Ok(Self {
            steps: steps.iter().map(compile).collect::<Result<_, Error>>()?,
        })
    }

    /// `text` after all steps, borrowed where none changes it.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut cleaned = Cow::Borrowed(text);
        for step in &self.steps {
            if let Some(changed) = step.apply(&cleaned) {
                cleaned = Cow::Owned(changed);
            }
        }
        cleaned
    }
}

impl CompiledStep {
    /// The changed text, or `None` if the step changes nothing.
    fn apply(&self, text: &str) -> Option<String> {
        match self {
            Self::Unicode(UnicodeForm::Nfc) => {
                (is_nfc_quick(text.chars()) != IsNormalized::Yes).then(|| text.nfc().collect())
            }
            Self::Unicode(UnicodeForm::Nfkc) => {
                (is_nfkc_quick(text.chars()) != IsNormalized::Yes).then(|| text.nfkc().collect())
            }
            Self::Html => html::plain_text(text),
            Self::Lowercase => text.chars().any(lowers).then(|| text.to_lowercase()),
            Self::Whitespace => (!is_squeezed(text)).then(|| squeeze(text.chars(), text.len())),
            Self::StopWords(words) => remove_words(text, words),
        }
    }
}

fn lowers(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_uppercase();
    }
    let mut lowered = character.to_lowercase();
    lowered.next() != Some(character) || lowered.next().is_some()
}

fn is_squeezed(text: &str) -> bool {
    // The beginning counts as a space, so that none may follow it.
    let mut after_space = true;
    for character in text.chars() {
        if character.is_whitespace() && (after_space || character != ' ') {
            return false;
        }
        after_space = character == ' ';
    }
    text.is_empty() || !after_space
}

impl StopWords {
    /// The words to remove, in the form that [`stop_word_form`] gives.
    fn words(&self) -> Result<BTreeSet<String>, Error> {
        let added = single_words("add", &self.add)?;
        let kept = single_words("keep", &self.keep)?;
        if let Some((entry, _)) = self.add.iter().zip(&added).find(|(_, word)| kept.contains(word)) {
            return Err(Error::StopWordAddedAndKept { entry: entry.clone() });
        }
        let mut words = match self.language {
            Language::None => BTreeSet::new(),
            Language::English => listed("en")?,
        };
        words.extend(added);
        words.retain(|word| !kept.contains(word));
        Ok(words)
    }
}

/// The English stop words, in lower case.
pub fn english_stop_words() -> Result<BTreeSet<String>, Error> {
    listed("en")
}

/// The stop words of a language.
fn listed(code: &'static str) -> Result<BTreeSet<String>, Error> {
    let list = stop_words::lookup(code).ok_or(Error::NoStopWords { language: code })?;
    Ok(list.iter().map(|word| stop_word_form(word)).collect())
}

/// The entries in the form that [`stop_word_form`] gives, in their order.
fn single_words(list: &'static str, entries: &[String]) -> Result<Vec<String>, Error> {
    let single_word = |entry: &String| {
        if word_ranges(entry).next() == Some(0..entry.len()) {
            Ok(stop_word_form(entry))
        } else {
            Err(Error::StopWordIsNotAWord {
                list,
                entry: entry.clone(),
            })
        }
    };
    entries.iter().map(single_word).collect()
}

/// A word as stop words are compared.
fn stop_word_form(word: &str) -> String {
    word.to_lowercase().replace(is_apostrophe, "'")
}

fn remove_words(text: &str, words: &BTreeSet<String>) -> Option<String> {
    let mut removed = word_ranges(text)
        .filter(|range| words.contains(&stop_word_form(&text[range.clone()])))
        .peekable();
    removed.peek()?;
    let mut kept = String::with_capacity(text.len());
    let mut position = 0;
    for range in removed {
        let between = &text[position..range.start];
        if position == 0 {
            kept.push_str(between);
        } else {
            push_after_removal(&mut kept, between);
        }
        position = range.end;
    }
    push_after_removal(&mut kept, &text[position..]);
    // What stood before a removed last word would now end the text.
    if text[position..].trim_start().is_empty() {
        kept.truncate(kept.trim_end().len());
    }
    Some(kept)
}

/// Appends the text between two removed words, without making a second space where the word was.
fn push_after_removal(kept: &mut String, between: &str) {
    if kept.is_empty() || kept.ends_with(char::is_whitespace) {
        kept.push_str(between.trim_start());
    } else {
        kept.push_str(between);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WRITTEN: &str = "- unicode: nfkc
- html
- lowercase
- whitespace
- stop_words:
    language: \
                           english
    add:
    - service
    - contract
    keep:
    - not
    - no
";

    fn stop_words(add: &[&str], keep: &[&str]) -> Step {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Step::StopWords(StopWords {
            language: Language::English,
            add: owned(add),
            keep: owned(keep),
        })
    }

    fn all_steps() -> Vec<Step> {
        vec![
            Step::Unicode(UnicodeForm::Nfkc),
            Step::Html,
            Step::Lowercase,
            Step::Whitespace,
            stop_words(&["service", "contract"], &["not", "no"]),
        ]
    }

    #[track_caller]
    fn check(steps: &[Step], text: &str, expected: &str) {
        let cleaner = Cleaner::new(steps).expect("the steps are valid");
        assert_eq!(cleaner.clean(text), expected, "`{text}` cleaned by {steps:?}");
    }

    #[track_caller]
    fn check_yaml_error(yaml: &str, expected: &str) {
        let error = serde_yaml::from_str::<Vec<Step>>(yaml)
            .expect_err("the step is wrong")
            .to_string();
        assert!(error.contains(expected), "`{error}` should contain `{expected}`");
    }

    #[test]
    fn steps_are_written_alike_in_yaml_and_json() {
        let steps: Vec<Step> = serde_yaml::from_str(WRITTEN).expect("YAML as documented");
        assert_eq!(steps, all_steps());
        assert_eq!(
            serde_yaml::to_string(&steps).expect("steps have no odd keys"),
            WRITTEN
        );
        let json = serde_json::to_string(&steps).expect("steps have no odd keys");
        assert_eq!(
            json,
            "[{\"unicode\":\"nfkc\"},\"html\",\"lowercase\",\"whitespace\",{\"stop_words\":{\"language\":\"english\",\"add\":[\"service\",\"contract\"],\"keep\":[\"not\",\"no\"]}}]"
        );
        assert_eq!(
            serde_json::from_str::<Vec<Step>>(&json).expect("its own output"),
            steps
        );
        let flow = "[unicode: nfc, stop_words: { language: english }]";
        assert_eq!(
            serde_yaml::from_str::<Vec<Step>>(flow).expect("YAML in flow style"),
            [Step::Unicode(UnicodeForm::Nfc), stop_words(&[], &[])]
        );
    }

    #[test]
    fn wrong_steps_are_explained() {
        check_yaml_error(
            "- htm",
            "unknown variant `htm`, expected one of `unicode`, `html`",
        );
        check_yaml_error(
            "- htm: 1",
            "unknown variant `htm`, expected one of `unicode`, `html`",
        );
        check_yaml_error("- unicode", "write `unicode: nfkc` or `unicode: nfc`");
        check_yaml_error(
            "- unicode: nfd",
            "unknown variant `nfd`, expected `nfc` or `nfkc`",
        );
        check_yaml_error("- stop_words", "write `stop_words: { language: english }`");
        check_yaml_error("- stop_words: { language: latin }", "unknown variant `latin`");
        check_yaml_error(
            "- stop_words: { language: english, ad: [x] }",
            "unknown field `ad`",
        );
        check_yaml_error("- html: true", "step `html` has no settings");
        check_yaml_error("- { unicode: nfc, html: }", "followed by `html`");
        check_yaml_error("- 3", "one of `unicode`, `html`");
    }

    #[test]
    fn schema_matches_the_written_form() {
        let schema = serde_json::to_string(&schemars::schema_for!(Vec<Step>)).expect("schemas are JSON");
        for part in [
            "\"const\":\"html\"",
            "\"required\":[\"stop_words\"]",
            "\"unicode\"",
            "\"nfkc\"",
            "\"english\"",
        ] {
            assert!(schema.contains(part), "{part} in {schema}");
        }
    }

    #[test]
    fn steps_do_what_they_say() {
        check(&[], " As  is\n", " As  is\n");
        check(&[Step::Unicode(UnicodeForm::Nfc)], "e\u{301} ﬁ", "é ﬁ");
        check(&[Step::Unicode(UnicodeForm::Nfkc)], "e\u{301} ﬁ", "é fi");
        check(&[Step::Lowercase], "ÀB ΑΣ", "àb ας");
        check(&[Step::Whitespace], "\u{a0}a \t\nb ", "a b");
        check(
            &all_steps(),
            "<p>The CONTRACT is for</p> <b>not</b> cleaning&nbsp;services",
            "not cleaning services",
        );
    }

    #[test]
    fn an_unchanged_text_is_borrowed() {
        let cleaner = Cleaner::new(&all_steps()).expect("the steps are valid");
        assert!(matches!(cleaner.clean("nothing wrong, 5 > 4"), Cow::Borrowed(_)));
    }

    #[test]
    fn stop_words_leave_clean_gaps() {
        let steps = [stop_words(&["Council's"], &["NOT"])];
        check(&steps, "The cat and the dog", "cat dog");
        check(&steps, "cat, and dog", "cat, dog");
        check(&steps, "it is not (the) end of", "not () end");
        check(&steps, "Don’t, don't DON'T stop", ", stop");
        check(&steps, "council’s Council", "Council");
        check(&steps, "line one\nand line two the\n", "line one\nline two");
        check(&steps, "the", "");
        check(&steps, "theme of atheism", "theme atheism");
        check(&steps, "  kept  as\n", "  kept");
    }

    #[test]
    fn entries_that_cannot_match_are_refused() {
        for entry in ["two words", "", "c++", " x"] {
            let error = Cleaner::new(&[stop_words(&[entry], &[])]).expect_err("not a word");
            assert!(
                error
                    .to_string()
                    .contains(&format!("`stop_words.add` has the entry `{entry}`")),
                "{error}"
            );
        }
        let error = Cleaner::new(&[stop_words(&["No"], &["no"])]).expect_err("both added and kept");
        assert!(
            error.to_string().contains("`No` both in `add` and in `keep`"),
            "{error}"
        );
    }

    #[test]
    fn cleaners_go_to_other_threads() {
        fn check<T: Send + Sync>() {}
        check::<Cleaner>();
    }

    fn wordy() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "the", "a", "don't", "cat", "İ", "Σ", " ", "  ", "\n", "'", "’", ",", "-", "\u{301}", "ﬁ", "É",
            "<p>", "&amp;",
        ]);
        prop::collection::vec(pieces, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn every_step_is_idempotent(text in prop_oneof![any::<String>(), wordy()]) {
            for step in all_steps() {
                let cleaner = Cleaner::new(std::slice::from_ref(&step)).expect("the step is valid");
                let once = cleaner.clean(&text).into_owned();
                prop_assert_eq!(cleaner.clean(&once), once.as_str(), "step {:?}", step);
            }
        }
    }
}
