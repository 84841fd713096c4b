"""A Trainer of transformers, where PyTorch is installed: its log, and what it predicts."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

import labelproof

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


def test_a_trainer_is_its_own_log(tmp_path: Path):
    import torch

    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=2,
    )
    model = transformers.BertForSequenceClassification(config)

    def rows(count: int) -> list[dict[str, object]]:
        draw = numpy.random.default_rng(count)
        # The first word tells the class.
        labels = draw.integers(0, 2, count)
        words = [[2, 10 + int(label), *draw.integers(20, 50, 6)] for label in labels]
        return [
            {"input_ids": torch.tensor(ids), "labels": int(label)}
            for ids, label in zip(words, labels, strict=True)
        ]

    trainer = transformers.Trainer(
        model,
        transformers.TrainingArguments(
            str(tmp_path),
            num_train_epochs=8,
            learning_rate=0.01,
            eval_strategy="epoch",
            logging_strategy="epoch",
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
            per_device_train_batch_size=16,
        ),
        train_dataset=rows(400),
        eval_dataset=rows(200),
        compute_metrics=lambda output: {
            "accuracy": float((output.predictions.argmax(1) == output.label_ids).mean())
        },
    )
    trainer.train()
    validation, test = trainer.predict(rows(200)), trainer.predict(rows(300))
    result = labelproof.audit(test=test, validation=validation, log=trainer)
    assert result.verdict in ("sound", "caution"), str(result)
    assert "8 epochs" in str(result)

    permuted = transformers.trainer_utils.PredictionOutput(
        test.predictions[:, ::-1], test.label_ids, test.metrics
    )
    result = labelproof.audit(test=permuted, validation=validation, log=trainer.state.log_history)
    assert result.findings[0].id == "C10", str(result)
