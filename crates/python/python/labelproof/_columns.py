"""Rows as other libraries have them, in the one form that the native module takes.

That is the path of a file, an object with ``__arrow_c_stream__``, which is read without a copy, or a list of
named columns. No library is imported here that its user has not imported.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

from ._errors import InputError

#: The bytes of numbers with their dtype and the numbers a row, or the values themselves.
Column = Union["tuple[bytes, str, int]", "list[bool | None]", "list[str | None]"]

#: How far the probabilities of a row, rounded as they are saved, may be from adding up to one.
_ROUNDING = 1e-3


class Rows:
    """Labelled rows, made by `rows` of arrays that belong together."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self._columns = columns

    def __repr__(self) -> str:
        names = ", ".join(self._columns)
        return f"<labelproof.Rows: {names}>"


def rows(
    y_true: Any = None,
    y_pred: Any = None,
    scores: Any = None,
    *,
    texts: Any = None,
    ids: Any = None,
    groups: Any = None,
    classes: Iterable[Any] | None = None,
    estimator: Any = None,
    X: Any = None,  # what scikit-learn calls it
) -> Rows:
    """Rows of arrays that belong together, for `audit`.

    Parameters
    ----------
    y_true : array-like of shape (rows,)
        True labels: names, or numbers of `classes`.
    y_pred : array-like of shape (rows,)
        Predicted labels.
    scores : array-like of shape (rows, classes)
        Probabilities, or logits: which they are is told from their values.
    texts, ids, groups : array-like of shape (rows,)
        The texts, what each row is called everywhere, and what must not be divided among splits.
    classes : sequence
        The class of each column of `scores`, and of each number in `y_true` and `y_pred`, as an estimator of
        scikit-learn has in ``classes_``.
    estimator, X
        A fitted classifier of scikit-learn and its input: gives ``y_pred``, `scores` and `classes` where these are
        not given.

    Returns
    -------
    Rows
    """
    if estimator is not None:
        if X is None:
            raise InputError("an estimator was given without its input\n\nhint: give X= as well")
        y_pred = estimator.predict(X) if y_pred is None else y_pred
        classes = getattr(estimator, "classes_", None) if classes is None else classes
        if scores is None and hasattr(estimator, "predict_proba"):
            scores = estimator.predict_proba(X)
        elif scores is None and hasattr(estimator, "decision_function"):
            scores = estimator.decision_function(X)
    columns: dict[str, Any] = {}
    for name, values in (
        ("id", ids),
        ("text", texts),
        ("label", y_true),
        ("predicted", y_pred),
        ("group", groups),
    ):
        if values is not None:
            columns[name] = values
    names = None if classes is None else [str(name) for name in _listed(classes)]
    if scores is not None:
        columns.update(_score_columns(scores, names))
    if not columns:
        raise InputError("no rows were given\n\nhint: give y_true= and y_pred=")
    return Rows(columns)


def _score_columns(scores: Any, names: list[str] | None) -> dict[str, Any]:
    """The scores as one column of lists, or with a column for each class where the classes have names."""
    columns, are_probabilities = _by_class(scores)
    if len(columns) == 1:
        # Of two classes, probabilities and the decision function are those of the second one.
        if names is not None and len(names) == 2:
            second = [float(value) for value in columns[0]]
            if all(0 <= value <= 1 for value in second):
                first = [1 - value for value in second]
                return {f"probability_{names[0]}": first, f"probability_{names[1]}": second}
            return {f"logit_{names[0]}": [0.0] * len(columns[0]), f"logit_{names[1]}": columns[0]}
        return {"scores": columns[0]}
    if names is None:
        return {"probabilities" if are_probabilities else "logits": scores}
    if len(names) != len(columns):
        raise InputError(
            f"there are {len(names)} classes and {len(columns)} scores a row\n\n"
            "hint: give classes= in the order of the scores"
        )
    kind = "probability" if are_probabilities else "logit"
    return {f"{kind}_{name}": column for name, column in zip(names, columns)}


