"""The pipeline from Python: runs it, reads its tables, and predicts with its bundle."""

from __future__ import annotations

import importlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _native
from ._command import execute
from ._errors import ArtifactError, ConfigurationError


class Table:
    """A table of the pipeline.

    Any library that knows Arrow's C interface takes it as it is, without a copy: ``polars.DataFrame(table)``,
    ``pyarrow.table(table)``, ``duckdb.sql("select * from table")``.
    """

    def __init__(self, table: _native.Table, name: str) -> None:
        self._table = table
        self.name = name

    @property
    def column_names(self) -> list[str]:
        """The names of the columns."""
        return self._table.column_names

    def __len__(self) -> int:
        return self._table.num_rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``; needs pyarrow."""
        # Only who asks for a frame needs it.
        pyarrow: Any = importlib.import_module("pyarrow")
        return pyarrow.table(self).to_pandas()

    def __repr__(self) -> str:
        return f"<labelproof.Table {self.name}: {len(self)} rows of {', '.join(self.column_names)}>"


class Artifacts(Mapping[str, Any]):
    """What a pipeline wrote, by stage and name: ``artifacts["evaluate/predictions"]``.

    Tables are read when they are asked for, as `Table`; JSON as dictionaries. A name that only one stage has needs no
    stage: ``artifacts["predictions"]``.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        files = (path for path in self.folder.glob("*/*") if path.suffix in (".parquet", ".json"))
        stages = ("ingest", "preprocess", "split", "train", "evaluate", "audit", "report")
        self._files = {
            f"{path.parent.name}/{path.stem}": path
            for path in sorted(files)
            if path.parent.name in stages and not path.name.endswith(".lock.json")
        }
        if not self._files:
            raise ArtifactError(
                f"`{self.folder}` holds no artifacts of a pipeline\n\nhint: give the folder that labelproof.run wrote"
            )

    def __getitem__(self, name: str) -> Any:
        if name in self._files:
            path = self._files[name]
        else:
            named = [own for own in self._files if own.split("/")[1] == name]
            if len(named) != 1:
                raise KeyError(name)
            path = self._files[named[0]]
        if path.suffix == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
        return Table(_native.read_table(path), name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"<labelproof.Artifacts {self.folder}: {', '.join(self._files)}>"


def read(artifacts: str | os.PathLike[str] = "artifacts") -> Artifacts:
    """The tables and figures that a pipeline wrote into a folder, or to an address (``s3://bucket/prefix``).

    Raises
    ------
    ArtifactError
        The folder holds none, or a file is damaged.
    """
    return Artifacts(_native.fetched_artifacts(artifacts))


def overrides_of(set: Mapping[str, Any] | None) -> list[str]:
    """Values that override the configuration's, as the command takes them."""
    return [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in (set or {}).items()
    ]


def run(
    config: str | os.PathLike[str] = "pipeline.yaml",
    until: str | None = None,
    *,
    set: Mapping[str, Any] | None = None,  # what the command calls it
    artifacts: str | os.PathLike[str] | None = None,
    device: str | None = None,
    force: bool = False,
    quiet: bool = False,
) -> Artifacts:
    """Runs the stages of a pipeline that are not up to date.

    Parameters
    ----------
    config : path
        The ``pipeline.yaml``.
    until : str
        The last stage: ``ingest``, ``preprocess``, ``split``, ``train``, ``evaluate``, ``audit`` or ``report``.
    set : dict
        Values that override the configuration's, such as ``{"train.epochs": 5}``.
    artifacts : path
        The folder to write into, or its address (``s3://bucket/prefix``), in place of the configuration's.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``flex``.
    force : bool
        Whether stages that are up to date run again.
    quiet : bool
        Whether only errors are printed.

    Returns
    -------
    Artifacts

    Raises
    ------
    Error
        One of its classes, by what is wrong. Stages that run a network need ``labelproof[train]``.
    """
    command = ["run", *([until] if until else []), "--config", os.fspath(config)]
    overrides = overrides_of(set)
    command += [word for override in overrides for word in ("--set", override)]
    command += ["--artifacts", os.fspath(artifacts)] if artifacts is not None else []
    command += ["--device", device] if device is not None else []
    command += [flag for flag, is_on in (("--force", force), ("--quiet", quiet)) if is_on]
    execute(command, shows=not quiet)
    return Artifacts(_native.artifacts_folder(config, overrides, artifacts))


@dataclass(frozen=True)
class Prediction:
    """What a bundle says of a text.

    Attributes
    ----------
    label : str or None
        The label; None for a text without a word, which has none.
    probabilities : dict of str to float
        The probability of each label.
    abstained : bool or None
        Whether the text is better left to a person, where `abstain` was asked for.
    set : list of str or None
        The labels that hold the right one as often as `conformal` asks.
    """

    label: str | None
    probabilities: dict[str, float]
    abstained: bool | None = None
    set: list[str] | None = None


def predict(
    bundle: str | os.PathLike[str],
    texts: Iterable[str],
    *,
    calibrated: bool = False,
    abstain: str | None = None,
    conformal: float | None = None,
    device: str | None = None,
) -> list[Prediction]:
    """Classifies texts with a bundle, or with the folder of an ``AutoModelForSequenceClassification``.

    Each call starts a process and loads the model, which takes about a second: give all texts at once.

    Parameters
    ----------
    bundle : path
        The folder ``model`` that the stage train writes.
    texts : iterable of str
        The texts.
    calibrated : bool
        Whether probabilities are divided by the temperature of the bundle.
    abstain : str
        What to leave to people, such as ``precision=0.95`` or ``coverage=0.8``.
    conformal : float
        How often the set of labels shall hold the right one, such as 0.95.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``flex``.

    Returns
    -------
    list of Prediction
        One for each text, in their order.
    """
    with tempfile.TemporaryDirectory() as folder:
        texts = list(texts)
        if not texts:
            return []
        given, made = Path(folder, "texts.jsonl"), Path(folder, "labels.jsonl")
        with given.open("w", encoding="utf-8") as file:
            for text in texts:
                if not isinstance(text, str):
                    raise ConfigurationError(f"a text is a {type(text).__name__}\n\nhint: give strings")
                file.write(json.dumps({"text": text}) + "\n")
        command = ["predict", "--bundle", os.fspath(bundle), "--input", str(given), "--output", str(made)]
        command += ["--calibrated"] if calibrated else []
        command += ["--abstain", abstain] if abstain is not None else []
        command += ["--conformal", str(conformal)] if conformal is not None else []
        command += ["--device", device] if device is not None else []
        # Texts that have no label end it with the exit code of an input that cannot be used.
        execute(command, shows=False, made=made)
        rows = [json.loads(line) for line in made.read_text(encoding="utf-8").split("\n") if line]
    return [
        Prediction(row["label"], row["probabilities"] or {}, row.get("abstained"), row.get("set"))
        for row in rows
    ]
