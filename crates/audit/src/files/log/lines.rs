//! A line of console output as names with values: `Epoch 3 | train loss 0.53, val acc 83.2%`.
//!
//! Knows how people and frameworks punctuate, and nothing of what the names mean but where one ends.

use super::course::{Written, of_percent, whole};
use super::keys::{Key, key, split_word};
use super::number::{is_wrapper, plain};
use labelproof_artifact::Split;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Line {
    /// The number of the epoch that it names.
    pub(super) epoch: Option<f64>,
    /// Names with their values.
    pub(super) pairs: Vec<Pair>,
    /// So many of so many steps or rows, as a progress bar has it.
    pub(super) progress: Option<(u64, u64)>,
}

/// A name with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    /// The name, with the split that the line named before.
    pub(super) name: String,
    pub(super) value: Written,
    /// The rows, where the value was written as hits of them.
    pub(super) rows: Option<u64>,
    /// Whether the name is one word with a colon or an equals sign after it, so that it is worth telling if it
    /// means nothing.
    pub(super) is_plain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Number {
        value: Written,
        rows: Option<u64>,
        of: Option<(u64, u64)>,
    },
    /// A number with a unit, such as `572s`.
    Quantity,
    /// What joins a name with its value.
    Colon,
    /// What ends a name.
    Break,
    /// What ends a name that says of what the next ones are: `[train]`.
    Closing,
}

/// Words that may stand between a name and its value, or before a name.
const NEUTRAL: [&str; 19] = [
    "is", "was", "of", "at", "reached", "with", "and", "has", "have", "final", "the", "info", "a", "got",
    "current", "model", "a", "after", "end",
];

/// Reads a line.
pub(super) fn scan(line: &str) -> Line {
    if let Some(sentence) = accuracy_on(line) {
        return Line {
            pairs: vec![sentence],
            ..Line::default()
        };
    }
    let mut result = Line::default();
    let mut context: Option<Split> = None;
    let mut name: Vec<&str> = Vec::new();
    let mut has_colon = false;
    let line = match epoch_and_batch(line) {
        Some((epoch, batch, rest)) => {
            result.epoch = Some(epoch as f64);
            result.progress = Some((batch, u64::MAX));
            rest
        }
        None => line,
    };
    let mut tokens = Tokens {
        line,
        before: ' ',
        has_decimal_commas: has_decimal_commas(line),
    };
    // `Epoch: [3][10/500]  Loss 6.9 (7.0)`: the mean stands in brackets.
    let has_means = line.contains("][");
    // So the same script writes the result of the validation.
    if line.trim_start().starts_with("* ") && line.contains("Acc@1") {
        context = Some(Split::Validation);
    }
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => {
                if has_colon {
                    context = split_of(&name).or(context);
                    name.clear();
                    has_colon = false;
                }
                name.push(word);
            }
            Token::Colon => has_colon = true,
            Token::Number { value, rows, of } => {
                let names_epoch = name.last().is_some_and(|last| is_epoch(last));
                if names_epoch {
                    let before = &name[..name.len() - 1];
                    context = split_of(before).or(context);
                    let is_other = before.iter().any(|word| word.eq_ignore_ascii_case("best"));
                    if result.epoch.is_none() && !is_other {
                        result.epoch = of.map_or(Some(value.value()), |(done, _)| Some(done as f64));
                    }
                } else if let Some((found, is_plain)) = find_name(&name, has_colon) {
                    let value = if has_means {
                        tokens.bracketed().unwrap_or(value)
                    } else {
                        value
                    };
                    let is_step = matches!(key(&found), Some(Key::Step));
                    // `train Loss: 0.59 Acc: 0.69`
                    if let Some(Key::Figure {
                        split: Some(split), ..
                    }) = key(&found)
                        && name.len() > 1
                        && name
                            .iter()
                            .any(|word| split_word(&word.to_lowercase()) == Some(split))
                    {
                        context = Some(split);
                    }
                    match of {
                        Some(of) if is_step && result.epoch.is_some() => result.progress = Some(of),
                        _ => result.pairs.push(pair(
                            &found,
                            context,
                            value,
                            rows,
                            is_plain,
                            is_step.then_some(of).flatten(),
                        )),
                    }
                } else if let Some(of) = of {
                    result.progress.get_or_insert(of);
                }
                name.clear();
                has_colon = false;
            }
            Token::Quantity | Token::Break | Token::Closing => {
                context = split_of(&name).or(context);
                // `Epoch [2/10]`
                let waits = matches!(token, Token::Break)
                    && name.last().is_some_and(|last| is_epoch(last) || is_step(last));
                if !waits {
                    name.clear();
                    has_colon = false;
                }
            }
        }
    }
    result
}

