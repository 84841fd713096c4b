"""Faults of losses and of logged figures (C1 to C9)."""

from functools import partial

import numpy as np
import torch
from torch.nn import functional

from faults.registry import fault
from faults.tools import corrected, labels_only, macro_scores, padded, shuffled
from runs import one_against_rest_auc, sigmoid


def _loss_of_softmax(logits, y, head):
    return functional.cross_entropy(logits.softmax(1), y)


def _one_hot(logits, y):
    return functional.one_hot(y, logits.shape[1]).float()


def _sigmoid_loss(logits, y, head):
    return functional.binary_cross_entropy_with_logits(logits, _one_hot(logits, y))


def _sigmoid_accuracy(logits, y):
    return ((logits > 0).float() == _one_hot(logits, y)).float().mean()


def _softmax_binary_loss(logits, y, head):
    return functional.binary_cross_entropy(logits.softmax(1), _one_hot(logits, y))


def _softmax_binary_accuracy(logits, y):
    return ((logits.softmax(1) > 0.5).float() == _one_hot(logits, y)).float().mean()


def _smoothed_loss(logits, y, head, smoothing):
    return functional.cross_entropy(logits, y, label_smoothing=smoothing)


def _penalised_loss(logits, y, head):
    return functional.cross_entropy(logits, y) + 0.02 * sum((weight**2).sum() for weight in head.parameters())


def _batch_sum_loss(logits, y, head):
    return 32 * functional.cross_entropy(logits, y)


def _class_weighted_loss(logits, y, head, weights):
    return functional.cross_entropy(logits, y, weight=torch.tensor(weights))


@fault("C1")
def double_softmax(run, rng):
    """Softmax outputs go into a loss that applies softmax again; the log holds that loss."""
    return run.results(run.fit(loss=_loss_of_softmax))


@fault("C1")
def double_softmax_labels_only(run, rng):
    """The same, and nobody stored probabilities: only the log can tell."""
    return labels_only(run.results(run.fit(loss=_loss_of_softmax)))


@fault("C2")
def binary_accuracy_of_sigmoids(run, rng):
    """K sigmoids with binary cross-entropy; the logged accuracy counts the K decisions of a row one by one."""
    if run.classes == 2:  # Two classes: both accuracies are the same number.
        return None
    return run.results(run.fit(loss=_sigmoid_loss, accuracy=_sigmoid_accuracy), activation=sigmoid)


@fault("C2")
def binary_accuracy_of_softmax(run, rng):
    """Binary cross-entropy on softmax outputs: the framework chooses element-wise accuracy to go with it."""
    if run.classes == 2:  # Two classes: both accuracies are the same number.
        return None
    return run.results(run.fit(loss=_softmax_binary_loss, accuracy=_softmax_binary_accuracy))


@fault("C3")
def label_smoothing_10(run, rng):
    """The logged validation loss is taken against smoothed labels (0.1)."""
    return run.results(run.fit(loss=partial(_smoothed_loss, smoothing=0.1)))


@fault("C3")
def label_smoothing_30(run, rng):
    """The logged validation loss is taken against smoothed labels (0.3)."""
    return run.results(run.fit(loss=partial(_smoothed_loss, smoothing=0.3)))


@fault("C3")
def weight_penalty_in_loss(run, rng):
    """The logged losses include the L2 term of the weights."""
    return run.results(run.fit(loss=_penalised_loss))


@fault("C3")
def loss_summed_over_batch(run, rng):
    """The losses are sums over a batch of 32, not means."""
    return run.results(run.fit(loss=_batch_sum_loss))


@fault("C3")
def class_weighted_loss(run, rng):
    """The logged losses are weighted by inverse class frequency."""
    counts = np.bincount(run.train.y, minlength=run.classes)
    if counts.max() < 3 * counts.min():
        return None
    weights = tuple((counts.sum() / (run.classes * counts)).tolist())
    return run.results(run.fit(loss=partial(_class_weighted_loss, weights=weights)))


@fault("C4")
def scores_averaged_over_batches(run, rng):
    """Precision, recall and F1 of an epoch are means over batches of 32 rows."""
    results = run.results()
    batches = range(0, len(run.validation), 32)
    table = {name: [] for name in ("val_precision", "val_recall", "val_f1")}
    for logits in run.fitted.validation_logits:
        figures = [macro_scores(run.validation.y[at : at + 32], logits[at : at + 32].argmax(1)) for at in batches]
        for name, value in zip(table, np.mean(figures, axis=0), strict=True):
            table[name].append(float(value))
    results.history |= table | {"batch_size": 32}
    return results


