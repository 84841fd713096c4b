#!/usr/bin/env python3
"""Makes the result files beside this script: one sound classifier, and the same one with one fault at a time.

The design is that of Stack Overflow question 62348810: a frozen BERT, global pooling over the tokens, a dense layer, batch
normalisation, softmax, Adam. The data are the BBC News articles that `make setup` fetches. Every number written comes from
a model that was fitted here; no text is written, unless asked for.

    python make_results.py --bbc DIR --encoder DIR --out DIR --cache DIR [--texts]

needs torch, transformers and scikit-learn. Features are kept in the cache folder, so that a second run takes a minute.
"""

import argparse
import csv
import hashlib
import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset
from transformers import AutoModel, AutoTokenizer

SEED = 10
TEST_SHARE = 0.3
VALIDATION_SHARE = 0.1
MAX_TOKENS = 128
PADDED_TOKENS = 256
ENCODER_BATCH = 32
BATCH = 32
EPOCHS = 60
DROPOUT_EPOCHS = 3
LEARNING_RATE = 1e-3
LEAKED_SHARE = 0.4
HIDDEN = 512

Loss = Callable[[Tensor, Tensor], Tensor]


# Data


@dataclass(frozen=True)
class Article:
    """One article: its key, its true class, and what the model reads of it."""

    id: str
    label: str
    text: str


@dataclass(frozen=True)
class Corpus:
    """The articles in three parts. The sorted labels are the one map between names and numbers."""

    labels: list[str]
    train: list[Article]
    validation: list[Article]
    test: list[Article]

    def numbers(self, articles: list[Article]) -> Tensor:
        """The classes of these articles as the model counts them."""
        return torch.tensor([self.labels.index(article.label) for article in articles])

    def openings(self) -> "Corpus":
        """The same split of shorter texts."""
        parts = (self.train, self.validation, self.test)
        return Corpus(self.labels, *([replace(row, text=opening(row.text)) for row in part] for part in parts))


def decode(data: bytes) -> str:
    """The text of a file; one article of the set is Windows-1252."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("windows-1252")


def opening(text: str) -> str:
    """The headline and the first paragraph."""
    paragraphs = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(paragraphs[:2])


def normalised(text: str) -> str:
    """What two texts must share to count as duplicates."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def read_articles(folder: Path) -> list[Article]:
    """Every article, in the order of the ids; of those with the same opening the first one."""
    articles: dict[str, Article] = {}
    for path in sorted(folder.glob("*/*.txt")):
        label = path.parent.name
        article = Article(f"{label}/{path.stem}", label, decode(path.read_bytes()))
        articles.setdefault(normalised(opening(article.text)), article)
    return list(articles.values())


def split(articles: list[Article]) -> Corpus:
    """The split of the question: shuffled and stratified, test first, validation from the rest."""
    rest, test = train_test_split(
        articles, test_size=TEST_SHARE, random_state=SEED, stratify=[article.label for article in articles]
    )
    train, validation = train_test_split(
        rest, test_size=VALIDATION_SHARE, random_state=SEED, stratify=[article.label for article in rest]
    )
    return Corpus(sorted({article.label for article in articles}), train, validation, test)


# Features of the frozen encoder


def mean_pool(states: Tensor, pooled: Tensor) -> Tensor:
    """The mean over the positions where `pooled` is true."""
    return states.masked_fill(~pooled, 0).sum(dim=1) / pooled.sum(dim=1)


def max_pool(states: Tensor, pooled: Tensor) -> Tensor:
    """The maximum over the positions where `pooled` is true."""
    return states.masked_fill(~pooled, -torch.inf).amax(dim=1)


