"""Precision and recall of the audit's list of wrong labels, next to cleanlab on the same probabilities.

    python benchmark.py --data TABLES --bbc BBC --labelproof BINARY --output label-noise-benchmark.md
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from cleanlab.count import num_label_issues
from cleanlab.filter import find_label_issues
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

RATES = (0.02, 0.05, 0.1, 0.2)
SEEDS = (0,)
MOST_ROWS = 4_000


@dataclass(frozen=True)
class Labelled:
    """Texts with given labels. `wrong` says of the rows in `known` whether the given label is wrong."""

    name: str
    texts: np.ndarray
    y: np.ndarray
    wrong: np.ndarray
    known: np.ndarray

    @property
    def classes(self) -> int:
        return int(self.y.max()) + 1


@dataclass(frozen=True)
class Listed:
    """Rows that a program thinks are wrong, the most suspicious first, and how many it estimates there are."""

    rows: list[int]
    estimate: float

    def scores(self, labelled: Labelled) -> tuple[float, float]:
        """Precision and recall of the first rows, as many as are estimated, among the rows whose truth is known."""
        count = round(self.estimate * int(labelled.known.sum()))
        first = [row for row in self.rows if labelled.known[row]][:count]
        right = int(labelled.wrong[first].sum())
        return right / max(1, len(first)), right / max(1, int((labelled.wrong & labelled.known).sum()))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables; see README.md")
    parser.add_argument("--bbc", type=Path, required=True, help="folder of BBC News: <label>/<number>.txt")
    parser.add_argument("--labelproof", type=Path, required=True, help="the program to judge")
    parser.add_argument("--output", type=Path, help="where to write the tables, as Markdown")
    return parser.parse_args()


def clean_sets(options: argparse.Namespace) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    files = sorted(options.bbc.glob("*/*.txt"))
    yield "bbc", *_numbered([path.read_text("latin-1") for path in files], [path.parent.name for path in files])
    for name in ("ag_news_test", "trec6", "sms_spam"):
        frame = pd.read_csv(options.data / f"{name}.csv", dtype=str, keep_default_na=False)
        if len(frame) > MOST_ROWS:
            frame = frame.sample(MOST_ROWS, random_state=0)
        yield name, *_numbered(frame["text"], frame["label"])


def _numbered(texts, labels) -> tuple[np.ndarray, np.ndarray]:
    return np.array(list(texts), dtype=object), np.unique(np.array(list(labels), dtype=str), return_inverse=True)[1]


def with_noise(name: str, texts: np.ndarray, y: np.ndarray, rate: float, seed: int) -> Labelled:
    """Exactly this share of the labels, drawn by chance, becomes another one, drawn by chance."""
    rng = np.random.default_rng(seed)
    wrong = np.zeros(len(y), dtype=bool)
    wrong[rng.choice(len(y), round(rate * len(y)), replace=False)] = True
    classes = int(y.max()) + 1
    other = (y + rng.integers(1, classes, len(y))) % classes
    return Labelled(name, texts, np.where(wrong, other, y), wrong, np.ones(len(y), dtype=bool))


def crowdtruth(options: argparse.Namespace) -> Labelled:
    """Labels that a knowledge base gave, and labels that experts and a crowd checked, for a part of the rows."""
    frame = pd.read_csv(options.data / "crowdtruth_med_cause.csv", dtype=str, keep_default_na=False)
    checked = np.array([json.loads(extra)["test_partition"] or 0 for extra in frame["extra"]], dtype=float)
    given = np.where(frame["label"] == "cause", 1, -1)
    texts, y = _numbered(frame["text"], frame["label"])
    return Labelled("crowdtruth (cause)", texts, y, (given != checked) & (checked != 0), checked != 0)


def out_of_fold(labelled: Labelled) -> np.ndarray:
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=10, max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return cross_val_predict(model, labelled.texts, labelled.y, cv=folds, method="predict_proba")


def by_cleanlab(labelled: Labelled, probabilities: np.ndarray) -> Listed:
    rows = find_label_issues(
        labelled.y, probabilities, filter_by="confident_learning", return_indices_ranked_by="normalized_margin"
    )
    count = num_label_issues(labelled.y, probabilities, estimation_method="off_diagonal_calibrated")
    return Listed([int(row) for row in rows], count / len(labelled.y))


def by_labelproof(binary: Path, split: str, frame: pd.DataFrame) -> Listed:
    """The audit's list for one file of rows, whose ids are their numbers."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "rows.csv"
        frame.to_csv(file, index=False)
        process = subprocess.run(
            [str(binary), "audit", f"--{split}", str(file), "--json"], capture_output=True, text=True, check=False
        )
    findings = json.loads(process.stdout)["findings"]
    finding = next(finding for finding in findings if finding["id"] == "C50")
    rows = [int(suspect["row"].removeprefix("row-")) for suspect in finding["evidence"]["suspect_rows"]]
    return Listed(rows, finding["statistic"]["value"])


def judged(binary: Path, labelled: Labelled) -> list[str]:
    """A row of the table."""
    probabilities = out_of_fold(labelled)
    names = np.array([f"class-{label}" for label in range(labelled.classes)], dtype=object)
    ids = [f"row-{row}" for row in range(len(labelled.y))]
    frame = pd.DataFrame({"id": ids, "label": names[labelled.y], "predicted": names[probabilities.argmax(1)]})
    for label, name in enumerate(names):
        frame[f"probability_{name}"] = probabilities[:, label]
    texts = pd.DataFrame({"id": ids, "text": labelled.texts, "label": names[labelled.y]})
    answers = (
        by_labelproof(binary, "test", frame),
        by_cleanlab(labelled, probabilities),
        by_labelproof(binary, "train", texts),
    )
    cells = [f"{(labelled.wrong & labelled.known).sum() / labelled.known.sum():.1%}"]
    for answer in answers:
        precision, recall = answer.scores(labelled)
        cells += [f"{answer.estimate:.1%}", f"{precision:.3f}", f"{recall:.3f}"]
    return cells


HEADER = """# Wrong labels: `labelproof audit` beside cleanlab

Precision and recall of the rows that check C50 lists, at the number of rows it estimates to be wrong; cleanlab 2.9
(`filter_by="confident_learning"`) on the same out-of-fold probabilities; and the audit on texts alone, with its own. The
audit lists 1,000 rows at most.

| data set | seed | wrong | audit: estimate | precision | recall | cleanlab: estimate | precision | recall \
| audit on texts: estimate | precision | recall |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    options = arguments()
    lines = []
    for name, texts, y in clean_sets(options):
        for rate in RATES:
            for seed in SEEDS:
                lines.append([name, str(seed), *judged(options.labelproof, with_noise(name, texts, y, rate, seed))])
                print(*lines[-1], sep="  ", flush=True)
    real = crowdtruth(options)
    lines.append([real.name, "–", *judged(options.labelproof, real)])
    print(*lines[-1], sep="  ", flush=True)
    tables = HEADER + "".join(f"| {' | '.join(line)} |\n" for line in lines)
    if options.output is not None:
        options.output.write_text(tables)


if __name__ == "__main__":
    main()
