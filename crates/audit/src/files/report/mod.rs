//! Classification reports, wherever they are given: what scikit-learn prints of precision and recall, as
//! text, as JSON or a Python dict, and as the CSV that pandas writes of it.
//!
//! `shapes` finds the figures in a text, `counts` the numbers of rows that they leave open. A report has no
//! confusion matrix, but its margins and its diagonal: the rows and hits of each class from recall and
//! support, and the predictions from precision.

mod counts;
mod shapes;

use std::path::Path;

use labelproof_artifact::Split;
use labelproof_artifact::wording::{counted, plural, quoted};
use labelproof_tables::{Encoding, Source, read_bytes};

use super::labels::label_key;
use super::rows::SETTINGS;
use super::{Files, lower_name};
use crate::evidence::margins::{Bounds, Margins};
use crate::evidence::{Dataset, Reading};

/// A report as it was printed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Report {
    classes: Vec<Line>,
    accuracy: Option<Figure>,
    /// Lines that sum the classes up.
    micro: Option<Line>,
    r#macro: Option<Line>,
    weighted: Option<Line>,
    /// Whether there is a mean over rows, which only rows of several labels have.
    is_multilabel: bool,
    /// How many reports the text has; this is the last of them.
    reports: usize,
    /// Whether the text has nothing else.
    is_all: bool,
}

/// A figure, and how far rounding may have moved it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figure {
    value: f64,
    half: f64,
}

/// Precision, recall, F1 and rows of a class, or of all.
#[derive(Debug, Clone, PartialEq, Default)]
struct Line {
    name: String,
    precision: Option<Figure>,
    recall: Option<Figure>,
    f1: Option<Figure>,
    support: Option<u64>,
}

/// Finds a report in a text of whatever shape; the last one, where there are several.
pub(super) fn recognise(text: &str) -> Option<Report> {
    shapes::find(text)
}

/// Classes that are listed.
const MOST_SHOWN: usize = 12;

/// Larger files are no reports.
const MOST_BYTES: usize = 1 << 20;

/// The report of a file that is nothing else; nothing for any other file, and for what cannot be read.
fn of_file(files: &Files, path: &Path) -> Option<Report> {
    if files.held.contains_key(path) {
        let text = files.held_text(path).filter(|text| text.len() <= MOST_BYTES)?;
        return recognise(text).filter(|report| report.is_all);
    }
    let is_small = path
        .metadata()
        .is_ok_and(|file| file.is_file() && file.len() <= MOST_BYTES as u64);
    if !is_small {
        return None;
    }
    let source = Source::file(path.display().to_string(), path);
    let bytes = read_bytes(source, Encoding::Utf8, SETTINGS, MOST_BYTES).ok()?;
    recognise(&String::from_utf8(bytes).ok()?).filter(|report| report.is_all)
}

/// Whether a file is a classification report and nothing else.
pub(super) fn is_report(files: &Files, path: &Path) -> bool {
    of_file(files, path).is_some()
}

/// The reports that were given.
#[derive(Debug, Default)]
pub(super) struct Reports(Vec<(String, Option<Split>, Report)>);

impl Reports {
    /// Those among the files that are nothing but a report, with the split of their option.
    pub(super) fn of(files: &Files) -> Self {
        let splits = [
            (Split::Test, &files.test),
            (Split::Validation, &files.validation),
            (Split::Train, &files.train),
        ];
        let rows = splits
            .into_iter()
            .filter_map(|(split, path)| Some((path.as_deref()?, Some(split))));
        let logs = files.logs.iter().map(|given| (Path::new(given), None));
        let mut reports = Self::default();
        for (path, split) in rows.chain(logs) {
            if let Some(report) = of_file(files, path) {
                reports.add(path, split, report);
            }
        }
        reports
    }

    /// Whether a file is one of them.
    pub(super) fn have(&self, source: &str) -> bool {
        self.0.iter().any(|(own, ..)| own == source)
    }

