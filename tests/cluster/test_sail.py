"""The data stages on Sail, a server of Spark Connect without a JVM, by the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import leftovers, same_as_alone

sail = pytest.importorskip("pysail.spark", reason="Sail is not installed: pip install pysail")


@pytest.fixture(scope="module")
def address():
    server = sail.SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    yield f"sc://127.0.0.1:{server.listening_address[1]}"
    server.stop()


def command(address: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "labelproof.spark", "run", *map(str, arguments), "--master", address]
    return subprocess.run(line, capture_output=True, text=True)


@pytest.mark.quick
def test_sail_gives_the_bytes_of_one_process(project, address):
    folder = project / "of-sail"
    made = command(address, project / "pipeline.yaml", "--artifacts", folder)
    assert made.returncode == 0, made.stderr
    same_as_alone(folder, "Sail", "", "", "5 CSV files")
    again = command(address, project / "pipeline.yaml", "--artifacts", folder)
    assert again.stderr.count("up to date") == 3, again.stderr


def test_what_is_wrong_is_said_as_on_one_machine(project, address, tmp_path):
    made = command(
        address, project / "pipeline.yaml", "--artifacts", tmp_path, "--set", "ingest.columns.text=body"
    )
    assert made.returncode == 3, made.stderr
    assert "error: " in made.stderr and "body" in made.stderr
    assert "Traceback" not in made.stderr
    assert leftovers(tmp_path) == []