class Encoder:
    """A frozen BERT that keeps what it computed."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder).requires_grad_(False)
        self.fingerprint = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        self.cache = cache

    def features(
        self,
        articles: list[Article],
        pooling: str = "mean",
        *,
        dropout_seed: int | None = None,
        pool_padding: bool = False,
        padded_to: int | None = None,
    ) -> Tensor:
        """The pooled features, a row an article. Batches are cut in the order given and padded to their longest row, or
        to `padded_to`. With a `dropout_seed` dropout is on; with `pool_padding` padding is pooled, too."""
        settings = [self.fingerprint, MAX_TOKENS, ENCODER_BATCH, dropout_seed, pool_padding, padded_to]
        content = json.dumps([*settings, *(article.text for article in articles)])
        path = self.cache / f"{hashlib.sha256(content.encode()).hexdigest()[:24]}.pt"
        if not path.exists():
            batches = [articles[start : start + ENCODER_BATCH] for start in range(0, len(articles), ENCODER_BATCH)]
            self.model.train(dropout_seed is not None)
            torch.manual_seed(dropout_seed or 0)
            pooled = [self._pool(batch, pool_padding, padded_to) for batch in batches]
            torch.save({name: torch.cat([batch[name] for batch in pooled]) for name in ("mean", "max")}, path)
        return torch.load(path)[pooling]

    @torch.no_grad()
    def _pool(self, batch: list[Article], pool_padding: bool, padded_to: int | None) -> dict[str, Tensor]:
        tokens = self.tokenizer(
            [article.text for article in batch], truncation=True, max_length=MAX_TOKENS, return_tensors="pt", padding=True
        )
        if padded_to is not None:
            tokens = self.tokenizer.pad(tokens, padding="max_length", max_length=padded_to, return_tensors="pt")
        states = self.model(**tokens).last_hidden_state
        pooled = (tokens["attention_mask"].unsqueeze(-1) == 1) | pool_padding
        return {"mean": mean_pool(states, pooled), "max": max_pool(states, pooled)}


# The head and its fit


class FrozenNormalisation(nn.BatchNorm1d):
    """Batch normalisation as in the question, `trainable=False`: it never leaves its initial statistics."""

    def __init__(self, classes: int) -> None:
        super().__init__(classes, eps=1e-3)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> "FrozenNormalisation":
        return super().train(False)


def small_head(inputs: int, classes: int) -> nn.Module:
    """Dense and batch normalisation; softmax is part of the loss."""
    return nn.Sequential(nn.Linear(inputs, classes), FrozenNormalisation(classes))


def large_head(inputs: int, classes: int) -> nn.Module:
    """With a hidden layer, so that it can learn rows by heart."""
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes), FrozenNormalisation(classes))


def softmax_twice(logits: Tensor, truth: Tensor) -> Tensor:
    """`from_logits=True` on the output of a softmax."""
    return cross_entropy(logits.softmax(dim=1), truth)


@dataclass
class History:
    """What Keras logs: running means over the epoch for training, a pass after the epoch for validation."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)


def accuracy(logits: Tensor, truth: Tensor) -> float:
    """The share of rows whose highest score is that of the true class."""
    return (logits.argmax(dim=1) == truth).double().mean().item()


def fit(
    epochs: list[Tensor],
    truth: Tensor,
    validation: tuple[Tensor, Tensor],
    *,
    loss: Loss = cross_entropy,
    make_head: Callable[[int, int], nn.Module] = small_head,
) -> tuple[nn.Module, History]:
    """Fits a head with Adam. `epochs` holds the training features of each epoch, which differ if dropout is on."""
    torch.manual_seed(SEED)
    head = make_head(epochs[0].shape[1], int(truth.max()) + 1)
    optimiser = torch.optim.Adam([weight for weight in head.parameters() if weight.requires_grad], lr=LEARNING_RATE)
    history = History()
    for features in epochs:
        head.train()
        total_loss, hits = 0.0, 0.0
        for rows in torch.randperm(len(truth)).split(BATCH):
            logits = head(features[rows])
            batch_loss = loss(logits, truth[rows])
            optimiser.zero_grad()
            batch_loss.backward()
            optimiser.step()
            total_loss += batch_loss.item() * len(rows)
            hits += accuracy(logits, truth[rows]) * len(rows)
        logits = predict(head, validation[0])
        history.loss.append(total_loss / len(truth))
        history.accuracy.append(hits / len(truth))
        history.val_loss.append(loss(logits, validation[1]).item())
        history.val_accuracy.append(accuracy(logits, validation[1]))
    return head, history


@torch.no_grad()
def predict(head: nn.Module, features: Tensor) -> Tensor:
    """Logits, in the order of the features."""
    return head.eval()(features)


# Results, and the faults


@dataclass
class Part:
    """Rows of a result file: articles and, unless there are none, the logits that were saved for them."""

    articles: list[Article]
    logits: Tensor | None = None


@dataclass
class Results:
    """What a user would have on disk after a run."""

    train: Part
    validation: Part
    test: Part
    history: History
    test_columns: list[str] | None = None
    """The names that the test predictions were decoded with, where they are not the sorted labels."""