/// What a number of rows is called on a line that says of which rows its figures are.
const ROW_COUNTS: [&str; 4] = ["data_num", "num_samples", "num_examples", "samples"];

fn pair(
    name: &str,
    context: Option<Split>,
    value: Written,
    rows: Option<u64>,
    is_plain: bool,
    step: Option<(u64, u64)>,
) -> Pair {
    // `[dev evaluation] ave acc: 0.87, data_num: 175380`
    if ROW_COUNTS.contains(&name)
        && let Some(split) = context
    {
        return Pair {
            name: format!("{}_rows", split.name()),
            value,
            rows,
            is_plain,
        };
    }
    let is_bare = matches!(key(name), Some(Key::Figure { split: None, .. }));
    let split = context.filter(|_| is_bare).map(|split| match split {
        Split::Train => "train ",
        Split::Validation => "val ",
        Split::Test => "test ",
    });
    Pair {
        name: format!("{}{name}", split.unwrap_or_default()),
        value: step.map_or(value, |(done, _)| Written::Number(done as f64)),
        rows,
        is_plain,
    }
}

fn is_epoch(word: &str) -> bool {
    let word = word.trim_end_matches('#');
    word.eq_ignore_ascii_case("epoch") || word.eq_ignore_ascii_case("ep")
}

fn is_step(word: &str) -> bool {
    ["step", "batch", "iter", "iteration"]
        .iter()
        .any(|step| word.eq_ignore_ascii_case(step))
}

/// The name of a figure or count at the end of some words, and whether it is one word before a colon.
fn find_name(words: &[&str], has_colon: bool) -> Option<(String, bool)> {
    let is_neutral = |word: &&str| NEUTRAL.iter().any(|neutral| word.eq_ignore_ascii_case(neutral));
    let end = words.iter().rposition(|word| !is_neutral(word))? + 1;
    let words = &words[..end];
    for start in 0..words.len() {
        let candidate = words[start..].join(" ");
        if key(&candidate).is_some() {
            let is_after_neutral = start == 0 || is_neutral(&words[start - 1]);
            return is_after_neutral.then_some((candidate, has_colon && words.len() - start == 1));
        }
    }
    match words {
        [word] if has_colon => Some(((*word).to_owned(), true)),
        _ => None,
    }
}

/// The split that some words name, if they name nothing else: `Test set`, `Validation results`.
pub(super) fn split_of(words: &[&str]) -> Option<Split> {
    const BESIDE: [&str; 17] = [
        "set",
        "results",
        "result",
        "data",
        "phase",
        "metrics",
        "on",
        "the",
        "final",
        "info",
        "epoch",
        "dataset",
        "split",
        "subset",
        "running",
        "performance",
        "at",
    ];
    let mut split = None;
    for word in words {
        let word = word.to_lowercase();
        let word = word.trim_matches('.');
        match split_word(word) {
            Some(found) => split = Some(found),
            None if BESIDE.contains(&word) => {}
            None => return None,
        }
    }
    split
}

struct Tokens<'a> {
    line: &'a str,
    before: char,
    has_decimal_commas: bool,
}

