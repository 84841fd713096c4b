"""Labelproof audits text classifiers: why their figures look better than their predictions.

>>> import labelproof
>>> labelproof.audit(test="test.csv", validation="val.csv", log=history)  # doctest: +SKIP

`audit` takes what you have: frames, arrays, files, the log of a training. `run`, `read` and `predict` are the pipeline
that trains a classifier; it needs ``pip install 'labelproof[train]'``. The command ``labelproof`` has all of it.
"""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version

from ._audit import Audit, Finding, audit
from ._columns import Rows, rows
from ._errors import ArtifactError, ConfigurationError, Error, InputError, ModelError, UnavailableError
from ._pipeline import Artifacts, Prediction, Table, predict, read, run

try:
    __version__ = _version("labelproof")
except PackageNotFoundError:  # A checkout that was not installed.
    __version__ = "0"

__all__ = [
    "ArtifactError",
    "Artifacts",
    "Audit",
    "ConfigurationError",
    "Error",
    "Finding",
    "InputError",
    "ModelError",
    "Prediction",
    "Rows",
    "Table",
    "UnavailableError",
    "audit",
    "predict",
    "read",
    "rows",
    "run",
]
