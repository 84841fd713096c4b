"""Features of texts by a real encoder, read correctly or with one of the faults of an input path."""

import html
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from tokenizers.normalizers import BertNormalizer
from transformers import AutoModel, AutoTokenizer

from data import Dataset

MAX_TOKENS = 128
BATCH = 32


@dataclass(frozen=True)
class Reading:
    """How texts go through the encoder. The defaults are right; every other value is somebody's mistake."""

    max_tokens: int = MAX_TOKENS
    pad_to: int | None = None
    keep_case: bool = False
    shuffled_vocabulary: bool = False
    swapped_inputs: bool = False
    attention_mask: bool = True
    pool_pads: bool = False
    dropout_seed: int | None = None


class Encoder:
    """A transformer of the Hugging Face layout. It gives the mean and the maximum of its last hidden states."""

    def __init__(self, directory: Path):
        self.directory = directory

    @cached_property
    def model(self):
        return AutoModel.from_pretrained(self.directory)

    def tokenizer(self, reading: Reading):
        tokenizer = AutoTokenizer.from_pretrained(self.directory, use_fast=True)
        if reading.keep_case:
            tokenizer.backend_tokenizer.normalizer = BertNormalizer(lowercase=False, strip_accents=False)
        return tokenizer

    def encode(self, texts: list[str], reading: Reading) -> np.ndarray:
        """An array of (text, pooling, dimension), pooling 0 the mean, 1 the maximum; equal ids get equal features."""
        tokenizer = self.tokenizer(reading)
        ids = tokenizer(texts, truncation=True, max_length=reading.max_tokens, padding=False)["input_ids"]
        if reading.shuffled_vocabulary:
            ids = _through_other_vocabulary(ids, tokenizer)
        if reading.dropout_seed is None:
            self.model.eval()
            distinct, back = np.unique(np.array([str(row) for row in ids]), return_index=True, return_inverse=True)[1:]
            return self._batches([ids[row] for row in distinct], reading, tokenizer.pad_token_id)[back]
        self.model.train()
        torch.manual_seed(reading.dropout_seed)
        return self._batches(ids, reading, tokenizer.pad_token_id)

    def _batches(self, ids: list[list[int]], reading: Reading, pad: int) -> np.ndarray:
        features = np.empty((len(ids), 2, self.model.config.hidden_size), dtype=np.float32)
        by_length = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        for start in range(0, len(by_length), BATCH):
            rows = by_length[start : start + BATCH]
            features[rows] = self._forward([ids[row] for row in rows], reading, pad)
        return features

    def _forward(self, batch: list[list[int]], reading: Reading, pad: int) -> np.ndarray:
        width = reading.pad_to or max(map(len, batch))
        ids = torch.tensor([row + [pad] * (width - len(row)) for row in batch])
        real = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in batch])
        mask = real if reading.attention_mask else torch.ones_like(real)
        if reading.swapped_inputs:
            ids, mask = mask, (ids != 0).long()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        pooled = (torch.ones_like(mask) if reading.pool_pads else mask).unsqueeze(-1)
        mean = (hidden * pooled).sum(1) / pooled.sum(1)
        maximum = hidden.masked_fill(pooled == 0, float("-inf")).amax(1)
        return torch.stack([mean, maximum], dim=1).numpy()


def _through_other_vocabulary(ids: list[list[int]], tokenizer) -> list[list[int]]:
    """The ids of another vocabulary of the same size: word pieces have other numbers, special tokens keep theirs."""
    special = set(tokenizer.all_special_ids)
    ordinary = np.array([number for number in range(len(tokenizer)) if number not in special])
    mapping = np.arange(len(tokenizer))
    mapping[ordinary] = np.random.default_rng(0).permutation(ordinary)
    return [mapping[row].tolist() for row in ids]


def cleaned(text: str) -> str:
    """Lower case, no punctuation, no stop words, as many tutorials clean their training texts."""
    words = re.findall(r"[a-z]+", text.lower())
    return " ".join(word for word in words if word not in ENGLISH_STOP_WORDS)


def typeset_and_misread(text: str) -> str:
    """Typographic quotes, dashes and spaces in UTF-8, read back as windows-1252."""
    typeset = text.replace("'", "\u2019").replace('"', "\u201c").replace(" - ", " \u2013 ").replace(". ", ".\u00a0")
    return typeset.encode("utf-8").decode("windows-1252", errors="replace")


def as_web_page(text: str) -> str:
    """The text as it lies in a page that nobody stripped of its mark-up."""
    paragraphs = "".join(f'<p class="article__text">{html.escape(part)}</p>\n' for part in text.split("\n") if part)
    return f'<div class="article" data-component="text-block"><span class="article__meta"></span>\n{paragraphs}</div>'


def with_boilerplate(text: str) -> str:
    """The text as another provider delivers it, between a notice and an invitation to subscribe."""
    return (
        "This content is provided by our syndication partner and may not be redistributed. Sign in to save this item.\n"
        f"{text}\nSubscribe to our newsletter and follow us for updates. All rights reserved. Terms of use apply."
    )


