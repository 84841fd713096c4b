//! What a name in a log means: `val_acc`, `eval/loss`, `Valid. Accuracy`, `Loss/train`, `valLoss`.
//!
//! A name is cut into words; a figure is a name all of whose words are known, so that `top_5_accuracy` and
//! `balanced_accuracy` are none.

use labelproof_artifact::Split;

/// What is measured on the rows of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Figure {
    Loss,
    Accuracy,
    Precision,
    Recall,
    F1,
    Auc,
    Mcc,
    /// What is called a score and nothing else: the accuracy with scikit-learn, the loss in examples of
    /// Keras, an F1 elsewhere.
    Score,
}

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A figure of a split, where the name says which.
    Figure {
        figure: Figure,
        split: Option<Split>,
        /// Of one batch, as Lightning's `_step` says.
        of_batch: bool,
    },
    LearningRate,
    /// The number of rows of a split.
    Rows(Split),
    /// Seconds that a pass over a split took.
    Seconds(Split),
    /// Rows of a split in a second.
    RowsASecond(Split),
    BatchSize,
    Classes,
    Epoch,
    Step,
    /// The number of the epoch that was kept.
    BestEpoch,
    /// Known, and of no use to any check.
    Bookkeeping,
}

/// What a name means, if it is one that the audit knows.
pub(super) fn key(name: &str) -> Option<Key> {
    if let Some((_, rank)) = name.split_once('@')
        && rank.trim() != "1"
    {
        return None;
    }
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    of_split(&words)
        .or_else(|| single(&words))
        .or_else(|| figure(&words))
}

/// The words of a name in lower case, without the number that Keras and TensorBoard put after it.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for character in name.chars() {
        let begins_hump = character.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit());
        if character.is_alphanumeric() {
            if !before.is_alphanumeric() || begins_hump || words.is_empty() {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(character.to_lowercase());
            }
        }
        before = character;
    }
    let is_number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
    if let [.., before, last] = words.as_slice()
        && is_number(last)
        && !["f", "top"].contains(&before.as_str())
    {
        words.pop();
    }
    words
}

/// Names that say one thing of the whole training, or count it.
fn single(words: &[&str]) -> Option<Key> {
    Some(match words {
        ["lr", ..]
        | ["learning", "rate", ..]
        | ["current" | "train", "lr"]
        | ["train", "learning", "rate"] => Key::LearningRate,
        ["epoch" | "epochs" | "ep"] | ["train" | "current", "epoch"] | ["epoch", "number" | "num" | "no"] => {
            Key::Epoch
        }
        ["step" | "steps" | "iteration" | "iter" | "it"]
        | ["global", "step" | "steps"]
        | ["train" | "trainer", "global", "step"] => Key::Step,
        ["batch", "size"]
        | ["train", "batch", "size"]
        | ["per", "device", "train", "batch", "size"]
        | ["total", "train", "batch", "size"] => Key::BatchSize,
        ["classes"]
        | ["num" | "n" | "number", "classes" | "labels"]
        | ["number", "of", "classes" | "labels"] => Key::Classes,
        ["best", "epoch"] => Key::BestEpoch,
        _ if is_bookkeeping(words) => Key::Bookkeeping,
        _ => return None,
    })
}

/// Times, norms, counters and settings that frameworks write beside the figures.
fn is_bookkeeping(words: &[&str]) -> bool {
    const WORDS: [&str; 31] = [
        "time",
        "times",
        "timestamp",
        "runtime",
        "dur",
        "duration",
        "eta",
        "seconds",
        "sec",
        "elapsed",
        "flos",
        "norm",
        "date",
        "datetime",
        "wall",
        "second",
        "memory",
        "mem",
        "gpu",
        "created",
        "tokens",
        "words",
        "wps",
        "ups",
        "gnorm",
        "clip",
        "seed",
        "decay",
        "warmup",
        "patience",
        "momentum",
    ];
    matches!(
        words,
        ["v", "num"] | ["eval" | "test" | "val" | "validation", "batch", "size"]
    ) || matches!(words, [.., "batch", "size"] | ["max", "steps" | "epochs"])
        || matches!(
            words,
            ["num" | "total", "epochs" | "steps"] | ["cpu"] | ["bad", "epochs"]
        )
        || words.iter().any(|word| WORDS.contains(word))
}

/// Rows and times of a split: `eval_samples`, `num_train_examples`, `test_runtime`.
fn of_split(words: &[&str]) -> Option<Key> {
    let words = match words {
        ["num" | "n" | "number", rest @ ..] => rest,
        words => words,
    };
    let (first, rest) = words.split_first()?;
    let split = split_word(first)?;
    match rest {
        ["rows" | "samples" | "examples"] => Some(Key::Rows(split)),
        ["runtime"] => Some(Key::Seconds(split)),
        ["samples" | "examples", "per", "second"] => Some(Key::RowsASecond(split)),
        _ => None,
    }
}

