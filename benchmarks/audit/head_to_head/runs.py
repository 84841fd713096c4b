"""Real runs: the sample encoder fine-tuned with transformers' Trainer, and the files that it leaves."""

import json
import shutil
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch
from defaultplusplus.benchmark.cli import _CallbackAwareTrainer
from defaultplusplus.deform import get_injector
from defaultplusplus.hf_callback import DEFaultPlusCallback
from sklearn.model_selection import train_test_split
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

from faults import PREDICTION, TRAINING, Fault

sys.path.append(str(Path(__file__).parent.parent))
import data

NOTE, FEATURES = "run.json", "features.json"
LOOK_EVERY = 5


@dataclass(frozen=True)
class Size:
    """How many rows, tokens and epochs: as much as a minute of two processors bears."""

    train: int
    validation: int
    test: int
    tokens: int
    epochs: int


SIZES = {
    "trec6": Size(600, 250, 500, 32, 3),
    "trec6-small": Size(240, 150, 300, 32, 3),
    "bbc": Size(240, 150, 300, 48, 2),
}


@dataclass
class Corpus:
    """One split of a data set. Of rows that are copies, or near copies, of one another only one is kept."""

    name: str
    labels: list[str]
    parts: dict[str, pd.DataFrame]


def corpus(name: str, tables: Path, bbc: Path, seed: int, memory: joblib.Memory) -> Corpus:
    dataset, size = memory.cache(data.load)(name.removesuffix("-small"), tables, bbc), SIZES[name]
    rows = np.unique(dataset.group, return_index=True)[1]
    frame = pd.DataFrame({"id": dataset.ids[rows], "text": dataset.texts[rows], "y": dataset.y[rows]})
    parts = {}
    for part, count in (("test", size.test), ("validation", size.validation), ("train", size.train)):
        frame, chosen = train_test_split(frame, test_size=count, stratify=frame["y"], random_state=seed)
        parts[part] = chosen.reset_index(drop=True)
    return Corpus(name, dataset.labels, parts)


class Rows(torch.utils.data.Dataset):
    def __init__(self, frame: pd.DataFrame, tokenizer, tokens: int):
        self.tokens = tokenizer(frame["text"].tolist(), truncation=True, max_length=tokens)
        self.y = frame["y"].tolist()

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, row: int) -> dict:
        return {name: values[row] for name, values in self.tokens.items()} | {"labels": self.y[row]}


class Callback(DEFaultPlusCallback):
    """The callback of defaultplusplus 0.4.1, helped where it does not work with BERT or with transformers 4.57.

    Its hooks on sublayers take BERT's `intermediate` for the whole feed-forward layer, and every step fails on the
    width; without them it takes hidden states, as it does where there is nothing to hook. It looks at gradients at the
    end of a step, when the Trainer has cleared them; here it looks before the optimiser's step, as its own manual
    for loops says. And the Trainer does not hand it the loss.
    """

    def on_train_begin(self, args, state, control, **kwargs):
        control = super().on_train_begin(args, state, control, **kwargs)
        self.extractor.collector.sublayer_capture.remove()
        return control

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        # A look costs several times what the step itself does. It keeps means over steps, and gets every fifth.
        if state.global_step % LOOK_EVERY:
            return control
        return super().on_step_end(args, state, control, **kwargs, loss=self._last_outputs.loss.detach())

    def on_step_end(self, args, state, control, **kwargs):
        return control


class Run:
    """A fine-tuning, with a fault of the first kind while it goes on, if there is one."""

    def __init__(self, corpus: Corpus, encoder: Path, seed: int, scratch: Path, fault: Fault | None = None):
        set_seed(seed)
        size = SIZES[corpus.name]
        self.corpus, self.seed, self.fault = corpus, seed, fault
        tokenizer = AutoTokenizer.from_pretrained(encoder)
        # `eager` is what defaultplusplus asks for: other attentions give no weights to look at.
        self.model = AutoModelForSequenceClassification.from_pretrained(
            encoder, num_labels=len(corpus.labels), attn_implementation="eager"
        )
        self.rows = {part: Rows(frame, tokenizer, size.tokens) for part, frame in corpus.parts.items()}
        self.callback = Callback(arch="encoder")
        settings = TrainingArguments(
            str(scratch),
            num_train_epochs=size.epochs,
            learning_rate=2e-4,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=32,
            eval_strategy="epoch",
            logging_strategy="epoch",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            seed=seed,
        )
        self.trainer = _CallbackAwareTrainer.build(Trainer, self.callback)(
            model=self.model,
            args=settings,
            train_dataset=self.rows["train"],
            eval_dataset=self.rows["validation"],
            compute_metrics=_accuracy,
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[self.callback],
        )
        with injected(self.model, fault):
            self.trainer.train(ignore_keys_for_eval=["attentions", "hidden_states"])
            self.model.config.output_attentions = self.model.config.output_hidden_states = False
            self.logits = {part: self.predict(part) for part in self.rows}

    def predict(self, part: str) -> np.ndarray:
        return self.trainer.predict(self.rows[part]).predictions

    def predict_with(self, fault: Fault) -> np.ndarray:
        """The logits of test, where the fault is at work at prediction alone."""
        torch.manual_seed(self.seed)
        with injected(self.model, fault):
            return self.predict("test")

    def write(self, folder: Path, fault: Fault | None, test_logits: np.ndarray | None = None) -> None:
        """The files of the run: the log, the rows of the parts with predictions and scores, and a note."""
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        logits = self.logits | ({} if test_logits is None else {"test": test_logits})
        self.trainer.state.save_to_json(str(folder / "trainer_state.json"))
        (folder / FEATURES).write_text(json.dumps(self.callback.feature_vector))
        accuracy = {}
        for part, frame in self.corpus.parts.items():
            table = _table(frame, logits[part], self.corpus.labels)
            table.to_csv(folder / f"{part}.csv", index=False, float_format="%.6g")
            accuracy[part] = float((table["label"] == table["predicted"]).mean())
        note = {
            "dataset": self.corpus.name,
            "seed": self.seed,
            "fault": None if fault is None else fault.name,
            "accuracy": accuracy,
        }
        (folder / NOTE).write_text(json.dumps(note, indent=1))


def injected(model, fault: Fault | None):
    """The context in which an operator is at work."""
    if fault is None:
        return nullcontext()
    return get_injector(fault.operator, param_value=fault.setting)(model)


def _accuracy(prediction) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


def _table(frame: pd.DataFrame, logits: np.ndarray, labels: list[str]) -> pd.DataFrame:
    scores = torch.softmax(torch.from_numpy(logits).float(), -1).numpy()
    table = pd.DataFrame({"id": frame["id"], "text": frame["text"], "label": [labels[y] for y in frame["y"]]})
    table["predicted"] = [labels[y] for y in logits.argmax(-1)]
    for number, label in enumerate(labels):
        table[f"prob_{label}"] = scores[:, number]
    return table


__all__ = ["FEATURES", "NOTE", "PREDICTION", "SIZES", "TRAINING", "Corpus", "Run", "corpus", "injected"]
