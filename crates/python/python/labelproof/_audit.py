"""The audit: what Python has in memory or in files goes in, and comes out as an `Audit`."""

from __future__ import annotations

import html
import importlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _native
from ._columns import given
from ._errors import ConfigurationError, Error, InputError, in_python
from ._logs import confusion as confusion_text
from ._logs import log as log_text
from ._logs import logs as each_log


@dataclass(frozen=True)
class Finding:
    """The answer of one check.

    Attributes
    ----------
    id : str
        The number of the cause, such as ``C11``; the command ``labelproof explain C11`` describes it.
    name : str
        The cause.
    status : str
        ``found``, ``clear`` or ``not_checked``.
    severity : str or None
        ``note``, ``caution`` or ``unsound``, of a found cause.
    confidence : str or None
        ``possible``, ``likely`` or ``certain``, of a found cause.
    points : float or None
        The points of a figure that the cause moves, where the evidence tells.
    summary : str
        What was measured, in words.
    fix, confirm : str or None
        What to do, and what proves or disproves the finding.
    explained_by : str or None
        The found cause that this one follows from.
    evidence : dict
        The numbers, row ids and words behind it.
    """

    id: str
    name: str
    status: str
    severity: str | None
    confidence: str | None
    points: float | None
    summary: str
    fix: str | None
    confirm: str | None
    explained_by: str | None
    evidence: dict[str, Any]

    def __repr__(self) -> str:
        return f"<{self.id} {self.name}: {self.status}>"


class Audit:
    """What an audit found. In a notebook it shows itself as a page.

    Attributes
    ----------
    verdict : str
        ``sound``, ``caution``, ``unsound`` or ``not_examined``.
    headline : str
        The verdict in a sentence or two.
    """

    def __init__(self, findings: _native.Findings) -> None:
        self._findings = findings
        self._dict: dict[str, Any] = json.loads(findings.json())
        self.verdict: str = self._dict["verdict"]
        self.headline: str = in_python(self._dict["headline"])

    @property
    def findings(self) -> list[Finding]:
        """What was found: the causes by rank, each before what follows from it."""
        return [finding for finding in self.checks if finding.status == "found"]

    @property
    def checks(self) -> list[Finding]:
        """The answers of all checks: found, then clear, then those that were not made."""
        return [_finding(answer) for answer in self._dict["findings"]]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """All of it, as ``labelproof audit --json`` prints it."""
        copy: dict[str, Any] = json.loads(self._findings.json())
        return copy

    def to_json(self) -> str:
        """The text that ``labelproof audit --json`` prints."""
        return self._findings.json()

    def to_html(self) -> str:
        """The page that ``labelproof audit --html`` writes; it loads nothing."""
        return self._findings.html()

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each check."""
        # Only who asks for a frame needs it.
        pandas: Any = importlib.import_module("pandas")
        return pandas.DataFrame([vars(finding) for finding in self.checks])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the page (``.html``) or the JSON (``.json``), and returns the path."""
        target = Path(path)
        if target.suffix not in (".html", ".json"):
            raise ConfigurationError(
                f"`{target}` ends neither in .html nor in .json\n\nhint: choose one of them"
            )
        target.write_text(
            self.to_html() if target.suffix == ".html" else self.to_json() + "\n", encoding="utf-8"
        )
        return target

    def __str__(self) -> str:
        return in_python(self._findings.text()).rstrip("\n")

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        # A page of its own within the notebook's: neither's style reaches the other.
        page = html.escape(self.to_html(), quote=True)
        return (
            f'<iframe srcdoc="{page}" title="Labelproof audit" sandbox="allow-popups" '
            'style="width:100%;height:44em;border:0;resize:vertical;overflow:auto"></iframe>'
        )


#: What is held in memory is called by its argument.
_NAMES = ("test", "validation", "train", "predictions", "validation_predictions", "confusion", "log")


def _path(path: str) -> str:
    """A path that is not taken for the name of an argument."""
    return os.path.join(".", path) if path in _NAMES else path


def _in_python(words: str | None) -> str | None:
    return None if words is None else in_python(words)


def _finding(answer: dict[str, Any]) -> Finding:
    effect = answer["effect"]
    return Finding(
        id=answer["id"],
        name=answer["name"],
        status=answer["status"],
        severity=answer["severity"],
        confidence=answer["confidence"],
        points=None if effect is None else effect["points"],
        summary=in_python(answer["summary"]),
        fix=_in_python(answer["fix"]),
        confirm=_in_python(answer["confirm"]),
        explained_by=answer["explained_by"],
        evidence=answer["evidence"],
    )


