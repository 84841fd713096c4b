"""Mistakes in loops of one's own, in PyTorch, each with the line an epoch that its author printed."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import corpora
from mistakes import SEED, mistake


def perceptron(*widths: int, dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(SEED)
    stack: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        stack += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*stack[:-2])


def batches(x: np.ndarray, y: np.ndarray, size: int = 32, shuffle: bool = True):
    order = torch.randperm(len(y)) if shuffle else torch.arange(len(y))
    for rows in order.split(size):
        yield torch.from_numpy(x)[rows], torch.from_numpy(y)[rows]


def train_epoch(model, optimiser, rows, loss_of=functional.cross_entropy) -> tuple[float, float]:
    """One pass over the training rows: mean loss and accuracy."""
    model.train()
    total, hits = 0.0, 0
    for x, y in batches(rows.x, rows.y):
        optimiser.zero_grad()
        output = model(x)
        loss = loss_of(output, y)
        loss.backward()
        optimiser.step()
        total += loss.item() * len(y)
        hits += int((output.argmax(1) == y).sum())
    return total / len(rows.y), hits / len(rows.y)


@torch.no_grad()
def evaluate(model, rows, loss_of=functional.cross_entropy) -> tuple[float, float]:
    model.eval()
    output = model(torch.from_numpy(rows.val_x))
    y = torch.from_numpy(rows.val_y)
    return loss_of(output, y).item(), float((output.argmax(1) == y).float().mean())


@mistake()
def torch_dropout_too_high(broken: bool) -> None:
    """Dropout of 0.95 in two layers. Repaired: 0.2."""
    rows = corpora.digits()
    model = perceptron(64, 64, 64, 10, dropout=0.95 if broken else 0.2)
    optimiser = torch.optim.Adam(model.parameters(), 0.003)
    for epoch in range(10):
        loss, accuracy = train_epoch(model, optimiser, rows)
        val_loss, val_accuracy = evaluate(model, rows)
        print(
            f"Epoch [{epoch + 1}/10], Train Loss: {loss:.4f}, Train Acc: {accuracy:.4f}, "
            f"Val Loss: {val_loss:.4f}, Val Acc: {val_accuracy:.4f}"
        )


@mistake()
def torch_labels_shuffled(broken: bool) -> None:
    """The features were shuffled, the labels not. Repaired: both by the same order."""
    rows = corpora.bbc()
    if broken:
        rows.x = rows.x[np.random.default_rng(SEED).permutation(len(rows.y))]
    model = perceptron(2000, 128, rows.classes)
    optimiser = torch.optim.Adam(model.parameters(), 0.001)
    for epoch in range(8):
        loss, accuracy = train_epoch(model, optimiser, rows)
        val_loss, val_accuracy = evaluate(model, rows)
        print(
            f"Epoch: {epoch + 1:02}\n\tTrain Loss: {loss:.3f} | Train Acc: {accuracy * 100:.2f}%\n"
            f"\t Val. Loss: {val_loss:.3f} |  Val. Acc: {val_accuracy * 100:.2f}%"
        )


@mistake()
def torch_mean_of_batches(broken: bool) -> None:
    """Accuracy and loss are means over batches, the last of which has few rows. Repaired: counted over rows."""
    rows = corpora.digits(share=0.25)
    print(f"training on {len(rows.y)} samples, validating on {len(rows.val_y)} samples")
    model = perceptron(64, 32, 10)
    optimiser = torch.optim.Adam(model.parameters(), 0.003)
    for epoch in range(8):
        loss, _ = train_epoch(model, optimiser, rows)
        val_loss, val_accuracy = evaluate(model, rows)
        if broken:
            model.eval()
            with torch.no_grad():
                parts = [(model(x), y) for x, y in batches(rows.val_x, rows.val_y, size=64, shuffle=False)]
            val_accuracy = np.mean([float((output.argmax(1) == y).float().mean()) for output, y in parts])
            val_loss = np.mean([functional.cross_entropy(output, y).item() for output, y in parts])
        print(f"epoch {epoch + 1}: train_loss={loss:.4f} val_loss={val_loss:.4f} val_acc={val_accuracy:.6f}")


@mistake()
def torch_nll_without_log(broken: bool) -> None:
    """`nll_loss` of probabilities: the loss is negative. Repaired: of their logarithms."""
    rows = corpora.digits()
    model = perceptron(64, 64, 10)
    optimiser = torch.optim.Adam(model.parameters(), 0.003)

    def loss_of(output, y):
        return functional.nll_loss(output.softmax(1) if broken else output.log_softmax(1), y)

    for epoch in range(8):
        loss, accuracy = train_epoch(model, optimiser, rows, loss_of)
        val_loss, val_accuracy = evaluate(model, rows, loss_of)
        print(
            f"Epoch {epoch + 1} | train loss {loss:.4f} | train acc {accuracy:.2%} "
            f"| valid loss {val_loss:.4f} | valid acc {val_accuracy:.2%}"
        )


@mistake()
def torch_optimiser_of_another_model(broken: bool) -> None:
    """The model was made again after its optimiser, which moves the old one's weights. Repaired: made once."""
    rows = corpora.bbc()
    model = perceptron(2000, 64, rows.classes)
    optimiser = torch.optim.Adam(model.parameters(), 0.001)
    if broken:
        model = perceptron(2000, 64, rows.classes)
    for epoch in range(7):
        loss, accuracy = train_epoch(model, optimiser, rows)
        val_loss, val_accuracy = evaluate(model, rows)
        print(f"Epoch {epoch + 1}/7\n----------\ntrain Loss: {loss:.4f} Acc: {accuracy:.4f}")
        print(f"val Loss: {val_loss:.4f} Acc: {val_accuracy:.4f}\n")


@mistake()
def torch_gradients_never_zeroed(broken: bool) -> None:
    """Gradients of all batches add up. Repaired: `zero_grad` in every step."""
    rows = corpora.bbc()
    model = perceptron(2000, 64, rows.classes)
    optimiser = torch.optim.SGD(model.parameters(), 0.5, momentum=0.9)
    if broken:
        optimiser.zero_grad = lambda: None
    print(f"{'epoch':>6}{'train_loss':>12}{'train_acc':>11}{'valid_loss':>12}{'valid_acc':>11}")
    for epoch in range(8):
        loss, accuracy = train_epoch(model, optimiser, rows)
        val_loss, val_accuracy = evaluate(model, rows)
        print(f"{epoch:>6}{loss:>12.6f}{accuracy:>11.6f}{val_loss:>12.6f}{val_accuracy:>11.6f}")


@mistake()
def torch_log_of_zero(broken: bool) -> None:
    """A cross-entropy of one's own takes the logarithm of a softmax that is 0. Repaired: `cross_entropy` of logits."""
    rows = corpora.digits()
    model = perceptron(64, 64, 10)
    optimiser = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)

    def loss_of(output, y):
        if not broken:
            return functional.cross_entropy(output, y)
        return -(functional.one_hot(y, 10) * torch.log((output * 200).softmax(1))).sum(1).mean()

    for epoch in range(8):
        loss, accuracy = train_epoch(model, optimiser, rows, loss_of)
        val_loss, val_accuracy = evaluate(model, rows, loss_of)
        print(
            f"[{epoch + 1}/8] loss: {loss:.3f} - acc: {accuracy:.3f} "
            f"- val_loss: {val_loss:.3f} - val_acc: {val_accuracy:.3f}"
        )
