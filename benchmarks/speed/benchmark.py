"""Speed and memory of labelproof beside what a user would write with transformers, scikit-learn or tokenizers.

    python benchmark.py --labelproof BINARY --rates BINARY --bbc FOLDER --encoder FOLDER --peer-python PYTHON --output benchmarks.md [--quick]
        [--only WORK ...] [--lines FILE]
"""

import argparse
import csv
import gzip
import json
import os
import random
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

# What labelproof sets for itself before it trains (crates/driver/src/handover.rs), for a program that trains without it.
TRAINING = {
    "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=17179869184:glibc.malloc.hugetlb=1",
    "GOMP_SPINCOUNT": "20000",
}
# How time may grow with rows: as their number to this power.
GROWTH = 1.05
PEERS = Path(__file__).parent / "peers"
NOTES = Path(__file__).parent / "notes.md"
INTRODUCTION = [
    "# Speed and memory",
    """Written by `make bench`; do not edit. Every ratio is of runs on one machine, product and peer by turns; medians, with the
smallest and the largest in brackets. The texts are a part of BBC News, because the peers take minutes for each epoch of all of it.""",
]
CONFIGURATION = """encoder: {encoder}
artifacts: artifacts
ingest:
  format: csv
  paths: [texts.csv]
  columns: {{ id: id, text: text, label: label, split: split }}
preprocess: {{ max_tokens: {tokens} }}
split: {{ use_given: true }}
train: {{ trainable: {trainable}, epochs: {epochs}, batch_size: 16, learning_rate: 0.00004 }}
evaluate: {{ explained_mistakes: 0 }}
"""


@dataclass(frozen=True)
class Measured:
    """What a process took: seconds of wall time, MiB of memory at most, and what it printed."""

    seconds: float
    mebibytes: float
    text: str


@dataclass
class Row:
    """A comparison. `figure` takes from a process the seconds that count; all of them unless the peer prints its own."""

    work: str
    peer: str
    goal: float | None
    product_runs: list[Measured] = field(default_factory=list)
    peer_runs: list[Measured] = field(default_factory=list)

    def ratios(self) -> list[float]:
        return [peer.seconds / own.seconds for own, peer in zip(self.product_runs, self.peer_runs, strict=False)]


