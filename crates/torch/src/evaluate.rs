//! `labelproof evaluate`: predicts labelled rows with a model, also one that another program trained, and prints
//! how good the predictions are.

use std::path::{Path, PathBuf};

use labelproof_artifact::wording::counted;
use labelproof_artifact::{Advice, Diagnostic, Fault, Silent, fs};
use labelproof_audit::evidence::{Dataset, Part};
use labelproof_audit::files::{Columns, Files, read_dataset};
use labelproof_cli::commands::evaluate::EvaluateArgs;
use labelproof_driver::{ExitCode, Failure, Printer, Verbosity, printer};
use labelproof_metrics::{Confusion, Estimate, class_scores, macro_average, wilson};
use labelproof_model::Bundle;
use serde::Serialize;

use crate::csv_file;
use crate::named_model;
use crate::predicted_rows::write_missing;

/// The rows cannot be evaluated.
#[derive(Debug, thiserror::Error)]
enum EvaluateError {
    #[error("`{}` has no {what}", path.display())]
    Lacks { path: PathBuf, what: &'static str },
}

impl Diagnostic for EvaluateError {
    fn advice(&self) -> Advice {
        let Self::Lacks { .. } = self;
        Fault::Input.hint("name the columns with --text and --label")
    }
}

/// How good the predictions of a model are.
#[derive(Serialize)]
struct Figures {
    labels: Vec<String>,
    rows: u64,
    accuracy: Estimate,
    f1_macro: Option<f64>,
    per_class: Vec<ClassFigures>,
    /// Rows are true classes, columns predicted ones.
    confusion: Vec<Vec<u64>>,
}

#[derive(Serialize)]
struct ClassFigures {
    label: String,
    rows: u64,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
}

pub(crate) fn run(args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    let bundle = named_model::load(&args.model, args.device)?;
    if bundle.is_foreign() && bundle.classifier.head.is_initial() {
        printer::note(&format!(
            "the classification head of `{}` is as transformers initialises it: it was never trained, or not saved",
            args.model.display()
        ));
    }
    let folder = fs::temporary_folder()?;
    let dataset = predicted(args, &bundle, folder.path())?;
    let Some((truth, predictions)) = dataset.test.as_ref().and_then(pairs) else {
        return Err(lacks(&args.test, "true labels").into());
    };
    let figures = Figures::of(&dataset.labels, &truth, &predictions);
    if let Some(output) = &args.output {
        write_rows(output, &dataset, &truth, &predictions)?;
        printer::note(&format!("predictions: {}", output.display()));
    }
    printer::data(&if args.json {
        serde_json::to_string_pretty(&figures).expect("figures have string keys only")
    } else {
        figures.text(&bundle)
    });
    Ok(ExitCode::Success)
}

fn lacks(path: &Path, what: &'static str) -> EvaluateError {
    EvaluateError::Lacks {
        path: path.to_path_buf(),
        what,
    }
}

/// Reads the rows, with the predictions of the model.
fn predicted(args: &EvaluateArgs, bundle: &Bundle, folder: &Path) -> Result<Dataset, Failure> {
    let mut files = Files {
        test: Some(args.test.clone()),
        no_header: args.no_header,
        columns: Columns {
            id: args.id.clone(),
            text: args.text.clone(),
            label: args.label.clone(),
            ..Columns::default()
        },
        predicted_by: Some((folder.to_path_buf(), args.model.display().to_string())),
        ..Files::default()
    };
    let mut rows = read_dataset(&files, &Silent)?;
    let Some(part) = &mut rows.test else {
        return Err(lacks(&args.test, "rows").into());
    };
    if !part.is_labelled() {
        return Err(lacks(&args.test, "true labels").into());
    }
    if part.texts.is_none() {
        return Err(lacks(&args.test, "texts").into());
    }
    // Predictions of another model that the file may have.
    (part.stored_predictions, part.scores) = (None, None);
    files.predictions = write_missing(bundle, Some(part), None, folder, "test.csv")?;
    let printer = Printer::new(Verbosity::choose(args.json));
    Ok(read_dataset(&files, &printer)?)
}

/// The true and the predicted class of each row.
fn pairs(part: &Part) -> Option<(Vec<u32>, Vec<u32>)> {
    Some((part.truth.clone()?, part.predictions()?.into_owned()))
}

impl Figures {
    fn of(labels: &[String], truth: &[u32], predictions: &[u32]) -> Self {
        let mut confusion = vec![vec![0; labels.len()]; labels.len()];
        for (&truth, &predicted) in truth.iter().zip(predictions) {
            confusion[truth as usize][predicted as usize] += 1;
        }
        let totals = Confusion::from_matrix(&confusion)
            .map(|counted| counted.totals())
            .ok();
        let (rows, hits) = totals
            .as_ref()
            .map_or((0, 0), |totals| (totals.rows, totals.hits));
        let scores = totals.as_ref().map_or_else(Vec::new, class_scores);
        let per_class = labels.iter().zip(scores).zip(&confusion);
        Self {
            labels: labels.to_vec(),
            rows,
            accuracy: wilson(hits, rows),
            f1_macro: totals.as_ref().and_then(macro_average).map(|average| average.f1),
            per_class: per_class
                .map(|((label, scores), row)| ClassFigures {
                    label: label.clone(),
                    rows: row.iter().sum(),
                    precision: scores.precision,
                    recall: scores.recall,
                    f1: scores.f1,
                })
                .collect(),
            confusion,
        }
    }