/// The place of a cell of a matrix of two classes, as simpletransformers and others log them: `tp`, `tn`,
/// `fp`, `fn`, and of which rows it is, where its name says so.
pub(super) fn matrix_cell(name: &str) -> Option<(Option<Split>, usize)> {
    let name = name.trim();
    let prefixes = ["eval_", "eval/", "val_", "dev_", "test_"];
    let named = prefixes.iter().find_map(|prefix| {
        let split = split_word(prefix.trim_end_matches(['_', '/']));
        Some((split, name.strip_prefix(prefix)?))
    });
    let (split, bare) = named.unwrap_or((None, name));
    let place = ["tp", "tn", "fp", "fn"].iter().position(|cell| *cell == bare)?;
    Some((split, place))
}

/// The split that a word names.
pub(super) fn split_word(word: &str) -> Option<Split> {
    Some(match word {
        "train" | "training" | "trn" | "tr" => Split::Train,
        "val" | "va" | "valid" | "validation" | "validate" | "validating" | "vld" | "dev" | "eval"
        | "evaluation" | "evaluate" | "evaluating" | "development" => Split::Validation,
        "test" | "testing" | "tst" | "predict" | "prediction" => Split::Test,
        _ => return None,
    })
}

/// Whether a word means an evaluation of whatever rows, so that another word may say of which:
/// `eval_test_loss`.
pub(super) fn is_evaluation(word: &str) -> bool {
    matches!(word, "eval" | "evaluation" | "evaluate" | "evaluating")
}

fn figure_word(word: &str) -> Option<Figure> {
    Some(match word {
        "loss" | "losses" | "nll" | "nllloss" | "crossentropy" | "xent" | "logloss" | "mlogloss" => {
            Figure::Loss
        }
        "acc" | "accs" | "accuracy" | "accuracies" => Figure::Accuracy,
        "precision" | "prec" => Figure::Precision,
        "recall" | "rec" => Figure::Recall,
        "f1" | "f1score" | "fscore" => Figure::F1,
        "auc" | "auroc" | "rocauc" => Figure::Auc,
        "mcc" | "matthews" => Figure::Mcc,
        _ => return None,
    })
}

/// What else may stand in the name of a figure.
fn is_filler(word: &str, figure: Option<Figure>) -> bool {
    let averaged = matches!(
        figure,
        Some(Figure::Precision | Figure::Recall | Figure::F1 | Figure::Auc)
    );
    match word {
        "epoch" | "metric" | "metrics" | "set" | "data" | "dataset" | "overall" | "on" | "the" | "of"
        | "running" | "sparse" | "categorical" | "binary" | "ave" | "top1" => true,
        "avg" | "average" | "mean" => figure != Some(Figure::Precision),
        "correlation" | "corr" | "coef" | "corrcoef" | "coefficient" => figure == Some(Figure::Mcc),
        "macro" | "micro" | "weighted" => averaged,
        "score" => figure != Some(Figure::Loss),
        "roc" => figure == Some(Figure::Auc),
        "cross" | "entropy" | "ce" | "bce" => figure == Some(Figure::Loss),
        _ => false,
    }
}

/// A word that has its split and its figure written together: `valloss`, `trainacc`.
fn glued(word: &str) -> Option<(Split, Figure)> {
    let prefixes = ["train", "valid", "val", "test", "dev", "eval"];
    prefixes.iter().find_map(|prefix| {
        let figure = figure_word(word.strip_prefix(prefix)?)?;
        Some((split_word(prefix)?, figure))
    })
}

/// Whether a name is of the share of wrong rows, whose figure is the accuracy: `error_rate`.
pub(super) fn is_error_rate(name: &str) -> bool {
    words(name).windows(2).any(|pair| pair == ["error", "rate"])
}

