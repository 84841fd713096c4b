"""Fine-tunes with PyTorch's DistributedDataParallel and gloo; `benchmark.py` starts it by torchrun.

    torchrun --nproc-per-node 2 ddp.py TEXTS ENCODER --rows 16 --tokens 128 --epochs 3

Prints, in the first process, the seconds of each epoch and the mean loss of its rows.
"""

import argparse
import csv
import time

import torch
import torch.distributed
from torch.nn.parallel import DistributedDataParallel
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("texts")
    parser.add_argument("encoder")
    parser.add_argument("--rows", type=int, required=True, help="rows of a process's batch")
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    options = parser.parse_args()
    torch.distributed.init_process_group("gloo")
    rank, workers = torch.distributed.get_rank(), torch.distributed.get_world_size()
    torch.manual_seed(10)
    with open(options.texts, newline="") as file:
        table = [row for row in csv.DictReader(file) if row["split"] == "train"]
    labels = sorted({row["label"] for row in table})
    tokenizer = AutoTokenizer.from_pretrained(options.encoder)
    ids = tokenizer(
        [row["text"] for row in table],
        truncation=True,
        max_length=options.tokens,
        padding="max_length",
        return_tensors="pt",
    )
    targets = torch.tensor([labels.index(row["label"]) for row in table])
    model = AutoModelForSequenceClassification.from_pretrained(options.encoder, num_labels=len(labels))
    model = DistributedDataParallel(model.train())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)
    step_rows = options.rows * workers
    for epoch in range(options.epochs):
        start, total = time.perf_counter(), 0.0
        order = torch.randperm(len(table), generator=torch.Generator().manual_seed(epoch))
        for first in range(0, len(table) - step_rows + 1, step_rows):
            rows = order[first + rank * options.rows : first + (rank + 1) * options.rows]
            batch = {name: values[rows] for name, values in ids.items()}
            loss = model(**batch, labels=targets[rows]).loss
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(rows)
        torch.distributed.barrier()
        if rank == 0:
            print(f"epoch {epoch + 1} {time.perf_counter() - start:.3f} {total / (len(table) / workers):.4f}", flush=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