    fn text(&self, bundle: &Bundle) -> String {
        let percent =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{:.1} %", 100.0 * value));
        let Estimate { value, low, high } = self.accuracy;
        let labels: Vec<&str> = bundle.labels.names().iter().map(String::as_str).collect();
        let mut text = format!(
            "model      labels in the order of its logits: {}; reads up to {} tokens\n\
             rows       {}\n\
             accuracy   {} (95 % interval {} – {})\n\
             macro F1   {}\n",
            labels.join(", "),
            bundle.description.max_tokens,
            counted(usize::try_from(self.rows).unwrap_or(usize::MAX), "row"),
            percent(value),
            percent(low),
            percent(high),
            percent(self.f1_macro),
        );
        let width = self
            .labels
            .iter()
            .map(|label| label.chars().count())
            .max()
            .unwrap_or(0)
            .clamp(5, 40);
        text.push_str(&format!(
            "\n{:<width$} {:>8} {:>10} {:>8} {:>8}",
            "label", "rows", "precision", "recall", "F1"
        ));
        for class in &self.per_class {
            text.push_str(&format!(
                "\n{:<width$} {:>8} {:>10} {:>8} {:>8}",
                class.label,
                class.rows,
                percent(class.precision),
                percent(class.recall),
                percent(class.f1)
            ));
        }
        text
    }
}

/// Writes each row's id, text, true label, predicted label and probabilities.
fn write_rows(path: &Path, dataset: &Dataset, truth: &[u32], predictions: &[u32]) -> Result<(), Failure> {
    let Some(part) = &dataset.test else { return Ok(()) };
    let probabilities = part.probabilities();
    let mut header: Vec<String> = ["id", "text", "label", "predicted"].map(str::to_owned).into();
    if probabilities.is_some() {
        header.extend(csv_file::probability_columns(&dataset.labels));
    }
    let rows = (0..part.rows).map(|row| {
        let id = part
            .ids
            .as_ref()
            .map_or_else(|| (row + 1).to_string(), |ids| ids[row].clone());
        let text = part
            .texts
            .as_ref()
            .map_or_else(String::new, |texts| texts[row].clone());
        let label = |class: u32| dataset.labels[class as usize].clone();
        let mut cells = vec![id, text, label(truth[row]), label(predictions[row])];
        if let Some(scores) = &probabilities {
            cells.extend(scores.row(row).iter().map(ToString::to_string));
        }
        cells
    });
    csv_file::write(path, std::iter::once(header).chain(rows))
}
