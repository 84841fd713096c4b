"""Time and memory of `labelproof audit` on a large file of predictions, as GNU time measures them.

    python scale.py ../../target/release/labelproof --output ../../docs/audit-benchmark.md
    python scale.py ../../target/release/labelproof --rows 100000 --classes 5

The rows are drawn: a true class, a predicted class that is right in nine of ten rows, and a probability for each class
in 6 digits. A twentieth of the rows is for validation, the others for test.
"""

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import document

CHUNK = 50_000
ACCURACY = 0.9
HEADING = "## Time and memory of a large audit"


def write_rows(path: Path, rows: int, classes: int, seed: int) -> None:
    """A file of predictions with scores, in pieces, so that making it takes no memory to speak of."""
    random = np.random.default_rng(seed)
    names = [f"class_{number:02}" for number in range(classes)]
    with path.open("w") as file:
        file.write(",".join(["id", "label", "predicted", *(f"prob_{name}" for name in names)]) + "\n")
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
            truth = random.integers(classes, size=count)
            said = np.where(random.random(count) < ACCURACY, truth, random.integers(classes, size=count))
            logits = random.normal(size=(count, classes))
            logits[np.arange(count), said] = logits.max(1) + 2 + random.exponential(2, count)
            scores = np.exp(logits)
            scores /= scores.sum(1, keepdims=True)
            for row in range(count):
                scored = ",".join(f"{score:.6f}" for score in scores[row])
                file.write(f"r{start + row},{names[truth[row]]},{names[said[row]]},{scored}\n")


def measure(command: list[str]) -> tuple[float, float, int]:
    """Seconds, GiB at most, and the exit code of one run."""
    run = subprocess.run(
        ["/usr/bin/time", "-v", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    clock = re.search(r"Elapsed \(wall clock\) time \(h:mm:ss or m:ss\): ([\d:.]+)", run.stderr).group(1)
    seconds = sum(float(part) * 60**power for power, part in enumerate(reversed(clock.split(":"))))
    kib = int(re.search(r"Maximum resident set size \(kbytes\): (\d+)", run.stderr).group(1))
    return seconds, kib / 2**20, run.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labelproof", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where to keep the files; a temporary folder otherwise")
    parser.add_argument("--output", type=Path, help="the document whose part is written anew")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        test, validation = folder / "test.csv", folder / "validation.csv"
        if not test.exists():
            write_rows(validation, options.rows // 20, options.classes, seed=1)
            write_rows(test, options.rows - options.rows // 20, options.classes, seed=2)
        size = (test.stat().st_size + validation.stat().st_size) / 2**20
        binary = str(options.labelproof.resolve())
        seconds, gib, code = measure([binary, "audit", "--validation", str(validation), "--test", str(test)])
    text = (
        f"{options.rows:,} rows x {options.classes} classes with scores, {size:,.0f} MiB of CSV in two files: "
        f"{seconds:.1f} s and {gib:.2f} GiB at most (exit code {code}); the goal is 20 s and 1 GiB.\n\n"
        f"{document.made_by(options.labelproof)}\n\n"
        "    python benchmarks/audit/scale.py target/release/labelproof --output docs/audit-benchmark.md\n"
    )
    print(text)
    if options.output is not None:
        document.write_part(options.output, HEADING, text)


if __name__ == "__main__":
    main()
