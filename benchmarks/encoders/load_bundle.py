"""Loads a bundle with transformers, and prints how far its logits are from those that the bundle recorded.

    pip install torch transformers
    python load_bundle.py artifacts/train/model

The canaries in `labelproof.json` have texts, token ids and logits. The ids are compared where the bundle cleans
nothing, which transformers would not do; the logits are those of the recorded ids. The exit code is 1 if a logit is
further away than 1e-4 in a bundle that computes in float32, or an id differs.
"""

import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

TOLERANCE = 1e-4


def main(folder: Path) -> int:
    bundle = json.loads((folder / "labelproof.json").read_text())
    model, report = AutoModelForSequenceClassification.from_pretrained(
        folder, trust_remote_code=True, output_loading_info=True
    )
    model.eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    labels = [model.config.id2label[number] for number in range(model.config.num_labels)]
    print(f"{type(model).__name__}, labels {', '.join(labels)}")
    print(f"tensors missing {len(report['missing_keys'])}, unexpected {len(report['unexpected_keys'])}")
    farthest, other_ids = 0.0, 0
    for canary in bundle["canaries"]:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([canary["tokens"]])).logits[0]
        farthest = max(farthest, (logits - torch.tensor(canary["logits"])).abs().max().item())
        if not bundle["clean"]:
            other_ids += tokenizer(canary["text"], truncation=True)["input_ids"] != canary["tokens"]
    rows = len(bundle["canaries"])
    print(f"{rows} canaries: {other_ids} with other token ids, logits at most {farthest:.2e} apart")
    # One padded batch, through the pipeline that people use.
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, batch_size=rows)
    texts = [canary["text"] for canary in bundle["canaries"]]
    found = [answer["label"] for answer in classify(texts, truncation=True)]
    expected = [bundle["labels"][max(range(len(labels)), key=canary["logits"].__getitem__)] for canary in bundle["canaries"]]
    print(f"pipeline: {sum(a == b for a, b in zip(found, expected))} of {rows} labels are the bundle's")
    is_exact = bundle.get("precision", "float32") == "float32"
    fine = labels == bundle["labels"] and not report["missing_keys"] and not report["unexpected_keys"]
    fine = fine and other_ids == 0 and (farthest <= TOLERANCE or not is_exact)
    fine = fine and (found == expected or bool(bundle["clean"]))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
