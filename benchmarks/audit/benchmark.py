"""Injects faults into real runs, has `labelproof audit` judge the files, and counts what it found.

    python benchmark.py --data TABLES --bbc BBC --encoder ENCODER --cache CACHE --keep FILES --labelproof BINARY
    python benchmark.py --reuse FILES --labelproof BINARY --output audit-benchmark.md
    python benchmark.py --reuse FILES --output audit-benchmark.md

The first form makes the files and audits them (without --labelproof it only makes them), the second audits files that
were made before, the third makes the tables from the answers that an audit left beside them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import joblib
import torch

import data
import document
from cases import ANSWER, Case, Store
from clean import CLEAN
from encoder import Encoder, Features
from faults import FAULTS
from report import Outcome, markdown
from runs import Run, fit

HEADING = "## Faults injected here"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the tables; README.md names them")
    parser.add_argument("--bbc", type=Path, help="folder of BBC News: <label>/<number>.txt")
    parser.add_argument("--encoder", type=Path, help="folder of an encoder in the Hugging Face layout")
    parser.add_argument("--cache", type=Path, help="folder where features and fitted heads are kept")
    parser.add_argument("--labelproof", type=Path, help="the program to judge")
    parser.add_argument("--seeds", type=int, default=20, help="clean runs a data set")
    parser.add_argument("--fault-seeds", type=int, default=3, help="runs a fault and data set")
    parser.add_argument("--datasets", type=_list, default=data.NAMES, help="names, separated by commas")
    parser.add_argument("--only", type=_list, help="causes, names of faults or of clean runs, separated by commas")
    parser.add_argument("--keep", type=Path, help="folder to make the files in, instead of a temporary one")
    parser.add_argument("--reuse", type=Path, help="folder of files that were made before")
    parser.add_argument("--output", type=Path, help="the document whose part is written anew")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if options.reuse is None and None in (options.data, options.bbc, options.encoder, options.cache):
        parser.error("--data, --bbc, --encoder and --cache are needed to make files; or give --reuse")
    return options


def _list(text: str) -> list[str]:
    return text.split(",")


def chosen(only: list[str] | None, name: str, causes: Iterable[str] = ()) -> bool:
    return only is None or name in only or not set(only).isdisjoint(causes)


def make_cases(options: argparse.Namespace, root: Path, name: str) -> list[str]:
    """Makes the files of one data set. Returns a line for every injection the data set has no room for."""
    torch.set_num_threads(1)
    memory = joblib.Memory(options.cache / "calls", verbose=0)
    dataset = memory.cache(data.load)(name, options.data, options.bbc)
    features = Features(dataset, Encoder(options.encoder), options.cache)
    store, skipped = Store(root), []
    fitter = memory.cache(fit)
    for seed in range(max(options.seeds, options.fault_seeds)):
        run = Run(dataset, features, seed, fitter)
        for variant, make in CLEAN.items():
            wanted = options.seeds if variant == "clean" else options.fault_seeds
            if seed < wanted and chosen(options.only, variant):
                store.add(variant, run, make(run))
        for fault in FAULTS.values():
            if seed < options.fault_seeds and chosen(options.only, fault.name, fault.causes):
                results = fault.apply(run)
                if results is None:
                    skipped.append(f"{name}, seed {seed}: no room for {fault.name}")
                else:
                    store.add(fault.name, run, results, fault.causes, fault.follows, fault.effect)
        print(f"{name}: seed {seed} made", file=sys.stderr, flush=True)
    return skipped


def audit(binary: Path | None, case: Case) -> Outcome:
    """Has one case judged, or reads the answer that was kept beside its files."""
    if binary is None:
        return Outcome(case, json.loads((case.directory / ANSWER).read_text()), None)
    command = [str(binary), "audit", *case.options(), "--json"]
    process = subprocess.run(command, capture_output=True, text=True)
    try:
        answer = json.loads(process.stdout)
    except json.JSONDecodeError:
        return Outcome(case, None, process.stderr.strip() or f"exit status {process.returncode}, no JSON")
    (case.directory / ANSWER).write_text(process.stdout)
    return Outcome(case, answer, None)


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.reuse or options.keep or Path(scratch)
        if options.reuse is None:
            with ProcessPoolExecutor(options.jobs) as pool:
                made = pool.map(make_cases, *zip(*((options, root, name) for name in options.datasets), strict=True))
                print(*(line for lines in made for line in lines), sep="\n", file=sys.stderr)
        if options.labelproof is None and options.reuse is None:
            return
        cases = [
            case
            for case in Store(root).cases()
            if case.dataset in options.datasets and chosen(options.only, case.name, case.causes)
        ]
        with ThreadPoolExecutor(options.jobs) as pool:
            outcomes = list(pool.map(lambda case: audit(options.labelproof, case), cases))
    tables = markdown(outcomes)
    if options.labelproof is not None:
        tables = f"{document.made_by(options.labelproof)}\n\n{tables}"
    print(tables)
    if options.output is not None:
        document.write_part(options.output, HEADING, tables)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