impl<'a> Tokens<'a> {
    /// A number in round brackets that comes next.
    fn bracketed(&mut self) -> Option<Written> {
        let inside = self.line.trim_start().strip_prefix('(')?;
        let (inside, rest) = inside.split_once(')')?;
        let value = plain(inside.trim())?;
        self.line = rest;
        Some(Written::Number(value))
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.line.split_at(bytes);
        self.before = taken.chars().next_back().unwrap_or(' ');
        self.line = rest;
        taken
    }

    fn word(&mut self) -> Token<'a> {
        let is_of_word = |character: char| character.is_alphanumeric() || "_/@-.#".contains(character);
        let end = self
            .line
            .find(|character| !is_of_word(character))
            .unwrap_or(self.line.len());
        let word = self.line[..end].trim_end_matches(['.', '-', '/']);
        let word = self.take(word.len().max(1));
        if self.line.starts_with('(') && is_wrapper(word) {
            // `tensor(0.5)` is the number within.
            self.take(1);
            let number = self.number();
            let end = self.line.find(')').map_or(0, |end| end + 1);
            self.take(end);
            return number.unwrap_or(Token::Break);
        }
        match plain(word) {
            Some(value) if !value.is_finite() => number(value),
            _ => Token::Word(word),
        }
    }

    /// A number that comes next, with its sign for per cent, or as hits of rows.
    fn number(&mut self) -> Option<Token<'a>> {
        let bytes = self.line.as_bytes();
        let digits = |from: usize| {
            bytes[from..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
        let mut end = sign + digits(sign);
        let whole_end = end;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
        }
        if end == sign {
            // `-inf`
            let word = self.line[sign..]
                .split(|character: char| !character.is_alphabetic())
                .next()?;
            let value = plain(&self.line[..sign + word.len()]).filter(|value| !value.is_finite())?;
            self.take(sign + word.len());
            return Some(number(value));
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
            let exponent = digits(end + 1 + sign);
            end += if exponent > 0 { 1 + sign + exponent } else { 0 };
        }
        if end == whole_end && bytes.get(end) == Some(&b',') && digits(end + 1) > 0 {
            while bytes.get(end) == Some(&b',') && digits(end + 1) > 0 {
                end += 1 + digits(end + 1);
            }
            let text = self.take(end);
            // Beside `0,52` it is `1,234` that is ambiguous alone.
            let pointed = text.replacen(',', ".", 1);
            let value = match (self.has_decimal_commas, pointed.parse()) {
                (true, Ok(value)) => Some(value),
                _ => plain(text),
            };
            return Some(value.map_or(Token::Quantity, number));
        }
        let text = &self.line[..end];
        let of = self
            .whole_after_slash(end)
            .filter(|_| end == whole_end && sign == 0);
        let of = of.map(|(all, after)| (text.parse::<u64>().ok(), Some(all), after));
        if let Some((Some(part), Some(all), after)) = of {
            self.take(after);
            let is_share = all > 0 && part <= all;
            return Some(Token::Number {
                value: if is_share {
                    Written::Share(part as f64 / all as f64)
                } else {
                    Written::Number(f64::NAN)
                },
                rows: Some(all).filter(|_| is_share),
                of: Some((part, all)),
            });
        }
        let value = text.parse::<f64>().ok()?;
        self.take(end);
        let after = self.line.trim_start_matches(' ');
        if let Some(rest) = after.strip_prefix('%') {
            // `100%|████| 938/938` is a progress bar.
            self.take(self.line.len() - rest.len());
            return Some(if rest.starts_with('|') {
                Token::Quantity
            } else {
                Token::Number {
                    value: Written::Share(of_percent(value)),
                    rows: None,
                    of: None,
                }
            });
        }
        if self
            .line
            .starts_with(|next: char| next.is_alphanumeric() || "_:<".contains(next))
        {
            let is_of_unit = |character: char| character.is_alphanumeric() || "_/.:<".contains(character);
            let is_key = self
                .line
                .strip_prefix(':')
                .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()));
            if !is_key {
                let end = self
                    .line
                    .find(|character| !is_of_unit(character))
                    .unwrap_or(self.line.len());
                self.take(end);
                return Some(Token::Quantity);
            }
        }
        Some(number(value))
    }

    /// A whole number after a slash, which may have a blank on either side, and where it ends.
    fn whole_after_slash(&self, end: usize) -> Option<(u64, usize)> {
        let after = self.line[end..]
            .trim_start_matches(' ')
            .strip_prefix('/')?
            .trim_start_matches(' ');
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let is_whole = !after[digits..].starts_with('.');
        let all = after[..digits].parse().ok().filter(|_| is_whole)?;
        Some((all, self.line.len() - after.len() + digits))
    }

    /// Whether a number may begin with these characters; a sign after a letter is a hyphen.
    fn may_be_number(&self, first: char, second: Option<char>) -> bool {
        let is_digit = second.is_some_and(|next| next.is_ascii_digit());
        let word = self.line.get(1..4).unwrap_or_default();
        match first {
            '.' => is_digit,
            '-' if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan") => true,
            '+' | '-' => !self.before.is_alphanumeric() && (is_digit || second == Some('.')),
            first => first.is_ascii_digit(),
        }
    }

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let mut characters = self.line.chars();
            let first = characters.next()?;
            let second = characters.next();
            if self.may_be_number(first, second)
                && let Some(token) = self.number()
            {
                return Some(token);
            }
            if first.is_alphabetic() || first == '_' {
                return Some(self.word());
            }
            let before = self.before;
            self.take(first.len_utf8());
            match first {
                ':' | '=' => return Some(Token::Colon),
                '>' if before == '-' || before == '=' => return Some(Token::Colon),
                ',' | ';' | '|' | '\t' | '[' | '{' | '}' => return Some(Token::Break),
                ']' => return Some(Token::Closing),
                '-' | '–' | '—' if before == ' ' && matches!(second, None | Some(' ')) => {
                    return Some(Token::Break);
                }
                _ => {}
            }
        }
    }
}

