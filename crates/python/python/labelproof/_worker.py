"""A process ``labelproof worker``, which a task keeps and asks batch by batch."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc

from ._command import command, failure
from ._errors import ModelError

#: The columns that a prediction takes.
ASKED = pyarrow.schema([("id", pyarrow.utf8()), ("text", pyarrow.utf8())])


def predicted_columns(bundle: str | os.PathLike[str]) -> pyarrow.Schema:
    """The columns that a prediction gives.

    Raises
    ------
    ModelError
        The folder does not name its labels.
    """
    path = Path(bundle, "config.json")
    try:
        labels: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["id2label"]
        names = [labels[str(number)] for number in range(len(labels))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"`{path}` does not name the labels: {error!r}\n\nhint: give the folder `model` that the stage train writes"
        ) from None
    columns = [("id", pyarrow.utf8()), ("label", pyarrow.utf8()), ("probability", pyarrow.float64())]
    columns += [(f"probability of {name}", pyarrow.float64()) for name in names]
    return pyarrow.schema(columns)


class Worker:
    """A process that answers batches of rows with batches of as many rows, over its pipes.

    It ends when its pipes are closed, and so with the process that asks it, however that ends.
    """

    def __init__(self, step: str, context: dict[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="labelproof-")
        given = Path(self._folder.name, "context.json")
        given.write_text(json.dumps(context), encoding="utf-8")
        # A file takes any number of lines; a pipe would be full while nobody reads it.
        self._said = Path(self._folder.name, "said.txt")
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command("worker", step, "--context", str(given)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        self._questions: Any = None
        self._answers: Any = None

    def ask(self, batch: pyarrow.RecordBatch) -> Iterator[pyarrow.RecordBatch]:
        """The answer to a batch.

        Raises
        ------
        Error
            What the process said when it ended.
        """
        left = batch.num_rows
        try:
            self._send(batch)
            while left > 0:
                if self._answers is None:
                    self._answers = pyarrow.ipc.open_stream(self._process.stdout)
                answer = self._answers.read_next_batch()
                left -= answer.num_rows
                yield answer
        except (OSError, StopIteration, pyarrow.ArrowInvalid):
            try:
                # It says why it ends, unless it goes on.
                code = self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                code = self._process.wait()
            raise failure(code, self._said.read_text(encoding="utf-8", errors="replace")) from None

    def _send(self, batch: pyarrow.RecordBatch) -> None:
        assert self._process.stdin is not None
        if self._questions is None:
            self._questions = pyarrow.ipc.new_stream(self._process.stdin, batch.schema)
        self._questions.write_batch(batch)
        self._process.stdin.flush()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()