    pub(super) fn add(&mut self, path: &Path, split: Option<Split>, report: Report) {
        let split = split.or_else(|| split_of(path));
        self.0.push((path.display().to_string(), split, report));
    }

    /// A report in the midst of a log, of whose rows the name of the log says nothing.
    pub(super) fn add_of_log(&mut self, source: &str, report: Report) {
        self.0.push((source.to_owned(), None, report));
    }

    /// The margins of the reports, one of each split. A report is of the test rows if nothing says otherwise:
    /// neither the option or the name of its file, nor the rows that were given.
    pub(super) fn margins(self, dataset: &Dataset) -> (Vec<Margins>, Vec<Reading>) {
        let mut all: Vec<Margins> = Vec::new();
        let mut readings = Vec::new();
        for (source, split, report) in self.0 {
            // One for each epoch is of the rows that the epochs were compared by.
            let split = split.or((report.reports > 1).then_some(Split::Validation));
            let mut margins = report.margins(&source, split.unwrap_or(Split::Test));
            let other_names = align(&mut margins, &dataset.labels);
            let is_of = |split| is_of(&margins, dataset, split);
            if split.is_none() && is_of(Split::Validation) && !is_of(Split::Test) {
                margins.split = Split::Validation;
            }
            let mut reading = Reading::new(
                source,
                format!("classification report of the {} rows", margins.split),
            );
            reading.read = report.sentences(&margins);
            if split.is_none() && margins.split == Split::Test {
                reading.says("Nothing says of which rows it is: taken to be of the test rows.");
            }
            for contradiction in &margins.contradictions {
                reading.says(format!("It contradicts itself: {contradiction}."));
            }
            let is_second = all.iter().any(|other| other.split == margins.split);
            if is_second {
                reading.leaves("its figures, for another report of the same rows was given before");
            }
            if let Some(other_names) = &other_names {
                reading.says(other_names.clone());
                reading.leaves("its figures, which are of other classes");
            }
            if !is_second && other_names.is_none() {
                all.push(margins);
            }
            readings.push(reading);
        }
        (all, readings)
    }
}

/// Whether the rows of a split have as many rows of each class.
fn is_of(margins: &Margins, dataset: &Dataset, split: Split) -> bool {
    let Some(truth) = dataset.part(split).and_then(|part| part.truth.as_ref()) else {
        return false;
    };
    let mut support = vec![0_u64; margins.support.len()];
    for class in truth {
        let Some(count) = support.get_mut(*class as usize) else {
            return false;
        };
        *count += 1;
    }
    support == margins.support
}

/// Brings the classes of a report into the order of the labels; says where they are others.
fn align(margins: &mut Margins, labels: &[String]) -> Option<String> {
    const NONE: Bounds = Bounds {
        least: 0,
        most: 0,
        likely: 0,
    };
    if labels.is_empty() || margins.names.as_slice() == labels {
        return None;
    }
    let place = |label: &String| {
        margins
            .names
            .iter()
            .position(|name| label_key(name, false) == label_key(label, false))
    };
    let places: Vec<Option<usize>> = labels.iter().map(place).collect();
    let are_numbers = margins
        .names
        .iter()
        .enumerate()
        .all(|(place, name)| name.parse() == Ok(place));
    let places = if places.iter().flatten().count() == margins.names.len() {
        places
    } else if are_numbers && labels.len() == margins.names.len() {
        (0..labels.len()).map(Some).collect()
    } else {
        let (own, given) = (quoted(&margins.names, 10), quoted(labels, 10));
        return Some(format!(
            "It is of the classes {own}, and the rows are of {given}."
        ));
    };
    let ordered = |counts: &[Bounds]| {
        places
            .iter()
            .map(|place| place.map_or(NONE, |place| counts[place]))
            .collect()
    };
    margins.hits = ordered(&margins.hits);
    margins.predicted = ordered(&margins.predicted);
    margins.support = places
        .iter()
        .map(|place| place.map_or(0, |place| margins.support[place]))
        .collect();
    margins.names = labels.to_vec();
    None
}