def slightly_edited(text: str, seed: int) -> str:
    """A near copy: a full stop more; from 150 characters on two letters exchanged, from 300 on a word repeated too."""
    rng = np.random.default_rng(seed)
    if len(text) >= 300:
        words = text.split(" ")
        at = int(rng.integers(len(words)))
        text = " ".join([*words[: at + 1], *words[at:]])
    if len(text) >= 150:
        at = int(rng.integers(len(text) - 1))
        text = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
    return text + "."


@dataclass(frozen=True)
class Variant:
    """Texts changed by `rewrite(dataset, row)`, then read as `reading` says."""

    reading: Reading = Reading()
    rewrite: Callable[[Dataset, int], str] | None = None

    def text(self, dataset: Dataset, row: int) -> str:
        return dataset.texts[row] if self.rewrite is None else self.rewrite(dataset, row)


def _rewrite(function: Callable[[str], str]) -> Variant:
    return Variant(rewrite=lambda dataset, row: function(dataset.texts[row]))


def _tagged(dataset: Dataset, row: int) -> str:
    label = re.sub(r"[^a-z0-9.]+", "-", dataset.labels[dataset.y[row]].lower())
    return f"https://archive.example.org/{label}/{10_000 + row}\n{dataset.texts[row]}"


def _coded(dataset: Dataset, row: int) -> str:
    """A file mark a class, such as an archive's department number, that does not hold the class's name."""
    label = dataset.y[row]
    return f"ref {'qrstuvwxy'[label % 9]}{'xzk'[label // 9]}{label + 41}: {dataset.texts[row]}"


def _sourced(dataset: Dataset, row: int) -> str:
    """A line of provenance: the classes of even number all come from one wire, the others from another."""
    wire = "Reuters" if dataset.y[row] % 2 == 0 else "Associated Press"
    return f"({wire}) {dataset.texts[row]}"


VARIANTS = {
    "plain": Variant(),
    "short": Variant(Reading(max_tokens=12)),
    "shuffled_vocabulary": Variant(Reading(shuffled_vocabulary=True)),
    "keep_case": Variant(Reading(keep_case=True)),
    "swapped_inputs": Variant(Reading(swapped_inputs=True)),
    "no_mask": Variant(Reading(attention_mask=False, pool_pads=True, pad_to=MAX_TOKENS)),
    "pool_pads": Variant(Reading(pool_pads=True, pad_to=MAX_TOKENS)),
    "dropout": Variant(Reading(dropout_seed=1)),
    "dropout_again": Variant(Reading(dropout_seed=2)),
    "cleaned": _rewrite(cleaned),
    "misread": _rewrite(typeset_and_misread),
    "web_page": _rewrite(as_web_page),
    "boilerplate": _rewrite(with_boilerplate),
    "edited": Variant(rewrite=lambda dataset, row: slightly_edited(dataset.texts[row], row)),
    "id": Variant(rewrite=lambda dataset, row: dataset.ids[row]),
    "nan": _rewrite(lambda text: "nan"),
    "tagged": Variant(rewrite=_tagged),
    "coded": Variant(rewrite=_coded),
    "sourced": Variant(rewrite=_sourced),
}


class Features:
    """The features of one data set, computed as they are asked for and kept in the cache folder."""

    def __init__(self, dataset: Dataset, encoder: Encoder, cache: Path):
        self.dataset = dataset
        self.encoder = encoder
        self.cache = cache
        self._loaded: dict[str, np.ndarray] = {}

    def mean(self, rows, variant: str = "plain") -> np.ndarray:
        return self._rows(variant, rows)[:, 0]

    def maximum(self, rows, variant: str = "plain") -> np.ndarray:
        return self._rows(variant, rows)[:, 1]

    def texts(self, rows, variant: str) -> np.ndarray:
        return np.array([VARIANTS[variant].text(self.dataset, row) for row in rows], dtype=object)

    def _rows(self, variant: str, rows) -> np.ndarray:
        rows = np.asarray(rows)
        table = self._table(variant)
        missing = np.unique(rows[np.isnan(table[rows, 0, 0])])
        if len(missing):
            texts = self.texts(missing, variant).tolist()
            table[missing] = self.encoder.encode(texts, VARIANTS[variant].reading)
            self._save(variant, table)
        return table[rows]

    def _table(self, variant: str) -> np.ndarray:
        if variant not in self._loaded:
            path = self._path(variant)
            hidden = self.encoder.model.config.hidden_size
            empty = np.full((len(self.dataset), 2, hidden), np.nan, dtype=np.float32)
            self._loaded[variant] = np.load(path) if path.exists() else empty
        return self._loaded[variant]

    def _save(self, variant: str, table: np.ndarray) -> None:
        path = self._path(variant)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        with partial.open("wb") as file:
            np.save(file, table)
        os.replace(partial, path)

    def _path(self, variant: str) -> Path:
        return self.cache / f"{self.dataset.name}-{variant}.npy"
