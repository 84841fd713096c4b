"""Makes the runs: clean ones, and one for every fault.

    python make.py --data TABLES --bbc BBC --encoder ENCODER --runs RUNS

A run that is there already is not made again.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import joblib
import torch

from faults import FAULTS, PREDICTION, TRAINING
from runs import NOTE, SIZES, Run, corpus

# Faults at prediction alone are put into the first clean run of a set; those over the whole run cost a training each,
# and are made where that is short.
CLEAN_SEEDS = {"trec6": (1,), "trec6-small": (1, 2, 3), "bbc": (1, 2, 3)}
KINDS = {"trec6": PREDICTION, "trec6-small": TRAINING, "bbc": PREDICTION}
SEED = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of trec6.csv")
    parser.add_argument("--bbc", type=Path, required=True, help="folder of BBC News: <label>/<number>.txt")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--runs", type=Path, required=True, help="where to write the runs")
    parser.add_argument("--datasets", default=",".join(SIZES), help="names, separated by commas")
    parser.add_argument("--only", help="names of runs, as clean-1, separated by commas")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name in options.datasets.split(","):
        for seed in CLEAN_SEEDS[name]:
            if options.only is None or f"clean-{seed}" in options.only.split(","):
                make_clean(name, seed, options)
        for fault in FAULTS:
            wanted = options.only is None or fault.name in options.only.split(",")
            if wanted and fault.when == KINDS[name] == TRAINING:
                make_faulty(name, fault, options)


def make_clean(name: str, seed: int, options: argparse.Namespace) -> None:
    """A clean run, and of the first seed the predictions under each fault of the second kind."""
    folder = options.runs / name / f"clean-{seed}"
    if (folder / NOTE).exists():
        return
    run = trained(name, seed, options, None)
    run.write(folder, None)
    for fault in FAULTS:
        if seed == SEED and fault.when == KINDS[name] == PREDICTION:
            try:
                logits = run.predict_with(fault)
            except Exception as error:  # Whatever an operator does to a model, the others are to be tried.
                print(f"{name}: {fault.name} cannot be predicted with: {error}", file=sys.stderr, flush=True)
                continue
            run.write(options.runs / name / fault.name, fault, logits)


def make_faulty(name: str, fault, options: argparse.Namespace) -> None:
    folder = options.runs / name / fault.name
    if (folder / NOTE).exists():
        return
    try:
        run = trained(name, SEED, options, fault)
    except Exception as error:
        print(f"{name}: {fault.name} cannot be trained with: {error}", file=sys.stderr, flush=True)
        return
    run.write(folder, fault)


def trained(name: str, seed: int, options: argparse.Namespace, fault) -> Run:
    started, memory = time.monotonic(), joblib.Memory(options.runs / "cache", verbose=0)
    with tempfile.TemporaryDirectory() as scratch:
        run = Run(corpus(name, options.data, options.bbc, seed, memory), options.encoder, seed, Path(scratch), fault)
    accuracy = run.trainer.state.log_history[-2].get("eval_accuracy")
    print(
        f"{name}: seed {seed}, {fault.name if fault else 'clean'}: accuracy {accuracy}, "
        f"{time.monotonic() - started:.0f} s", file=sys.stderr, flush=True,
    )  # fmt: skip
    return run


if __name__ == "__main__":
    main()
