"""Real runs: a split without leaks, a linear head fitted on frozen features, its log and its result files."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score
from torch import nn
from torch.nn import functional

from data import Dataset
from encoder import Features

TEST_SHARE = 0.30
VALIDATION_SHARE = 0.10


def cross_entropy(logits: torch.Tensor, y: torch.Tensor, head: nn.Module) -> torch.Tensor:
    return functional.cross_entropy(logits, y)


def share_correct(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (logits.argmax(1) == y).float().mean()


@dataclass(frozen=True)
class Training:
    """How a head is fitted and what is logged meanwhile. The defaults are right."""

    epochs: int = 15
    batch: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    hidden: int = 0
    hidden_bias: float | None = None
    dropout: float = 0.0
    batch_norm_momentum: float | None = None
    validate_in_training_mode: bool = False
    frozen: bool = False
    loss: Callable = cross_entropy
    accuracy: Callable = share_correct


@dataclass
class Fit:
    """A fitted head: its log, and its weights and validation logits after every epoch."""

    training: Training
    shape: tuple[int, int]
    history: dict[str, list[float]]
    weights: list[dict[str, torch.Tensor]]
    validation_logits: list[np.ndarray]

    @property
    def best(self) -> int:
        return int(np.argmin(self.history["val_loss"]))

    @property
    def last(self) -> int:
        return len(self.validation_logits) - 1

    def head(self, epoch: int | None = None) -> nn.Module:
        head = build_head(self.shape, self.training)
        head.load_state_dict(self.weights[self.best if epoch is None else epoch])
        return head

    def logits(self, x: np.ndarray, epoch: int | None = None) -> np.ndarray:
        return predict(self.head(epoch), x)


def build_head(shape: tuple[int, int], training: Training) -> nn.Module:
    dimension, classes = shape
    layers: list[nn.Module] = []
    if training.batch_norm_momentum is not None:
        layers.append(nn.BatchNorm1d(dimension, momentum=training.batch_norm_momentum))
    if training.dropout:
        layers.append(nn.Dropout(training.dropout))
    if training.hidden:
        first = nn.Linear(dimension, training.hidden)
        if training.hidden_bias is not None:
            nn.init.constant_(first.bias, training.hidden_bias)
        layers += [first, nn.ReLU()]
        dimension = training.hidden
    layers.append(nn.Linear(dimension, classes))
    return nn.Sequential(*layers)


@torch.no_grad()
def predict(head: nn.Module, x: np.ndarray, training_mode: bool = False, batch: int = 32) -> np.ndarray:
    """Logits, computed in batches of about equal size: in training mode a batch of one row has no statistics."""
    head.train(training_mode)
    batches = np.array_split(x, -(-len(x) // batch))
    return torch.cat([head(torch.from_numpy(rows)) for rows in batches]).numpy()


def fit(
    x: np.ndarray, y: np.ndarray, val_x: np.ndarray, val_y: np.ndarray, classes: int, seed: int, training: Training
) -> Fit:
    """Fits a head with AdamW. Training figures are averaged while the weights move, as frameworks log them."""
    torch.manual_seed(seed)
    head = build_head((x.shape[1], classes), training)
    optimiser = torch.optim.AdamW(
        head.parameters(), lr=0.0 if training.frozen else training.learning_rate, weight_decay=training.weight_decay
    )
    fitted = Fit(training, (x.shape[1], classes), {}, [], [])
    inputs, targets, val_targets = torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(val_y)
    for _ in range(training.epochs):
        loss, accuracy = _train_one_epoch(head, optimiser, inputs, targets, training)
        logits = predict(head, val_x, training.validate_in_training_mode)
        with torch.no_grad():
            figures = {
                "loss": loss,
                "accuracy": accuracy,
                "val_loss": float(training.loss(torch.from_numpy(logits), val_targets, head)),
                "val_accuracy": float(training.accuracy(torch.from_numpy(logits), val_targets)),
                "lr": training.learning_rate,
            }
        for name, value in figures.items():
            fitted.history.setdefault(name, []).append(value)
        fitted.validation_logits.append(logits)
        fitted.weights.append({name: tensor.clone() for name, tensor in head.state_dict().items()})
    return fitted


def _train_one_epoch(head, optimiser, inputs, targets, training: Training) -> tuple[float, float]:
    head.train()
    losses, hits = 0.0, 0.0
    order = torch.randperm(len(inputs))
    for rows in order.split(training.batch):
        if len(rows) == 1 and training.batch_norm_momentum is not None:
            continue
        logits = head(inputs[rows])
        loss = training.loss(logits, targets[rows], head)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses += float(loss.detach()) * len(rows)
        hits += float(training.accuracy(logits.detach(), targets[rows])) * len(rows)
    return losses / len(inputs), hits / len(inputs)


@dataclass(frozen=True)
class Part:
    """The rows of one file in their order, and the features that the head gets of them."""

    rows: np.ndarray
    ids: np.ndarray
    texts: np.ndarray
    y: np.ndarray
    x: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen) -> "Part":
        return Part(*(values[chosen] for values in (self.rows, self.ids, self.texts, self.y, self.x)))

    def renamed(self, prefix: str) -> "Part":
        """The same rows as another export names them."""
        return replace(self, ids=np.array([f"{prefix}{number}" for number in self.ids], dtype=object))

    def __add__(self, other: "Part") -> "Part":
        ours = (self.rows, self.ids, self.texts, self.y, self.x)
        theirs = (other.rows, other.ids, other.texts, other.y, other.x)
        return Part(*(np.concatenate(pair) for pair in zip(ours, theirs, strict=True)))


@dataclass(frozen=True)
class Form:
    """What an outsider happens to have kept of a run; it varies with the seed, so that no file is always there."""

    logits: bool
    train_predictions: bool
    counts: bool
    scores: str | None
    confusion: bool

    @staticmethod
    def of(seed: int) -> "Form":
        return Form(
            logits=seed % 2 == 1,
            train_predictions=seed % 4 < 2,
            counts=seed % 2 == 0,
            scores=("macro", None, "weighted")[seed % 3],
            confusion=seed % 5 == 0,
        )


@dataclass
class Results:
    """The files that a run leaves to the audit.

    `reference` is the test accuracy without the fault, where another head than the clean run's was fitted.
    """

    validation: pd.DataFrame
    test: pd.DataFrame
    train: pd.DataFrame | None
    history: dict | None
    confusion: pd.DataFrame | None = None
    arguments: list[str] = field(default_factory=list)
    reference: float | None = None

    def accuracy(self, name: str) -> float:
        frame = getattr(self, name)
        return float((frame["label"] == frame["predicted"]).mean())


class Run:
    """One split of one data set by one seed, and the head fitted on it without a fault."""

    def __init__(self, dataset: Dataset, features: Features, seed: int, fitter: Callable = fit):
        self.dataset = dataset
        self.features = features
        self.seed = seed
        self.fitter = fitter
        self.form = Form.of(seed)
        train, validation, test = split(dataset, seed)
        self.train = self.read(train)
        self.validation = self.read(validation)
        self.test = self.read(test)

    @property
    def classes(self) -> int:
        return len(self.dataset.labels)

    @cached_property
    def fitted(self) -> Fit:
        return self.fit()

    @cached_property
    def accuracy(self) -> dict[str, float]:
        """Of the head that was fitted without a fault."""
        return {
            name: float((self.fitted.logits(part.x).argmax(1) == part.y).mean())
            for name, part in (("validation", self.validation), ("test", self.test))
        }

    def read(self, rows: np.ndarray, variant: str = "plain", pooling: str = "mean") -> Part:
        """Rows of the data set as a variant of the input path gives them."""
        return Part(
            rows=rows,
            ids=self.dataset.ids[rows],
            texts=self.features.texts(rows, variant),
            y=self.dataset.y[rows],
            x=getattr(self.features, pooling)(rows, variant),
        )

    def fit(self, train: Part | None = None, validation: Part | None = None, **settings) -> Fit:
        train, validation = train or self.train, validation or self.validation
        return self.fitter(train.x, train.y, validation.x, validation.y, self.classes, self.seed, Training(**settings))

    def results(
        self,
        fitted: Fit | None = None,
        *,
        train: Part | None = None,
        validation: Part | None = None,
        test: Part | None = None,
        validation_logits: np.ndarray | None = None,
        test_logits: np.ndarray | None = None,
        history: dict | None = None,
        activation: Callable | None = None,
    ) -> Results:
        """The files of a run: those of the clean run, but for what is given."""
        fitted = fitted or self.fitted
        train, validation, test = train or self.train, validation or self.validation, test or self.test
        if validation_logits is None:
            validation_logits = fitted.logits(validation.x)
        if test_logits is None:
            test_logits = fitted.logits(test.x)
        train_frame = self.frame(train, fitted.logits(train.x), activation)
        if not self.form.train_predictions:
            train_frame = train_frame[["id", "text", "label"]]
        return Results(
            validation=self.frame(validation, validation_logits, activation),
            test=self.frame(test, test_logits, activation),
            train=train_frame,
            history=self.log(fitted, train, validation) if history is None else history,
        )

    def frame(self, part: Part, logits: np.ndarray, activation: Callable | None = None) -> pd.DataFrame:
        labels = np.array(self.dataset.labels, dtype=object)
        columns = {"id": part.ids, "text": part.texts, "label": labels[part.y], "predicted": labels[logits.argmax(1)]}
        if self.form.logits:
            outputs, kind = logits, "logit"
        else:
            outputs, kind = (activation or softmax)(logits), "probability"
        columns |= {f"{kind}_{label}": outputs[:, column] for column, label in enumerate(self.dataset.labels)}
        return pd.DataFrame(columns)

    def log(self, fitted: Fit, train: Part, validation: Part) -> dict:
        """A History as Keras writes it, with the scores and counts that this run happens to have kept."""
        history = {name: list(values) for name, values in fitted.history.items()}
        if self.form.scores is not None:
            history |= scores(fitted.validation_logits, validation.y, self.form.scores)
        if self.form.counts:
            history |= {
                "train_rows": len(train),
                "validation_rows": len(validation),
                "batch_size": fitted.training.batch,
            }
        return history


def split(dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train, validation and test rows: stratified by label, a group of duplicates never in two parts."""
    rng = np.random.default_rng(seed)
    rows = np.arange(len(dataset))
    rest, test = _take_groups(rows, dataset, TEST_SHARE, rng)
    train, validation = _take_groups(rest, dataset, VALIDATION_SHARE, rng)
    return rng.permutation(train), rng.permutation(validation), rng.permutation(test)


