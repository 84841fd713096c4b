//! `labelproof audit`: anyone's files in, the causes of good figures and bad predictions out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use labelproof_artifact::findings::Verdict;
use labelproof_artifact::{Advice, Diagnostic, Fault, MessageKeeper, Reporter, Silent, fs};
use labelproof_audit::evidence::{BundleFacts, Dataset};
use labelproof_audit::files::{Columns, Counts, Files, read_dataset, read_evidence};
use labelproof_audit::{audit, page, summary};
use labelproof_driver::{ExitCode, Failure, Printer, Verbosity, printer};
use labelproof_settings::DeviceChoice;

/// The files to audit, and the form of the answer.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:
  labelproof audit --validation val_predictions.csv --test test_predictions.csv --train train.csv
  labelproof audit --test test.npz --log trainer_state.json --html audit.html
  labelproof audit --test rows.parquet --label gold --predicted yhat --confusion matrix.csv --check
  labelproof audit --log console.txt --classes 10 --validation-rows 2000
  labelproof audit --bundle my-finetuned-bert --test test.csv
  labelproof audit --log loss=1.24,accuracy=0.80,val_loss=1.21,val_accuracy=0.83,classes=5 \\
                   --confusion matrix.csv

--help also lists the file formats.",
    after_long_help = "Examples:
  labelproof audit --validation val_predictions.csv --test test_predictions.csv --train train.csv
  labelproof audit --test test.npz --log trainer_state.json --html audit.html
  labelproof audit --test rows.parquet --label gold --predicted yhat --confusion matrix.csv --check
  labelproof audit --log console.txt --classes 10 --validation-rows 2000
  labelproof audit --bundle my-finetuned-bert --test test.csv
  labelproof audit --log loss=1.24,accuracy=0.80,val_loss=1.21,val_accuracy=0.83,classes=5 \\
                   --confusion matrix.csv

Rows (--validation, --test, --train, --predictions):
  .csv .tsv .txt      separator, encoding, header and decimal commas are found out; .gz too
  .jsonl .json        objects, arrays or values, on lines or in an array; what pandas, MLflow
                      and the pipelines of Hugging Face write; .gz too
  .parquet            scores as columns or as lists
  .npz                y_true or label_ids; predictions (labels or scores); logits; ids
  .npy                predictions (labels or scores), without true labels

Columns, unless an option names them; also in other languages, and what was decided is said:
  id                  id, row_id, index, idx, key, uid, or the nameless first column
  text                text, sentence, document, content, body, review, tweet, message, input
  true label          label, target, y_true, gold, truth, actual, class, category, ground_truth
  predicted label     predicted, prediction, pred, y_pred, y_hat, predicted_label, output
  scores              probability_NAME, prob_NAME, p_NAME, logit_NAME, score_NAME for each class, or
                      columns called like the classes, or one list: probabilities, probs, y_prob,
                      scores, logits
  group               group

Log (--log):
  text                what was printed by Keras, a Trainer or a loop of your own, by a notebook,
                      model cards, eval_results.txt; with anything around it; - is standard input
  .json .jsonl        a Keras history, trainer_state.json, all_results.json, an object for each
                      epoch; of MLflow, Weights & Biases, Ludwig or spaCy; a notebook
  .csv .tsv           a row for each epoch, step or evaluation: Keras, Lightning, fastai, skorch,
                      flair, simpletransformers; exports of Weights & Biases and TensorBoard
  a folder            of TensorBoard's event files, an MLflow run, or a Trainer's output
  key=value,...       loss, accuracy, precision, recall, f1, auc for the training rows, with val_,
                      eval_ or validation_ for the validation rows, with test_ for the test rows;
                      and validation_rows, train_rows, test_rows, batch_size, classes, learning_rate
The content says which it is. Given several times, logs of one training are read as one.