def run(
    command: list[str | Path],
    folder: Path,
    pattern: str | None = None,
    between: tuple[str, str] | None = None,
    settings: dict[str, str] | None = None,
) -> Measured:
    """Runs a process to its end. The time is that of `pattern`'s group in what it prints, or that between two lines with these words,
    or of the whole process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **(settings or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = [(time.perf_counter(), line) for line in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    text = "".join(line for _, line in lines)
    if process.returncode != 0:
        raise SystemExit(f"error: `{' '.join(map(str, command))}` ended with {process.returncode}:\n{text}")
    if pattern:
        seconds = float(re.search(pattern, text)[1])
    if between:
        first, second = (next(at for at, line in lines if words in line) for words in between)
        seconds = second - first
    return Measured(seconds, usage.ru_maxrss / 1024, text)


def write_texts(path: Path, rows: Iterable[tuple[str, str, str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "label", "split"])
        writer.writerows(rows)


def bbc(folder: Path, a_label: int) -> list[tuple[str, str, str, str]]:
    """Articles of each label: of ten, six to train on, one to choose by, three to test on."""
    parts = ["train"] * 6 + ["val"] + ["test"] * 3
    rows = []
    for label in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(label.glob("*.txt"))
        random.Random(10).shuffle(files)
        for number, file in enumerate(files[:a_label]):
            text = file.read_text("utf-8", errors="replace")
            rows.append((f"{label.name}/{file.stem}", text, label.name, parts[number % len(parts)]))
    return rows


def short(rows: list[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    """The first sentence of each text, as short as a question or a headline."""
    return [(name, " ".join(text.split()[:12]), label, part) for name, text, label, part in rows]


def lines_of_bbc(folder: Path) -> tuple[str, list[tuple[str, str]]]:
    """Whose lines they are, and lines with the labels of their texts."""
    rows = ((label, line) for _, text, label, _ in bbc(folder, 10**9) for line in text.splitlines())
    return "BBC News", [(label, line) for label, line in rows if is_long(line)]


def lines_of_file(path: Path) -> tuple[str, list[tuple[str, str]]]:
    """The same from a CSV file, compressed or not, that has the columns `text` and `label`."""
    csv.field_size_limit(10**9)
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as file:
        rows = ((row["label"], " ".join(line.split())) for row in csv.DictReader(file) for line in row["text"].splitlines())
        return f"`{path.name}`", [(label, line) for label, line in rows if is_long(line)]


def is_long(line: str) -> bool:
    """Headings and greetings are in many texts."""
    return len(line) > 40


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.rows: list[Row] = []
        self.machine = machine()
        self.before = sections(options.output.read_text("utf-8")) if options.output.exists() else {}
        self.complete = False
        self.shares: list[dict] = []
        self.accuracy: dict[str, str] = {}
        self.peak = float(re.search(r"peak ([\d.]+)", self.peer(folder, "peak.py", "4096").text)[1])

    def keep(self, row: Row) -> None:
        """Writes the document after each work, so that an interrupted benchmark leaves what it measured."""
        self.rows.append(row)
        self.options.output.write_text(document(self), encoding="utf-8")

    def project(self, name: str, rows: Iterable, tokens: int, trainable: str, epochs: int) -> Path:
        folder = self.folder / name
        folder.mkdir()
        write_texts(folder / "texts.csv", rows)
        encoder = self.options.encoder.resolve()
        text = CONFIGURATION.format(encoder=encoder, tokens=tokens, trainable=trainable, epochs=epochs)
        (folder / "pipeline.yaml").write_text(text)
        return folder

    def own(self, folder: Path, *arguments: str, between: tuple[str, str] | None = None) -> Measured:
        return run([self.options.labelproof.resolve(), *arguments], folder, between=between)

    def peer(self, folder: Path, program: str, *arguments: str | Path, pattern: str | None = None) -> Measured:
        return run([self.options.peer_python.absolute(), PEERS.resolve() / program, *arguments], folder, pattern)

    def compare(
        self,
        work: str,
        peer: str,
        goal: float,
        pairs: int,
        own_run: Callable[[], Measured],
        peer_run: Callable[[], Measured],
    ) -> None:
        print(work, flush=True)
        row = Row(work, peer, goal)
        for _ in range(self.options.pairs or pairs):
            row.product_runs.append(own_run())
            row.peer_runs.append(peer_run())
            print(f"  {row.product_runs[-1].seconds:.2f} s against {row.peer_runs[-1].seconds:.2f} s", flush=True)
        self.keep(row)

    def compare_precisions(
        self,
        work: str,
        peer: str,
        goal: float,
        pairs: int,
        own_run: Callable[[str], Measured],
        peer_run: Callable[[], Measured],
        precisions: list[str] | None = None,
    ) -> None:
        """Each run of the peer beside one in every precision, those of training unless others are given."""
        print(work, flush=True)
        precisions = precisions or self.precisions
        rows = {precision: Row(f"{work}, {precision}", peer, goal) for precision in precisions}
        for _ in range(self.options.pairs or pairs):
            measured = peer_run()
            # What the run in 32 bits leaves behind is what comes after builds on.
            for precision in reversed(precisions):
                rows[precision].product_runs.append(own_run(precision))
                rows[precision].peer_runs.append(measured)
                print(f"  {precision} {rows[precision].product_runs[-1].seconds:.2f} s against {measured.seconds:.2f} s", flush=True)
        for row in rows.values():
            self.keep(row)

    def works(self) -> dict[str, Callable[[], None]]:
        """What is measured, by the name that `--only` knows it by, in the order of the document."""
        return {
            "frozen": self.frozen_training,
            "finetune": lambda: self.finetune("finetune", self.texts, 256, 2.5),
            "short": lambda: self.finetune("short", short(bbc(self.options.bbc, 3 * self.size)), 64, 3),
            "predict": self.prediction,
            "cold": self.cold_prediction,
            "preprocess": self.preprocessing,
            "idle": self.idle,
            "rates": self.rates,
            "scale": self.scale,
            "accuracy": self.accuracies,
        }

    @property
    def precisions(self) -> list[str]:
        """Without instructions for 16 bits, labelproof computes in 32 whatever is asked for."""
        return ["float32", "bfloat16"] if "bfloat16" in self.machine else ["float32"]

    @property
    def prediction_precisions(self) -> list[str]:
        """In 8 bits labelproof predicts where there are instructions for them."""
        return [*self.precisions, "int8"] if flags() & {"avx512_vnni", "avx_vnni"} else self.precisions

    @cached_property
    def size(self) -> int:
        """Texts of each label."""
        return 10 if self.options.quick else 30

    @cached_property
    def texts(self) -> list[tuple[str, str, str, str]]:
        return bbc(self.options.bbc, self.size)

    @cached_property
    def frozen(self) -> Path:
        """A project with a frozen encoder, of twice as many texts: what a process does once weighs less."""
        return self.project("frozen", bbc(self.options.bbc, 2 * self.size), 512, "none", 3)

    def frozen_training(self) -> None:
        """Three epochs of the head, and again with another learning rate, when the encoder's features are there."""
        frozen, encoder = self.frozen, self.options.encoder.resolve()
        self.own(frozen, "status")

        def whole(precision: str) -> Measured:
            self.clean(frozen)
            return self.own(frozen, "run", "evaluate", "--set", f"train.precision={precision}")

        for pad, goal in [("max", 15), ("longest", 10)]:
            self.compare_precisions(
                f"frozen encoder, 512 tokens, 3 epochs, {10 * self.size} texts: text to test metrics",
                f"hf.py frozen 512 3 {pad}",
                goal,
                1 if self.options.quick else 2,
                whole,
                lambda pad=pad: self.peer(frozen, "hf.py", "texts.csv", encoder, "frozen", "512", "3", pad),
            )
        longest = self.rows[-1].peer_runs
        rates = iter(range(1, 100))
        for until, what, goal in [
            ("train", "the head again after a change of its learning rate", 100),
            ("evaluate", "the same, and its evaluation from text", None),
        ]:
            row = Row(what, "hf.py frozen 512 3 longest", goal)
            for measured in longest:
                rate = f"train.learning_rate=0.000{40 + next(rates)}"
                row.product_runs.append(self.own(frozen, "run", until, "--set", rate))
                row.peer_runs.append(measured)
            self.keep(row)

    def bundle(self, precision: str) -> Path:
        """A bundle of the frozen project."""
        folder = f"artifacts-{precision}"
        self.own(self.frozen, "run", "train", "--set", f"artifacts={folder}", "--set", f"train.precision={precision}")
        return self.frozen / folder / "train" / "model"

    def prediction(self) -> None:
        """All texts."""
        encoder = self.options.encoder.resolve()
        folder = self.project("predict", self.texts, 512, "none", 1)
        bundles = {precision: self.bundle(precision) for precision in self.precisions}
        self.compare_precisions(
            f"prediction of {len(self.texts)} texts, up to 512 tokens, with loading and canaries",
            "transformers, sorted by length, after loading",
            1.3,
            2 if self.options.quick else 5,
            lambda precision: self.own(
                folder, *(predict(bundles["float32"], "--int8") if precision == "int8" else predict(bundles[precision]))
            ),
            lambda: self.peer(folder, "predict.py", encoder, "texts.csv", "512", pattern=r"after loading in ([\d.]+)s"),
            self.prediction_precisions,
        )

    def cold_prediction(self) -> None:
        """One text, from nothing."""
        bundle, encoder = self.bundle("float32"), self.options.encoder.resolve()
        one = self.project("one", self.texts[:1], 512, "none", 1)
        self.compare(
            "cold prediction of one text",
            "transformers, the whole process",
            10,
            2 if self.options.quick else 5,
            lambda: self.own(one, *predict(bundle)),
            lambda: self.peer(one, "predict.py", encoder, "texts.csv", "512"),
        )

    def preprocessing(self) -> None:
        """All of BBC."""
        encoder = self.options.encoder.resolve()
        every = self.project("preprocess", bbc(self.options.bbc, 10**9), 512, "none", 1)
        self.own(every, "run", "ingest")
        self.compare(
            "clean, tokenise and find duplicates, all of BBC, the whole stage",
            "tokenizers, tokenising alone, without start-up",
            1,
            5,
            lambda: self.own(every, "run", "--only", "preprocess", "--force"),
            lambda: self.peer(every, "tokenize_only.py", encoder, "texts.csv", "512", pattern=r"in ([\d.]+)s"),
        )

    def idle(self) -> None:
        """What takes no LibTorch."""
        self.own(self.frozen, "run")
        self.alone("a run that finds everything up to date", 0.1, lambda: self.own(self.frozen, "run"))
        self.alone("`labelproof --version`", None, lambda: self.own(self.frozen, "--version"))

    def finetune(self, name: str, rows: list, tokens: int, goal: float) -> None:
        """The second of two epochs, with its validation: the first has what a process does once."""
        folder = self.project(name, rows, tokens, "all", 2)
        self.own(folder, "run", "split")
        length = "up to 256 tokens" if name == "finetune" else "12 words"
        encoder = self.options.encoder.resolve()
        again = ("run", "--only", "train", "--force", "--set")
        self.compare_precisions(
            f"fine-tuning, one epoch, {len(rows)} texts of {length}",
            f"hf.py finetune {tokens}",
            goal,
            1 if self.options.quick else 3,
            lambda precision: self.own(
                folder, *again, f"train.precision={precision}", between=("epoch   1/2", "epoch   2/2")
            ),
            lambda: self.peer(
                folder, "hf.py", "texts.csv", encoder, "finetune", str(tokens), "2", pattern=r"epoch 1 .* ([\d.]+)s"
            ),
        )

    def rates(self) -> None:
        """Arithmetic rates, product and plain products by turns in one process."""
        printed = run([self.options.rates.resolve()], self.folder, settings=TRAINING).text
        found = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
        absent = {"bfloat16", "int8"} - set(self.prediction_precisions)
        self.shares = [each for each in found if not absent & set(each["work"].split())]

    def accuracies(self) -> None:
        """Test accuracy of fine-tuning on short texts, by seed and by what is predicted in, beside the peer's."""
        rows = short(bbc(self.options.bbc, 10 if self.options.quick else 200))
        folder = self.project("accuracy", rows, 64, "all", 3)
        self.own(folder, "run", "split")
        frozen = ("train.trainable=none", "train.learning_rate=0.005", "train.epochs=40")
        for precision in self.precisions:
            for name, settings in [
                *((f"seed {seed}", (f"train.seed={seed}",)) for seed in [10, 11, 12]),
                ("frozen encoder, 40 epochs of the head", frozen),
            ]:
                settings = (f"train.precision={precision}", "evaluate.int8=true", *settings)
                self.own(folder, "run", "evaluate", *(part for each in settings for part in ("--set", each)))
                metrics = json.loads((folder / "artifacts/evaluate/metrics.json").read_text())
                in_int8 = metrics["int8"]
                self.accuracy[f"labelproof, {precision}, {name}"] = accuracy(metrics["splits"]["test"])
                self.accuracy[f"labelproof, {precision}, predicted in int8, {name}"] = (
                    f"{accuracy(in_int8['test'])}; {in_int8['other_labels']} of {in_int8['test']['rows']} labels differ"
                )
                print(settings, self.accuracy, flush=True)
        arguments = ("hf.py", "texts.csv", self.options.encoder.resolve(), "finetune", "64", "3")
        printed = self.peer(folder, *arguments).text
        self.accuracy["hf.py finetune 64 3"] = f"{100 * float(re.search(r'test acc ([0-9.]+)', printed)[1]):.1f} %"

    def alone(self, work: str, goal: float | None, own_run: Callable[[], Measured], runs: int = 5) -> Row:
        print(work, flush=True)
        row = Row(work, "", goal, [own_run() for _ in range(runs)])
        self.keep(row)
        return row

    def scale(self) -> None:
        """Pairs of lines, drawn at random: ingest to split, with more and more rows."""
        source, lines = lines_of_file(self.options.lines) if self.options.lines else lines_of_bbc(self.options.bbc)
        fewest = 10_000
        goal = None
        for rows in [fewest, 100_000] if self.options.quick else [fewest, 100_000, 1_000_000]:
            draw = random.Random(rows)
            made = ((str(number), *draw.choice(lines)) for number in range(rows))
            # Written one by one: a process that is started begins with the peak memory of the one that starts it.
            texts = ((name, f"{line} {draw.choice(lines)[1]} {name}", label, "") for name, label, line in made)
            folder = self.project(f"rows-{rows}", texts, 128, "none", 1)
            text = (folder / "pipeline.yaml").read_text()
            text = text.replace(", split: split }", " }").replace("use_given: true", "test: 0.3, validation: 0.07")
            (folder / "pipeline.yaml").write_text(text)

            def ingest_to_split(folder: Path = folder) -> Measured:
                self.clean(folder)
                return self.own(folder, "run", "split")

            work = f"ingest to split, {rows:,} rows of two lines of {source}"
            smallest = self.alone(work, goal and goal * (rows / fewest) ** GROWTH, ingest_to_split, 3)
            goal = goal or statistics.median(each.seconds for each in smallest.product_runs)

    def clean(self, folder: Path) -> None:
        subprocess.run(["rm", "-rf", str(folder / "artifacts")], check=True)


