"""Trains a classifier with PyTorch and transformers, as `benchmark.py` asks: rows.csv, encoder, tokens, epochs, learning
rate, whether the encoder is trained, batch size, seed. Prints the figures on the test rows as JSON."""

import json
import sys

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import nn
from transformers import AutoModel, AutoTokenizer, get_linear_schedule_with_warmup

path, folder = sys.argv[1:3]
max_tokens, epochs, rate, trained, size, seed = (float(word) for word in sys.argv[3:])
max_tokens, epochs, size, seed, trained = int(max_tokens), int(epochs), int(size), int(seed), bool(trained)
torch.manual_seed(seed)
rows = pd.read_csv(path, keep_default_na=False)
labels = sorted(rows.label.unique())
truth = rows.label.map(labels.index).to_numpy()
tokenizer = AutoTokenizer.from_pretrained(folder)
tokens = tokenizer(list(rows.text), truncation=True, max_length=max_tokens)["input_ids"]
encoder = AutoModel.from_pretrained(folder)
head = nn.Linear(encoder.config.hidden_size, len(labels))


def features(members):
    longest = max(len(tokens[row]) for row in members)
    ids = torch.full((len(members), longest), tokenizer.pad_token_id)
    mask = torch.zeros_like(ids)
    for place, row in enumerate(members):
        ids[place, : len(tokens[row])] = torch.tensor(tokens[row])
        mask[place, : len(tokens[row])] = 1
    hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    mask = mask.unsqueeze(2)
    return (hidden * mask).sum(1) / mask.sum(1)


def by_length(members):
    """A frozen encoder's features of some rows, in batches of similar length."""
    order = sorted(members, key=lambda row: len(tokens[row]))
    encoder.eval()
    with torch.inference_mode():
        parts = [features(order[start : start + 64]) for start in range(0, len(order), 64)]
    return dict(zip(order, torch.cat(parts).clone()))


train = np.flatnonzero(rows.split == "train")
test = np.flatnonzero(rows.split == "test")
kept = None if trained else by_length([*train, *test])
decays = [parameter for name, parameter in encoder.named_parameters() if "bias" not in name and "LayerNorm" not in name]
others = [parameter for name, parameter in encoder.named_parameters() if "bias" in name or "LayerNorm" in name]
groups = [{"params": [head.weight], "weight_decay": 0.01}, {"params": [head.bias], "weight_decay": 0.0}]
if trained:
    groups += [{"params": decays, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=rate)
steps = epochs * -(-len(train) // size)
warmup = get_linear_schedule_with_warmup(optimizer, int(0.1 * steps), steps) if trained else None
generator = np.random.default_rng(seed)
for _ in range(epochs):
    encoder.train(trained)
    order = generator.permutation(train)
    for start in range(0, len(order), size):
        members = order[start : start + size]
        pooled = features(members) if trained else torch.stack([kept[row] for row in members])
        loss = nn.functional.cross_entropy(head(pooled), torch.tensor(truth[members]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if warmup:
            warmup.step()
vectors = by_length(test) if trained else kept
with torch.inference_mode():
    predicted = head(torch.stack([vectors[row] for row in test])).argmax(1).numpy()
figures = {"accuracy": accuracy_score(truth[test], predicted), "f1": f1_score(truth[test], predicted, average="macro")}
print(json.dumps(figures))