fn figure(words: &[&str]) -> Option<Key> {
    if let [split, "score"] = words
        && let Some(split) = split_word(split)
    {
        return Some(Key::Figure {
            figure: Figure::Score,
            split: Some(split),
            of_batch: false,
        });
    }
    // `ave p` beside `ave acc`.
    let is_averaged = words.contains(&"ave");
    let mut figure = None;
    let mut split: Option<(Split, bool)> = None;
    let mut others = Vec::new();
    let mut of_batch = false;
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        let (mut named, mut measured) = (split_word(word), figure_word(word));
        if let Some((split, figure)) = glued(word) {
            (named, measured) = (Some(split), Some(figure));
        }
        if word == "f"
            && words
                .next_if(|next| matches!(*next, "1" | "score" | "measure"))
                .is_some()
        {
            measured = Some(Figure::F1);
        }
        // As the share of right rows, which `course` makes of it.
        if word == "error" && words.next_if(|next| *next == "rate").is_some() {
            measured = Some(Figure::Accuracy);
        }
        if word == "top" && words.next_if(|next| *next == "1").is_some() {
            continue;
        }
        if is_averaged && measured.is_none() {
            measured = match word {
                "p" => Some(Figure::Precision),
                "r" => Some(Figure::Recall),
                "f" => Some(Figure::F1),
                _ => None,
            };
        }
        if word == "step" {
            of_batch = true;
        } else if named.is_none() && measured.is_none() {
            others.push(word);
        }
        if let Some(measured) = measured {
            if figure.is_some_and(|figure| figure != measured) {
                return None;
            }
            figure = Some(measured);
        }
        if let Some(named) = named {
            let is_weak = is_evaluation(word);
            split = match split {
                Some((other, false)) if !is_weak && other != named => return None,
                Some(strong @ (_, false)) => Some(strong),
                Some((_, true)) | None => Some((named, is_weak)),
            };
        }
    }
    let figure = figure.or_else(|| (others == ["cross", "entropy"]).then_some(Figure::Loss));
    let is_known = others.iter().all(|word| is_filler(word, figure));
    figure.filter(|_| is_known).map(|figure| Key::Figure {
        figure,
        split: split.map(|(split, _)| split),
        of_batch,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, figure: Figure, split: Option<Split>) {
        let expected = Key::Figure {
            figure,
            split,
            of_batch: name.ends_with("_step"),
        };
        assert_eq!(key(name), Some(expected), "{name}");
    }

    #[test]
    fn names_of_many_frameworks_are_figures_of_their_split() {
        use Figure::*;
        for (name, figure) in [
            ("val_auc_1", Auc),
            ("validation_f1_macro", F1),
            ("val_sparse_categorical_accuracy", Accuracy),
            ("eval/loss", Loss),
            ("eval_macro_f1", F1),
            ("Valid. Accuracy", Accuracy),
            ("Validation Loss", Loss),
            ("Loss/valid", Loss),
            ("valLoss", Loss),
            ("val_f_1", F1),
            ("dev f1-score", F1),
            ("metrics.val_loss", Loss),
            ("eval_validation_loss", Loss),
            ("validation/accuracy_score", Accuracy),
            ("valid_roc_auc", Auc),
            ("valloss", Loss),
            ("val_loss_epoch", Loss),
        ] {
            check(name, figure, Some(Split::Validation));
        }
        for (name, figure) in [
            ("train/loss", Loss),
            ("Train Acc", Accuracy),
            ("training_accuracy", Accuracy),
            ("Loss/train", Loss),
            ("train_loss_step", Loss),
            ("eval_train_loss", Loss),
            ("trainAcc", Accuracy),
        ] {
            check(name, figure, Some(Split::Train));
        }
        for name in ["Accuracy/test", "test_acc", "eval_test_accuracy", "Test Accuracy"] {
            check(name, Accuracy, Some(Split::Test));
        }
        check("Test score", Score, Some(Split::Test));
        for (name, figure) in [
            ("f1", F1),
            ("acc", Accuracy),
            ("Acc@1", Accuracy),
            ("accuracy_2", Accuracy),
            ("average loss", Loss),
            ("f1-score", F1),
            ("f_score", F1),
            ("Cross-Entropy Loss", Loss),
            ("epoch_loss", Loss),
            ("accuracy_top-1", Accuracy),
            ("top_1_accuracy", Accuracy),
            ("top1_acc", Accuracy),
            ("ave acc", Accuracy),
            ("ave p", Precision),
            ("ave r", Recall),
            ("ave f1", F1),
            ("error_rate", Accuracy),
            ("mcc", Mcc),
            ("matthews_correlation", Mcc),
        ] {
            check(name, figure, None);
        }
    }

    #[test]
    fn what_measures_something_else_is_no_figure() {
        for name in [
            "top_5_accuracy",
            "Acc@5",
            "balanced_accuracy",
            "average_precision",
            "acc_and_f1",
            "masked_lm_loss",
            "best_val_acc",
            "total_loss",
            "macro_accuracy",
            "train_val_loss",
            "perplexity",
            "loss_scale",
            "kappa",
            "accuracy_top-5",
            "p",
            "eval_p",
            "",
            "_",
        ] {
            assert_eq!(key(name), None, "{name}");
        }
    }

    #[test]
    fn what_counts_the_training_is_known() {
        for (name, expected) in [
            ("eval_samples", Key::Rows(Split::Validation)),
            ("validation_rows", Key::Rows(Split::Validation)),
            ("val_rows", Key::Rows(Split::Validation)),
            ("num_train_examples", Key::Rows(Split::Train)),
            ("test_samples", Key::Rows(Split::Test)),
            ("eval_runtime", Key::Seconds(Split::Validation)),
            ("train_batch_size", Key::BatchSize),
            ("eval_batch_size", Key::Bookkeeping),
            ("lr", Key::LearningRate),
            ("lr-AdamW", Key::LearningRate),
            ("train/learning_rate", Key::LearningRate),
            ("train/global_step", Key::Step),
            ("_step", Key::Step),
            ("train/epoch", Key::Epoch),
            ("num_labels", Key::Classes),
            ("total_flos", Key::Bookkeeping),
            ("grad_norm", Key::Bookkeeping),
            ("_timestamp", Key::Bookkeeping),
            ("best_epoch", Key::BestEpoch),
        ] {
            assert_eq!(key(name), Some(expected), "{name}");
        }
        assert_eq!(
            key("eval_samples_per_second"),
            Some(Key::RowsASecond(Split::Validation))
        );
    }
}