/// `[1,  2000] loss: 2.199`, as a tutorial of PyTorch has it.
fn epoch_and_batch(line: &str) -> Option<(u64, u64, &str)> {
    let (inside, rest) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    let (epoch, batch) = inside.split_once(',')?;
    Some((epoch.trim().parse().ok()?, batch.trim().parse().ok()?, rest))
}

/// `Accuracy of the network on the 10000 test images: 55 %`, as a tutorial of PyTorch has it.
fn accuracy_on(line: &str) -> Option<Pair> {
    let (words, rest) = line.split_once(':').or_else(|| line.split_once(" is "))?;
    let words: Vec<&str> = words.split_whitespace().collect();
    let on = words.iter().position(|word| word.eq_ignore_ascii_case("on"))?;
    let (what, rows) = words.split_at(on);
    if !what.iter().any(|word| word.eq_ignore_ascii_case("accuracy")) {
        return None;
    }
    let split = rows.iter().find_map(|word| split_word(&word.to_lowercase()))?;
    let mut tokens = Tokens {
        line: rest,
        before: ' ',
        has_decimal_commas: has_decimal_commas(rest),
    };
    let Some(Token::Number { value, .. }) = tokens.next() else {
        return None;
    };
    Some(Pair {
        rows: rows.iter().find_map(|word| plain(word)).and_then(whole),
        ..pair("accuracy", Some(split), value, None, false, None)
    })
}

/// Whether a line has a number such as `0,52`, with whose comma no thousands can be meant.
fn has_decimal_commas(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.windows(3).enumerate().any(|(place, window)| {
        let is_start = place == 0 || !bytes[place - 1].is_ascii_alphanumeric() && bytes[place - 1] != b'.';
        is_start && window.starts_with(b"0,") && window[2].is_ascii_digit()
    })
}

fn number<'a>(value: f64) -> Token<'a> {
    Token::Number {
        value: Written::Number(value),
        rows: None,
        of: None,
    }
}

