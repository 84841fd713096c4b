"""The check in GitHub's continuous integration, and the hook of pre-commit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import labelproof
from conftest import LABELS, made
from labelproof import action

ROOT = Path(__file__).parents[2]

WORDS = {
    "business": "market growth shares profit bank economy",
    "sport": "match goal player season coach win",
    "tech": "software phone internet computer digital users",
}


def text(label: str, place: int) -> str:
    words = WORDS[label].split()
    return " ".join(words[(place * step) % len(words)] for step in (1, 2, 3, 5)) + f" number {place}"


def write(name: str, rows: list[tuple[str, str, str]]) -> None:
    # A quoted line break, so that a row's line is not its place.
    lines = [f'{key},"{words}\nmore",{label}\n' for key, words, label in rows]
    Path(name).write_text("id,text,label\n" + "".join(lines))


def leaking() -> None:
    rows = [(f"r{place}", text(LABELS[place % 3], place), LABELS[place % 3]) for place in range(240)]
    write("train.csv", rows[:180])
    # The last 30 are training rows.
    test = rows[180:] + [(f"copy{place}", words, label) for place, (_, words, label) in enumerate(rows[:30])]
    lines = [f'{key},"{words}\nmore",{label},{label}\n' for key, words, label in test]
    Path("test.csv").write_text("id,text,label,predicted\n" + "".join(lines))


def test_rows_in_two_files_are_annotated_at_their_lines(capsys, monkeypatch):
    leaking()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    code = action.main(["--test", "test.csv", "--train", "train.csv"])
    printed = capsys.readouterr().out
    found = re.findall(r"::(?:error|warning) file=test.csv,line=(\d+),title=C40%3A ", printed)
    assert found, printed
    lines = Path("test.csv").read_text().splitlines()
    assert all(lines[int(line) - 1].startswith("copy") for line in found)
    assert len(found) <= action.MOST
    summary = Path("summary.md").read_text()
    assert summary.startswith("## Labelproof: ") and "(C40)" in summary and "| cause |" in summary
    verdict = labelproof.audit(test="test.csv", train="train.csv").verdict
    assert code == action.VERDICTS.get(verdict, 0)
    check = [
        sys.executable,
        "-m",
        "labelproof",
        "audit",
        "--check",
        "--test",
        "test.csv",
        "--train",
        "train.csv",
    ]
    assert subprocess.run(check, capture_output=True).returncode == code


def test_findings_that_count_rows_and_name_none_are_no_annotations(capsys, shuffled):
    import pandas

    frame = pandas.DataFrame(shuffled)
    frame.loc[:40, "label"] = ""
    frame.to_csv("test.csv", index=False)
    assert action.main(["--test", "test.csv", "--log", "test_accuracy=0.99"]) == 8
    printed = capsys.readouterr().out
    assert "(C17" in printed and "::error" not in printed


def test_an_id_is_looked_for_among_ids_and_blank_lines_are_no_rows(tmp_path):
    table = tmp_path / "rows.csv"
    table.write_text("label,id\n2,1\n\n1,2\n")
    assert action._line(table, "2", None) == 4
    assert action._line(table, 2, None) == 4
    assert action._line(table, "2", "label") == 2
    (tmp_path / "rows.jsonl").write_text('{"label": 2, "id": 1}\n{"label": 1, "id": 2}\n')
    assert action._line(tmp_path / "rows.jsonl", "2", None) == 2
    table.write_text("id,text\na," + "x" * 200_000 + "\nb,y\n")
    assert action._line(table, "b", None) == 3


def test_what_cannot_be_read_is_an_annotation(capsys):
    assert action.main(["--test", "missing.csv"]) == labelproof.InputError.exit_code
    assert capsys.readouterr().out.startswith("::error::")


def test_the_action_passes_on_every_input_that_it_has():
    described = yaml.safe_load((ROOT / ".github/actions/audit/action.yml").read_text())
    names = set(described["inputs"]) - {"version"}
    step = described["runs"]["steps"][-1]
    assert {name.upper() for name in names} == set(step["env"])
    leaking()
    environment = {
        **os.environ,
        **{name: "" for name in step["env"]},
        "TEST": "test.csv",
        "TRAIN": "train.csv",
    }
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    run = subprocess.run(["bash", "-e", "-c", step["run"]], env=environment, capture_output=True, text=True)
    assert "title=C40" in run.stdout, run.stderr
    parser = {option for options in action._parser()._actions for option in options.option_strings}
    assert {f"--{name}" for name in names} <= parser


@pytest.mark.parametrize("verdict", ["sound", "unsound"])
def test_the_hook_of_pre_commit_says_what_check_says(verdict, own_folder, validation, shuffled):
    import pandas

    hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]
    pandas.DataFrame(shuffled if verdict == "unsound" else made("test", 0.95, 7)).to_csv(
        "test.csv", index=False
    )
    pandas.DataFrame(validation).to_csv("validation.csv", index=False)
    bin_folder = own_folder / "bin"
    bin_folder.mkdir()
    command = bin_folder / "labelproof"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m labelproof "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    arguments = [*hook["entry"].split(), "--test", "test.csv", "--validation", "validation.csv"]
    run = subprocess.run(arguments, env=environment, capture_output=True, text=True)
    assert run.returncode == (8 if verdict == "unsound" else 0), run.stdout + run.stderr
