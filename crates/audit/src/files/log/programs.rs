//! Lines that some programs write in ways of their own: the rounds of `XGBoost` and `LightGBM`, the test of `fastText`,
//! the evaluations of flair.

use std::borrow::Cow;

use labelproof_artifact::Split;

use super::course::{complement, split_name, whole};
use super::keys::{is_evaluation, split_word};
use super::number::plain;

/// The evaluation after a round of boosting: `[500]  eval-logloss:0.41906  train-logloss:0.160439`, or
/// `[10]  training's multi_logloss: 0.53  valid_0's multi_logloss: 0.61`.
#[derive(Debug, PartialEq)]
pub(super) struct Round {
    pub(super) number: f64,
    /// Names of figures with the split before them, and values; errors as accuracies.
    pub(super) figures: Vec<(&'static str, Split, f64)>,
    /// What was said of rows whose name leaves it open.
    pub(super) said: Option<String>,
}

/// What the figures of boosting are called here, and whether they are shares of wrong rows.
fn boosting_metric(name: &str) -> Option<(&'static str, bool)> {
    Some(match name {
        "logloss" | "mlogloss" | "binary_logloss" | "multi_logloss" | "cross_entropy" => ("loss", false),
        "error" | "merror" | "binary_error" | "multi_error" => ("accuracy", true),
        "auc" => ("auc", false),
        _ => return None,
    })
}

/// Reads the line of a round.
pub(super) fn round(line: &str) -> Option<Round> {
    let (number, rest) = line.trim().strip_prefix('[')?.split_once(']')?;
    let number: u32 = number.trim().parse().ok()?;
    let rest = rest.replace(": ", ":").replace("'s ", "-");
    let mut found: Vec<(&str, &str, f64)> = Vec::new();
    for part in rest.split_whitespace() {
        let (name, value) = part.rsplit_once(':')?;
        let (rows, metric) = name.rsplit_once('-')?;
        // `0.16+0.002` is a mean over folds with its spread.
        let mean = value.split_once('+').map_or(value, |(mean, _)| mean);
        found.push((rows, metric, plain(mean)?));
    }
    let names: Vec<&str> = found.iter().map(|(rows, ..)| *rows).collect();
    let is_validation = |name: &str| {
        ["val", "eval", "dev"]
            .iter()
            .any(|start| name.to_lowercase().starts_with(start))
    };
    let has_validation = names.iter().any(|name| is_validation(name));
    // The scikit-learn interface numbers the sets in the order in which they were given.
    let are_two = names.contains(&"validation_0") && names.contains(&"validation_1");
    let mut said = are_two.then(|| {
        "`validation_0` was taken for the training rows and `validation_1` for the validation rows, as both are \
         usually given"
            .to_owned()
    });
    let mut figures: Vec<(&'static str, Split, f64)> = Vec::new();
    for (rows, metric, value) in found {
        let Some((figure, is_error)) = boosting_metric(metric) else {
            continue;
        };
        let lower = rows.to_lowercase();
        let split = match lower.as_str() {
            "validation_0" if are_two => Split::Train,
            name if name.contains("train") => Split::Train,
            name if is_validation(name) => Split::Validation,
            name if name.contains("test") && has_validation => Split::Test,
            name if name.contains("test") => {
                said.get_or_insert_with(|| {
                    format!("`{rows}` was taken for the validation rows, which the training watches")
                });
                Split::Validation
            }
            _ => continue,
        };
        let is_known = |(known, of, _): &(&'static str, Split, f64)| (*known, *of) == (figure, split);
        if figures.iter().any(is_known) {
            said.get_or_insert_with(|| {
                format!(
                    "of several sets of {} rows, `{rows}` was left aside",
                    split_name(split)
                )
            });
            continue;
        }
        figures.push((figure, split, if is_error { complement(value) } else { value }));
    }
    (!figures.is_empty()).then_some(Round {
        number: f64::from(number),
        figures,
        said,
    })
}

/// What `fastText` says of a test, a part a line: `N  3054`, `P@1  0.807`, `R@1  0.807`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tested {
    Rows(f64),
    Precision(f64),
    Recall(f64),
}

/// Reads a line of `fastText`'s test.
pub(super) fn tested(line: &str) -> Option<Tested> {
    let (name, value) = line.trim().rsplit_once(char::is_whitespace)?;
    let value = plain(value)?;
    Some(match name.trim().trim_end_matches(':') {
        "N" | "Number of examples" => Tested::Rows(value),
        "P@1" => Tested::Precision(value),
        "R@1" => Tested::Recall(value),
        _ => return None,
    })
}

/// The three of `fastText`'s test together, as Python prints them: `(3054, 0.807, 0.807)`.
pub(super) fn tested_tuple(line: &str) -> Option<[Tested; 3]> {
    let inside = line.trim().strip_prefix('(')?.strip_suffix(')')?;
    let parts: Vec<&str> = inside.split(',').map(str::trim).collect();
    let [rows, precision, recall] = parts.as_slice() else {
        return None;
    };
    let rows = plain(rows).filter(|rows| *rows == 0.0 || whole(*rows).is_some())?;
    let share = |text: &str| plain(text).filter(|value| !(*value < 0.0 || *value > 1.0));
    let has_point = |text: &str| text.contains('.') || text == "nan";
    (has_point(precision) && has_point(recall)).then_some([
        Tested::Rows(rows),
        Tested::Precision(share(precision)?),
        Tested::Recall(share(recall)?),
    ])
}

/// Whether three numbers in brackets are a test of `fastText` in this text. Several such lines are epochs of
/// something else, unless the text names it; and one row is right or wrong, so that a 1 is the first epoch.
pub(super) fn has_tested_tuple(text: &str) -> bool {
    let mut tuples = text.lines().filter_map(tested_tuple);
    let is_test = |[rows, precision, _]: [Tested; 3]| {
        rows != Tested::Rows(1.0) || [0.0, 1.0].map(Tested::Precision).contains(&precision)
    };
    let is_only = tuples.next().is_some_and(is_test) && tuples.next().is_none();
    is_only
        || ["fasttext", "fastText", "__label__", "P@1"]
            .iter()
            .any(|word| text.contains(word))
}

/// The rows that the arguments of an evaluation name: `model.evaluate(x_train, y_train)`.
pub(super) fn evaluated(line: &str) -> Option<Split> {
    let (_, arguments) = line.split_once("evaluate")?;
    let (_, arguments) = arguments.split_once('(')?;
    let arguments = arguments.split_once(')').map_or(arguments, |(inside, _)| inside);
    let words: Vec<String> = arguments
        .split(|character: char| !character.is_alphanumeric())
        .map(str::to_lowercase)
        .collect();
    // `xtrain` and `testY` are as usual as `x_train`.
    let named = |word: &String| split_word(word).or_else(|| split_word(word.trim_matches(['x', 'y'])));
    let of_rows = words.iter().filter(|word| !is_evaluation(word)).find_map(named);
    of_rows.or_else(|| words.iter().find_map(named))
}

/// A line of flair as other programs would write it: `DEV : loss 0.3 - score 0.91`, whose score is a micro F1.
pub(super) fn of_flair(line: &str) -> Cow<'_, str> {
    let is_evaluation = ["DEV : loss ", "DEV  : loss ", "TEST : loss ", "TRAIN : loss "]
        .iter()
        .any(|start| line.contains(start));
    if is_evaluation && line.contains(" - score ") {
        return Cow::Owned(line.replace(" - score ", " - f1 "));
    }
    Cow::Borrowed(line)
}

/// Whether a line is of flair's summary of a test, whose classes the report has: means over the classes, of which the
/// accuracy is none of rows, and a class with its hits and misses.
pub(super) fn is_of_flairs_report(line: &str) -> bool {
    ["MICRO_AVG:", "MACRO_AVG:", "MARCO_AVG:"]
        .iter()
        .any(|start| line.contains(start))
        || class_counts(line).is_some()
}

/// A class with its counts: `sport  tp: 22 - fp: 3 - fn: 8 - tn: 40 - precision: …`, after the time of the line.
pub(in super::super) fn class_counts(line: &str) -> Option<(&str, [f64; 3])> {
    let (name, counts) = line.split_once(" tp: ")?;
    let has_digit = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
    let is_time = |word: &str| word.matches(':').count() == 2 && has_digit(word);
    let time = name.split_whitespace().find(|word| is_time(word));
    let name = match time {
        Some(time) => name.split_once(time)?.1,
        None => name,
    };
    let count = |text: &str| plain(text.trim()).filter(|count| *count >= 0.0);
    let mut parts = counts.split(" - ");
    let hits = count(parts.next()?)?;
    let wrong = count(parts.next()?.trim().strip_prefix("fp:")?)?;
    let missed = count(parts.next()?.trim().strip_prefix("fn:")?)?;
    let name = name.trim();
    (!name.is_empty()).then_some((name, [hits, wrong, missed]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_boosting_are_read() {
        let read = |line| round(line).unwrap();
        let one = read("[500]\teval-logloss:0.41906\ttrain-logloss:0.160439");
        assert!((one.number - 500.0).abs() < 1e-9);
        assert_eq!(
            one.figures,
            [
                ("loss", Split::Validation, 0.41906),
                ("loss", Split::Train, 0.160_439)
            ]
        );
        let two = read("[10]\ttraining's multi_logloss: 0.5\tvalid_0's multi_error: 0.25");
        assert_eq!(
            two.figures,
            [("loss", Split::Train, 0.5), ("accuracy", Split::Validation, 0.75)]
        );
        let three = read("[1]\tvalidation_0-auc:0.5\tvalidation_1-auc:0.6");
        assert_eq!(
            three.figures,
            [("auc", Split::Train, 0.5), ("auc", Split::Validation, 0.6)]
        );
        assert!(three.said.is_some());
        for line in [
            "[1,  2000] loss: 2.199",
            "[INFO] started",
            "[3] eval-rmse:0.4",
            "[1] x",
        ] {
            assert_eq!(round(line), None, "{line}");
        }
    }

    #[test]
    fn tests_of_fasttext_are_read() {
        assert_eq!(tested("N\t3054"), Some(Tested::Rows(3054.0)));
        assert_eq!(tested("P@1: 0.807"), Some(Tested::Precision(0.807)));
        assert_eq!(tested("P@5\t0.2"), None);
        assert_eq!(
            tested_tuple("(3054, 0.807, 0.807)"),
            Some([
                Tested::Rows(3054.0),
                Tested::Precision(0.807),
                Tested::Recall(0.807)
            ])
        );
        assert_eq!(tested_tuple("(224, 224, 3)"), None);
    }

    #[test]
    fn the_classes_of_flair_have_counts() {
        let line = "2019-02-19 18:38:49,614 bad news  tp: 22 - fp: 3 - fn: 87 - tn: 22 - precision: 0.88";
        assert_eq!(class_counts(line), Some(("bad news", [22.0, 3.0, 87.0])));
        assert_eq!(class_counts("tp: 1 - fp: 2 - fn: 3"), None);
        assert_eq!(
            of_flair("x DEV : loss 0.3 - score 0.91"),
            "x DEV : loss 0.3 - f1 0.91"
        );
    }
}
