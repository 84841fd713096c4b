//! What a value that Python, NumPy, PyTorch or JSON printed says of scores: `array([0.1, 0.9])`,
//! `{'label': 'a', 'score': 0.9}`.
//!
//! Responsible for lists of numbers, and for the shapes in which classes stand beside their scores; how such values
//! are written is the business of `literal`.

use super::literal::Literal;

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

impl Literal<'_> {
    /// A list of one value is the value, as a batch of one row is saved.
    pub(super) fn unwrapped(self) -> Self {
        match self {
            Self::List(mut items) if items.len() == 1 => items.remove(0).unwrapped(),
            other => other,
        }
    }

    /// Whether it stands for what NumPy leaves out of a long list.
    pub(super) fn is_ellipsis(&self) -> bool {
        matches!(self, Self::Word("..." | "…"))
    }

    /// The value of a number.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.parse().ok(),
            _ => None,
        }
    }

    /// The numbers of a list of numbers, also of those that are written as strings.
    pub(super) fn numbers(&self) -> Option<Vec<f64>> {
        let number = |item: &Self| item.text()?.trim().parse().ok();
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
                let named = entries.iter().map(|(key, value)| Some((key.word()?, value)));
                let entries: Vec<(String, &Self)> = named.collect::<Option<_>>()?;
                let find = |keys: &[&str]| {
                    let entry = entries.iter().find(|(key, _)| keys.contains(&key.as_str()));
                    entry.map(|(_, value)| *value)
                };
                if let (Some(label), Some(Some(score))) =
                    (find(&LABEL_KEYS), find(&SCORE_KEYS).map(Self::number))
                {
                    return Some(vec![(label.word()?, score)]);
                }
                if let (Some(Self::List(labels)), Some(scores)) = (find(&["labels"]), find(&["scores"])) {
                    let scores = scores.numbers().filter(|scores| scores.len() == labels.len())?;
                    let labels = labels.iter().map(Self::word).collect::<Option<Vec<_>>>()?;
                    return Some(labels.into_iter().zip(scores).collect());
                }
                let score = |(key, value): (String, &Self)| Some((key, value.number()?));
                let scores: Vec<_> = entries.into_iter().map(score).collect::<Option<_>>()?;
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

    /// A text or a number as text; nothing for `None` and what stands for something else.
    pub(super) fn word(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_string()),
            Self::Number(_) => self.number().map(|number| number.to_string()),
            Self::Word("None" | "null") | Self::List(_) | Self::Map(_) => None,
            Self::Word(word) if self.is_ellipsis() || word.starts_with('<') => None,
            Self::Word(word) => Some((*word).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::literal::parse_printed;
    use super::*;

    #[track_caller]
    fn check_numbers(text: &str, expected: &[f64]) {
        let found = parse_printed(text).and_then(|literal| literal.numbers());
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
            let found = parse_printed(text).and_then(|literal| literal.scores_by_class());
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
            assert_eq!(parse_printed(text), None, "{text}");
        }
        let deep = "[".repeat(10_000);
        assert_eq!(parse_printed(&deep), None);
        assert_eq!(
            parse_printed("[0.1 ... 0.2]").unwrap(),
            Literal::List(vec![
                Literal::Number("0.1".into()),
                Literal::Word("..."),
                Literal::Number("0.2".into())
            ])
        );
    }
}
