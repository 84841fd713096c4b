"""Mistakes with the Trainer of Hugging Face's transformers; a small BERT without trained weights."""

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

import corpora
from mistakes import SEED, mistake

WORDS, LENGTH = 3000, 48


class Texts(torch.utils.data.Dataset):
    """Rows of word numbers, the most frequent words first; 0 fills up, 1 is any other word."""

    def __init__(self, ids: np.ndarray, y: np.ndarray):
        self.ids, self.y = torch.from_numpy(ids), torch.from_numpy(y)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, row: int) -> dict:
        return {"input_ids": self.ids[row], "attention_mask": (self.ids[row] > 0).long(), "labels": self.y[row]}


def datasets() -> tuple[Texts, Texts]:
    texts, y, _ = corpora.bbc_texts()
    words = [text.lower().split()[:LENGTH] for text in texts]
    counts: dict[str, int] = {}
    for word in (word for row in words for word in row):
        counts[word] = counts.get(word, 0) + 1
    known = {word: number for number, word in enumerate(sorted(counts, key=lambda w: (-counts[w], w))[: WORDS - 2], 2)}
    ids = np.array([[known.get(word, 1) for word in row] + [0] * (LENGTH - len(row)) for row in words])
    rows = corpora.split(ids, y)
    return Texts(rows.x.astype(np.int64), rows.y), Texts(rows.val_x.astype(np.int64), rows.val_y)


def accuracy(prediction) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


def train(folder: str, rate: float, epochs: int = 5) -> None:
    torch.manual_seed(SEED)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=WORDS, hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128,
            max_position_embeddings=LENGTH, num_labels=5,
        )
    )  # fmt: skip
    training, validation = datasets()
    settings = TrainingArguments(
        folder, learning_rate=rate, num_train_epochs=epochs, per_device_train_batch_size=32, eval_strategy="epoch",
        logging_strategy="epoch", save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True, seed=SEED,
        per_device_eval_batch_size=64,
    )  # fmt: skip
    trainer = Trainer(
        model, settings, train_dataset=training, eval_dataset=validation, compute_metrics=accuracy,
    )  # fmt: skip
    trainer.train()


@mistake()
def trainer_rate_too_high(broken: bool) -> None:
    """A learning rate of 0.5: one class for everything. Repaired: 0.001."""
    train("/tmp/labelproof-console", 0.5 if broken else 1e-3)


@mistake()
def trainer_rate_zero(broken: bool) -> None:
    """A learning rate of 2e-10, a typing error. Repaired: 0.001."""
    train("/tmp/labelproof-console", 2e-10 if broken else 1e-3)