/// The rows that a report is of, as the name of its file says.
pub(super) fn split_of(path: &Path) -> Option<Split> {
    let name = lower_name(path);
    let mut words = name.split(|character: char| !character.is_alphanumeric());
    words.find_map(|word| match word {
        "val" | "valid" | "validation" | "dev" | "eval" => Some(Split::Validation),
        "train" | "training" => Some(Split::Train),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    })
}

impl Report {
    /// The names of the classes in their order.
    pub(super) fn names(&self) -> Vec<String> {
        self.classes.iter().map(|line| line.name.clone()).collect()
    }

    /// What the report tells of the confusion matrix.
    pub(super) fn margins(&self, source: &str, split: Split) -> Margins {
        counts::margins(self, source, split)
    }

    /// What was understood, in sentences.
    fn sentences(&self, margins: &Margins) -> Vec<String> {
        let mut said = Vec::new();
        if self.reports > 1 {
            said.push(format!("The last of {} classification reports.", self.reports));
        }
        let rows = margins.rows();
        let accuracy = self
            .accuracy
            .map_or_else(String::new, |figure| format!(", accuracy {}", figure.shown()));
        said.push(format!(
            "{} of {} {}{accuracy}.",
            counted(rows, "row"),
            self.classes.len(),
            plural(self.classes.len() as u64, "class", "classes"),
        ));
        let recall = |line: &Line| Some(format!("{} {}", line.name, line.recall?.shown()));
        let recalls: Vec<String> = self.classes.iter().filter_map(recall).take(MOST_SHOWN).collect();
        let more = if self.classes.len() > MOST_SHOWN {
            ", …"
        } else {
            ""
        };
        said.push(format!("Recall: {}{more}.", recalls.join(", ")));
        if !margins.is_whole {
            said.push(
                "Its classes do not cover every row once: there are several labels a row, or classes are left out. So it \
                 has no accuracy."
                    .to_owned(),
            );
        } else if margins.all_hits.is_exact() {
            said.push(format!("{} of {rows} rows are right.", margins.all_hits.likely));
        } else {
            said.push(format!(
                "As far as its digits tell, {} to {} of {rows} rows are right; {} is taken.",
                margins.all_hits.least, margins.all_hits.most, margins.all_hits.likely
            ));
        }
        said
    }
}