Confusion matrix (--confusion):
  a printed table     as NumPy, pandas, R or Weka print it, or Markdown; with totals or without
  .csv .json .npy     counts, shares of the --test rows, or a line for each pair of classes
  a report            scikit-learn's classification_report as text, JSON or CSV; --log takes it too
Rows are the true classes, unless words at the axes say otherwise."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct AuditArgs {
    /// Files without a word of what they are, which is asked for
    #[arg(hide = true, value_name = "FILE")]
    pub unnamed: Vec<PathBuf>,
    /// Validation rows, by which the model was selected, with true and predicted labels
    #[arg(long, value_name = "FILE")]
    pub validation: Option<PathBuf>,
    /// Test rows, which neither training nor selection saw, with true and predicted labels
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Training rows, with their labels
    #[arg(long, value_name = "FILE")]
    pub train: Option<PathBuf>,
    /// Predictions of the test rows, if they are in a file of their own: joined by id, or by place
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,
    /// Predictions of the validation rows, likewise
    #[arg(long, value_name = "FILE")]
    pub validation_predictions: Option<PathBuf>,
    /// Log of the training, or its metrics as key=value,key=value; several are read as one, and - is
    /// standard input
    #[arg(long, value_name = "FILE|KEY=VALUE,...")]
    pub log: Vec<String>,
    /// Confusion matrix of the test rows
    #[arg(long, value_name = "FILE")]
    pub confusion: Option<PathBuf>,
    /// The model's tokenizer.json, or a folder with a tokenizer
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// The model: the folder `model` that the stage train writes, or that of an
    /// AutoModelForSequenceClassification; it predicts the rows that have texts and no predictions
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Column of the id
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// Column of the text
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    /// Column of the true label
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Column of the predicted label
    #[arg(long, value_name = "COLUMN")]
    pub predicted: Option<String>,
    /// Column of the group of a row, such as its author, thread or source
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// Take the first row of every file of rows as a row; columns are then named by their numbers
    #[arg(long)]
    pub no_header: bool,
    /// Number of classes, where the log does not say
    #[arg(long, value_name = "N", value_parser = count())]
    pub classes: Option<u64>,
    /// Rows that the validation figures of the log are of
    #[arg(long, value_name = "N", value_parser = count())]
    pub validation_rows: Option<u64>,
    /// Rows that the test figures of the log are of
    #[arg(long, value_name = "N", value_parser = count())]
    pub test_rows: Option<u64>,
    /// Rows that were trained on
    #[arg(long, value_name = "N", value_parser = count())]
    pub train_rows: Option<u64>,
    /// Rows a batch
    #[arg(long, value_name = "N", value_parser = count())]
    pub batch_size: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also write the findings as a page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Device on which the bundle runs: auto, cpu, cuda, cuda:1, mps or flex
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
    /// Exit with code 8 if the verdict is unsound, and with 10 if it is not examined
    #[arg(long)]
    pub check: bool,
    /// Print nothing but errors and the result
    #[arg(long, short)]
    pub quiet: bool,
}

/// A count of at least 1.
fn count() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..)
}

/// The command line of `audit` does not make sense.
#[derive(Debug, thiserror::Error)]
enum AuditError {
    #[error("nothing to audit")]
    NoInput,
    #[error("what `{}` is has to be said", file.display())]
    Unnamed { file: PathBuf },
}

impl Diagnostic for AuditError {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint(match self {
            Self::NoInput => {
                "give at least one of --validation, --test, --train, --log, --confusion, --tokenizer and --bundle"
            }
            Self::Unnamed { .. } => {
                "put --test, --validation or --train before a file of rows, --log before what a training printed or \
                 wrote, --confusion before a matrix, and --bundle before the folder of a model"
            }
        })
    }
}

/// What running a bundle gave.
#[derive(Debug, Default)]
pub struct BundleRun {
    /// What is known of the bundle.
    pub facts: BundleFacts,
    /// Its predictions of the test rows, where their file has none.
    pub test: Option<PathBuf>,
    /// Its predictions of the validation rows, where their file has none.
    pub validation: Option<PathBuf>,
    /// The folder of its tokenizer.
    pub tokenizer: Option<PathBuf>,
}

