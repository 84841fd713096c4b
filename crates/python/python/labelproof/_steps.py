"""The steps of which the data stages consist where an engine runs them on a cluster.

A step is a function of the native module from record batches to record batches, with a context. Here is what all
engines share: the columns of each step, how it is called in a task, and how its errors come back.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow

from . import __version__, _native
from ._errors import Error, UnavailableError, of_exit_code

#: What a step does in a task.
Task = Callable[[Iterable[pyarrow.RecordBatch]], Iterator[pyarrow.RecordBatch]]


def _schema(columns: dict[str, pyarrow.DataType]) -> pyarrow.Schema:
    return pyarrow.schema(list(columns.items()))


_TEXT, _DIGEST, _INTEGER, _LONG = pyarrow.utf8(), pyarrow.binary(), pyarrow.int32(), pyarrow.int64()
_INGEST = {
    "kind": _TEXT,
    "id": _TEXT,
    "text": _TEXT,
    "label": _TEXT,
    "group": _TEXT,
    "split": _TEXT,
    "source": _INTEGER,
    "line": _LONG,
    "file": _TEXT,
    "reason": _TEXT,
    "detail": _TEXT,
    "hash": _LONG,
    "json": _TEXT,
}
_LOOK = {
    "kind": _TEXT,
    "id": _TEXT,
    "label": _TEXT,
    "exact": _DIGEST,
    "final": _DIGEST,
    "bands": pyarrow.list_(_LONG),
    "reason": _TEXT,
    "detail": _TEXT,
    "json": _TEXT,
}
_TOKEN = {
    "kind": _TEXT,
    "id": _TEXT,
    "label": _TEXT,
    "text": _TEXT,
    "tokens": pyarrow.list_(_INTEGER),
    "full_length": _INTEGER,
    "duplicate_group": _TEXT,
    "group": _TEXT,
    "split": _TEXT,
    "hash": _LONG,
    "json": _TEXT,
}
_WRITTEN = {"file": _TEXT, "rows": _LONG, "digest": _TEXT}
_DOCUMENT = {"id": _TEXT, "text": _TEXT, "label": _TEXT, "group": _TEXT, "split": _TEXT}

#: The columns that each step of a task gives.
COLUMNS: dict[str, pyarrow.Schema] = {
    name: _schema(columns)
    for name, columns in {
        "ingest-read": _INGEST,
        "ingest-merge": _INGEST,
        "ingest-write": _WRITTEN,
        "preprocess-read": _DOCUMENT,
        "preprocess-look": _LOOK,
        "preprocess-comparable": {"exact": _DIGEST, "text": _TEXT},
        "preprocess-compare": {"one": _DIGEST, "other": _DIGEST},
        "preprocess-tokenise": _TOKEN,
        "preprocess-write": _WRITTEN,
    }.items()
}


def in_task(step: str, context: dict[str, Any], order: Sequence[str] = ()) -> Task:
    """The function that an engine calls in a task.

    The context, in which secrets may stand, is a part of the function: an engine shows neither in its plans. With
    an `order`, all rows of the task are held in memory and sorted, because the engine does not do it.
    """
    wanted, version, text = COLUMNS[step], __version__, json.dumps(context)

    def run(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        try:
            check_version(version)
            for batch in call(step, text, sorted_by(order, batches) if order else batches):
                yield batch.select(wanted.names).cast(wanted)
        except Error as error:
            raise RuntimeError(marked(error)) from None

    run.__name__ = step.replace("-", "_")
    return run


def call(step: str, context: str, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """Calls a step of the native module; where nothing comes in, nothing comes out."""
    batches = iter(batches)
    first = next(batches, None)
    if first is not None:
        yield from _native.step(step, context, reader(first.schema, itertools.chain([first], batches)))


def sorted_by(order: Sequence[str], batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """All rows, by some columns in ascending order."""
    if held := list(batches):
        rows = pyarrow.Table.from_batches(held)
        yield from rows.sort_by([(column, "ascending") for column in order]).to_batches()


def decide(step: str, context: dict[str, Any], table: pyarrow.Table | None = None) -> Any:
    """Calls a step on the driver, whose answer is one row of JSON."""
    table = pyarrow.table({}) if table is None else table
    answer = united(step, context, table)
    return json.loads(answer.column("json")[0].as_py())


def united(step: str, context: dict[str, Any], table: pyarrow.Table) -> pyarrow.Table:
    """Calls a step on the driver with all rows."""
    made = _native.step(step, json.dumps(context), reader(table.schema, table.to_batches()))
    return pyarrow.Table.from_batches(list(made))


def reader(schema: pyarrow.Schema, batches: Iterable[pyarrow.RecordBatch]) -> pyarrow.RecordBatchReader:
    """A reader of batches, which are made while it is read."""
    return pyarrow.RecordBatchReader.from_batches(schema, batches)


def check_version(of_driver: str) -> None:
    """Another version may give other bytes."""
    if of_driver != __version__:
        raise UnavailableError(
            f"this machine has labelproof {__version__}, and the driver {of_driver}\n\n"
            "hint: install the same version on all machines"
        )


_MARK = re.compile(r"\[labelproof (\d+)\] (.*?) \[/labelproof\]", re.DOTALL)


def marked(error: Error) -> str:
    """An error as a string that is found again in whatever an engine makes of it."""
    return f"[labelproof {error.exit_code}] {error} [/labelproof]"


def unmarked(error: BaseException) -> Error | None:
    """The error of a step that an engine's error tells of."""
    text = str(error)
    if found := _MARK.search(text):
        return of_exit_code(int(found[1]), found[2])
    if "No module named 'labelproof" in text:
        return UnavailableError(
            "labelproof is not installed on the machines of the cluster\n\n"
            "hint: install the same wheel there as on the driver"
        )
    return None