@fault("C5")
def rows_repeated_by_padding(run, rng):
    """Distributed prediction fills the last round of 4 processes x 8 rows with rows from the start."""
    longer = [padded(part, 32) for part in (run.validation, run.test)]
    return run.results(validation=longer[0], test=longer[1], history=run.log(run.fitted, run.train, run.validation))


@fault("C5")
def last_batch_missing_in_file(run, rng):
    """The log is of all validation rows; the prediction loop dropped the last partial batch of each file."""
    kept = [part.take(slice(0, len(part) // 32 * 32)) for part in (run.validation, run.test)]
    history = run.log(run.fitted, run.train, run.validation)
    history |= {"validation_rows": len(run.validation), "train_rows": len(run.train), "batch_size": 32}
    return run.results(validation=kept[0], test=kept[1], history=history)


@fault("C5")
def last_batch_missing_in_log(run, rng):
    """Validation steps are rows // batch size: the logged figures leave out the last partial batch of 64."""
    kept = run.validation.take(slice(0, len(run.validation) // 64 * 64))
    fitted = run.fit(validation=kept)
    history = run.log(fitted, run.train, kept)
    history |= {"validation_rows": len(kept), "train_rows": len(run.train), "batch_size": 64}
    return run.results(fitted, history=history)


@fault("C6")
def micro_scores_reported(run, rng):
    """Precision, recall and F1 are micro averages: all three are the accuracy, whatever the rare classes do."""
    best = run.fitted.validation_logits[run.fitted.best].argmax(1)
    micro = float((best == run.validation.y).mean())
    if abs(macro_scores(run.validation.y, best)[2] - micro) < 0.002:
        return None
    results = run.results()
    accuracy = results.history["val_accuracy"]
    results.history |= {"val_precision": accuracy, "val_recall": accuracy, "val_f1": accuracy}
    return results


@fault("C7")
def training_figures_with_dropout(run, rng):
    """Training figures are logged with dropout of 0.7 on: the same rows score better in evaluation mode."""
    fitted = run.fit(dropout=0.7)
    logits = fitted.logits(run.train.x)
    if (logits.argmax(1) == run.train.y).mean() - fitted.history["accuracy"][fitted.best] < 0.03:
        return None  # Nobody is misled by less.
    results = run.results(fitted)
    results.train = run.frame(run.train, logits)
    return results


@fault("C8")
def test_is_validation(run, rng):
    """The rows that chose the epoch are reported as the test."""
    return run.results(test=run.validation)


@fault("C8")
def test_half_validation(run, rng):
    """Half of the validation rows were taken from the test rows."""
    half = len(run.validation) // 2
    borrowed = run.test.take(rng.choice(len(run.test), half, replace=False))
    validation = shuffled(run.validation.take(slice(half, None)) + borrowed, rng)
    return run.results(run.fit(validation=validation), validation=validation)


@fault("C9", effect=0.05)
def one_class_favoured(run, rng):
    """A correction for class shares that do not hold lifts one class in all predictions, and in the log."""
    lift = np.zeros(run.classes, dtype=np.float32)
    lift[rng.integers(run.classes)] = 3.0
    return corrected(run, lambda logits: logits + lift)


@fault("C9", "C56", follows=("C23",), effect=0.05)
def dropout_while_fitting_with_max_pooling(run, rng):
    """The frozen encoder's dropout stays on for the three epochs in which the head is fitted, which are too few."""
    train = run.read(run.train.rows, "dropout", "maximum")
    validation, test = (run.read(part.rows, "plain", "maximum") for part in (run.validation, run.test))
    fitted = run.fit(train, validation, epochs=3, learning_rate=1e-3)
    results = run.results(fitted, train=train, validation=validation, test=test)
    undisturbed = run.fit(run.read(run.train.rows, "plain", "maximum"), validation, epochs=3, learning_rate=1e-3)
    results.reference = float((undisturbed.logits(test.x).argmax(1) == test.y).mean())
    results.history |= {"val_auc": [one_against_rest_auc(z, validation.y) for z in fitted.validation_logits]}
    return results
