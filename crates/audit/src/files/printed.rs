//! Values as Python, NumPy, PyTorch and JSON print them: `array([0.1, 0.9])`, `{'label': 'a', 'score': 0.9}`.
//!
//! What a value means is not decided here, apart from the two shapes in which classes stand beside their
//! scores.

/// A printed value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Printed {
    Number(f64),
    Text(String),
    List(Vec<Printed>),
    Map(Vec<(String, Printed)>),
    /// `None`, `null`, or a call without a value.
    Nothing,
    /// What NumPy leaves out of a long list.
    Ellipsis,
}

/// Lists in lists, beyond which nobody means anything.
const DEEPEST: usize = 16;

/// Keys beside a score that say whose score it is.
const LABEL_KEYS: [&str; 6] = [
    "label",
    "class",
    "name",
    "class_name",
    "category",
    "predicted_label",
];
/// Keys of a score.
const SCORE_KEYS: [&str; 6] = ["score", "prob", "probability", "confidence", "logit", "value"];

impl Printed {
    /// Reads a text that is one value and nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text };
        let value = parser.value(0)?;
        parser.skip_space();
        parser.rest.is_empty().then_some(value)
    }

    /// A list of one value is the value, as a batch of one row is saved.
    pub(super) fn unwrapped(self) -> Self {
        match self {
            Self::List(mut items) if items.len() == 1 => items.remove(0).unwrapped(),
            other => other,
        }
    }

    /// The numbers of a list of numbers, also of those that are written as strings.
    pub(super) fn numbers(&self) -> Option<Vec<f64>> {
        let number = |item: &Self| match item {
            Self::Number(value) => Some(*value),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        match self {
            Self::List(items) if items.len() == 1 => match &items[0] {
                inner @ Self::List(_) => inner.numbers(),
                item => number(item).map(|value| vec![value]),
            },
            Self::List(items) => items.iter().map(number).collect(),
            _ => None,
        }
    }

    /// Classes with their scores: a map from one to the other, or what the pipelines of Hugging Face give.
    pub(super) fn scores_by_class(&self) -> Option<Vec<(String, f64)>> {
        match self {
            Self::Map(entries) => {
                let find = |keys: &[&str]| entries.iter().find(|(key, _)| keys.contains(&key.as_str()));
                let pair = (find(&LABEL_KEYS), find(&SCORE_KEYS));
                if let (Some((_, label)), Some((_, Self::Number(score)))) = pair {
                    return Some(vec![(label.word()?, *score)]);
                }
                if let (Some((_, Self::List(labels))), Some((_, scores))) =
                    (find(&["labels"]), find(&["scores"]))
                {
                    let scores = scores.numbers().filter(|scores| scores.len() == labels.len())?;
                    let labels = labels.iter().map(Self::word).collect::<Option<Vec<_>>>()?;
                    return Some(labels.into_iter().zip(scores).collect());
                }
                let score = |(key, value): &(String, Self)| match value {
                    Self::Number(score) => Some((key.clone(), *score)),
                    _ => None,
                };
                let scores: Vec<_> = entries.iter().map(score).collect::<Option<_>>()?;
                (scores.len() > 1).then_some(scores)
            }
            Self::List(items) if items.iter().all(|item| matches!(item, Self::Map(_))) => {
                let mut all = Vec::new();
                for item in items {
                    match item.scores_by_class()?.as_slice() {
                        [pair] => all.push(pair.clone()),
                        _ => return None,
                    }
                }
                (!all.is_empty()).then_some(all)
            }
            Self::List(items) if items.len() == 1 => items[0].scores_by_class(),
            _ => None,
        }
    }

    /// The texts of a list, or of a set.
    pub(super) fn words(&self) -> Option<Vec<String>> {
        match self {
            Self::List(items) => items.iter().map(Self::word).collect(),
            _ => None,
        }
    }

    /// A text or a number as text.
    pub(super) fn word(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(value) => Some(value.to_string()),
            _ => None,
        }
    }
}

struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, expected: char) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Printed> {
        self.skip_space();
        if depth > DEEPEST {
            return None;
        }
        match self.rest.chars().next()? {
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            '{' => self.map(depth),
            '\'' | '"' => self.string().map(Printed::Text),
            '<' => {
                // `grad_fn=<SoftmaxBackward0>`
                let end = self.rest.find('>')?;
                self.rest = &self.rest[end + 1..];
                Some(Printed::Nothing)
            }
            _ => self.word(depth),
        }
    }

    /// Items with commas, semicolons or white space between them.
    fn list(&mut self, end: char, depth: usize) -> Option<Printed> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        loop {
            if self.eat(end) {
                return Some(Printed::List(items));
            }
            items.push(self.value(depth + 1)?);
            if !self.eat(',') {
                self.eat(';');
            }
        }
    }

    fn map(&mut self, depth: usize) -> Option<Printed> {
        self.rest = &self.rest[1..];
        let (mut entries, mut items) = (Vec::new(), Vec::new());
        loop {
            if self.eat('}') {
                break;
            }
            let key = self.value(depth + 1)?;
            if self.eat(':') {
                entries.push((key.word()?, self.value(depth + 1)?));
            } else {
                items.push(key);
            }
            self.eat(',');
        }
        match (entries.is_empty(), items.is_empty()) {
            (false, false) => None,
            (true, false) => Some(Printed::List(items)),
            _ => Some(Printed::Map(entries)),
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut characters = self.rest.char_indices();
        let (_, quote) = characters.next()?;
        let mut text = String::new();
        while let Some((place, character)) = characters.next() {
            match character {
                '\\' => match characters.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    other => text.push(other),
                },
                _ if character == quote => {
                    self.rest = &self.rest[place + character.len_utf8()..];
                    return Some(text);
                }
                _ => text.push(character),
            }
        }
        None
    }

    /// A number, a word, or the call of a function, whose first argument is the value.
    fn word(&mut self, depth: usize) -> Option<Printed> {
        let ends = |character: char| character.is_whitespace() || ",;:()[]{}='\"<>".contains(character);
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return None;
        }
        self.rest = rest;
        if let Ok(number) = word.parse() {
            return Some(Printed::Number(number));
        }
        if rest.starts_with('(') {
            return self.call(depth);
        }
        if rest.starts_with(['\'', '"']) && ["u", "b", "r"].contains(&word) {
            return self.string().map(Printed::Text);
        }
        Some(match word {
            "None" | "null" => Printed::Nothing,
            "..." | "…" => Printed::Ellipsis,
            _ => Printed::Text(word.to_owned()),
        })
    }

    fn call(&mut self, depth: usize) -> Option<Printed> {
        self.rest = &self.rest[1..];
        let mut first = None;
        loop {
            if self.eat(')') {
                return Some(first.unwrap_or(Printed::Nothing));
            }
            let value = self.value(depth + 1)?;
            if self.eat('=') {
                self.value(depth + 1)?;
            } else {
                first.get_or_insert(value);
            }
            self.eat(',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_numbers(text: &str, expected: &[f64]) {
        let found = Printed::parse(text).and_then(|literal| literal.numbers());
        assert_eq!(found.as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn lists_of_python_numpy_and_torch_are_read() {
        let expected = [0.25, 0.75];
        check_numbers("[0.25, 0.75]", &expected);
        check_numbers("(0.25, 0.75)", &expected);
        check_numbers("[0.25 0.75]", &expected);
        check_numbers("[[0.25 0.75]]", &expected);
        check_numbers("['0.25', '0.75']", &expected);
        check_numbers("array([0.25, 0.75], dtype=float32)", &expected);
        check_numbers(
            "tensor([0.25, 0.75], device='cuda:0', grad_fn=<SoftmaxBackward0>)",
            &expected,
        );
        check_numbers("tensor([[0.25,\n         0.75]])", &expected);
        check_numbers("[np.float64(0.25), np.float64(0.75)]", &expected);
        check_numbers("[tensor(0.25), tensor(0.75)]", &expected);
        check_numbers("[ 1.  -2.5e-1]", &[1.0, -0.25]);
    }

    #[test]
    fn classes_with_scores_are_read() {
        let check = |text: &str, expected: &[(&str, f64)]| {
            let found = Printed::parse(text).and_then(|literal| literal.scores_by_class());
            let expected = expected
                .iter()
                .map(|(name, score)| ((*name).to_owned(), *score))
                .collect();
            assert_eq!(found, Some(expected), "{text}");
        };
        check("{'neg': 0.25, 'pos': 0.75}", &[("neg", 0.25), ("pos", 0.75)]);
        check("{\"label\": \"pos\", \"score\": 0.75}", &[("pos", 0.75)]);
        check(
            "[{'label': 'pos', 'score': 0.75}, {'label': 'neg', 'score': 0.25}]",
            &[("pos", 0.75), ("neg", 0.25)],
        );
        check("[[{'label': 'pos', 'score': 0.75}]]", &[("pos", 0.75)]);
        check(
            "{'sequence': 'x', 'labels': ['a', 'b'], 'scores': [0.75, 0.25]}",
            &[("a", 0.75), ("b", 0.25)],
        );
    }

    #[test]
    fn what_is_no_value_is_none() {
        for text in [
            "",
            "[0.1",
            "0.1 0.2",
            "{'a': }",
            "a text, and more",
            "[1]]",
            "f(",
            "'open",
        ] {
            assert_eq!(Printed::parse(text), None, "{text}");
        }
        let deep = "[".repeat(10_000);
        assert_eq!(Printed::parse(&deep), None);
        assert_eq!(
            Printed::parse("[0.1 ... 0.2]").unwrap(),
            Printed::List(vec![
                Printed::Number(0.1),
                Printed::Ellipsis,
                Printed::Number(0.2)
            ])
        );
    }
}
