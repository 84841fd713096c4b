"""The data: sets that scikit-learn ships, and articles of BBC News as tf-idf."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.feature_extraction.text import TfidfVectorizer

from mistakes import SEED

BBC = Path(os.environ.get("BBC", "../../../external/data/bbc-news"))


@dataclass
class Rows:
    """Features and classes, for training and for validation. Sorted by class before they are split, if asked for."""

    x: np.ndarray
    y: np.ndarray
    val_x: np.ndarray
    val_y: np.ndarray

    @property
    def classes(self) -> int:
        return int(max(self.y.max(), self.val_y.max())) + 1


def one_hot(y: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[y]


def split(x: np.ndarray, y: np.ndarray, share: float = 0.2, sort: bool = False) -> Rows:
    """The last rows are for validation, as `validation_split` takes them; shuffled before, or sorted by class."""
    order = np.argsort(y, kind="stable") if sort else np.random.default_rng(SEED).permutation(len(y))
    x, y = x[order].astype(np.float32), y[order].astype(np.int64)
    kept = len(y) - round(share * len(y))
    return Rows(x[:kept], y[:kept], x[kept:], y[kept:])


def digits(**options) -> Rows:
    """1,797 pictures of ten digits, 64 features between 0 and 1."""
    x, y = load_digits(return_X_y=True)
    return split(x / 16, y, **options)


def wine(**options) -> Rows:
    """178 wines of three kinds, 13 features; one of them goes to 1,680."""
    return split(*load_wine(return_X_y=True), **options)


def cancer(**options) -> Rows:
    """569 growths of two kinds, 30 features; some go to 4,254."""
    return split(*load_breast_cancer(return_X_y=True), **options)


def bbc_texts() -> tuple[list[str], np.ndarray, list[str]]:
    """2,225 articles and the five topics."""
    files = sorted(BBC.glob("*/*.txt"))
    topics = sorted({file.parent.name for file in files})
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    return texts, np.array([topics.index(file.parent.name) for file in files]), topics


def bbc(features: int = 2000, rows: int | None = None, **options) -> Rows:
    """BBC News as tf-idf of the most frequent words."""
    texts, y, _ = bbc_texts()
    x = TfidfVectorizer(max_features=features, stop_words="english").fit_transform(texts).toarray()
    chosen = np.random.default_rng(SEED).permutation(len(y))[:rows]
    return split(x[chosen], y[chosen], **options)
