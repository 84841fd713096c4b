"""What several faults do to parts and to result files."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import precision_recall_fscore_support

from runs import Part, Results, Run, cross_entropy, softmax


def macro_scores(y, predicted) -> tuple[float, float, float]:
    return precision_recall_fscore_support(y, predicted, average="macro", zero_division=0)[:3]


def shuffled(part: Part, rng) -> Part:
    return part.take(rng.permutation(len(part)))


def sample(part: Part, share: float, rng) -> Part:
    return part.take(rng.choice(len(part), round(share * len(part)), replace=False))


def padded(part: Part, multiple: int) -> Part:
    missing = -len(part) % multiple or multiple // 4
    return part + part.take(np.arange(missing) % len(part))


def mixed(run: Run, part: Part, variant: str, share: float, rng) -> Part:
    """A share of the rows is read as the variant, the others stay."""
    changed = np.sort(rng.choice(len(part), round(share * len(part)), replace=False))
    other = run.read(part.rows[changed], variant)
    texts, x = part.texts.copy(), part.x.copy()
    texts[changed], x[changed] = other.texts, other.x
    return replace(part, texts=texts, x=x)


def test_read_as(run: Run, variant: str, pooling: str = "mean") -> Results:
    """A right training, and a test that goes through another input path."""
    test = run.read(run.test.rows, variant, pooling)
    if pooling == "mean":
        return run.results(test=test)
    train, validation, read_rightly = (
        run.read(part.rows, "plain", pooling) for part in (run.train, run.validation, run.test)
    )
    fitted = run.fit(train, validation)
    results = run.results(fitted, train=train, validation=validation, test=test)
    results.reference = float((fitted.logits(read_rightly.x).argmax(1) == test.y).mean())
    return results


def all_read_as(run: Run, variant: str) -> Results:
    train, validation, test = (run.read(part.rows, variant) for part in (run.train, run.validation, run.test))
    return run.results(run.fit(train, validation), train=train, validation=validation, test=test)


def trained_on(run: Run, added: Part, rng, **settings) -> Results:
    train = shuffled(run.train + added, rng)
    return run.results(run.fit(train, **settings), train=train)


def resplit(run: Run, in_test: np.ndarray, rng) -> Results:
    """Another split: the test is given, groups of duplicates stay together, validation is a tenth of the rest."""
    test_groups = np.unique(run.dataset.group[in_test])
    rest = rng.permutation(np.flatnonzero(~np.isin(run.dataset.group, test_groups)))
    groups = rng.permutation(np.unique(run.dataset.group[rest]))
    held = np.isin(run.dataset.group[rest], groups[: len(groups) // 10])
    train, validation = run.read(rest[~held]), run.read(rest[held])
    test = run.read(rng.permutation(np.flatnonzero(in_test)))
    return run.results(run.fit(train, validation), train=train, validation=validation, test=test)


def noisy(run: Run, rng) -> Results:
    parts = []
    for part in (run.train, run.validation, run.test):
        wrong = rng.random(len(part)) < 0.2
        other = (part.y + rng.integers(1, run.classes, len(part))) % run.classes
        parts.append(replace(part, y=np.where(wrong, other, part.y)))
    return run.results(run.fit(*parts[:2]), train=parts[0], validation=parts[1], test=parts[2])


def mostly_one_class(part: Part, major: int, share: float, rng) -> Part:
    """All rows of one class, in order, and as many of the others as the share leaves room for."""
    majority, others = np.flatnonzero(part.y == major), np.flatnonzero(part.y != major)
    room = min(len(others), max(1, round(len(majority) * (1 - share) / share)))
    return part.take(np.sort(np.concatenate([majority, rng.choice(others, room, replace=False)])))


def from_epoch(run: Run, fitted, epoch: int) -> Results:
    return run.results(
        fitted,
        validation_logits=fitted.validation_logits[epoch],
        test_logits=fitted.logits(run.test.x, epoch),
    )


def scaled(run: Run, factor: float) -> Results:
    """Validation and test logits times a factor, and the validation figures that such a model would have logged."""
    return corrected(run, lambda logits: logits * np.float32(factor))


def corrected(run: Run, change: Callable[[np.ndarray], np.ndarray]) -> Results:
    """Validation and test logits after a change, and the validation figures that such a model would have logged."""
    y = run.validation.y
    changed = [change(logits) for logits in run.fitted.validation_logits]
    history = {name: values for name, values in run.fitted.history.items() if name not in ("loss", "accuracy")} | {
        "val_loss": [float(cross_entropy(torch.from_numpy(z), torch.from_numpy(y), None)) for z in changed],
        "val_accuracy": [float((z.argmax(1) == y).mean()) for z in changed],
    }
    fitted = replace(run.fitted, history=history, validation_logits=changed)
    results = run.results(
        fitted,
        validation_logits=changed[fitted.best],
        test_logits=change(fitted.logits(run.test.x)),
    )
    results.train = results.train[["id", "text", "label"]]
    return results


def decided(run: Run, decide: Callable[[np.ndarray], np.ndarray]) -> Results | None:
    """The test file's predicted label comes from a rule; None where the rule hardly ever differs from the argmax."""
    logits = run.fitted.logits(run.test.x)
    chosen = decide(softmax(logits))
    if (chosen != logits.argmax(1)).mean() < 0.005:
        return None
    results = run.results()
    results.test["predicted"] = np.array(run.dataset.labels, dtype=object)[chosen]
    return results


