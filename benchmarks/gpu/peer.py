"""The same training or prediction by transformers on the same GPU, as a user would write it.
usage: peer.py (train|predict) TEXTS.csv ENCODER_DIR BATCH PRECISION EPOCHS DEVICE"""
import sys
import time

import pandas as pd
import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer

task, csv, encoder, batch_size, precision, epochs, device = sys.argv[1:]
batch_size, epochs = int(batch_size), int(epochs)
torch.manual_seed(10)
texts = pd.read_csv(csv, keep_default_na=False)
rows = AutoTokenizer.from_pretrained(encoder)(list(texts.text), truncation=True, max_length=128)["input_ids"]
model = AutoModel.from_pretrained(encoder, dtype=torch.float32).to(device)
classes = sorted(texts.label.unique()) if task == "train" else list("abcde")
head = nn.Linear(model.config.hidden_size, len(classes)).to(device)
cast = torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=precision == "bfloat16")


def logits(members):
    """The logits of some rows, padded to the longest of them and pooled by their mean."""
    length = max(len(rows[row]) for row in members)
    ids = torch.tensor([rows[row] + [0] * (length - len(rows[row])) for row in members], device=device)
    mask = (torch.arange(length) < torch.tensor([[len(rows[row])] for row in members])).to(device)
    hidden = model(input_ids=ids, attention_mask=mask.long())[0]
    return head((hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))


def accuracy(members):
    model.eval()
    right = 0
    with torch.inference_mode(), cast:
        for first in range(0, len(members), batch_size):
            batch = members[first : first + batch_size]
            found = logits(batch).argmax(1).tolist()
            right += sum(classes[one] == texts.label[row] for one, row in zip(found, batch, strict=True))
    return right / len(members)


if task == "predict":
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    model.eval()
    start = time.perf_counter()
    with torch.inference_mode(), cast:
        starts = range(0, len(order), batch_size)
        labels = [logits(order[first : first + batch_size]).argmax(1) for first in starts]
        torch.cat(labels).tolist()
    print(f"predicted {len(rows)} rows in {time.perf_counter() - start:.2f} s after loading")
    sys.exit()
parameters = [*model.parameters(), *head.parameters()]
optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=device.startswith("cuda"))
train = [row for row in texts.index if texts.split[row] == "train"]
validation = [row for row in texts.index if texts.split[row] == "val"]
for epoch in range(1, epochs + 1):
    model.train()
    start, total = time.perf_counter(), torch.zeros((), device=device)
    order = [train[place] for place in torch.randperm(len(train)).tolist()]
    for first in range(0, len(order), batch_size):
        batch = order[first : first + batch_size]
        labels = torch.tensor([classes.index(texts.label[row]) for row in batch], device=device)
        with cast:
            found = logits(batch)
        loss = nn.functional.cross_entropy(found.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        total += loss.detach() * len(batch)
    loss, seconds = total.item() / len(order), time.perf_counter() - start
    found = f"validation accuracy {accuracy(validation):.4f}"
    print(f"epoch {epoch}/{epochs}  loss {loss:.4f}  {seconds:.2f} s without validation, {found}", flush=True)