/// Training and validation rows of a line such as `Train on 11314 samples, validate on 7532 samples`.
pub(super) fn sample_counts(line: &str) -> Option<(u64, Option<u64>)> {
    let lower = line.trim().to_lowercase();
    let rest = lower
        .strip_prefix("train on ")
        .or(lower.strip_prefix("training on "))?;
    let count = |text: &str| {
        let (number, rest) = text.split_once(' ')?;
        let is_of_rows = ["samples", "examples", "rows"]
            .iter()
            .any(|rows| rest.starts_with(rows));
        plain(number).and_then(whole).filter(|_| is_of_rows)
    };
    let validation = ["validate on ", "validating on "]
        .iter()
        .find_map(|words| rest.split_once(words));
    Some((count(rest)?, validation.and_then(|(_, rest)| count(rest))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, epoch: Option<f64>, pairs: &[(&str, f64)]) {
        let scanned = scan(line);
        assert_eq!(scanned.epoch, epoch, "{line}");
        let found: Vec<(String, f64)> = scanned
            .pairs
            .iter()
            .filter(|pair| key(&pair.name).is_some_and(|key| key != Key::Bookkeeping))
            .map(|pair| (pair.name.clone(), pair.value.value()))
            .collect();
        let expected: Vec<(String, f64)> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        // NaN is not equal to itself, and its text is.
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{line}");
    }

    #[test]
    fn a_comma_is_of_a_decimal_where_no_thousands_can_be_meant() {
        check(
            "Epoch 1: loss: 1,234 - acc: 0,81",
            Some(1.0),
            &[("loss", 1.234), ("acc", 0.81)],
        );
        check("[2,  4000] loss: 1.855", Some(2.0), &[("loss", 1.855)]);
        check("loss: 0.5, acc: 0.81", None, &[("loss", 0.5), ("acc", 0.81)]);
        check(
            "train_rows: 25,000 loss: 0.5",
            None,
            &[("train_rows", 25000.0), ("loss", 0.5)],
        );
    }

    #[test]
    fn lines_of_many_styles_are_names_with_values() {
        check(
            " - 572s - loss: 1.6000 - acc: 0.5200 - val_loss: 1.2500 - val_acc: 0.6000",
            None,
            &[("loss", 1.6), ("acc", 0.52), ("val_loss", 1.25), ("val_acc", 0.6)],
        );
        check(
            "1875/1875 ━━━━━━━━━━━━━━━━━━━━ 3s 2ms/step - accuracy: 0.9 - loss: 0.5",
            None,
            &[("accuracy", 0.9), ("loss", 0.5)],
        );
        check(
            "60000/60000 [==============================] - 3s 55us/sample - loss: 8.2e-01 - acc: 0.9",
            None,
            &[("loss", 0.82), ("acc", 0.9)],
        );
        check(
            "Epoch 3 | train loss 0.53, val acc 83.2%",
            Some(3.0),
            &[("train loss", 0.53), ("val acc", 0.832)],
        );
        check(
            "[Epoch 2/10] Loss: 0.5 Acc: 0.8",
            Some(2.0),
            &[("Loss", 0.5), ("Acc", 0.8)],
        );
        check(
            "Epoch [2/10], Step [100/600], Loss: 0.5321",
            Some(2.0),
            &[("Loss", 0.5321)],
        );
        check(
            "Test set: Average loss: 0.0481, Accuracy: 9843/10000 (98%)",
            None,
            &[("test Average loss", 0.0481), ("test Accuracy", 0.9843)],
        );
        check(
            "Accuracy of the network on the 10000 test images: 55 %",
            None,
            &[("test accuracy", 0.55)],
        );
        check(
            "Accuracy on the validation set is 0.912",
            None,
            &[("val accuracy", 0.912)],
        );
        check("Accuracy for class: plane is 54.6 %", None, &[]);
        check(
            "Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.135798",
            Some(1.0),
            &[("train Loss", 2.135_798)],
        );
        check(
            "2024-01-02 12:33:44,123 - INFO - trainer - Epoch 3: train_loss=0.5, val_loss=nan",
            Some(3.0),
            &[("train_loss", 0.5), ("val_loss", f64::NAN)],
        );
    }
}
