"""Compares the token ids and the features of a pipeline with a frozen encoder with those of transformers.

    pip install -r requirements.txt
    python compare.py --encoder FOLDER --artifacts artifacts [--rows 100]
"""

import argparse
import json
from pathlib import Path

import pyarrow.parquet as parquet
import torch
from transformers import AutoModel, AutoTokenizer


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True, help="the folder that `encoder` names")
    parser.add_argument("--artifacts", type=Path, required=True, help="the folder of the pipeline's artifacts")
    parser.add_argument("--rows", type=int, default=100, help="how many rows are compared at most")
    return parser.parse_args()


def pooled(hidden: torch.Tensor, pooling: str) -> torch.Tensor:
    """The pooled vector of one text without padding, `[tokens, hidden]` to `[hidden]`."""
    if pooling == "cls":
        return hidden[0]
    return hidden.mean(0) if pooling == "mean" else hidden.max(0).values


def main() -> None:
    options = arguments()
    description = json.loads((options.artifacts / "train/model/labelproof.json").read_text())
    tokens = parquet.read_table(options.artifacts / "preprocess/tokens.parquet").to_pylist()
    features = parquet.read_table(options.artifacts / "train/features.parquet").to_pylist()
    by_id = {row["id"]: row for row in tokens}
    tokenizer = AutoTokenizer.from_pretrained(options.encoder)
    encoder = AutoModel.from_pretrained(options.encoder).eval()
    step = max(1, len(features) // options.rows)
    compared = features[::step][: options.rows]
    other_ids, largest, size = 0, 0.0, 0.0
    for row in compared:
        token_row = by_id[row["id"]]
        ids = tokenizer(token_row["text"], truncation=True, max_length=description["max_tokens"])["input_ids"]
        other_ids += ids != token_row["tokens"]
        with torch.inference_mode():
            hidden = encoder(input_ids=torch.tensor([token_row["tokens"]])).last_hidden_state[0]
        expected = pooled(hidden, description["pooling"])
        found = torch.tensor(row["values"])
        largest = max(largest, (found - expected).abs().max().item())
        size = max(size, expected.abs().max().item())
    print(f"{len(compared)} rows, {description['pooling']} pooling: {other_ids} with other token ids,")
    print(f"features at most {largest:.2e} apart, the largest is {size:.2f}")


if __name__ == "__main__":
    main()