def _by_class(scores: Any) -> tuple[list[Any], bool]:
    """The scores of each class, and whether each row of them adds up to one."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and _dimensions(scores) == 2 and hasattr(scores, "shape"):
        made = numpy.asarray(_detached(scores), dtype=float)
        is_one = bool((made >= 0).all() and (abs(made.sum(axis=1) - 1) < _ROUNDING).all())
        return [made[:, place] for place in range(made.shape[1])], is_one
    rows = [_listed(row) if _is_listlike(row) else [row] for row in _listed(scores)]
    if len({len(row) for row in rows}) != 1 or not rows[0]:
        raise InputError(
            "the rows of the scores have different lengths\n\nhint: give a score for each class in each row"
        )
    is_one = all(min(row) >= 0 and abs(sum(row) - 1) < _ROUNDING for row in rows)
    return [list(column) for column in zip(*rows)], is_one


def _detached(values: Any) -> Any:
    """A tensor of PyTorch without its gradient, on the processor, in a dtype that NumPy has."""
    if not _is_of(values, "torch"):
        return values
    values = values.detach().cpu()
    return values.float() if values.is_floating_point() else values


def given(value: Any, what: str) -> Any:
    """A path as a string, or what the native module holds in memory."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, Rows):
        return _columns(value._columns)
    if _is_of(value, "datasets") and isinstance(value, Mapping):
        raise InputError(
            f'{what} is a {type(value).__name__}\n\nhint: give one of its splits, such as data["test"]'
        )
    if _is_of(value, "datasets") and hasattr(value, "with_format"):
        # As a table of Arrow it has the order that shuffle() and select() gave it.
        return value.with_format("arrow")[:]
    if _is_of(value, "pandas"):
        return _columns(_of_pandas(value))
    if _is_of(value, "polars") and not hasattr(value, "columns"):
        return _columns({"predictions": value.to_list()})
    if hasattr(value, "__arrow_c_stream__"):
        return value
    if hasattr(value, "predictions") and hasattr(value, "label_ids"):
        return _columns(_of_trainer(value))
    if isinstance(value, Mapping):
        return _columns(dict(value))
    if isinstance(value, tuple) and len(value) in (2, 3) and all(_is_listlike(part) for part in value):
        y_true, predicted, *scores = value
        if not scores and _dimensions(predicted) == 2:
            return given(rows(y_true, scores=predicted), what)
        return given(rows(y_true, predicted, *scores), what)
    if isinstance(value, Sequence) and value and all(isinstance(row, Mapping) for row in value):
        names = dict.fromkeys(name for row in value for name in row)
        return _columns({name: [row.get(name) for row in value] for name in names})
    if _is_listlike(value):
        return _columns({"predictions": value} if _dimensions(value) == 1 else {"scores": value})
    raise InputError(
        f"{what} is a {type(value).__name__}, which is not known as rows\n\n"
        "hint: give a path, a table (pandas, polars, Arrow), a dictionary of columns, or labelproof.rows(...)"
    )


def _of_pandas(frame: Any) -> dict[str, Any]:
    if not hasattr(frame, "columns"):
        return {str(frame.name or "predictions"): frame}
    columns = {str(name): frame.iloc[:, place] for place, name in enumerate(frame.columns)}
    if len(columns) != len(frame.columns):
        raise InputError(
            "the frame has several columns of one name\n\nhint: rename them, or leave out all but one"
        )
    index = frame.index
    # What a frame was cut from says which rows these are; a plain count, or one that frames joined together repeat, does
    # not, and neither does an index of several levels.
    says_which = type(index).__name__ != "RangeIndex" and index.is_unique
    name = str(index.name or "index")
    if name not in columns and index.nlevels == 1 and (index.name is not None or says_which):
        columns = {name: index, **columns}
    return columns


def _of_trainer(output: Any) -> dict[str, Any]:
    """``PredictionOutput`` or ``EvalPrediction`` of transformers, whose predictions may be several arrays."""
    predictions = output.predictions
    if isinstance(predictions, (tuple, list)) and predictions and _dimensions(predictions[0]) == 2:
        predictions = predictions[0]
    columns = {"label": output.label_ids}
    columns["predicted" if _dimensions(predictions) == 1 else "logits"] = predictions
    return {name: values for name, values in columns.items() if values is not None}


def _columns(columns: Mapping[str, Any]) -> list[tuple[str, Column]]:
    made = [(str(name), _column(str(name), values)) for name, values in columns.items()]
    lengths = {name: _length(column) for name, column in made}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"`{name}` {length}" for name, length in lengths.items())
        raise InputError(
            f"the columns have different numbers of rows: {listed}\n\nhint: give columns of the same rows"
        )
    return made