def audit(
    test: Any = None,
    validation: Any = None,
    train: Any = None,
    log: Any = None,
    *,
    predictions: Any = None,
    validation_predictions: Any = None,
    confusion: Any = None,
    tokenizer: str | os.PathLike[str] | None = None,
    id: str | None = None,  # what the command calls it
    text: str | None = None,
    label: str | None = None,
    predicted: str | None = None,
    group: str | None = None,
    no_header: bool = False,
    classes: int | None = None,
    validation_rows: int | None = None,
    test_rows: int | None = None,
    train_rows: int | None = None,
    batch_size: int | None = None,
) -> Audit:
    """Finds out why a classifier's figures look better than its predictions.

    Give everything that you have: each thing makes more checks possible, and the answer says what it lacks.

    Parameters
    ----------
    test, validation : path, table, dict, list, Rows or array-like
        Rows with true and predicted labels, and with ids, texts and scores where there are any. A table is a frame of
        pandas or polars, a table of Arrow, a ``datasets.Dataset``, any object with ``__arrow_c_stream__``, or a
        dictionary of columns; a list holds a dictionary for each row; a tuple is ``(y_true, y_pred)`` or
        ``(y_true, y_pred, scores)``; what a Trainer of transformers returns from ``predict`` is taken as it is, and
        `labelproof.rows` makes rows of arrays and of estimators of scikit-learn.
    train : likewise
        The training rows, with texts and labels.
    log : path, str, dict, list, History, Trainer or a list of these
        What was logged of the training: a file or folder of any framework, printed text, ``loss=0.3,val_accuracy=0.9``,
        the ``History`` of Keras, a Trainer of transformers or its ``log_history``.
    predictions, validation_predictions : like `test`
        Predictions of the rows, if they are not among them: joined by id, or by place.
    confusion : path, array-like of shape (classes, classes) or DataFrame
        A confusion matrix of the test rows; its rows are the true classes.
    tokenizer : path
        The model's ``tokenizer.json``, or a folder with a tokenizer.
    id, text, label, predicted, group : str
        The columns, where their names do not say what they are.
    no_header : bool
        Whether files of rows have no header.
    classes, validation_rows, test_rows, train_rows, batch_size : int
        What the log does not say.

    Returns
    -------
    Audit

    Raises
    ------
    ConfigurationError
        Nothing was given, or arguments contradict each other.
    InputError
        What was given cannot be read; the message says where, and what to do.

    Examples
    --------
    >>> import labelproof
    >>> result = labelproof.audit(test=(["a", "b", "a", "b"] * 50, ["a", "b", "a", "a"] * 50))
    >>> result.verdict
    'sound'
    """
    held: dict[str, Any] = {}

    def role(value: Any, name: str) -> str | None:
        if value is None:
            return None
        try:
            made = given(value, f"{name}=")
        except Error:
            raise
        except Exception as error:  # Whatever another library raises of its own object.
            raise InputError(
                f"{name}= cannot be read: {error}\n\nhint: give a path, or a dictionary of lists"
            ) from error
        if isinstance(made, str):
            return _path(made)
        held[name] = made
        return name

    def texts(value: Any, name: str, made: tuple[str, bool]) -> str:
        content, is_held = made
        if not is_held:
            return _path(content)
        held[name] = content
        return name

    every_log = [] if log is None else list(each_log(log))
    roles: dict[str, Any] = {
        "test": role(test, "test"),
        "validation": role(validation, "validation"),
        "train": role(train, "train"),
        "predictions": role(predictions, "predictions"),
        "validation_predictions": role(validation_predictions, "validation_predictions"),
        "confusion": None if confusion is None else texts(confusion, "confusion", confusion_text(confusion)),
        "tokenizer": None if tokenizer is None else os.fspath(tokenizer),
        "log": [
            texts(one, "log" if len(every_log) == 1 else f"log[{place}]", log_text(one))
            for place, one in enumerate(every_log)
        ],
    }
    if not any(roles.values()):
        raise ConfigurationError(
            "nothing to audit\n\nhint: give at least one of test=, validation=, train=, log= and confusion="
        )
    options = {
        "id": id,
        "text": text,
        "label": label,
        "predicted": predicted,
        "group": group,
        "no_header": no_header,
        "classes": classes,
        "validation_rows": validation_rows,
        "test_rows": test_rows,
        "train_rows": train_rows,
        "batch_size": batch_size,
    }
    return Audit(_native.audit(roles, options, held))
