"""The command that the package brings, and the pipeline's data stages through it."""

from __future__ import annotations

import subprocess
import sys

import pandas
import polars
import pyarrow
import pytest

import labelproof

CONFIG = """
encoder: nowhere
ingest:
  format: csv
  paths: [rows.csv]
  columns: {id: id, text: text, label: label}
"""


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "labelproof", *arguments], capture_output=True, text=True)


def write_rows() -> pandas.DataFrame:
    texts = [f"text number {place} about {'sport' if place % 2 else 'tech'}" for place in range(40)]
    rows = pandas.DataFrame(
        {"id": range(40), "text": texts, "label": ["sport" if place % 2 else "tech" for place in range(40)]}
    )
    rows.to_csv("rows.csv", index=False)
    return rows


def test_the_command_is_the_command():
    assert command("--version").stdout.startswith("labelproof ")
    assert "Predictions are shuffled" in command("explain", "C11").stdout
    wrong = command("audit", "--tset", "x.csv")
    assert wrong.returncode == 2 and "--test" in wrong.stderr
    nothing = command("audit")
    assert nothing.returncode == 2 and "nothing to audit" in nothing.stderr


def test_check_ends_with_the_exit_code_of_the_verdict(validation, shuffled):
    pandas.DataFrame(shuffled).to_csv("test.csv", index=False)
    pandas.DataFrame(validation).to_csv("validation.csv", index=False)
    found = command("audit", "--test", "test.csv", "--validation", "validation.csv", "--check")
    assert found.returncode == 8, found.stderr


def test_init_and_ingest_run_without_the_part_that_trains(own_folder):
    rows = write_rows()
    assert command("init", "rows.csv").returncode == 0
    (own_folder / "pipeline.yaml").write_text(CONFIG)
    artifacts = labelproof.run(until="ingest", quiet=True)
    documents = artifacts["documents"]
    assert len(documents) == 40
    # Whoever knows Arrow's C interface takes it.
    frame = polars.DataFrame(documents)
    assert sorted(frame["text"]) == sorted(rows.text)
    assert pyarrow.table(documents).column("label").to_pylist() == frame["label"].to_list()
    assert documents.to_pandas().label.tolist() == frame["label"].to_list()
    assert artifacts["ingest/labels"]["labels"] == ["sport", "tech"]
    elsewhere = labelproof.run(until="ingest", set={"artifacts": "elsewhere"}, quiet=True)
    assert elsewhere.folder.name == "elsewhere"
    assert set(labelproof.read("artifacts")) >= {"ingest/documents", "ingest/labels", "ingest/rejects"}
    with pytest.raises(KeyError):
        artifacts["predictions"]
    with pytest.raises(labelproof.ArtifactError):
        labelproof.read("nowhere")
    (own_folder / "artifacts/ingest/documents.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(labelproof.ArtifactError, match="documents.parquet"):
        artifacts["documents"]


def test_what_is_wrong_with_a_pipeline_is_an_exception(own_folder):
    write_rows()
    with pytest.raises(labelproof.ConfigurationError, match="pipeline.yaml"):
        labelproof.run(quiet=True)
    (own_folder / "pipeline.yaml").write_text(CONFIG + "nonsense: 1\n")
    with pytest.raises(labelproof.ConfigurationError, match="nonsense"):
        labelproof.run(quiet=True)
    (own_folder / "pipeline.yaml").write_text(CONFIG)
    with pytest.raises(labelproof.InputError, match="text"):
        labelproof.run(until="ingest", set={"ingest.columns.text": "body"}, quiet=True)


@pytest.mark.skipif(labelproof._command.sibling()[0] is not None, reason="the part that trains is installed")
def test_without_the_part_that_trains_it_is_said_how_to_get_it():
    with pytest.raises(labelproof.UnavailableError, match=r"pip install 'labelproof\[train\]'"):
        labelproof.predict("bundle", ["a text"])
