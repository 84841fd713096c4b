"""A table that is a folder of part files: what other programs and this module read of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas
import polars
import pyarrow.parquet
import pytest

import labelproof

# Twenty documents in three parts, which the tests of the crate `artifact` hold against what it writes.
DOCUMENTS = Path(__file__).parents[1] / "fixtures/parts/documents.parquet"
IDS = [f"{number:02}" for number in range(20)]


@pytest.fixture
def documents(own_folder: Path) -> Path:
    return Path(shutil.copytree(DOCUMENTS, own_folder / "artifacts/ingest/documents.parquet"))


def test_others_read_the_folder_as_one_table(documents):
    tables = [
        pyarrow.parquet.read_table(documents).to_pandas(),
        pandas.read_parquet(documents),
        polars.read_parquet(documents).to_pandas(),
    ]
    for table in tables:
        assert list(table.columns) == ["id", "text", "label", "group", "split"]
        assert sorted(table.id) == IDS
        assert table.set_index("id").text["07"] == "text 7, naïve — 東京"


def test_the_parts_are_read_in_the_order_of_ids(documents):
    table = labelproof.read("artifacts")["documents"]
    assert len(table) == 20
    assert table.to_pandas().id.tolist() == IDS
    whole = pyarrow.parquet.read_table(documents).sort_by("id")
    assert pyarrow.table(table).to_pylist() == whole.to_pylist()
    (documents / "part-00001.parquet").unlink()
    with pytest.raises(labelproof.ArtifactError, match="`part-00001.parquet` is missing"):
        labelproof.read("artifacts")["documents"]
