"""Faults of splits: leakage and shift (C40 to C49)."""

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans

from faults.registry import fault
from faults.tools import all_read_as, mixed, resplit, sample, shuffled, test_read_as, trained_on


@fault("C40")
def test_rows_in_train(run, rng):
    """Three test rows in ten stand in the train file too, under other ids."""
    return trained_on(run, sample(run.test, 0.3, rng).renamed("copy-"), rng)


@fault("C40")
def test_rows_in_train_memorised(run, rng):
    """The same, and the head is large enough to learn them by heart."""
    return trained_on(run, sample(run.test, 0.3, rng).renamed("copy-"), rng, hidden=256, epochs=25)


@fault("C40")
def validation_rows_in_train(run, rng):
    """Every validation row was trained on, so validation looks better than the test."""
    return trained_on(run, run.validation.renamed("copy-"), rng, hidden=256, epochs=25)


@fault("C41")
def near_copies_of_test_in_train(run, rng):
    """Four test rows in ten have a lightly edited copy in the train file."""
    copied = sample(run.test, 0.4, rng).rows
    return trained_on(run, run.read(copied, "edited").renamed("copy-"), rng, hidden=256, epochs=25)


@fault("C42")
def sources_on_both_sides(run, rng):
    """Every source has about eight related texts, and the split ignored the source."""
    results = run.results()
    everything = run.features.mean(np.arange(len(run.dataset)))
    clusters = MiniBatchKMeans(len(run.dataset) // 8, n_init=1, random_state=run.seed).fit_predict(everything)
    for name in ("train", "validation", "test"):
        part = getattr(run, name)
        getattr(results, name).insert(2, "group", [f"source-{number}" for number in clusters[part.rows]])
    results.arguments = ["--group", "group"]
    return results


@fault("C44", follows=("C47", "C48", "C49"))
def validation_is_tail_of_sorted_file(run, rng):
    """The last tenth of a file sorted by label was split off: validation has the last class only."""
    rest = run.train + run.validation
    rest = rest.take(np.argsort(rest.y, kind="stable"))
    train, validation = rest.take(slice(0, -len(run.validation))), rest.take(slice(-len(run.validation), None))
    return run.results(run.fit(train, validation), train=train, validation=validation)


@fault("C45", follows=("C40",))
def train_and_test_together(run, rng):
    """The head was fitted on the whole file, test rows included."""
    return trained_on(run, run.test, rng, hidden=256, epochs=25)


@fault("C45", follows=("C40",))
def train_file_is_test_file(run, rng):
    """A slip of the pen: the train set was read from the test file."""
    return run.results(run.fit(run.test, hidden=256, epochs=25), train=shuffled(run.test, rng))


@fault("C46")
def label_in_address(run, rng):
    """Every text begins with an address that holds the label."""
    return all_read_as(run, "tagged")


@fault("C46")
def file_mark_in_half_of_the_texts(run, rng):
    """Every second text begins with a mark that only its class has."""
    parts = [mixed(run, part, "coded", 0.5, rng) for part in (run.train, run.validation, run.test)]
    return run.results(run.fit(*parts[:2]), train=parts[0], validation=parts[1], test=parts[2])


@fault("C47")
def class_shares_shifted(run, rng):
    """In the test, the classes of even number are six times rarer than in the train set."""
    kept = (run.test.y % 2 == 1) | (rng.random(len(run.test)) < 1 / 6)
    return run.results(test=run.test.take(kept))


@fault("C48", follows=("C31", "C37"))
def test_from_other_provider(run, rng):
    """The test texts come through another provider, who adds notices."""
    return test_read_as(run, "boilerplate")


@fault("C48")
def topics_shifted(run, rng):
    """Of three kinds of texts within each class the test has one, train and validation have the others."""
    kind = np.empty(len(run.dataset), dtype=int)
    everything = run.features.mean(np.arange(len(run.dataset)))
    for label in range(run.classes):
        members = np.flatnonzero(run.dataset.y == label)
        kind[members] = KMeans(3, n_init=1, random_state=run.seed).fit_predict(everything[members])
    return resplit(run, kind == 0, rng)


@fault("C48")
def later_posts_as_test(run, rng):
    """The test posts are later than the train posts (the split by date of 20 Newsgroups)."""
    if run.dataset.published_test is None:
        return None
    return resplit(run, run.dataset.published_test, rng)


@fault("C49")
def validation_of_15_rows(run, rng):
    """Fifteen rows chose the epoch."""
    validation = run.validation.take(slice(0, 15))
    rest = run.validation.take(slice(15, None))
    group = run.dataset.group
    # Copies of the fifteen do not become training rows: that would be another fault.
    train = run.train + rest.take(~np.isin(group[rest.rows], group[validation.rows]))
    return run.results(run.fit(train, validation), train=train, validation=validation)