/// Audits files. A bundle has to be run first, which takes LibTorch: then nothing is done, and the result is
/// `None`.
pub(super) fn run(args: &AuditArgs) -> Result<Option<ExitCode>, Failure> {
    if args.bundle.is_some() {
        return Ok(None);
    }
    args.audit(|_, _| Ok(BundleRun::default())).map(Some)
}

impl AuditArgs {
    /// Reads the files, has the bundle run on their rows, and prints what the audit finds. The bundle may write
    /// its predictions into the folder that it is given.
    pub fn audit(
        &self,
        run_bundle: impl FnOnce(&Dataset, &Path) -> Result<BundleRun, Failure>,
    ) -> Result<ExitCode, Failure> {
        let mut files = self.files()?;
        let printer = Printer::new(Verbosity::choose(self.quiet));
        // The answer for people begins with what was decided in reading. Where there is none, it comes before
        // the error.
        let held = MessageKeeper::hiding(&printer);
        let reporter: &dyn Reporter = if self.json { &printer } else { &held };
        let read = || {
            let mut facts = None;
            let folder;
            if let Some(bundle) = &self.bundle {
                folder = fs::temporary_folder()?;
                let run = run_bundle(&read_dataset(&files, &Silent)?, folder.path())?;
                files.predicted_by = Some((folder.path().to_path_buf(), bundle.display().to_string()));
                files.predictions = files.predictions.take().or(run.test);
                files.validation_predictions = files.validation_predictions.take().or(run.validation);
                files.tokenizer = files.tokenizer.take().or(run.tokenizer);
                facts = Some(run.facts);
            }
            let dataset = read_dataset(&files, reporter)?;
            Ok::<_, Failure>(read_evidence(&files, dataset, facts)?)
        };
        let findings = audit(&read().inspect_err(|_| held.release())?);
        if let Some(path) = &self.html {
            fs::write_atomic(path, page::html(&findings).as_bytes())?;
            printer::note(&format!("page: {}", fs::absolute(path)?.display()));
        }
        let text = if self.json {
            serde_json::to_string_pretty(&findings).expect("findings have string keys only")
        } else {
            summary::text(&findings)
        };
        printer::data(&text);
        Ok(match findings.verdict {
            Verdict::Unsound if self.check => ExitCode::Unsound,
            Verdict::NotExamined if self.check => ExitCode::NotExamined,
            _ => ExitCode::Success,
        })
    }

    /// The files to read; an error where there is nothing to audit.
    fn files(&self) -> Result<Files, AuditError> {
        if let Some(file) = self.unnamed.first() {
            let file = file.clone();
            return Err(AuditError::Unnamed { file });
        }
        let files = Files {
            held: BTreeMap::new(),
            validation: self.validation.clone(),
            test: self.test.clone(),
            train: self.train.clone(),
            predictions: self.predictions.clone(),
            validation_predictions: self.validation_predictions.clone(),
            predicted_by: None,
            no_header: self.no_header,
            logs: self.log.clone(),
            confusion: self.confusion.clone(),
            tokenizer: self.tokenizer.clone(),
            columns: Columns {
                id: self.id.clone(),
                text: self.text.clone(),
                label: self.label.clone(),
                predicted: self.predicted.clone(),
                group: self.group.clone(),
            },
            counts: Counts {
                classes: self.classes,
                validation_rows: self.validation_rows,
                test_rows: self.test_rows,
                train_rows: self.train_rows,
                batch_size: self.batch_size,
            },
        };
        let nothing = Files {
            columns: files.columns.clone(),
            counts: files.counts,
            ..Files::default()
        };
        if files == nothing && self.bundle.is_none() {
            return Err(AuditError::NoInput);
        }
        Ok(files)
    }
}
