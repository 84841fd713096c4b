"""Hands the runs to each tool, and writes their answers side by side.

python judge.py --runs RUNS --labelproof ../../../target/release/labelproof --output ../../../docs/audit-benchmark.md
"""

import argparse
import json
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from defaultplusplus.deform.operators import OPERATORS
from defaultplusplus.diagnosis import load_pretrained
from defaultplusplus.processing import RuntimeNormalizer

from faults import FAULTS, PREDICTION, Fault
from runs import FEATURES, NOTE

sys.path.append(str(Path(__file__).parent.parent))
import document

HEADING = "## Faults injected by someone else"
BY_NAME = {fault.name: fault for fault in FAULTS}


@dataclass
class Judged:
    """One run, and what each tool says of it."""

    dataset: str
    seed: int
    fault: Fault | None
    accuracy: dict[str, float]
    clean: float
    verdict: str
    found: list[tuple[str, str]]
    diagnosis: dict

    @property
    def costs(self) -> bool:
        """Whether the fault cost more test accuracy than chance moves it between two such runs (two deviations)."""
        rows, mean = 300, (self.accuracy["test"] + self.clean) / 2
        return self.clean - self.accuracy["test"] > 2 * np.sqrt(2 * mean * (1 - mean) / rows)

    @property
    def alarmed(self) -> bool:
        """Whether the audit says more than notes of this run."""
        return self.verdict not in ("sound", "not_examined")

    @property
    def first(self) -> str:
        return self.found[0][0] if self.found else "nothing"

    @property
    def named(self) -> bool:
        """Whether the audit's first finding is a right answer."""
        return self.fault is not None and self.first in self.fault.right

    @property
    def theirs_named(self) -> str:
        """Whether defaultplusplus names the component of the fault. Its names of causes are not those of its operators."""
        if self.fault is None or not self.diagnosis["is_faulty"]:
            return "no"
        operator = OPERATORS[self.fault.operator]
        if self.diagnosis["category"] != operator.component.value:
            return "no"
        return "component"


def judge(folder: Path, labelproof: Path, predictor, normaliser, clean: dict[str, float]) -> Judged:
    note = json.loads((folder / NOTE).read_text())
    answer = audit(folder, labelproof)
    features = json.loads((folder / FEATURES).read_text())
    findings = sorted(
        (finding for finding in answer["findings"] if finding["status"] == "found"),
        key=lambda finding: finding["rank"] if finding["rank"] is not None else len(answer["findings"]),
    )
    return Judged(
        dataset=note["dataset"],
        seed=note["seed"],
        fault=BY_NAME.get(note["fault"]),
        accuracy=note["accuracy"],
        clean=clean[note["dataset"]],
        verdict=answer["verdict"],
        found=[(finding["id"], finding.get("severity", "found")) for finding in findings],
        diagnosis=predictor.predict(normaliser.encode(features)).to_dict(),
    )


def audit(folder: Path, labelproof: Path) -> dict:
    """What the audit gets: the Trainer's log, and the rows of all three parts with texts, predictions and scores."""
    parts = [text for part in ("train", "validation", "test") for text in (f"--{part}", str(folder / f"{part}.csv"))]
    command = [str(labelproof), "audit", "--log", str(folder / "trainer_state.json"), *parts, "--json"]
    run = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(run.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"{folder}: {run.stderr}") from None


def table(judged: list[Judged]) -> str:
    lines = [
        "| data | fault | at work in | test accuracy (clean) | audit: verdict | first finding | right | "
        "defaultplusplus: faulty | component, cause | right |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in judged:
        operator = OPERATORS[one.fault.operator] if one.fault else None
        setting = "" if one.fault is None or one.fault.setting is None else f" {one.fault.setting}"
        cells = [
            f"{one.dataset}, {one.seed}",
            f"{one.fault.operator}{setting}: {operator.component.value}, {operator.root_cause}"
            if one.fault
            else "none",
            one.fault.when if one.fault else "",
            f"{one.accuracy['test']:.3f} ({one.clean:.3f})" + ("" if one.fault is None or one.costs else ", no cost"),
            one.verdict,
            " ".join(one.found[0]) if one.found else "nothing",
            ("yes" if one.named else "no") if one.fault else ("alarm" if one.alarmed else "right"),
            f"{'yes' if one.diagnosis['is_faulty'] else 'no'} ({one.diagnosis['detection_prob']:.2f})",
            f"{one.diagnosis['category']}, {one.diagnosis['root_cause']}" if one.diagnosis["is_faulty"] else "",
            one.theirs_named if one.fault else ("alarm" if one.diagnosis["is_faulty"] else "right"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def counts(judged: list[Judged]) -> str:
    """The figures of both tools, of the faults that cost accuracy, of those that do not, and of clean runs."""
    lines = ["| of | runs | audit: not sound | first finding right | defaultplusplus: faulty | component right |"]
    lines.append("|---|---|---|---|---|---|")
    groups = {
        "faults over the whole run that cost accuracy": lambda one: (
            one.fault and one.fault.when != PREDICTION and one.costs
        ),
        "faults over the predictions of test that cost accuracy": lambda one: (
            one.fault and one.fault.when == PREDICTION and one.costs
        ),
        "faults that cost none": lambda one: one.fault and not one.costs,
        "clean runs": lambda one: one.fault is None,
    }
    for name, belongs in groups.items():
        group = [one for one in judged if belongs(one)]
        clean = name == "clean runs"
        cells = [
            name,
            len(group),
            sum(one.alarmed for one in group),
            "" if clean else sum(one.named for one in group),
            sum(one.diagnosis["is_faulty"] for one in group),
            "" if clean else sum(one.theirs_named != "no" for one in group),
        ]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def main() -> None:
    warnings.filterwarnings("ignore", category=pd.errors.PerformanceWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder that make.py wrote")
    parser.add_argument("--labelproof", type=Path, required=True)
    parser.add_argument("--output", type=Path, help="the document whose part is written anew")
    options = parser.parse_args()
    folders = sorted(note.parent for note in options.runs.glob(f"*/*/{NOTE}"))
    notes = {folder: json.loads((folder / NOTE).read_text()) for folder in folders}
    clean = {note["dataset"]: note["accuracy"]["test"] for note in reversed(notes.values()) if note["fault"] is None}
    predictor, normaliser = load_pretrained("encoder"), RuntimeNormalizer.load("encoder")
    judged = [judge(folder, options.labelproof, predictor, normaliser, clean) for folder in folders]
    judged.sort(key=lambda one: (one.fault is not None, one.fault is not None and one.fault.when == PREDICTION))
    present, whole = normaliser.coverage(json.loads((folders[0] / FEATURES).read_text()))
    text = (Path(__file__).parent / "text.md").read_text()
    part = text.format(
        counts=counts(judged),
        table=table(judged),
        present=present,
        whole=whole,
        runs=len(judged),
        theirs=sum(one.diagnosis["is_faulty"] for one in judged),
        clean=sum(one.fault is None for one in judged),
        theirs_clean=sum(one.diagnosis["is_faulty"] for one in judged if one.fault is None),
        made_by=document.made_by(options.labelproof),
    )
    print(part)
    if options.output is not None:
        document.write_part(options.output, HEADING, part)


if __name__ == "__main__":
    main()
