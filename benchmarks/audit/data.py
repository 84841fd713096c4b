"""The data sets of the benchmark: texts, labels and the groups of duplicates that a clean split keeps together."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.model_selection import train_test_split

NEWSGROUP_ROWS = 6_000
SAMPLE_ROWS = 4_000
SAMPLE_SEED = 2020
SHINGLE = 5
NEAR_DUPLICATE = 0.8
PERMUTATIONS = 128
BANDS = 32
SHINGLE_BUCKETS = 2**24
MERSENNE_PRIME = (1 << 31) - 1


@dataclass(frozen=True)
class Dataset:
    """Texts with one label each. `group` is equal for rows that are copies, or near copies, of one another."""

    name: str
    ids: np.ndarray
    texts: np.ndarray
    labels: list[str]
    y: np.ndarray
    group: np.ndarray
    published_test: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)


def load(name: str, tables: Path, bbc: Path) -> Dataset:
    """Reads one data set by its name; see `NAMES`."""
    frame = _read_bbc(bbc) if name == "bbc" else READERS[name](tables)
    labels, y = np.unique(frame["label"].to_numpy(dtype=str), return_inverse=True)
    published = (frame["extra"] == "test").to_numpy() if name == "20news" else None
    texts = frame["text"].to_numpy(dtype=object)
    return Dataset(
        name=name,
        ids=frame["id"].to_numpy(dtype=object),
        texts=texts,
        labels=[str(label) for label in labels],
        y=y.astype(np.int64),
        group=duplicate_groups(texts),
        published_test=published,
    )


def _read_bbc(directory: Path) -> pd.DataFrame:
    """BBC News: a folder a label. Row numbers are drawn by chance, so that an id does not tell the label."""
    rows = []
    for path in sorted(directory.glob("*/*.txt")):
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw.decode("windows-1252")
        rows.append((text, path.parent.name))
    frame = pd.DataFrame(rows, columns=["text", "label"])
    numbers = np.random.default_rng(SAMPLE_SEED).permutation(len(frame))
    frame.insert(0, "id", [f"bbc-{number:05}" for number in numbers])
    return frame


def _read_table(file: str):
    def read(directory: Path) -> pd.DataFrame:
        return pd.read_csv(directory / file, dtype=str, keep_default_na=False)

    return read


def _read_newsgroups(directory: Path) -> pd.DataFrame:
    frame = _read_table("20news_bydate.csv.gz")(directory)
    kept, _ = train_test_split(
        frame.index, train_size=NEWSGROUP_ROWS, stratify=frame["label"], random_state=SAMPLE_SEED
    )
    return frame.loc[np.sort(kept)].reset_index(drop=True)


def _read_sample(file: str, label: str, left_out: str = ""):
    """A part of a table, with the shares of its classes, and with another column for the label if it has a better one."""

    def read(directory: Path) -> pd.DataFrame:
        frame = _read_table(file)(directory)
        frame = frame[frame[label] != left_out].reset_index(drop=True)
        frame["label"] = frame[label]
        kept, _ = train_test_split(
            frame.index, train_size=SAMPLE_ROWS, stratify=frame["label"], random_state=SAMPLE_SEED
        )
        return frame.loc[np.sort(kept)].reset_index(drop=True)

    return read


READERS = {
    "ag_news": _read_table("ag_news_test.csv"),
    "trec6": _read_table("trec6.csv"),
    "sms_spam": _read_table("sms_spam.csv"),
    "20news": _read_newsgroups,
    "clinc_domains": _read_sample("clinc150.csv", "domain", left_out="oos"),
    "medical_cause": _read_table("crowdtruth_med_cause.csv"),
}
NAMES = ["bbc", *READERS]
# On these the thresholds of checks were chosen; what is measured on the others is the better witness.
KNOWN_GROUND = ["bbc", "ag_news", "trec6", "sms_spam", "20news"]


def normalise(text: str) -> str:
    """NFKC, case folded, runs of white space squeezed: what counts as the same text."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


def duplicate_groups(texts) -> np.ndarray:
    """A number for every text, equal for exact and near duplicates (also through a chain of them)."""
    normalised = [normalise(text) for text in texts]
    _, exact = np.unique(np.array(normalised, dtype=object).astype(str), return_inverse=True)
    representatives = np.unique(exact, return_index=True)[1]
    left, right = near_duplicate_pairs([normalised[row] for row in representatives])
    n = len(representatives)
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n, n))
    return connected_components(graph, directed=False)[1][exact]


def near_duplicate_pairs(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of texts whose sets of character 5-grams have a Jaccard index of at least 0.8 (MinHash, then verified)."""
    shingles = HashingVectorizer(
        analyzer="char",
        ngram_range=(SHINGLE, SHINGLE),
        n_features=SHINGLE_BUCKETS,
        binary=True,
        norm=None,
        alternate_sign=False,
        lowercase=False,
    ).transform(texts)
    candidates = _candidate_pairs(_min_hashes(shingles))
    if not candidates:
        return np.array([], dtype=int), np.array([], dtype=int)
    left, right = np.array(sorted(candidates)).T
    similar = _jaccard(shingles, left, right) >= NEAR_DUPLICATE
    return left[similar], right[similar]


def _min_hashes(shingles: csr_matrix) -> np.ndarray:
    """One row a text, one column a hash function. Texts too short for a shingle get hashes that meet nobody's."""
    rng = np.random.default_rng(0)
    slopes = rng.integers(1, MERSENNE_PRIME, PERMUTATIONS, dtype=np.int64)
    offsets = rng.integers(0, MERSENNE_PRIME, PERMUTATIONS, dtype=np.int64)
    rows = shingles.shape[0]
    lengths = np.diff(shingles.indptr)
    filled = np.flatnonzero(lengths)
    starts = shingles.indptr[filled]
    hashes = -1 - np.repeat(np.arange(rows, dtype=np.int64)[:, None], PERMUTATIONS, axis=1)
    columns = shingles.indices.astype(np.int64)
    for k in range(PERMUTATIONS):
        hashed = (columns * slopes[k] + offsets[k]) % MERSENNE_PRIME
        hashes[filled, k] = np.minimum.reduceat(hashed, starts)
    return hashes


def _candidate_pairs(hashes: np.ndarray) -> set[tuple[int, int]]:
    """Pairs that agree on a whole band; within a band's bucket, every text is paired with the first."""
    pairs = set()
    width = PERMUTATIONS // BANDS
    for band in range(BANDS):
        first_of = {}
        for row, key in enumerate(map(bytes, np.ascontiguousarray(hashes[:, band * width : (band + 1) * width]))):
            first = first_of.setdefault(key, row)
            if first != row:
                pairs.add((first, row))
    return pairs


def _jaccard(shingles: csr_matrix, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    size = np.asarray(shingles.sum(axis=1)).ravel()
    shared = np.asarray(shingles[left].multiply(shingles[right]).sum(axis=1)).ravel()
    return shared / np.maximum(size[left] + size[right] - shared, 1)
