"""Compares the test accuracy of Labelproof with that of transformers, over several seeds.

    pip install -r ../speed/requirements.txt
    python benchmark.py --labelproof BINARY --encoder FOLDER --data FOLDER [--datasets trec6,bbc] [--seeds 3] [--work DIR]

Both train the same encoder on the same rows for as many epochs at the same rates, with one dense layer on
the mean of the tokens. Labelproof tests the weights of the epoch with the lowest validation loss, as it
does by default, `peer.py`, which is PyTorch and transformers' AutoModel, those of the last. `--data` has
`trec6.csv`, `banking77.csv` and `ag_news_test.csv`, and `--bbc` the folder of BBC News. The table says the
mean of test accuracy and macro F1 over the seeds, and their range.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

# Rows (all, where it is None), tokens, epochs, learning rate, and whether the encoder is trained.
SETTINGS = {
    "trec6": (None, 64, 3, 1e-4, True),
    "trec6-frozen": (None, 64, 40, 1e-3, False),
    "banking77-frozen": (None, 64, 40, 2e-3, False),
    "agnews-frozen": (None, 128, 20, 1e-3, False),
    "bbc-frozen": (None, 256, 20, 1e-3, False),
    "agnews": (4000, 64, 2, 1e-4, True),
    "bbc": (None, 128, 2, 1e-4, True),
    "banking77": (None, 32, 5, 2e-4, True),
}
FILES = {"trec6": "trec6.csv", "banking77": "banking77.csv", "agnews": "ag_news_test.csv"}
BATCH = 32


def read(name: str, data: Path, bbc: Path | None) -> list[tuple[str, str, str, str]]:
    """Rows of id, text, label and split; a twentieth of the training rows are for validation."""
    if name == "bbc":
        files = sorted(bbc.glob("*/*.txt"))
        rows = [(f"{f.parent.name}-{f.stem}", f.read_text("utf-8", "replace"), f.parent.name, "") for f in files]
    else:
        with open(data / FILES[name], newline="", encoding="utf-8") as file:
            rows = [(r["id"], r["text"], r["label"], r["extra"]) for r in csv.DictReader(file)]
    random.Random(10).shuffle(rows)
    is_split = {split for *_, split in rows} >= {"train", "test"}
    marked = []
    for place, (key, text, label, split) in enumerate(rows):
        is_test = split == "test" if is_split else place % 10 < 3
        marked.append((key, text, label, "test" if is_test else "validation" if place % 20 == 19 else "train"))
    return marked


def pipeline(folder: Path, encoder: Path, tokens: int, epochs: int, rate: float, trained: bool) -> None:
    config = {
        "encoder": str(encoder),
        "ingest": {
            "format": "csv",
            "paths": ["rows.csv"],
            "columns": {"id": "id", "text": "text", "label": "label", "split": "split"},
        },
        "preprocess": {"max_tokens": tokens},
        "train": {
            "trainable": "all" if trained else "none",
            "pooling": "mean",
            "epochs": epochs,
            "batch_size": BATCH,
            "learning_rate": rate,
            "schedule": "linear" if trained else "constant",
            "warmup": 0.1 if trained else 0.0,
            "early_stopping": {"patience": epochs},
        },
        "evaluate": {"explained_mistakes": 0},
    }
    (folder / "pipeline.yaml").write_text(json.dumps(config, indent=1))


def ours(binary: str, folder: Path, seed: int) -> dict:
    artifacts = folder / f"artifacts-{seed}"
    command = [binary, "run", "evaluate", "--quiet", "--set", f"train.seed={seed}", "--artifacts", str(artifacts)]
    subprocess.run(command, cwd=folder, check=True)
    test = json.loads((artifacts / "evaluate" / "metrics.json").read_text())["splits"]["test"]
    return {"accuracy": test["accuracy"]["value"], "f1": test["f1_macro"]["value"], "rows": test["rows"]}


def theirs(folder: Path, encoder: Path, seed: int, settings: tuple) -> dict:
    _, tokens, epochs, rate, trained = settings
    command = [sys.executable, HERE / "peer.py", folder / "rows.csv", encoder, tokens, epochs, rate, int(trained), BATCH, seed]
    answer = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def summary(values: list[float]) -> str:
    mean = sum(values) / len(values)
    return f"{100 * mean:.1f} ({100 * min(values):.1f}–{100 * max(values):.1f})"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--labelproof", required=True)
    arguments.add_argument("--encoder", type=Path, required=True)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--bbc", type=Path)
    arguments.add_argument("--datasets", default=",".join(SETTINGS))
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--work", type=Path, default=Path("accuracy"))
    given = arguments.parse_args()
    print("| data | encoder | test rows | accuracy, Labelproof | accuracy, transformers | macro F1, Labelproof | macro F1, transformers |")
    print("| --- | --- | ---: | --- | --- | --- | --- |", flush=True)
    for name in given.datasets.split(","):
        settings = SETTINGS[name]
        rows = read(name.removesuffix("-frozen"), given.data, given.bbc)[: settings[0]]
        folder = (given.work / name).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "rows.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text", "label", "split"])
            writer.writerows(rows)
        encoder = given.encoder.absolute()
        pipeline(folder, encoder, *settings[1:])
        seeds = range(10, 10 + given.seeds)
        found = [ours(os.path.abspath(given.labelproof), folder, seed) for seed in seeds]
        expected = [theirs(folder, encoder, seed, settings) for seed in seeds]
        columns = [summary([run[key] for run in runs]) for key in ("accuracy", "f1") for runs in (found, expected)]
        trained = "trained" if settings[4] else "frozen"
        print(f"| {name.removesuffix('-frozen')} | {trained} | {found[0]['rows']} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
