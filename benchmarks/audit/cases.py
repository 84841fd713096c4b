"""Cases on disk: the files of a run, and a note of what was done to it."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from runs import Results, Run, confusion_of

NOTE = "case.json"
ANSWER = "audit.json"


@dataclass
class Case:
    """One run's files. `causes` is empty for a run without a fault."""

    name: str
    dataset: str
    seed: int
    causes: list[str]
    follows: list[str]
    effect: float | None
    accuracy: dict[str, float]
    clean_accuracy: dict[str, float]
    files: dict[str, str]
    arguments: list[str]
    directory: Path = field(default=Path())

    @property
    def effective(self) -> bool:
        """Whether the injection cost as much test accuracy as its fault has to."""
        return self.effect is None or self.clean_accuracy["test"] - self.accuracy["test"] >= self.effect

    def options(self) -> list[str]:
        """The arguments of `labelproof audit` for these files."""
        named = [text for option, file in self.files.items() for text in (f"--{option}", str(self.directory / file))]
        return [*named, *self.arguments]


class Store:
    """A folder of cases. Equal files are stored once."""

    def __init__(self, root: Path):
        self.root = root
        self._written: dict[str, Path] = {}

    def cases(self) -> Iterator[Case]:
        for note in sorted(self.root.glob(f"*/*/*/{NOTE}")):
            yield Case(**json.loads(note.read_text()) | {"directory": note.parent})

    def add(self, name: str, run: Run, results: Results, causes=(), follows=(), effect: float | None = None) -> Case:
        if results.confusion is None and run.form.confusion:
            results.confusion = confusion_of(results.test)
        directory = self.root / run.dataset.name / name / f"seed-{run.seed:02}"
        directory.mkdir(parents=True, exist_ok=True)
        case = Case(
            name=name,
            dataset=run.dataset.name,
            seed=run.seed,
            causes=list(causes),
            follows=list(follows),
            effect=effect,
            accuracy={part: results.accuracy(part) for part in ("validation", "test")},
            clean_accuracy=run.accuracy | ({} if results.reference is None else {"test": results.reference}),
            files={option: self._write(directory / file, content) for option, file, content in _contents(results)},
            arguments=results.arguments,
        )
        note = {key: value for key, value in asdict(case).items() if key != "directory"}
        (directory / NOTE).write_text(json.dumps(note, indent=1))
        case.directory = directory
        return case

    def _write(self, path: Path, content: bytes) -> str:
        path.unlink(missing_ok=True)
        digest = hashlib.blake2b(content).hexdigest()
        if digest in self._written:
            os.link(self._written[digest], path)
        else:
            path.write_bytes(content)
            self._written[digest] = path
        return path.name


def _contents(results: Results) -> Iterator[tuple[str, str, bytes]]:
    for option in ("validation", "test", "train"):
        frame = getattr(results, option)
        if frame is not None:
            yield option, f"{option}.csv", _csv(frame)
    if results.history is not None:
        yield "log", "history.json", json.dumps(results.history, allow_nan=False).encode()
    if results.confusion is not None:
        yield "confusion", "confusion.csv", results.confusion.to_csv().encode()


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, float_format="%.7g").encode("utf-8", errors="replace")
