"""Faults of weights and of the state of a model (C20 to C26)."""

import numpy as np
import torch

from faults.registry import fault
from faults.tools import from_epoch
from runs import build_head, predict


@fault("C20", effect=0.02)
def head_initialised_again(run, rng):
    """The encoder was loaded for the test, the head was not."""
    torch.manual_seed(int(rng.integers(2**31)))
    head = build_head(run.fitted.shape, run.fitted.training)
    return run.results(test_logits=predict(head, run.test.x))


@fault("C21")
def last_epoch_of_an_overfitted_run(run, rng):
    """The figures reported are the best epoch's, the weights are the last epoch's."""
    fitted = run.fit(hidden=256, epochs=40)
    loss, accuracy = fitted.history["val_loss"], fitted.history["val_accuracy"]
    if loss[fitted.last] < loss[fitted.best] + 0.02 or accuracy[fitted.last] >= accuracy[fitted.best]:
        return None
    return from_epoch(run, fitted, fitted.last)


@fault("C21", effect=0.02)
def first_epoch_instead_of_best(run, rng):
    """The first checkpoint was loaded instead of the best one."""
    return from_epoch(run, run.fit(learning_rate=3e-4, epochs=40), 0)


@fault("C21", effect=0.02)
def first_epoch_at_test_only(run, rng):
    """Validation was predicted by the best checkpoint, the test by the first."""
    fitted = run.fit(learning_rate=3e-4, epochs=40)
    return run.results(fitted, test_logits=fitted.logits(run.test.x, 0))


@fault("C22", effect=0.02)
def batch_norm_never_updated(run, rng):
    """The running statistics stayed at mean 0 and variance 1; validation used those of its batches."""
    fitted = run.fit(batch_norm_momentum=0.0, validate_in_training_mode=True)
    return run.results(fitted, validation_logits=fitted.validation_logits[fitted.best])


@fault("C22", effect=0.02)
def batch_norm_of_sorted_test_batches(run, rng):
    """The test was predicted in training mode, from a file sorted by class: each batch is centred on its class."""
    fitted = run.fit(batch_norm_momentum=0.1)
    test = run.test.take(np.argsort(run.test.y, kind="stable"))
    return run.results(fitted, test=test, test_logits=predict(fitted.head(), test.x, training_mode=True))


@fault("C23")
def head_dropout_at_test(run, rng):
    """Dropout of 0.5 before the head stayed on for the test; forty texts were predicted twice."""
    fitted = run.fit(dropout=0.5)
    test = run.test + run.test.take(rng.choice(len(run.test), 40, replace=False)).renamed("again-")
    torch.manual_seed(run.seed)
    return run.results(fitted, test=test, test_logits=predict(fitted.head(), test.x, training_mode=True))


@fault("C23")
def encoder_dropout_at_test(run, rng):
    """The encoder was left in training mode for the test, before max pooling; forty texts were predicted twice."""
    train, validation = (run.read(part.rows, "plain", "maximum") for part in (run.train, run.validation))
    again = rng.choice(run.test.rows, 40, replace=False)
    test = run.read(run.test.rows, "dropout", "maximum")
    test += run.read(again, "dropout_again", "maximum").renamed("again-")
    return run.results(run.fit(train, validation), train=train, validation=validation, test=test)


@fault("C25", follows=("C26", "C53"))
def dead_units(run, rng):
    """All hidden units died at once: only the bias is left, and one class for every row."""
    return run.results(run.fit(hidden=64, hidden_bias=-50.0))


@fault("C26", follows=("C24", "C25", "C56"))
def head_not_in_optimiser(run, rng):
    """No weight moves: the loss stays at ln K."""
    return run.results(run.fit(frozen=True))
