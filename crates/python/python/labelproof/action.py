"""``python -m labelproof.action``: the audit as a check in GitHub's continuous integration.

It takes the arguments of ``labelproof audit`` that name files, and

- writes the answer as Markdown into the job's page (``GITHUB_STEP_SUMMARY``),
- prints an annotation for each doubted label and each row that is in two splits, at its line of its file, which
  GitHub shows in the difference of a pull request,
- ends with the exit code of ``labelproof audit --check``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._audit import Audit, Finding, audit
from ._errors import Error

#: More annotations than this are not shown by GitHub.
MOST = 10
#: Exit codes of ``labelproof audit --check``.
VERDICTS = {"unsound": 8, "not_examined": 10}
#: The arguments that name a split's file, by the word that findings have for the split.
SPLITS = {"training": "train", "validation": "validation", "test": "test"}


def main(arguments: list[str] | None = None) -> int:
    """Audits, tells GitHub, and returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        result = audit(**{name: value for name, value in vars(given).items() if value})
    except Error as error:
        print(f"::error::{_escaped(str(error))}")
        return error.exit_code
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with open(summary, "a", encoding="utf-8") as file:
            file.write(markdown(result))
    for line in annotated(result, {split: getattr(given, name) for split, name in SPLITS.items()}, given.id):
        print(line)
    print(result)
    return VERDICTS.get(result.verdict, 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m labelproof.action", description="Audits result files in GitHub's CI."
    )
    for name in (
        "test",
        "validation",
        "train",
        "predictions",
        "confusion",
        "label",
        "predicted",
        "text",
        "id",
    ):
        parser.add_argument(f"--{name}")
    parser.add_argument("--log", action="append")
    return parser


def markdown(result: Audit) -> str:
    """The answer for the job's page."""
    words = result.verdict.replace("_", " ")
    lines = [f"## Labelproof: {words}", "", result.headline, ""]
    causes = [finding for finding in result.findings if finding.explained_by is None]
    if causes:
        lines += ["| cause | how sure | points | what to do |", "| --- | --- | ---: | --- |"]
        lines += [_row(finding) for finding in causes]
    lines += [
        "",
        "<details><summary>Everything that was looked at</summary>",
        "",
        "```text",
        str(result),
        "```",
        "",
        "</details>",
        "",
    ]
    return "\n".join(lines)


def _row(finding: Finding) -> str:
    points = "" if finding.points is None else f"{finding.points:+.1f}"
    cells = [f"{finding.name} ({finding.id})", finding.confidence or "", points, finding.fix or ""]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def annotated(result: Audit, files: dict[str, str | None], key: str | None = None) -> list[str]:
    """Commands of GitHub's workflows, one for each row that a finding names and a file has."""
    made: list[str] = []
    for finding in result.findings:
        level = "error" if finding.severity == "unsound" else "warning"
        for split, row, words in _named_rows(finding):
            file = files.get(split)
            line = _line(Path(file), row, key) if file else None
            if line is not None and len(made) < MOST:
                title = _escaped(f"{finding.id}: {finding.name}").replace(",", "%2C").replace(":", "%3A")
                made.append(f"::{level} file={file},line={line},title={title}::{_escaped(words)}")
    return made


def _named_rows(finding: Finding) -> Iterator[tuple[str, str | int, str]]:
    """The split, the id or place, and what is said of each row that a finding names."""
    for suspect in finding.evidence.get("suspect_rows") or ():
        label, better = suspect["label"], suspect["suggestion"]
        yield (
            suspect["split"],
            suspect["row"],
            f"The label `{label}` looks wrong; texts like this one are `{better}`.",
        )
    split, rows = finding.evidence.get("split"), finding.evidence.get("rows")
    if isinstance(split, str) and isinstance(rows, list):
        for row in rows:
            yield split, row, f"{finding.name}: this {split} row."


def _line(path: Path, row: str | int, key: str | None) -> int | None:
    """The line on which a row begins: that of its place if it is a number, or of its id in the column of ids."""
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (".csv", ".tsv", ".jsonl"):
        return None
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            rows = _rows_of_lines(file, key) if suffix == ".jsonl" else _rows_of_table(file, key)
            for place, (line, own) in enumerate(rows):
                if place + 1 == row if isinstance(row, int) else own == row:
                    return line
        except csv.Error:
            return None
    return None


#: Columns that the audit takes for ids, where no option names one.
IDS = ("id", "row_id", "index", "idx", "key", "uid", "")


def _rows_of_table(file: Any, key: str | None) -> Iterator[tuple[int, str | None]]:
    """The line and the id of each row."""
    start = file.readline()
    separator = max(",;\t|", key=start.count)
    file.seek(0)
    reader = csv.reader(file, delimiter=separator)
    header = next(reader, [])
    names = [key] if key else IDS
    column = next(
        (place for place, name in enumerate(header) if name.strip().lower() in names or name == key), None
    )
    line = reader.line_num + 1
    for cells in reader:
        if cells:
            yield line, cells[column] if column is not None and column < len(cells) else None
        line = reader.line_num + 1


def _rows_of_lines(file: Any, key: str | None) -> Iterator[tuple[int, str | None]]:
    names = [key] if key else IDS
    for place, text in enumerate(file):
        if text.strip():
            try:
                value = json.loads(text)
            except ValueError:
                value = {}
            found = [cell for name, cell in value.items() if name in names] if isinstance(value, dict) else []
            yield place + 1, str(found[0]) if found else None


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    sys.exit(main())
