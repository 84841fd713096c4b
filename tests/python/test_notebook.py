"""The notebook of the examples runs, and shows what it says."""

from __future__ import annotations

from pathlib import Path

import nbclient
import nbformat

FOLDER = Path(__file__).parents[2] / "examples" / "notebook"


def test_the_notebook_shows_the_page_and_names_the_cause():
    notebook = nbformat.read(FOLDER / "audit.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert all(output.output_type != "error" for output in outputs)
    shown = [output.data for output in outputs if output.output_type == "execute_result"]
    accuracies = shown[0]["text/plain"]
    # What the heading of the notebook says.
    assert "0.986" in accuracies and "0.242" in accuracies, accuracies
    page = next(data["text/html"] for data in shown if "<iframe" in data.get("text/html", ""))
    assert "Predictions are shuffled against their labels" in page
    assert any(data["text/plain"].startswith("('unsound',\n [<C11 ") for data in shown)
    assert "C11" not in shown[-1]["text/plain"] and "better than guessing" in shown[-1]["text/plain"]