def _length(column: Column) -> int:
    if isinstance(column, tuple):
        content, _, width = column
        return len(content) // (8 * max(width, 1))
    return len(column)


def _column(name: str, values: Any) -> Column:
    if not _is_listlike(values):
        raise InputError(f"the column `{name}` is a {type(values).__name__}\n\nhint: give a list or an array")
    made = _of_array(values)
    return _of_list(name, _listed(values)) if made is None else made


def _of_array(values: Any) -> Column | None:
    """An array of numbers, without a detour through Python's objects."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not (hasattr(values, "__array__") and hasattr(values, "shape")):
        return None
    made = numpy.asarray(_detached(values))
    kind = made.dtype.kind
    if made.ndim == 2 and kind in "fiu":
        return (numpy.ascontiguousarray(made, dtype="<f8").tobytes(), "lists", made.shape[1])
    if made.ndim != 1 or kind not in "fiu" or made.dtype == "uint64":
        return None
    dtype = "float64" if kind == "f" else "int64"
    return (numpy.ascontiguousarray(made, dtype="<f8" if kind == "f" else "<i8").tobytes(), dtype, 1)


def _of_list(name: str, values: list[Any]) -> Column:
    # What an array of one number is, such as each item of a list of tensors.
    values = [
        value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
        for value in values
    ]
    values = [None if _is_missing(value) else value for value in values]
    kinds = {type(value) for value in values if value is not None}
    if kinds and all(issubclass(kind, bool) or kind.__name__ in ("bool_", "bool") for kind in kinds):
        return [None if value is None else bool(value) for value in values]
    if kinds and all(_is_listlike(value) for value in values):
        return _of_lists(name, values)
    are_integers = bool(kinds) and all(_is_integer(kind) for kind in kinds)
    if are_integers and None not in values and _fit(values):
        return (array("q", [int(value) for value in values]).tobytes(), "int64", 1)
    if kinds and not are_integers and all(_is_float(kind) or _is_integer(kind) for kind in kinds):
        nothing = float("nan")
        return (
            array("d", [nothing if value is None else float(value) for value in values]).tobytes(),
            "float64",
            1,
        )
    return [None if value is None else _text(value) for value in values]


def _fit(values: list[Any]) -> bool:
    return all(-(2**63) <= value < 2**63 for value in values)


def _text(value: Any) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    # Half of a pair of surrogates is no character, and in no UTF-8.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _of_lists(name: str, values: list[Any]) -> Column:
    listed = [_listed(value) for value in values]
    widths = {len(value) for value in listed}
    if len(widths) == 1 and all(
        _is_integer(type(item)) or _is_float(type(item)) for row in listed for item in row
    ):
        flat = array("d", [float(item) for row in listed for item in row])
        return (flat.tobytes(), "lists", widths.pop())
    # Lists of names, or of different lengths: for the audit to say what is wrong with them.
    texts: list[str | None] = [str(value) for value in listed]
    return texts


def _is_integer(kind: type) -> bool:
    return (issubclass(kind, int) and not issubclass(kind, bool)) or kind.__name__.startswith(("int", "uint"))


def _is_float(kind: type) -> bool:
    return issubclass(kind, float) or kind.__name__.startswith("float")


def _is_missing(value: Any) -> bool:
    is_nan = isinstance(value, float) and value != value
    return value is None or is_nan or type(value).__name__ in ("NAType", "NaTType")


def _is_of(value: Any, *packages: str) -> bool:
    """Whether the value's class comes from one of these packages."""
    return any(type(value).__module__.split(".")[0] == package for package in packages)


def _is_listlike(value: Any) -> bool:
    if isinstance(value, (str, bytes, Mapping)):
        return False
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and _dimensions(value) != 0


def _dimensions(value: Any) -> int:
    dimensions = getattr(value, "ndim", None)
    if dimensions is not None:
        return int(dimensions)
    first = value[0] if isinstance(value, (list, tuple)) and value else None
    return 2 if isinstance(first, (list, tuple)) or getattr(first, "ndim", 0) == 1 else 1


def _listed(values: Any) -> list[Any]:
    for name in ("tolist", "to_list", "to_pylist"):
        if hasattr(values, name):
            return list(getattr(values, name)())
    return list(values)
