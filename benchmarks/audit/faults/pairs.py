"""Two causes at once: both have to be found."""

from faults.inputs import SHOWS
from faults.metrics import double_softmax, label_smoothing_10
from faults.registry import fault
from faults.splits import test_rows_in_train
from faults.tools import derangement, noisy, renamed_classes, shifted_predictions, shuffled, shuffled_predictions


@fault("C10", "C40", effect=0.02)
def classes_exchanged_and_leak(run, rng):
    """A refitted label encoder at the test, and test rows in the train file."""
    results = test_rows_in_train(run, rng)
    return renamed_classes(results, derangement(run.dataset.labels, rng))


@fault("C11", "C50", effect=SHOWS)
def partly_shuffled_and_noise(run, rng):
    """Two test rows in five are mis-paired, and one label in five is wrong everywhere."""
    results = noisy(run, rng)
    reference = results.accuracy("test")
    results = shuffled_predictions(results, 0.4, rng)
    results.reference = reference
    return results


@fault("C1", "C10", effect=0.02)
def double_softmax_and_classes_exchanged(run, rng):
    """A double softmax in training, a refitted label encoder at the test."""
    return renamed_classes(double_softmax(run, rng), derangement(run.dataset.labels, rng))


@fault("C3", "C12", effect=0.02)
def label_smoothing_and_shift(run, rng):
    """Smoothed labels in the logged loss, and test predictions one row too low."""
    return shifted_predictions(label_smoothing_10(run, rng), 1)


@fault("C32", "C40", effect=SHOWS)
def test_cut_and_validation_leak(run, rng):
    """The test was cut at 12 tokens, and the validation rows were trained on."""
    train = shuffled(run.train + run.validation.renamed("copy-"), rng)
    fitted = run.fit(train, hidden=256, epochs=25)
    return run.results(fitted, train=train, test=run.read(run.test.rows, "short"))