@dataclass(frozen=True)
class Workbench:
    """What every variant starts from."""

    corpus: Corpus
    encoder: Encoder

    def fit_and_predict(
        self, corpus: Corpus, epochs: list[Tensor], train: Tensor, validation: Tensor, test: Tensor, **options: object
    ) -> Results:
        """Fits on the features of the epochs, and predicts all three parts from one set of features each."""
        truth = corpus.numbers(corpus.train)
        head, history = fit(epochs, truth, (validation, corpus.numbers(corpus.validation)), **options)
        return Results(
            Part(corpus.train, predict(head, train)),
            Part(corpus.validation, predict(head, validation)),
            Part(corpus.test, predict(head, test)),
            history,
        )

    def faultless(self, pooling: str = "mean", epochs: int = EPOCHS, **options: object) -> Results:
        """Features without dropout or padding, the same in every epoch."""
        corpus = self.corpus
        parts = (corpus.train, corpus.validation, corpus.test)
        train, validation, test = (self.encoder.features(part, pooling) for part in parts)
        return self.fit_and_predict(corpus, [train] * epochs, train, validation, test, **options)


def sound(bench: Workbench) -> Results:
    """No fault."""
    return bench.faultless()


def double_softmax(bench: Workbench) -> Results:
    """The loss expects logits and is given probabilities."""
    return bench.faultless(loss=softmax_twice)


def dropout_in_frozen_encoder(bench: Workbench) -> Results:
    """While the head is fitted the encoder drops out, new in each epoch; at prediction it does not. With max pooling."""
    corpus, features = bench.corpus, bench.encoder.features
    noisy = [features(corpus.train, "max", dropout_seed=SEED + epoch) for epoch in range(DROPOUT_EPOCHS)]
    train, validation, test = (features(part, "max") for part in (corpus.train, corpus.validation, corpus.test))
    return bench.fit_and_predict(corpus, noisy, train, validation, test)


def refitted_label_encoder(bench: Workbench) -> Results:
    """The test predictions are decoded by an encoder that numbered the test labels as they came."""
    results = bench.faultless()
    results.test_columns = list(dict.fromkeys(article.label for article in bench.corpus.test))
    return results


def shuffled_predictions(bench: Workbench) -> Results:
    """The test loader shuffles; its predictions are written beside the rows in their own order."""
    results = bench.faultless()
    order = torch.Generator().manual_seed(SEED)
    loader = DataLoader(TensorDataset(results.test.logits), batch_size=BATCH, shuffle=True, generator=order)
    results.test.logits = torch.cat([logits for (logits,) in loader])
    return results


def unmasked_pooling(bench: Workbench) -> Results:
    """Max pooling over padding, too; training and validation are padded to 256, test to the longest of its batch. The model
    reads headline and first paragraph only, so that there is padding."""
    corpus = bench.corpus.openings()
    train, validation = (
        bench.encoder.features(part, "max", pool_padding=True, padded_to=PADDED_TOKENS)
        for part in (corpus.train, corpus.validation)
    )
    test = bench.encoder.features(corpus.test, "max", pool_padding=True)
    return bench.fit_and_predict(corpus, [train] * EPOCHS, train, validation, test)


def leaked_articles(corpus: Corpus) -> list[Article]:
    """The test rows that are trained on."""
    order = torch.randperm(len(corpus.test), generator=torch.Generator().manual_seed(SEED))
    return [corpus.test[row] for row in order[: round(LEAKED_SHARE * len(corpus.test))].tolist()]


def leaked_rows(bench: Workbench) -> Results:
    """Some of the test rows are trained on, by a head that learns them by heart."""
    corpus, features = bench.corpus, bench.encoder.features
    leaked = leaked_articles(corpus)
    train = torch.cat([features(corpus.train), features(leaked)])
    validation, test = features(corpus.validation), features(corpus.test)
    corpus = replace(corpus, train=corpus.train + leaked)
    return bench.fit_and_predict(corpus, [train] * EPOCHS, train, validation, test, make_head=large_head)


VARIANTS = [
    sound,
    double_softmax,
    dropout_in_frozen_encoder,
    refitted_label_encoder,
    shuffled_predictions,
    unmasked_pooling,
    leaked_rows,
]

# Variants whose fault shows in the training rows.
WITH_TRAIN_PREDICTIONS = [sound, double_softmax, dropout_in_frozen_encoder, leaked_rows]


# Files


