"""Faults that pair rows with the wrong labels or predictions (C10 to C16)."""

import numpy as np
import pandas as pd

from faults.registry import fault
from faults.tools import (
    derangement,
    labels_only,
    named,
    relabelled,
    renamed_classes,
    repaired,
    shifted_predictions,
    shuffled_between,
    shuffled_predictions,
)
from runs import confusion_of


@fault("C10", effect=0.02)
def label_encoder_refitted(run, rng):
    """Another order of classes at prediction: no class keeps its name."""
    return renamed_classes(run.results(), derangement(run.dataset.labels, rng))


@fault("C10", effect=0.02)
def label_encoder_refitted_labels_only(run, rng):
    """The same, with the predicted names only."""
    return labels_only(renamed_classes(run.results(), derangement(run.dataset.labels, rng)))


@fault("C10", effect=0.02)
def two_classes_exchanged(run, rng):
    """Two classes changed places in the list of labels."""
    first, second = rng.choice(run.dataset.labels, 2, replace=False)
    return renamed_classes(run.results(), {first: second, second: first})


@fault("C10", effect=0.02)
def three_classes_rotated(run, rng):
    """Three classes changed places in the list of labels."""
    if run.classes < 3:
        return None
    names = rng.choice(run.dataset.labels, 3, replace=False)
    return renamed_classes(run.results(), dict(zip(names, np.roll(names, 1), strict=True)))


@fault("C11", effect=0.02)
def predictions_shuffled(run, rng):
    """The generator of the predictions shuffled, the labels beside them did not."""
    return shuffled_predictions(run.results(), 1.0, rng)


@fault("C11", effect=0.02)
def predictions_shuffled_80(run, rng):
    """Four rows in five have another row's prediction."""
    return shuffled_predictions(run.results(), 0.8, rng)


@fault("C11", effect=0.02)
def predictions_shuffled_40(run, rng):
    """Two rows in five have another row's prediction."""
    return shuffled_predictions(run.results(), 0.4, rng)


@fault("C12", effect=0.02)
def predictions_shifted_by_1(run, rng):
    """A header counted as a row: every prediction stands one row too low."""
    return shifted_predictions(run.results(), 1)


@fault("C12", effect=0.02)
def predictions_shifted_by_7(run, rng):
    """Seven blank rows were dropped on one side."""
    return shifted_predictions(run.results(), 7)


@fault("C12", effect=0.02)
def predictions_shifted_by_minus_30(run, rng):
    """The first thirty predictions went to a warm-up and were lost."""
    return shifted_predictions(run.results(), -30)


@fault("C13", effect=0.02)
def tail_shuffled(run, rng):
    """The last quarter of the file is paired with the wrong rows."""
    return shuffled_between(run.results(), 0.75, 1.0, rng)


@fault("C13", effect=0.02)
def middle_shard_shuffled(run, rng):
    """One shard of five is paired with the wrong rows."""
    return shuffled_between(run.results(), 0.4, 0.6, rng)


@fault("C12", effect=0.02)
def row_lost_at_two_thirds(run, rng):
    """One prediction was lost at two thirds of the file: all after it stand one row too high."""
    results = run.results()
    rows = np.arange(len(results.test))
    start = len(rows) * 2 // 3
    results.test = repaired(results.test, np.concatenate([rows[:start], np.roll(rows[start:], -1)]))
    return results


@fault("C14")
def confusion_transposed(run, rng):
    """The arguments of the confusion matrix were exchanged."""
    results = run.results()
    table = confusion_of(results.test)
    results.confusion = pd.DataFrame(table.to_numpy().T, index=table.index, columns=table.columns)
    return results


@fault("C14")
def confusion_names_permuted(run, rng):
    """The matrix is right, the class names on its axes are in another order."""
    results = run.results()
    table = confusion_of(results.test)
    names = list(derangement(run.dataset.labels, rng).values())
    results.confusion = pd.DataFrame(table.to_numpy(), index=pd.Index(names, name=""), columns=names)
    return results


@fault("C16", effect=0.02)
def labels_in_capitals(run, rng):
    """The test labels of half of the classes are written in capitals (in small letters where they already were)."""
    odd = run.dataset.labels[::2]
    return relabelled(run.results(), {name: name.lower() if name.isupper() else name.upper() for name in odd})


@fault("C16", effect=0.02)
def labels_with_trailing_space(run, rng):
    """The test labels of one class in two end with a space."""
    return relabelled(run.results(), {name: name + " " for name in run.dataset.labels[::2]})


@fault("C16", effect=0.02)
def labels_became_floats(run, rng):
    """Labels are numbers, and a missing value turned those of the test column into 0.0, 1.0 and so on."""
    numbers = {name: str(number) for number, name in enumerate(run.dataset.labels)}
    results = run.results()
    for name in ("train", "validation", "test"):
        setattr(results, name, named(getattr(results, name), numbers))
    return relabelled(results, {number: f"{number}.0" for number in numbers.values()})