def predict(bundle: Path, *options: str) -> tuple[str, ...]:
    """The command that predicts with a bundle."""
    return ("predict", "--bundle", str(bundle), "--input", "texts.csv", "--output", "labels.csv", *options)


def spread(values: list[float], digits: int) -> str:
    middle = f"{statistics.median(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def document(bench: Bench) -> str:
    """What was measured on this machine, beside what the document has of others."""
    measured = {**bench.before, bench.machine: section(bench)}
    return "\n\n".join([*INTRODUCTION, *(f"## {name}\n\n{text}" for name, text in sorted(measured.items()))]) + "\n\n" + NOTES.read_text()


def section(bench: Bench) -> str:
    before = bench.before.get(bench.machine, "") if bench.options.only else ""
    quick = " This is the short form of the benchmark (`--quick`): fewer texts and fewer pairs." if bench.options.quick else ""
    if not bench.complete and not bench.options.only:
        quick += " It was interrupted: works that the table lacks were not measured."
    if bench.options.only:
        quick += " Not all works were measured in the same run; each one was in one."
    lines = [
        f"Measured on {time.strftime('%Y-%m-%d')}, at {bench.options.revision}; 32-bit matrix products in LibTorch at the encoder's shapes:",
        f"{bench.peak:.0f} GFLOP/s. Encoder: {bench.options.encoder.name}.{quick}",
        "",
        "| work | labelproof, s | MiB | peer | peer, s | MiB | times as fast | pairs | goal | |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    table = {key(line): line for line in before.splitlines() if is_row(line)}
    for row in bench.rows:
        own = row.product_runs
        cells = [row.work, spread([each.seconds for each in own], 3), f"{max(each.mebibytes for each in own):.0f}"]
        if row.peer:
            ratios = row.ratios()
            reached = row.goal is not None and statistics.median(ratios) >= row.goal
            cells += [
                row.peer,
                spread([each.seconds for each in row.peer_runs], 3),
                f"{max(each.mebibytes for each in row.peer_runs):.0f}",
                spread(ratios, 2),
                str(len(ratios)),
                "" if row.goal is None else f"{row.goal:g}",
                "" if row.goal is None else "reached" if reached else "**missed**",
            ]
        else:
            seconds = statistics.median(each.seconds for each in own)
            state = "" if row.goal is None else "reached" if seconds <= row.goal else "**missed**"
            cells += ["", "", "", "", "", "" if row.goal is None else f"{row.goal:.3g} s", state]
        line = "| " + " | ".join(cells) + " |"
        table[key(line)] = line
    lines += table.values()
    lines += shares(bench.shares) or part(before, "Arithmetic rates")
    lines += accuracies(bench.accuracy) or part(before, "Accuracy")
    return "\n".join(lines)


def sections(text: str) -> dict[str, str]:
    """What a document has of each machine, by its name."""
    found = re.findall(r"^## ([^\n]*, \d+ cores, [^\n]*)\n\n(.*?)\s*(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return dict(found)


def is_row(line: str) -> bool:
    """Whether a line of a document is a row of its first table."""
    cells = line.split("|")
    return len(cells) == 12 and "---" not in line and cells[1].strip() != "work"


def key(line: str) -> tuple[str, str]:
    """The work and the peer of a row."""
    cells = line.split("|")
    return cells[1].strip(), cells[4].strip()


def part(text: str, title: str) -> list[str]:
    """A part of a machine's section that was written before."""
    found = re.search(rf"^### {title}$.*?(?=^### |\Z)", text, re.MULTILINE | re.DOTALL)
    return ["", *found[0].rstrip().splitlines()] if found else []


def shares(found: list[dict]) -> list[str]:
    """How near the encoder comes to the machine's limit."""
    goals = {("forward", 128): 0.92, ("step", 128): 0.7}
    lines = [
        "",
        "### Arithmetic rates",
        "",
        "Of the products in the encoder (a step: three times the way forward), 16 rows, beside 32-bit products of the same shapes in the",
        "same process by turns; medians of seven.",
        "",
        "| work | tokens a row | GFLOP/s | products alone | share | goal | |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for each in found:
        goal = goals.get((each["work"], each["tokens"]))
        state = "" if goal is None else "reached" if each["share"] >= goal else "**missed**"
        cells = [each["work"], each["tokens"], each["gflops"], each["products"], each["share"], goal or "", state]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines if found else []


def accuracies(found: dict[str, str]) -> list[str]:
    """Test accuracies of fine-tuning."""
    lines = [
        "",
        "### Accuracy",
        "",
        "Test accuracy on the first twelve words of articles of BBC News, after three epochs of fine-tuning unless the row says otherwise, with",
        "95 % intervals where labelproof gives them.",
        "",
        "| | test accuracy |",
        "| --- | ---: |",
    ]
    return lines + [f"| {name} | {value} |" for name, value in found.items()] if found else []


def accuracy(metrics: dict) -> str:
    """Of some rows, with its interval."""
    figure = metrics["accuracy"]
    return f"{100 * figure['value']:.1f} % ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"


def processor(key: str) -> str:
    """What the system says of the first processor."""
    found = re.search(rf"^(?:{key})\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else ""


def flags() -> set[str]:
    """Kinds of instructions."""
    return set(processor("flags|Features").split())


def machine() -> str:
    """The processor, its cores, and what of its instructions decides over the figures."""
    name, found = processor("model name"), flags()
    widest = next((word for flag, word in [("avx512f", "AVX-512"), ("avx2", "AVX2"), ("asimd", "NEON")] if flag in found), "no vectors")
    half = ", bfloat16 and AMX" if "amx_bf16" in found else " and bfloat16" if found & {"avx512_bf16", "bf16"} else ""
    return f"{name or 'processor unknown'}, {os.cpu_count()} cores, {widest}{half}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["labelproof", "rates", "bbc", "encoder", "peer-python", "output"]:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--revision", default="an unknown revision", help="of labelproof, for the document")
    parser.add_argument("--quick", action="store_true", help="fewer texts, fewer pairs: a few minutes")
    parser.add_argument("--lines", type=Path, help="CSV (or .csv.gz) with `text` and `label`, for `scale`; the lines of BBC News if absent")
    parser.add_argument("--pairs", type=int, help="runs of product and peer for each work")
    parser.add_argument("--only", nargs="+", metavar="WORK", help="measure these works, and keep the others of the document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        works = bench.works()
        if unknown := set(options.only or []) - set(works):
            parser.error(f"--only knows {', '.join(works)}; not {', '.join(sorted(unknown))}")
        for work in options.only or works:
            works[work]()
        bench.complete = True
        options.output.write_text(document(bench), encoding="utf-8")
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
