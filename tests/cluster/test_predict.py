"""Predictions on Spark and Ray are those of `labelproof predict`."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from conftest import CONFIG, texts

import labelproof
from labelproof._command import execute, sibling

pytestmark = pytest.mark.skipif(
    sibling()[0] is None, reason="the part that runs networks is not built: make build"
)


@pytest.fixture(scope="module")
def bundle(project: Path) -> Path:
    """A bundle that has learnt nothing, in a few seconds."""
    few = {"train.epochs": 1}
    labelproof.run(project / "pipeline.yaml", "train", set=few, artifacts=project / "trained", quiet=True)
    return project / "trained" / "train" / "model"


@pytest.fixture(scope="module")
def asked() -> dict[str, list[str | None]]:
    rows = [(id, text) for id, text, _, _ in texts(500) if text]
    return {"key": [f"{place}-{id}" for place, (id, _) in enumerate(rows)], "body": [text for _, text in rows]}


@pytest.fixture(scope="module")
def expected(bundle, asked, tmp_path_factory) -> list[dict[str, str]]:
    """What the command says of the same rows."""
    folder = tmp_path_factory.mktemp("predicted")
    with (folder / "asked.csv").open("w", newline="") as file:
        csv.writer(file).writerows([list(asked), *zip(*asked.values(), strict=True)])
    line = ["predict", "--bundle", str(bundle), "--input", str(folder / "asked.csv")]
    line += ["--id", "key", "--text", "body", "--output", str(folder / "said.csv")]
    execute(line, shows=True)
    with (folder / "said.csv").open(newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["id"])


def same(rows: list[dict[str, object]], expected: list[dict[str, str]]) -> None:
    rows = sorted(rows, key=lambda row: str(row["id"]))
    assert [list(row) for row in rows[:1]] == [list(row) for row in expected[:1]]
    for row, wanted in zip(rows, expected, strict=True):
        assert (row["id"], row["label"]) == (wanted["id"], wanted["label"])
        for name in list(wanted)[2:]:
            assert row[name] == float(wanted[name])


@pytest.mark.quick
def test_spark(spark, bundle, asked, expected):
    import pyarrow

    import labelproof.spark

    frame = spark.createDataFrame(pyarrow.table(asked)).repartition(3)
    same(labelproof.spark.predict(frame, bundle, "body", "key").toArrow().to_pylist(), expected)


def test_ray(bundle, asked, expected):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'ray[data]'")
    import pyarrow

    import labelproof.ray

    os.environ["RAY_AUTH_MODE"] = "disabled"
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80 * 1024 * 1024)
    try:
        table = pyarrow.table(asked)
        half = len(table) // 2
        dataset = ray.data.from_arrow([table.slice(0, half), table.slice(half)])
        same(labelproof.ray.predict(dataset, bundle, "body", "key", workers=2).take_all(), expected)
    finally:
        ray.shutdown()


def test_a_folder_that_is_no_bundle_is_said(spark, project):
    import labelproof.spark

    frame = spark.range(1).selectExpr("id", "'a text' AS text")
    with pytest.raises(labelproof.ModelError, match=r"encoder.config\.json"):
        labelproof.spark.predict(frame, project / "encoder")
