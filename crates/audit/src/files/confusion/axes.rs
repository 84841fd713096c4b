//! Which axis of a matrix has the true classes: the words beside it say so, such as `Actual` and `Predicted`.

/// What an axis is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    True,
    Predicted,
}

/// What is written at the axes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Axes {
    pub(super) rows: Option<(Side, String)>,
    pub(super) columns: Option<(Side, String)>,
}

/// Words for what was predicted, by their beginnings.
const PREDICTED: &[&str] = &[
    "predict",
    "pred",
    "classified",
    "estimated",
    "hypothesis",
    "assigned",
    "vorhergesagt",
    "vorhersage",
    "prognose",
    "prédi",
    "predi",
    "préd",
    "previs",
    "voorspel",
    "прогноз",
    "предсказ",
    "预测",
    "預測",
    "予測",
    "예측",
];

/// Words for what is true, whole or by their beginnings where they are long enough to mean nothing else.
const TRUE: &[&str] = &[
    "true",
    "truth",
    "ytrue",
    "groundtruth",
    "actual",
    "actuals",
    "act",
    "reference",
    "ref",
    "gold",
    "goldlabel",
    "observed",
    "target",
    "targets",
    "expected",
    "real",
    "reality",
    "tatsächlich",
    "tatsächliche",
    "wahr",
    "wahre",
    "réel",
    "réelle",
    "réels",
    "vrai",
    "vraie",
    "verdadero",
    "verdadera",
    "verdadeiro",
    "verdadeira",
    "werkelijk",
    "истинный",
    "истинные",
    "истина",
    "факт",
    "实际",
    "真实",
    "實際",
    "真實",
    "実際",
    "正解",
    "실제",
];

/// What one word says.
fn side_of_word(word: &str) -> Option<Side> {
    let word = word.to_lowercase();
    if PREDICTED.iter().any(|known| word.starts_with(known)) || word == "ypred" || word == "yhat" {
        Some(Side::Predicted)
    } else if TRUE.contains(&word.as_str()) {
        Some(Side::True)
    } else {
        None
    }
}

/// The words of a text, in order: `y_true` is one.
fn words(text: &str) -> impl Iterator<Item = String> {
    let text = text.replace("y_", "y");
    let words: Vec<String> = text
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter()
}

/// What a text beside an axis says, if it says one thing.
pub(super) fn side(text: &str) -> Option<Side> {
    let mut sides = words(text).filter_map(|word| side_of_word(&word));
    let first = sides.next()?;
    sides.all(|other| other == first).then_some(first)
}

impl Axes {
    /// Reads the corner of a table, or its title, where both axes may be named: `Actual\Predicted`, `Act/Pred`,
    /// `Actual vs. Predicted`, `Predicted → / Actual ↓`. The first is that of the rows, if no arrow says
    /// otherwise.
    pub(super) fn of_both(text: &str) -> Option<Self> {
        let mut found: Vec<(usize, Side)> = Vec::new();
        for word in words(text) {
            if let Some(side) = side_of_word(&word)
                && found.iter().all(|(_, other)| *other != side)
            {
                found.push((text.find(word.as_str()).unwrap_or(0), side));
            }
        }
        let [(first_place, first), (second_place, second)] = found.as_slice() else {
            return None;
        };
        let named = |side: Side| Some((side, text.trim().to_owned()));
        let right = text
            .find(['→', '⇒'])
            .or_else(|| text.find("->"))
            .or_else(|| text.find("=>"));
        let down = text.find(['↓', '⇓']);
        let near = |arrow: usize| {
            let distance = |place: usize| {
                if place <= arrow {
                    arrow - place
                } else {
                    usize::MAX / 2 + place
                }
            };
            if distance(*first_place) < distance(*second_place) {
                *first
            } else {
                *second
            }
        };
        let columns = match (right, down) {
            (Some(right), _) => near(right),
            (None, Some(down)) if near(down) == *first => *second,
            (None, Some(_)) => *first,
            (None, None) => *second,
        };
        let rows = if columns == *first { *second } else { *first };
        Some(Self {
            rows: named(rows),
            columns: named(columns),
        })
    }

    pub(super) fn set_rows(&mut self, text: &str) {
        if let (None, Some(side)) = (&self.rows, side(text)) {
            self.rows = Some((side, text.trim().to_owned()));
        }
    }

    pub(super) fn set_columns(&mut self, text: &str) {
        if let (None, Some(side)) = (&self.columns, side(text)) {
            self.columns = Some((side, text.trim().to_owned()));
        }
    }