impl Figure {
    /// As many digits as it was printed with.
    fn shown(self) -> String {
        let digits = (0..6)
            .find(|digits| self.half >= 0.49 * 10_f64.powi(-digits))
            .unwrap_or(4);
        format!("{:.*}", usize::try_from(digits).unwrap_or(4), self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `classification_report` of [[364, 115, 20], [114, 222, 127], [35, 137, 361]] by scikit-learn 1.7.
    const PRINTED: &str = "              precision    recall  f1-score   support

    negative       0.71      0.73      0.72       499
     neutral       0.47      0.48      0.47       463
    positive       0.71      0.68      0.69       533

    accuracy                           0.63      1495
   macro avg       0.63      0.63      0.63      1495
weighted avg       0.64      0.63      0.63      1495
";

    fn margins_of(text: &str) -> Margins {
        recognise(text)
            .unwrap_or_else(|| panic!("{text}"))
            .margins("r", Split::Test)
    }

    /// Whether bounds hold what is true.
    #[track_caller]
    fn holds(bounds: &[Bounds], truth: &[u64]) {
        assert_eq!(bounds.len(), truth.len());
        for (bounds, truth) in bounds.iter().zip(truth) {
            assert!((bounds.least..=bounds.most).contains(truth), "{bounds:?} {truth}");
            assert!(
                (bounds.least..=bounds.most).contains(&bounds.likely),
                "{bounds:?}"
            );
        }
    }

    #[test]
    fn a_printed_report_leaves_few_counts_open() {
        let margins = margins_of(PRINTED);
        assert_eq!(margins.names, ["negative", "neutral", "positive"]);
        assert_eq!(margins.support, [499, 463, 533]);
        holds(&margins.hits, &[364, 222, 361]);
        holds(&margins.predicted, &[513, 474, 508]);
        holds(&[margins.all_hits], &[947]);
        assert!(
            margins.hits.iter().all(|bounds| bounds.most - bounds.least <= 5),
            "{:?}",
            margins.hits
        );
        assert!(
            margins.is_whole && margins.contradictions.is_empty(),
            "{margins:?}"
        );
        assert_eq!(margins.totals().unwrap().predicted.iter().sum::<u64>(), 1495);
    }

    #[test]
    fn every_shape_of_a_report_is_read() {
        let json = r#"{"negative": {"precision": 0.7095516569200779, "recall": 0.7294589178356713, "f1-score": 0.7193675889328063, "support": 499.0}, "neutral": {"precision": 0.46835443037974683, "recall": 0.4794816414686825, "f1-score": 0.4738527214514408, "support": 463.0}, "positive": {"precision": 0.7106299212598425, "recall": 0.6772983114446529, "f1-score": 0.6935638808837656, "support": 533.0}, "accuracy": 0.6334448160535117, "macro avg": {"precision": 0.6295120028532224, "recall": 0.6287462902496689, "f1-score": 0.6289280637560043, "support": 1495.0}}"#;
        let python = json.replace('"', "'");
        let nested = format!("{{\"test\": {json}}}");
        let csv = ",precision,recall,f1-score,support
negative,0.7095516569200779,0.7294589178356713,0.7193675889328063,499.0
neutral,0.46835443037974683,0.4794816414686825,0.4738527214514408,463.0
positive,0.7106299212598425,0.6772983114446529,0.6935638808837656,533.0
accuracy,0.6334448160535117,0.6334448160535117,0.6334448160535117,0.6334448160535117
macro avg,0.6295120028532224,0.6287462902496689,0.6289280637560043,1495.0
";
        let across = ",negative,neutral,positive,accuracy,macro avg
precision,0.7095516569200779,0.46835443037974683,0.7106299212598425,0.6334448160535117,0.6295120028532224
recall,0.7294589178356713,0.4794816414686825,0.6772983114446529,0.6334448160535117,0.6287462902496689
f1-score,0.7193675889328063,0.4738527214514408,0.6935638808837656,0.6334448160535117,0.6289280637560043
support,499.0,463.0,533.0,0.6334448160535117,1495.0
";
        let markdown = "|   | precision | recall | f1-score | support |
|:--|--:|--:|--:|--:|
| negative | 0.709552 | 0.729459 | 0.719368 | 499 |
| neutral | 0.468354 | 0.479482 | 0.473853 | 463 |
| positive | 0.71063 | 0.677298 | 0.693564 | 533 |
| accuracy | 0.633445 | 0.633445 | 0.633445 | 0.633445 |
";
        for text in [json, &python, &nested, csv, across, markdown] {
            let margins = margins_of(text);
            let likely = |counts: &[Bounds]| counts.iter().map(|bounds| bounds.likely).collect::<Vec<_>>();
            assert_eq!(likely(&margins.hits), [364, 222, 361], "{text}");
            assert_eq!(likely(&margins.predicted), [513, 474, 508], "{text}");
            assert!(
                margins.all_hits.is_exact() && margins.contradictions.is_empty(),
                "{margins:?}"
            );
        }
    }

    #[test]
    fn counts_of_each_class_against_all_others_are_a_report() {
        let margins = margins_of(r#"{"a": {"tp": 5, "fp": 2, "fn": 1}, "b": {"tp": 7, "fp": 1, "fn": 2}}"#);
        assert_eq!(margins.matrix().unwrap(), [[5, 1], [2, 7]]);
    }

    /// [[402, 98], [102, 398]] by scikit-learn, to two digits and to four.
    #[test]
    fn two_classes_have_a_matrix() {
        let margins = margins_of(
            "              precision    recall  f1-score   support

         neg     0.7976    0.8040    0.8008       500
         pos     0.8024    0.7960    0.7992       500

    accuracy                         0.8000      1000
   macro avg     0.8000    0.8000    0.8000      1000
weighted avg     0.8000    0.8000    0.8000      1000
",
        );
        assert_eq!(margins.matrix().unwrap(), [[402, 98], [102, 398]]);
        assert!(margins.all_hits.is_exact());
        let margins = margins_of(
            "             precision    recall  f1-score   support

          0       0.80      0.80      0.80       500
          1       0.80      0.80      0.80       500

avg / total       0.80      0.80      0.80      1000
",
        );
        holds(&[margins.all_hits], &[800]);
        assert!(margins.is_whole && !margins.all_hits.is_exact());
    }

    /// One class is predicted for all: the other has no precision.
    #[test]
    fn a_model_that_answers_the_same_shows_in_its_report() {
        let margins = margins_of(
            "              precision    recall  f1-score   support

           0       0.34      1.00      0.51       512
           1       0.00      0.00      0.00       508
           2       0.00      0.00      0.00       480

    accuracy                           0.34      1500
   macro avg       0.11      0.33      0.17      1500
weighted avg       0.12      0.34      0.17      1500
",
        );
        let totals = margins.totals().unwrap();
        assert_eq!((totals.hits, totals.class_hits), (512, vec![512, 0, 0]));
        assert!(totals.predicted[0] > 1480, "{:?}", totals.predicted);
    }

    #[test]
    fn what_cannot_be_true_together_is_said() {
        let check = |from: &str, to: &str, words: &str| {
            assert!(PRINTED.contains(from));
            let said = margins_of(&PRINTED.replacen(from, to, 1))
                .contradictions
                .join("; ");
            assert!(said.contains(words), "{said}");
        };
        check(
            "macro avg       0.63",
            "macro avg       0.73",
            "the macro average of precision is printed as 0.73",
        );
        check(
            "0.73      0.72       499",
            "0.73      0.92       499",
            "`negative` has precision 0.71",
        );
        check("0.63      1495", "0.83      1495", "by the accuracy of 0.83");
        check(
            "0.63      0.63      1495",
            "0.63      0.63      1595",
            "says 1595",
        );
    }

    /// Several labels a row, or some of the classes: no accuracy.
    #[test]
    fn a_report_may_not_cover_every_row_once() {
        let of_some = "              precision    recall  f1-score   support

         neg       0.80      0.80      0.80       522
         pos       0.76      0.75      0.76       465

   micro avg       0.78      0.79      0.78       987
   macro avg       0.78      0.78      0.78       987
weighted avg       0.78      0.79      0.78       987
";
        assert_eq!(margins_of(of_some).totals(), None);
        let samples = PRINTED.replace(
            "    accuracy                           0.63",
            " samples avg       0.63      0.63      0.63",
        );
        assert_eq!(margins_of(&samples).totals(), None);
    }

    #[test]
    fn other_texts_are_no_reports() {
        for text in [
            "",
            "loss 0.3 precision 0.5 recall 0.6",
            "epoch,precision,recall,support\n",
            "{\"loss\": [0.5], \"recall\": [0.2], \"support\": 3}",
            "text,label\nprecision and recall support,a\n",
        ] {
            assert!(recognise(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_name_of_a_file_may_say_the_split() {
        assert_eq!(
            split_of(Path::new("runs/val_report.txt")),
            Some(Split::Validation)
        );
        assert_eq!(split_of(Path::new("test-report.json")), Some(Split::Test));
        assert_eq!(split_of(Path::new("valuable.txt")), None);
    }

    /// Several labels a row may have equal figures to two digits.
    #[test]
    fn equal_figures_of_two_digits_do_not_say_that_rows_have_one_label() {
        let of = |figure: &str| {
            PRINTED.replace(
                "    accuracy                           0.63      1495",
                &format!("   micro avg       {figure}      {figure}      {figure}      1495\n samples avg       {figure}      {figure}      {figure}      1495"),
            )
        };
        assert_eq!(margins_of(&of("0.63")).totals(), None);
        assert!(margins_of(&of("0.633445")).totals().is_some());
    }
}
