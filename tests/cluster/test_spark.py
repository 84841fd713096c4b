"""The data stages on Spark give the bytes of one process, also where executors die."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import files, leftovers, same_as_alone, write_encoder, write_folder, write_json_lines

import labelproof
import labelproof.spark
from labelproof import _steps

STEPS = {
    "ingest": ["ingest-read", "ingest-merge", "ingest-write"],
    "preprocess": ["preprocess-look", "preprocess-compare", "preprocess-tokenise", "preprocess-write"],
}


@pytest.mark.parametrize("partitions", [1, pytest.param(3, marks=pytest.mark.quick), 12])
def test_any_number_of_partitions_gives_the_bytes_of_one_process(spark, project, partitions, capsys):
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
    folder = project / f"of-{partitions}"
    labelproof.spark.run(spark, project / "pipeline.yaml", artifacts=folder)
    same_as_alone(folder, "Spark", str(partitions), "", "5 CSV files")
    said = capsys.readouterr().err
    assert "rows" in said and "near" in said, said
    # Whatever follows finds it as if one process had written it.
    labelproof.spark.run(spark, project / "pipeline.yaml", artifacts=folder)
    said = capsys.readouterr().err
    assert [line.split(None, 1)[1] for line in said.splitlines()] == ["up to date"] * 3, said


@pytest.mark.parametrize("write", [write_json_lines, write_folder])
def test_other_sources(spark, tmp_path, write):
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    write_encoder(tmp_path / "encoder")
    (tmp_path / "pipeline.yaml").write_text(write(tmp_path))
    labelproof.run(tmp_path / "pipeline.yaml", "split", artifacts=tmp_path / "alone", quiet=True)
    labelproof.spark.run(spark, tmp_path / "pipeline.yaml", artifacts=tmp_path / "cluster", quiet=True)
    same_as_alone(tmp_path / "cluster", "Spark", "3", "", write.__name__.removeprefix("write_").replace("_", " "))


def test_sources_in_object_storage(spark, bucket, project, tmp_path):
    import boto3

    client = boto3.client("s3", endpoint_url=bucket)
    client.create_bucket(Bucket="texts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for path in project.glob("*.csv"):
        client.upload_file(str(path), "texts", f"new/{path.name}")
    shutil.copytree(project / "encoder", tmp_path / "encoder")
    shutil.copy(project / "pipeline.yaml", tmp_path)
    changed = {"ingest.paths": ["s3://texts/new/*.csv"]}
    for name, run in (("alone", labelproof.run), ("cluster", _on(spark))):
        run(tmp_path / "pipeline.yaml", set=changed, artifacts=tmp_path / name, quiet=True, **_until(name))
    same_as_alone(tmp_path / "cluster", "Spark", "3", "", "5 CSV files in S3")


def test_artifacts_in_object_storage(spark, bucket, project, cache_of_executors, tmp_path, monkeypatch, capsys):
    import boto3

    spark.conf.set("spark.sql.shuffle.partitions", "3")
    client = boto3.client("s3", endpoint_url=bucket)
    client.create_bucket(Bucket="runs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "driver"))
    killed = ["ingest-write", "preprocess-read", "preprocess-write"]
    monkeypatch.setattr(_steps, "in_task", killing(killed, tmp_path))
    made = labelproof.spark.run(spark, project / "pipeline.yaml", artifacts="s3://runs/one", quiet=True)
    same_as_alone(made.folder, "Spark", "3", ", ".join(killed), "5 CSV files, artifacts in S3", beside=project)
    assert {path.name for path in tmp_path.iterdir()} > set(killed)
    # The executors fetch what they need, and keep nothing.
    assert not list(cache_of_executors.rglob("*.parquet"))
    # On the machine that trains.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    found = labelproof.run(project / "pipeline.yaml", "split", artifacts="s3://runs/one")
    said = [line.split(None, 1)[1] for line in capsys.readouterr().err.splitlines() if not line.startswith(" ")]
    assert said == ["up to date"] * 3, said
    assert found.folder != made.folder
    assert files(found.folder) == files(made.folder)
    # Nothing lies there but what the locks name.
    stored = client.list_objects_v2(Bucket="runs")["Contents"]
    assert sorted(Path(key["Key"]).name for key in stored) == sorted(path.name for path in files_of(made.folder))
    assert len(labelproof.read("s3://runs/one")["split"]) == len(found["split"])


def files_of(folder: Path) -> list[Path]:
    return [path for stage in ("ingest", "preprocess", "split") for path in (folder / stage).rglob("*.*")]


def _on(spark: Any) -> Callable[..., Any]:
    return lambda *given, **named: labelproof.spark.run(spark, *given, **named)


def _until(name: str) -> dict[str, str]:
    return {"until": "split"} if name == "alone" else {}


def killing(steps: list[str], markers: Path) -> Callable[..., _steps.Task]:
    """Makes tasks as the package does, of which the first of each step kills its executor in the middle of its work,
    and the first one that has written kills it after that as well."""
    real = _steps.in_task

    def in_task(step: str, context: dict[str, Any], order: Sequence[str] = ()) -> _steps.Task:
        task = real(step, context, order)
        if step not in steps:
            return task
        during, after = str(markers / step), str(markers / f"{step}-done")

        def kill(marker: str) -> None:
            import os
            import pathlib
            import signal

            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            # The parent of this process is the one that forks, and its parent is the executor. A machine that is lost
            # takes all of them along.
            stat = pathlib.Path(f"/proc/{os.getppid()}/stat").read_text()
            for process in (int(stat.rpartition(")")[2].split()[1]), os.getppid(), os.getpid()):
                os.kill(process, signal.SIGKILL)

        def half(batches):
            for batch in batches:
                middle = batch.num_rows // 2
                yield batch.slice(0, middle)
                kill(during)
                yield batch.slice(middle)

        def run(batches):
            answers = task(half(batches))
            if step.endswith("write"):
                # What was written is there, and nobody hears of it.
                answers = list(answers)
                kill(after)
            yield from answers

        return run

    return in_task


@pytest.mark.quick
@pytest.mark.parametrize("stage", STEPS)
def test_a_killed_executor_changes_nothing(spark, project, tmp_path, monkeypatch, stage):
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    folder = project / f"killed-{stage}"
    if stage == "preprocess":
        shutil.copytree(project / "alone" / "ingest", folder / "ingest")
    monkeypatch.setattr(_steps, "in_task", killing(STEPS[stage], tmp_path))
    labelproof.spark.run(spark, project / "pipeline.yaml", artifacts=folder, quiet=True)
    assert {path.name for path in tmp_path.iterdir()} == {*STEPS[stage], f"{stage}-write-done"}
    monkeypatch.undo()
    labelproof.spark.run(spark, project / "pipeline.yaml", artifacts=folder, quiet=True)
    same_as_alone(folder, "Spark", "3", ", ".join(STEPS[stage]), "5 CSV files")


def test_a_source_that_vanishes_is_said_and_leaves_nothing(spark, project, tmp_path, monkeypatch):
    for name in ("encoder", "pipeline.yaml", "rows-0.csv", "rows-1.csv"):
        copy = shutil.copytree if name == "encoder" else shutil.copy
        copy(project / name, tmp_path / name)
    real = _steps.in_task

    def in_task(step, context, order=()):
        (tmp_path / "rows-1.csv").unlink(missing_ok=True)
        return real(step, context, order)

    monkeypatch.setattr(_steps, "in_task", in_task)
    with pytest.raises(labelproof.Error, match="rows-1.csv") as caught:
        labelproof.spark.run(spark, tmp_path / "pipeline.yaml", quiet=True)
    assert type(caught.value) is not labelproof.Error
    assert "Traceback" not in str(caught.value) and "org.apache" not in str(caught.value)
    assert list((tmp_path / "artifacts").glob("ingest")) == leftovers(tmp_path / "artifacts") == []


def test_a_folder_that_spark_takes_for_a_pattern_is_refused(spark, project, tmp_path):
    folder = tmp_path / "a{b}"
    shutil.copytree(project / "alone" / "ingest", folder / "ingest")
    with pytest.raises(labelproof.ConfigurationError, match="pattern"):
        labelproof.spark.run(spark, project / "pipeline.yaml", ["preprocess"], artifacts=folder, quiet=True)
    assert leftovers(folder) == []


def test_a_stage_that_no_cluster_runs_is_refused(spark, project):
    with pytest.raises(labelproof.ConfigurationError, match="`train`"):
        labelproof.spark.run(spark, project / "pipeline.yaml", ["train"])


def test_sparks_pages_name_the_steps_and_show_no_configuration(spark, project, events, tmp_path):
    secret = "ingest.columns.text=text"
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    given = {"ingest.columns.text": "text"}
    labelproof.spark.run(spark, project / "pipeline.yaml", ["ingest"], set=given, artifacts=tmp_path, quiet=True)
    shown = "".join(path.read_text() for path in events.rglob("*") if path.is_file())
    assert "labelproof ingest: for commit" in shown
    assert "ingest_read" in shown, "the plans do not name the steps"
    assert secret not in shown and "on_reject" not in shown
