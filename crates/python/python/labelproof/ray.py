"""Predictions of a dataset of Ray Data, with a model that each worker loads once.

>>> import labelproof.ray
>>> labelproof.ray.predict(ray.data.read_parquet("texts"), "artifacts/train/model", workers=2)  # doctest: +SKIP
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow
from ray.data import ActorPoolStrategy, Dataset

from ._worker import ASKED, Worker, predicted_columns

__all__ = ["predict"]


def predict(
    dataset: Dataset,
    bundle: str | os.PathLike[str],
    text: str = "text",
    id: str = "id",  # what the command calls it
    *,
    device: str = "cpu",
    workers: int = 1,
    batch_size: int = 1024,
    **options: Any,
) -> Dataset:
    """Classifies the texts of a dataset with a bundle.

    Parameters
    ----------
    dataset : ray.data.Dataset
        Rows with an id and a text.
    bundle : path
        The folder ``model`` that the stage train writes, which all machines see under this path.
    text, id : str
        The columns.
    device : str
        ``cpu``, ``cuda`` or ``mps``; with ``num_gpus=1``, Ray chooses the GPU of each worker.
    workers : int
        The number of workers, each of which loads the bundle once.
    batch_size : int
        The number of rows that are predicted together.
    **options
        What else `ray.data.Dataset.map_batches` takes, such as ``num_gpus``.

    Returns
    -------
    ray.data.Dataset
        The columns that ``labelproof predict`` writes as CSV: ``id``, ``label``, ``probability``, and the probability
        of each label.
    """
    context = {"bundle": os.path.abspath(bundle), "device": device}
    return dataset.map_batches(
        _Predictor,
        fn_constructor_args=[context, id, text],
        batch_format="pyarrow",
        batch_size=batch_size,
        compute=ActorPoolStrategy(size=workers),
        **options,
    )


class _Predictor:
    """A worker of Ray, which keeps the process that has the model."""

    def __init__(self, context: dict[str, Any], id: str, text: str) -> None:
        self._columns = [id, text]
        self._schema = predicted_columns(context["bundle"])
        self._worker = Worker("predict", context)

    def __call__(self, rows: pyarrow.Table) -> pyarrow.Table:
        table = rows.select(self._columns).rename_columns(["id", "text"]).cast(ASKED)
        answers = [answer for batch in table.to_batches() for answer in self._worker.ask(batch)]
        return pyarrow.Table.from_batches(answers, self._schema)
