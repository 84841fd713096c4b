"""Labels, classes and decisions that no split can mend (C50 to C61)."""

from dataclasses import replace

import numpy as np

from faults.registry import fault
from faults.tools import all_read_as, decided, mostly_one_class, noisy, scaled
from runs import softmax


@fault("C50")
def label_noise(run, rng):
    """One label in five is wrong, in all files."""
    return noisy(run, rng)


@fault("C50")
def label_noise_between_neighbours(run, rng):
    """Of each class of even number, a third is labelled as the next class, in all files."""
    parts = []
    for part in (run.train, run.validation, run.test):
        wrong = (part.y % 2 == 0) & (rng.random(len(part)) < 1 / 3)
        parts.append(replace(part, y=np.where(wrong, (part.y + 1) % run.classes, part.y)))
    return run.results(run.fit(*parts[:2]), train=parts[0], validation=parts[1], test=parts[2])


@fault("C53", follows=("C25",))
def majority_guessed(run, rng):
    """One class has 97 % of the rows, and a short training guesses it for all."""
    major = np.bincount(run.train.y).argmax()
    parts = [mostly_one_class(part, major, 0.97, rng) for part in (run.train, run.validation, run.test)]
    fitted = run.fit(*parts[:2], epochs=3, learning_rate=1e-3)
    return run.results(fitted, train=parts[0], validation=parts[1], test=parts[2])


@fault("C54")
def classes_differ_in_length(run, rng):
    """The classes of even number were collected from short texts, the others from long ones."""
    length = np.array([len(text) for text in run.dataset.texts])
    short = length <= np.median(length)
    parts = [part.take(short[part.rows] == (part.y % 2 == 0)) for part in (run.train, run.validation, run.test)]
    if any(len(np.unique(part.y)) < run.classes for part in parts):
        return None
    return run.results(run.fit(*parts[:2]), train=parts[0], validation=parts[1], test=parts[2])


@fault("C54", follows=("C46",))
def classes_differ_in_source(run, rng):
    """The classes of even number come from one wire, the others from another, and the texts name it."""
    return all_read_as(run, "sourced") if run.classes > 3 else None


@fault("C56", effect=0.02)
def head_underfitted(run, rng):
    """Two epochs at a learning rate made for a whole encoder."""
    return run.results(run.fit(learning_rate=4e-5, epochs=2))


@fault("C56", effect=0.02)
def training_ended_too_early(run, rng):
    """Three epochs at a tenth of the learning rate that the head needs."""
    return run.results(run.fit(learning_rate=3e-4, epochs=3))


@fault("C60")
def logits_times_six(run, rng):
    """Far too sure of itself, by three points or more; the log is of the same logits."""
    results = scaled(run, 6.0)
    outputs = results.test.filter(regex="^(logit|probability)_").to_numpy(dtype=float)
    probabilities = softmax(outputs) if run.form.logits else outputs
    return results if probabilities.max(1).mean() - results.accuracy("test") >= 0.03 else None


@fault("C60")
def logits_times_a_fifth(run, rng):
    """Far too unsure; the log is of the same logits."""
    return scaled(run, 0.2)


@fault("C61")
def first_class_over_a_threshold(run, rng):
    """The test prediction is the first class over 0.1, not the most probable one."""
    return decided(run, lambda p: np.where(p.max(1) > 0.1, (p > 0.1).argmax(1), p.argmax(1)))


@fault("C61")
def probabilities_rounded_first(run, rng):
    """Probabilities were rounded to 0 and 1 before the argmax: where none is over one half, class 0 wins."""
    return decided(run, lambda p: np.rint(p).argmax(1))


@fault("C61")
def least_probable_class(run, rng):
    """The classes were sorted the wrong way round."""
    return decided(run, lambda p: p.argmin(1))