def output_columns(frame: pd.DataFrame) -> list[str]:
    return [column for column in frame if column.startswith(("probability_", "logit_"))]


def labels_only(results: Results) -> Results:
    for name in ("train", "validation", "test"):
        frame = getattr(results, name)
        setattr(results, name, frame.drop(columns=output_columns(frame)))
    return results


def repaired(frame: pd.DataFrame, order: np.ndarray) -> pd.DataFrame:
    """Every row gets the predictions of the row that `order` names."""
    columns = ["predicted", *output_columns(frame)]
    moved = frame[columns].iloc[order].set_axis(frame.index)
    return frame.drop(columns=columns).join(moved)


def shifted_predictions(results: Results, rows: int) -> Results:
    results.test = repaired(results.test, np.roll(np.arange(len(results.test)), rows))
    return results


def shuffled_predictions(results: Results, share: float, rng) -> Results:
    order = np.arange(len(results.test))
    chosen = rng.choice(len(order), round(share * len(order)), replace=False)
    order[chosen] = rng.permutation(chosen)
    results.test = repaired(results.test, order)
    return results


def shuffled_between(results: Results, start: float, end: float, rng) -> Results:
    order = np.arange(len(results.test))
    shard = slice(round(start * len(order)), round(end * len(order)))
    order[shard] = rng.permutation(order[shard])
    results.test = repaired(results.test, order)
    return results


def derangement(labels: list[str], rng) -> dict[str, str]:
    """Another order of the labels in which none keeps its place."""
    places = np.arange(len(labels))
    while True:
        order = rng.permutation(places)
        if (order != places).all():
            return {labels[place]: labels[other] for place, other in zip(places, order, strict=True)}


def renamed_classes(results: Results, names: dict[str, str]) -> Results:
    """The test predictions under other class names, their columns in the usual order."""
    frame = results.test
    outputs = output_columns(frame)
    kind = outputs[0].split("_")[0] if outputs else ""
    renamed = {f"{kind}_{old}": f"{kind}_{new}" for old, new in names.items()}
    results.test = frame.rename(columns=renamed)[list(frame.columns)]
    results.test["predicted"] = translated(frame["predicted"], names)
    return results


def relabelled(results: Results, spelling: dict[str, str]) -> Results:
    """The true labels of the test under another spelling."""
    results.test = results.test.assign(label=translated(results.test["label"], spelling))
    return results


def named(frame: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """A file whose classes have other names throughout."""
    columns = {column: "_".join([kind, names[label]]) for column, kind, label in split_outputs(frame)}
    frame = frame.rename(columns=columns)
    for column in {"label", "predicted"} & set(frame.columns):
        frame[column] = translated(frame[column], names)
    return frame


def translated(column: pd.Series, names: dict[str, str]) -> pd.Series:
    return column.map(lambda name: names.get(name, name))


def split_outputs(frame: pd.DataFrame):
    return [(column, *column.split("_", 1)) for column in output_columns(frame)]