    /// Takes what is not known yet.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            rows: self.rows.or(other.rows),
            columns: self.columns.or(other.columns),
        }
    }

    /// Whether rows are the predicted classes, and the words that say so; nothing if no words do, or if they
    /// contradict each other.
    pub(super) fn rows_are_predicted(&self) -> Option<(bool, &str)> {
        let by_rows = self
            .rows
            .as_ref()
            .map(|(side, text)| (*side == Side::Predicted, text.as_str()));
        let by_columns = self
            .columns
            .as_ref()
            .map(|(side, text)| (*side == Side::True, text.as_str()));
        match (by_rows, by_columns) {
            (Some((rows, _)), Some((columns, _))) if rows != columns => None,
            (rows, columns) => rows.or(columns),
        }
    }
}

/// Takes away what all names of an axis begin or end with, if that says what the axis is of: `true_neg`,
/// `Predicted: spam`, `neg (actual)`.
pub(super) fn strip(names: &mut [String]) -> Option<(Side, String)> {
    let cut = |name: &str| -> Option<(Side, String, String)> {
        let is_word = |character: char| character.is_alphanumeric();
        let trimmed = name.trim();
        let from = if trimmed.starts_with("y_") { 2 } else { 0 };
        if let Some(end) = trimmed[from..].find(|character| !is_word(character)) {
            let (word, rest) = trimmed.split_at(from + end);
            let rest = rest.trim_start_matches(|character: char| " _:.=-".contains(character));
            if let (Some(side), false) = (side(word), rest.is_empty()) {
                return Some((side, word.to_owned(), rest.to_owned()));
            }
        }
        let inner = trimmed.trim_end_matches(')');
        let start = inner.rfind(|character| !is_word(character))?;
        let (rest, word) = inner.split_at(start);
        let word = word.trim_start_matches(|character: char| !is_word(character));
        let rest = rest.trim_end_matches(|character: char| " _:.=-(".contains(character));
        Some((side(word)?, word.to_owned(), rest.to_owned())).filter(|_| !rest.is_empty())
    };
    let cuts: Vec<(Side, String, String)> = names.iter().map(|name| cut(name)).collect::<Option<_>>()?;
    let (side, word, _) = cuts.first()?.clone();
    if !cuts.iter().all(|(other, ..)| *other == side) {
        return None;
    }
    for (name, (.., rest)) in names.iter_mut().zip(cuts) {
        *name = rest;
    }
    Some((side, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_at_the_axes_say_what_they_are_of() {
        for text in [
            "Predicted",
            "y_pred",
            "Prediction",
            "Predicted label",
            "vorhergesagt",
            "PREDICTED CLASS",
            "预测",
        ] {
            assert_eq!(side(text), Some(Side::Predicted), "{text}");
        }
        for text in [
            "Actual",
            "y_true",
            "Reference",
            "Ground truth",
            "gold",
            "True label",
        ] {
            assert_eq!(side(text), Some(Side::True), "{text}");
        }
        for text in ["", "sport", "label", "actual vs predicted"] {
            assert_eq!(side(text), None, "{text}");
        }
    }

    #[test]
    fn a_corner_may_name_both_axes() {
        let check = |text: &str, rows_are_predicted: bool| {
            let axes = Axes::of_both(text).unwrap();
            assert_eq!(axes.rows_are_predicted().unwrap().0, rows_are_predicted, "{text}");
        };
        check("Actual\\Predicted", false);
        check("Predicted/Actual", true);
        check("Confusion Matrix (Act/Pred) for max f1", false);
        check("Predicted → Actual ↓", false);
        check("true vs. predicted", false);
        assert_eq!(Axes::of_both("Confusion matrix"), None);
    }

    #[test]
    fn names_lose_what_only_says_the_axis() {
        let check = |names: &[&str], side: Option<Side>, rest: &[&str]| {
            let mut names: Vec<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(strip(&mut names).map(|(side, _)| side), side);
            assert_eq!(names, rest);
        };
        check(&["true_neg", "true_pos"], Some(Side::True), &["neg", "pos"]);
        check(
            &["Predicted: ham", "Predicted: spam"],
            Some(Side::Predicted),
            &["ham", "spam"],
        );
        check(&["pred. No", "pred. Yes"], Some(Side::Predicted), &["No", "Yes"]);
        check(
            &["neg (actual)", "pos (actual)"],
            Some(Side::True),
            &["neg", "pos"],
        );
        check(&["True", "False"], None, &["True", "False"]);
        check(&["true_crime", "romance"], None, &["true_crime", "romance"]);
    }
}
