"""Rows of a classifier that is right in validation and shuffled in test, as people come with them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

LABELS = ["business", "sport", "tech"]


def column(rows: list[dict[str, object]], name: str) -> list[object]:
    return [row[name] for row in rows]


def made(split: str, share_right: float, seed: int, count: int = 300) -> list[dict[str, object]]:
    draw = random.Random(seed)
    rows = []
    for place in range(count):
        truth = draw.choice(LABELS)
        predicted = truth if draw.random() < share_right else draw.choice(LABELS)
        rows.append({"id": f"{split}-{place}", "label": truth, "predicted": predicted})
    return rows


@pytest.fixture
def validation() -> list[dict[str, object]]:
    return made("validation", 0.95, 1)


@pytest.fixture
def shuffled() -> list[dict[str, object]]:
    rows = made("test", 0.95, 2)
    predicted = column(rows, "predicted")
    random.Random(3).shuffle(predicted)
    return [{**row, "predicted": label} for row, label in zip(rows, predicted, strict=True)]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path
