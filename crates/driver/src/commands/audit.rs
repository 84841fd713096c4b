//! The arguments of `labelproof audit`.

use std::path::PathBuf;

use clap::Args;
use labelproof_settings::DeviceChoice;

/// What to audit, and how to say what was found.
#[derive(Debug, Args)]
#[command(
    long_about = "Look for causes of good numbers beside bad predictions, in anyone's files

Give what there is: every file more makes more checks possible, and what could not be checked says what it lacks.",
    after_help = "Examples:
  labelproof audit --validation val_predictions.csv --test test_predictions.csv --train train.csv
  labelproof audit --test test.npz --log trainer_state.json --html audit.html
  labelproof audit --test rows.parquet --label gold --predicted yhat --confusion matrix.csv --check
  labelproof audit --log loss=1.24,accuracy=0.80,val_loss=1.21,val_accuracy=0.83,validation_rows=3500,classes=5 \\
                   --confusion matrix.csv

See --help for the formats.",
    after_long_help = "Examples:
  labelproof audit --validation val_predictions.csv --test test_predictions.csv --train train.csv
  labelproof audit --test test.npz --log trainer_state.json --html audit.html
  labelproof audit --test rows.parquet --label gold --predicted yhat --confusion matrix.csv --check
  labelproof audit --log loss=1.24,accuracy=0.80,val_loss=1.21,val_accuracy=0.83,validation_rows=3500,classes=5 \\
                   --confusion matrix.csv

Rows (--validation, --test, --train):
  .csv .tsv           with a header; .gz too
  .jsonl .json        an object a line, or a list of objects; .gz too
  .parquet            scores as columns or as lists
  .npz                y_true, predictions (labels, or scores of 2 dimensions), logits, ids; label_ids too
  .npy                scores (2 dimensions) or predictions, without true labels

Columns, unless an option names them:
  id                  id, row_id, index, idx, key, uid, or the nameless first column
  text                text, sentence, document, content, body, review, tweet, message, input
  true label          label, target, y_true, gold, truth, true_label, class, category, ground_truth
  predicted label     predicted, prediction, pred, y_pred, predicted_label, pred_label
  scores              probability_NAME, prob_NAME, p_NAME, logit_NAME, score_NAME for each class, or columns
                      called like the classes, or one list: probabilities, probs, y_prob, scores, logits
  group               group

Log (--log):
  .json               a Keras history, or the trainer_state.json of Hugging Face
  .csv                a row an epoch, as of Keras' CSVLogger
  key=value,...       val_, eval_ or validation_ before a figure: of the validation rows; else of training:
                      loss, accuracy, precision, recall, f1, auc (shares between 0 and 1); and
                      validation_rows, train_rows, batch_size, classes, learning_rate

Confusion matrix (--confusion), rows are true classes: .csv or .json, with names or without."
)]
pub struct AuditArgs {
    /// Rows that the model was chosen by, with their true and predicted labels
    #[arg(long, value_name = "FILE")]
    pub validation: Option<PathBuf>,
    /// Rows that were kept apart, with their true and predicted labels
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Rows that were trained on, with their labels
    #[arg(long, value_name = "FILE")]
    pub train: Option<PathBuf>,
    /// The log of the training, or its figures as key=value,key=value
    #[arg(long, value_name = "FILE|KEY=VALUE,...")]
    pub log: Option<String>,
    /// The confusion matrix of the test rows
    #[arg(long, value_name = "FILE")]
    pub confusion: Option<PathBuf>,
    /// The tokenizer.json of the model
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// The bundle: the `model` folder that train writes
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// The column of the id
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// The column of the text
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    /// The column of the true label
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// The column of the predicted label
    #[arg(long, value_name = "COLUMN")]
    pub predicted: Option<String>,
    /// The column of the author, thread or source of a row
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write a page too
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Where the bundle runs: auto, cpu, cuda, cuda:1, mps or flex
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceChoice,
    /// Exit with 8 if the figures do not say what they seem to say
    #[arg(long)]
    pub check: bool,
    /// Print errors and the result only
    #[arg(long, short)]
    pub quiet: bool,
}