def write_rows(path: Path, part: Part, columns: list[str], *, with_predictions: bool, with_texts: bool) -> None:
    """A row an article; `columns` names the scores, in the order of the model's classes."""
    header = ["id", "label"]
    if with_texts:
        header.append("text")
    if with_predictions:
        header += ["predicted", *(f"probability_{name}" for name in columns)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row, article in enumerate(part.articles):
            cells = [article.id, article.label]
            if with_texts:
                cells.append(article.text)
            if with_predictions:
                probabilities = part.logits[row].double().softmax(dim=0).tolist()
                predicted = columns[probabilities.index(max(probabilities))]
                cells += [predicted, *(f"{probability:.6g}" for probability in probabilities)]
            writer.writerow(cells)


def write_history(path: Path, results: Results) -> None:
    """The log, with the numbers of rows that it is of."""
    log: dict[str, object] = {
        name: [round(value, 6) for value in values] for name, values in vars(results.history).items()
    }
    log["validation_rows"] = len(results.validation.articles)
    log["train_rows"] = len(results.train.articles)
    path.write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")


def write_results(folder: Path, results: Results, labels: list[str], *, train_predictions: bool, texts: bool) -> None:
    """The four files of a variant."""
    folder.mkdir(parents=True, exist_ok=True)
    names = results.test_columns or labels
    write_rows(folder / "train.csv", results.train, labels, with_predictions=train_predictions, with_texts=texts)
    write_rows(folder / "validation.csv", results.validation, labels, with_predictions=True, with_texts=texts)
    write_rows(folder / "test.csv", results.test, names, with_predictions=True, with_texts=texts)
    write_history(folder / "history.json", results)


def share_right(part: Part, columns: list[str]) -> float:
    """The accuracy that whoever reads the file will find."""
    predicted = [columns[index] for index in part.logits.argmax(dim=1).tolist()]
    return sum(name == article.label for name, article in zip(predicted, part.articles)) / len(predicted)


def print_line(name: str, results: Results, labels: list[str]) -> None:
    """One line of the table in the README."""
    history = results.history
    test = share_right(results.test, results.test_columns or labels)
    cells = [
        name,
        f"{history.accuracy[-1]:.3f}",
        f"{share_right(results.train, labels):.3f}",
        f"{share_right(results.validation, labels):.3f}",
        f"{test:.3f}",
        f"{history.val_loss[-1]:.3f}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def print_leak(results: Results, corpus: Corpus) -> None:
    """What the leak is worth: accuracy on the test rows that were trained on, and on the others."""
    leaked = set(leaked_articles(corpus))
    hits = (results.test.logits.argmax(dim=1) == corpus.numbers(corpus.test)).tolist()
    for name, inside in [("leaked", True), ("other", False)]:
        chosen = [hit for hit, article in zip(hits, corpus.test) if (article in leaked) == inside]
        print(f"leaked-rows: {sum(chosen)} of {len(chosen)} {name} test rows right, {sum(chosen) / len(chosen):.3f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Makes the result files of every variant.")
    parser.add_argument("--bbc", type=Path, required=True, help="folder with a folder of articles for each label")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of a BERT in Hugging Face layout")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the variants to")
    parser.add_argument("--cache", type=Path, required=True, help="folder to keep features in")
    parser.add_argument("--texts", action="store_true", help="write the texts, too; do not pass such files on")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    options.cache.mkdir(parents=True, exist_ok=True)
    corpus = split(read_articles(options.bbc))
    print(f"{len(corpus.train)} training, {len(corpus.validation)} validation, {len(corpus.test)} test rows\n")
    bench = Workbench(corpus, Encoder(options.encoder, options.cache))
    print("| variant | train accuracy, logged | train accuracy, predicted | validation accuracy | test accuracy | val_loss |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for variant in VARIANTS:
        name = variant.__name__.replace("_", "-")
        results = variant(bench)
        write_results(
            options.out / name,
            results,
            corpus.labels,
            train_predictions=variant in WITH_TRAIN_PREDICTIONS,
            texts=options.texts,
        )
        print_line(f"`{name}`", results, corpus.labels)
    print()
    print_leak(results, corpus)
    print("\nFor comparison, without files:\n")
    print_line("max pooling, as many epochs as with dropout", bench.faultless("max", DROPOUT_EPOCHS), corpus.labels)
    print_line("max pooling", bench.faultless("max"), corpus.labels)
    openings = Workbench(corpus.openings(), bench.encoder)
    print_line("max pooling of headline and first paragraph", openings.faultless("max"), corpus.labels)


if __name__ == "__main__":
    main()