def _take_groups(rows: np.ndarray, dataset: Dataset, share: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """Moves whole groups, drawn label by label, until the share is taken. A group counts for its first row's label."""
    groups, first, sizes = np.unique(dataset.group[rows], return_index=True, return_counts=True)
    label_of = dataset.y[rows][first]
    taken = []
    for label in range(len(dataset.labels)):
        candidates = rng.permutation(np.flatnonzero(label_of == label))
        before = np.cumsum(sizes[candidates]) - sizes[candidates]
        taken.append(groups[candidates[before < share * sizes[candidates].sum()]])
    chosen = np.isin(dataset.group[rows], np.concatenate(taken))
    return rows[~chosen], rows[chosen]


def softmax(logits: np.ndarray) -> np.ndarray:
    return torch.from_numpy(logits.astype(np.float64)).softmax(1).numpy()


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return torch.from_numpy(logits.astype(np.float64)).sigmoid().numpy()


def scores(logits_by_epoch: list[np.ndarray], y: np.ndarray, average: str) -> dict[str, list[float]]:
    """Precision, recall, F1 and AUC of every epoch, each over all the rows at once."""
    table = {"val_precision": [], "val_recall": [], "val_f1": [], "val_auc": []}
    for logits in logits_by_epoch:
        figures = precision_recall_fscore_support(y, logits.argmax(1), average=average, zero_division=0)[:3]
        for name, value in zip(("val_precision", "val_recall", "val_f1"), figures, strict=True):
            table[name].append(float(value))
        table["val_auc"].append(one_against_rest_auc(logits, y))
    return table


def one_against_rest_auc(logits: np.ndarray, y: np.ndarray) -> float:
    """The mean over the classes that have both kinds of rows; 0 if none has, as frameworks log it."""
    probabilities = softmax(logits)
    present = [label for label in range(logits.shape[1]) if 0 < (y == label).sum() < len(y)]
    if not present:
        return 0.0
    return float(np.mean([roc_auc_score(y == label, probabilities[:, label]) for label in present]))


def confusion_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The published table: a row a true label, a column a predicted one."""
    labels = sorted(set(frame["label"]) | set(frame["predicted"]))
    counts = confusion_matrix(frame["label"], frame["predicted"], labels=labels)
    return pd.DataFrame(counts, index=pd.Index(labels, name=""), columns=labels)
