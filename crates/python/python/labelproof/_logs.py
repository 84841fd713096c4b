"""The log of a training and a confusion matrix as other libraries have them, as text that the audit reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ._columns import _is_of, _listed
from ._errors import InputError


def log(value: Any) -> tuple[str, bool]:
    """The text of a log, and whether it is content; otherwise it is a path, or figures as the command takes them."""
    if isinstance(value, (str, os.PathLike)):
        return _path_or_text(value)
    # What Keras's fit() returns, and what a Trainer of transformers remembers.
    if isinstance(getattr(value, "history", None), Mapping):
        value = value.history
    value = getattr(value, "state", value)
    value = getattr(value, "log_history", value)
    if _is_of(value, "pandas", "polars") and hasattr(value, "columns"):
        value = value.to_dict("records") if _is_of(value, "pandas") else value.to_dicts()
    if isinstance(value, Mapping) and value:
        return _json({str(key): entry for key, entry in value.items()}), True
    if isinstance(value, (list, tuple)) and value and all(isinstance(entry, Mapping) for entry in value):
        return _json(list(value)), True
    raise InputError(
        f"log= is a {type(value).__name__}, which is not known as a log\n\n"
        "hint: give a path, the history of Keras, a Trainer or its log_history, or a dictionary of figures"
    )


def logs(value: Any) -> Iterable[Any]:
    """Several logs of one training, where a list of them was given."""
    is_several = isinstance(value, (list, tuple)) and not all(isinstance(entry, Mapping) for entry in value)
    return value if is_several else [value]


def confusion(value: Any) -> tuple[str, bool]:
    """The text of a matrix, and whether it is content; otherwise it is a path."""
    if isinstance(value, (str, os.PathLike)):
        return _path_or_text(value)
    if _is_of(value, "pandas"):
        return str(value.to_csv()), True
    if _is_of(value, "polars"):
        # With the names of the classes where a column has them.
        is_named = any(str(kind) == "String" for kind in value.dtypes)
        return (str(value.write_csv()) if is_named else _json([list(row) for row in value.rows()])), True
    return _json([_listed(row) for row in _listed(value)]), True


def _path_or_text(value: str | os.PathLike[str]) -> tuple[str, bool]:
    """No path has several lines; what was printed has."""
    text = os.fspath(value)
    return text, "\n" in text


def _json(value: Any) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    """Numbers and arrays of other libraries."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "item"):
        return value.item()
    return str(value)
