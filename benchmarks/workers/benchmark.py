"""Times fine-tuning by one process and by several, beside DistributedDataParallel.

    python benchmark.py --labelproof target/debug/labelproof --bbc external/data/bbc-news \\
        --encoder external/encoders/all-minilm-l6-v2 --output docs/workers.md

Every row of the table does the same steps: 32 rows of 128 tokens, all weights trained, float32. An epoch's time is the
difference between a run of three epochs and one of one epoch, over two; so the start of the processes is not in it.
The rows are measured in turn, several times over, and their medians are compared. Writes the table between the marks
of the document.
"""

import argparse
import hashlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

MARK = ("<!-- measured -->", "<!-- end of measured -->")
ROWS = 192
PIPELINE = """
encoder: {encoder}
device: cpu
ingest: {{ format: csv, paths: [texts.csv], columns: {{ id: id, text: text, label: label, split: split }} }}
split: {{ use_given: true }}
preprocess: {{ max_tokens: 128 }}
train:
  trainable: all
  batch_size: 16
  gradient_accumulation: 2
  learning_rate: 0.0001
  gradient_clipping: 1.0
  early_stopping: {{ patience: 10 }}
"""


def write_texts(bbc, path):
    """Long texts alone, so that every batch has 128 tokens a row; validation and test are a few rows."""
    import csv

    files = sorted(file for file in pathlib.Path(bbc).glob("*/*.txt") if file.stat().st_size > 1500)
    files.sort(key=lambda file: hashlib.sha256(str(file.relative_to(bbc)).encode()).digest())
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "text", "label", "split"])
        for number, source in enumerate(files[: ROWS + 40]):
            split = "train" if number < ROWS else "validation" if number % 2 else "test"
            text = source.read_text("latin-1")
            out.writerow([f"{source.parent.name}/{source.name}", text, source.parent.name, split])


def seconds(command, folder, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), NO_COLOR="1")
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start, done.stdout


def train(labelproof, folder, workers, threads):
    """The seconds of an epoch, and the digest of the model."""
    times = []
    for epochs in (1, 3):
        command = [labelproof, "run", "--only", "train", "--force", "--workers", str(workers), "--quiet"]
        times.append(seconds([*command, "--set", f"train.epochs={epochs}"], folder, threads)[0])
    model = folder / "artifacts/train/model/model.safetensors"
    return (times[1] - times[0]) / 2, hashlib.sha256(model.read_bytes()).hexdigest()[:12]


def ddp(folder, encoder, workers, threads):
    script = pathlib.Path(__file__).with_name("ddp.py")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(workers)]
    options = ["--rows", str(32 // workers), "--tokens", "128", "--epochs", "3"]
    _, output = seconds([*torchrun, str(script), "texts.csv", str(encoder), *options], folder, threads)
    epochs = [float(line.split()[2]) for line in output.splitlines() if line.startswith("epoch")]
    return statistics.mean(epochs[1:]), "–"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelproof", type=pathlib.Path, required=True)
    parser.add_argument("--bbc", type=pathlib.Path, required=True)
    parser.add_argument("--encoder", type=pathlib.Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path)
    options = parser.parse_args()
    labelproof, encoder = options.labelproof.resolve(), options.encoder.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_texts(options.bbc, folder / "texts.csv")
        (folder / "pipeline.yaml").write_text(PIPELINE.format(encoder=encoder))
        seconds([labelproof, "run", "split", "--quiet"], folder, 2)
        works = {
            "1 process, 2 threads": lambda: train(labelproof, folder, 1, 2),
            "1 process, 1 thread": lambda: train(labelproof, folder, 1, 1),
            "2 processes, 1 thread each": lambda: train(labelproof, folder, 2, 1),
            "DDP with gloo, 2 processes, 1 thread each": lambda: ddp(folder, encoder, 2, 1),
        }
        found = {work: [] for work in works}
        for repeat in range(options.repeats):
            for work, run in works.items():
                found[work].append(run())
                print(f"{repeat + 1} {work}: {found[work][-1][0]:.2f} s", file=sys.stderr, flush=True)
    medians = {work: statistics.median(time for time, _ in runs) for work, runs in found.items()}
    base = medians["1 process, 2 threads"]
    lines = [
        f"{ROWS} rows an epoch; medians of {options.repeats}, range in brackets.",
        "",
        "| training | seconds an epoch | speed beside 1 process | model |",
        "|---|---|---|---|",
    ]
    for work, runs in found.items():
        times = sorted(time for time, _ in runs)
        models = ", ".join(sorted({f"`{model}`" if model != "–" else model for _, model in runs}))
        lines.append(
            f"| {work} | {medians[work]:.2f} ({times[0]:.2f}–{times[-1]:.2f}) | {base / medians[work]:.2f} | {models} |"
        )
    table = "\n".join(lines)
    print(table)
    if options.output:
        text = options.output.read_text()
        before, rest = text.split(MARK[0])
        options.output.write_text(f"{before}{MARK[0]}\n{table}\n{MARK[1]}{rest.split(MARK[1])[1]}")


if __name__ == "__main__":
    main()
