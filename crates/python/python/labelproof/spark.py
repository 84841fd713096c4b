"""The data stages on a cluster of Spark 4, and predictions of a frame.

>>> import labelproof.spark
>>> labelproof.spark.run(spark, "pipeline.yaml")  # doctest: +SKIP
>>> labelproof.run("pipeline.yaml")  # trains; finds the stages before it up to date  # doctest: +SKIP

What is written equals, byte for byte, what ``labelproof run split`` writes on one machine. All machines need this
package and a folder that they share. ``python -m labelproof.spark run pipeline.yaml`` is the same as a command.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from . import _native, _steps
from ._command import execute
from ._errors import ConfigurationError, Error
from ._pipeline import Artifacts, overrides_of
from ._worker import ASKED, Worker, predicted_columns

__all__ = ["predict", "run"]

#: The stages that read rows and no network, in their order.
STAGES = ("ingest", "preprocess", "split")


def run(
    spark: SparkSession,
    config: str | os.PathLike[str] = "pipeline.yaml",
    stages: Sequence[str] = STAGES,
    *,
    set: Mapping[str, Any] | None = None,  # what the command calls it
    artifacts: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Artifacts:
    """Runs the data stages that are not up to date, on the machines of a cluster.

    Parameters
    ----------
    spark : SparkSession
        The session, of Spark or of a server that speaks Spark Connect.
    config : path
        The ``pipeline.yaml``.
    stages : sequence of str
        Which of ``ingest``, ``preprocess`` and ``split`` to run. Split runs on the driver.
    set : dict
        Values that override the configuration's, such as ``{"ingest.format": "csv"}``.
    artifacts : path
        The folder to write into, in place of the configuration's: one that all machines see under this path, or an
        address in object storage (``s3://bucket/prefix``).
    quiet : bool
        Whether only errors are printed.

    Returns
    -------
    Artifacts

    Raises
    ------
    Error
        One of its classes, by what is wrong, whichever machine found it. A stage that fails leaves nothing behind.
    """
    if unknown := [stage for stage in stages if stage not in STAGES]:
        raise ConfigurationError(
            f"`{unknown[0]}` does not run on a cluster\n\nhint: the stages are {', '.join(STAGES)}"
        )
    path, overrides = Path(os.path.abspath(config)), overrides_of(set)
    configuration: dict[str, Any] = {
        "path": str(path),
        "text": _text(path),
        "set": overrides,
        "artifacts": None if artifacts is None else _place(artifacts),
    }
    first = [stage for stage in STAGES if stage in stages][:1]
    for stage in STAGES[:2]:
        if stage in stages:
            _Stage(spark, stage, configuration, quiet, is_first=[stage] == first).run()
    if "split" in stages:
        command = ["run", "--only", "split", "--config", str(path)]
        command += [word for override in overrides for word in ("--set", override)]
        command += ["--artifacts", configuration["artifacts"]] if configuration["artifacts"] else []
        execute(command, shows=not quiet)
    return Artifacts(_native.artifacts_folder(path, overrides, configuration["artifacts"]))


def _place(artifacts: str | os.PathLike[str]) -> str:
    """A folder of artifacts as all machines call it, or its address."""
    name = os.fspath(artifacts)
    return name if "://" in name else os.path.abspath(name)


def predict(
    frame: DataFrame,
    bundle: str | os.PathLike[str],
    text: str = "text",
    id: str = "id",  # what the command calls it
    *,
    device: str = "cpu",
) -> DataFrame:
    """Classifies the texts of a frame with a bundle.

    Each task keeps one process that has loaded the bundle, and asks it batch by batch. Needs ``labelproof[train]`` on
    the machines.

    Parameters
    ----------
    frame : DataFrame
        Rows with an id and a text.
    bundle : path
        The folder ``model`` that the stage train writes, which all machines see under this path.
    text, id : str
        The columns.
    device : str
        ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Returns
    -------
    DataFrame
        The columns that ``labelproof predict`` writes as CSV: ``id``, ``label``, ``probability``, and the probability
        of each label.
    """
    context = {"bundle": os.path.abspath(bundle), "device": device}
    wanted = predicted_columns(bundle)

    def labelproof_predict(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        rows = (batch for batch in batches if batch.num_rows)
        first = next(rows, None)
        # A partition without rows needs no model.
        if first is not None:
            with contextlib.closing(Worker("predict", context)) as worker:
                for batch in itertools.chain([first], rows):
                    for answer in worker.ask(batch.cast(ASKED)):
                        yield answer.cast(wanted)

    asked = frame.select(F.col(id).cast("string").alias("id"), F.col(text).cast("string").alias("text"))
    return asked.mapInArrow(labelproof_predict, from_arrow_schema(wanted))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read `{path}`: {error}") from None


class _Stage:
    """A run of one stage: its context, and what is to be removed at its end."""

    def __init__(
        self, spark: SparkSession, stage: str, configuration: dict[str, Any], quiet: bool, is_first: bool
    ) -> None:
        self.spark = spark
        self.stage = stage
        self.context: dict[str, Any] = {"config": configuration, "stage": stage, "is_first": is_first}
        self.quiet = quiet
        self.engine_sorts = _keeps_order(spark)
        self.ending = contextlib.ExitStack()

    def run(self) -> None:
        """Runs the stage if it is not up to date."""
        begun = time.monotonic()
        plan = self.decide("plan")
        for stage, note in plan["notes"]:
            self.say(note, stage)
        if not plan["reasons"]:
            self.say("up to date")
            return
        self.say(_shortened(plan["reasons"]))
        self.context["scratch"] = plan["scratch"]
        # What a stage commits has been moved from there.
        self.ending.callback(shutil.rmtree, plan["scratch"], ignore_errors=True)
        with self.ending, _own_errors():
            folder = _ingest(self) if self.stage == "ingest" else _preprocess(self)
        self.say(f"ran in {_duration(time.monotonic() - begun)} -> {folder}/")

    def say(self, text: str, stage: str | None = None) -> None:
        if not self.quiet:
            print(f"{stage or self.stage:<11} {text}", file=sys.stderr)

    def explain(self, message: str) -> None:
        """Prints what a stage says of its rows."""
        if not self.quiet and message:
            print("  " + message.replace("\n", "\n  "), file=sys.stderr)

    def decide(self, step: str, frame: DataFrame | None = None) -> Any:
        """The answer of a step on the driver, to rows that are few."""
        return _steps.decide(step, self.context, None if frame is None else self.brought(step, frame))

    def brought(self, step: str, frame: DataFrame) -> pyarrow.Table:
        """The rows of a frame, computed for a step on the driver."""
        with self.described(step):
            return frame.toArrow()

    def mapped(self, step: str, frame: DataFrame, order: Sequence[str] = ()) -> DataFrame:
        """The rows that a step makes of a frame, on the machines that hold it."""
        schema = from_arrow_schema(_steps.COLUMNS[step])
        return frame.mapInArrow(_steps.in_task(step, self.context, order), schema)

    def mapped_in_order(self, step: str, frame: DataFrame, partition: Sequence[str], key: str) -> DataFrame:
        """The rows that a step makes of partitions, which it gets in the order of their columns and a key."""
        order = [*partition, key]
        rows = frame.repartition(*partition).sortWithinPartitions(*order)
        return self.mapped(step, rows, () if self.engine_sorts else order)

    def kept(self, frame: DataFrame) -> DataFrame:
        """The frame, computed once for all that read it, until the stage ends."""
        frame = frame.persist(StorageLevel.DISK_ONLY)
        self.ending.callback(frame.unpersist)
        return frame

    @contextlib.contextmanager
    def described(self, step: str) -> Iterator[None]:
        """Names in Spark's pages what is computed within."""
        # Spark Connect has no such pages.
        context = getattr(self.spark, "sparkContext", None)
        if context is not None:
            context.setJobGroup(f"labelproof {self.stage}", f"labelproof {self.stage}: for {step}")
        try:
            yield
        finally:
            if context is not None:
                for name in ("spark.jobGroup.id", "spark.job.description"):
                    context.setLocalProperty(name, None)


def _keeps_order(spark: SparkSession) -> bool:
    """Whether a function gets sorted rows in their order.

    Spark sees to that. Sail, which speaks Spark Connect as well, drops a sort that its plan does not ask for.
    """
    if getattr(spark, "sparkContext", None) is not None:
        return True

    def same(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        yield from batches

    shuffled = spark.range(0, 100, 1, 1).select((F.col("id") * 37 % 100).alias("id"))
    seen = shuffled.sortWithinPartitions("id").mapInArrow(same, "id bigint").toArrow()
    return bool(seen.column("id").to_pylist() == list(range(100)))


@contextlib.contextmanager
def _own_errors() -> Iterator[None]:
    """Raises what a step says in place of the engine's account of it."""
    try:
        yield
    except PySparkException as error:
        own = _steps.unmarked(error)
        if own is None:
            raise
        raise own from None


def _shortened(reasons: list[str]) -> str:
    """The first reasons, and the number of the others, as the command prints them."""
    more = f", and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return ", ".join(reasons[:3]) + more


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes else f"{seconds:.1f}s"


def _ingest(stage: _Stage) -> str:
    """Sources to documents; returns the folder."""
    plan = stage.decide("ingest-plan")
    stage.context["sources"] = plan["sources"]
    read = stage.kept(stage.mapped("ingest-read", _one_a_task(stage.spark, plan["shares"])))
    stage.context["decided"] = stage.decide("ingest-decide", read.where("kind = 'tally'").select("json"))
    candidates = read.where("kind = 'candidate'").repartition("id")
    merged = stage.kept(stage.mapped("ingest-merge", candidates))
    told = merged.where("kind <> 'document'").union(read.where("kind = 'reject'"))
    settled = stage.decide("ingest-settle", told)
    stage.explain(settled["message"])
    return _written(stage, merged.where("kind = 'document'"), settled)


def _one_a_task(spark: SparkSession, shares: list[str]) -> DataFrame:
    """A frame of the shares, each in a partition of its own."""

    def share(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        for batch in batches:
            numbers = batch.column(0).to_pylist()
            yield pyarrow.record_batch({"share": [shares[number] for number in numbers]})

    return spark.range(0, len(shares), 1, len(shares)).mapInArrow(share, "share string")


def _written(stage: _Stage, rows: DataFrame, settled: Mapping[str, Any]) -> str:
    """Writes the parts of a table and commits the stage; returns its folder."""
    stage.context.update(parts=settled["parts"], rows=settled["rows"])
    rows = rows.withColumn("part", (F.col("hash") % settled["parts"]).cast("int"))
    parts = stage.mapped_in_order(f"{stage.stage}-write", rows, ["part"], "id")
    folder: str = stage.decide("commit", parts)["folder"]
    return folder


def _preprocess(stage: _Stage) -> str:
    """Documents to tokens; returns the folder."""
    plan = stage.decide("preprocess-plan")
    stage.context["encoder"] = plan["encoder"]
    documents = _documents(stage, plan)
    looks = stage.kept(stage.mapped("preprocess-look", documents.select("id", "text", "label")))
    stage.context["checked"] = stage.decide("preprocess-check", looks.where("kind <> 'look'"))
    rows = stage.kept(_grouped(stage, documents, looks.where("kind = 'look'")))
    stage.context["duplicates"] = _duplicates(stage, rows)
    tokenised = documents.join(rows.select("id", "duplicate_group"), "id")
    tokens = stage.kept(stage.mapped("preprocess-tokenise", tokenised))
    settled = stage.decide("preprocess-settle", tokens.where("kind = 'tally'").select("json"))
    stage.explain(settled["message"])
    return _written(stage, tokens.where("kind = 'token'"), settled)


def _documents(stage: _Stage, plan: Mapping[str, Any]) -> DataFrame:
    """The documents: files that all machines see, or parts in object storage that each fetches for itself."""
    if plan["shares"] is not None:
        return stage.kept(stage.mapped("preprocess-read", _one_a_task(stage.spark, plan["shares"])))
    path: str = plan["documents"]
    if any(character in path for character in "*?[]{}\\"):
        raise ConfigurationError(
            f"`{path}` has characters that Spark takes for a pattern\n\n"
            "hint: choose another folder with artifacts="
        )
    # With its scheme, because the cluster's own file system may be another.
    return stage.spark.read.parquet(f"file://{path}")


def _grouped(stage: _Stage, documents: DataFrame, looks: DataFrame) -> DataFrame:
    """The rows with the name of their group of duplicates, which is its smallest id."""
    names = stage.kept(looks.groupBy("exact").agg(F.min("id").alias("name"), F.first("bands").alias("bands")))
    edges = stage.brought("preprocess-compare", _edges(stage, documents, names))
    table = _steps.united("preprocess-unite", stage.context, edges)
    roots = stage.spark.createDataFrame(table, from_arrow_schema(table.schema))
    of_edges = names.join(roots, "exact").select("exact", "root", "name")
    united = of_edges.groupBy("root").agg(F.min("name").alias("united"))
    groups = names.join(of_edges.join(united, "root").select("exact", "united"), "exact", "left")
    group = F.coalesce("united", "name").alias("duplicate_group")
    return looks.join(groups.select("exact", group), "exact").select(
        "id", "label", "exact", "final", "duplicate_group"
    )


def _edges(stage: _Stage, documents: DataFrame, names: DataFrame) -> DataFrame:
    """The pairs of digests whose texts are near-duplicates."""
    bucket = ["band", "bucket"]
    members = names.select("exact", "name", F.posexplode("bands").alias(*bucket))
    crowded = members.groupBy(bucket).count().where("count > 1")
    members = members.join(crowded, bucket, "left_semi")
    wanted = members.select("exact", F.col("name").alias("id")).distinct()
    texts = stage.mapped("preprocess-comparable", documents.join(wanted, "id").select("exact", "text"))
    rows = members.join(texts, "exact").select(*bucket, "exact", "text")
    return stage.mapped_in_order("preprocess-compare", rows, bucket, "exact").distinct()


def _duplicates(stage: _Stage, rows: DataFrame) -> dict[str, Any]:
    """What is said of the groups of duplicates."""
    groups = rows.groupBy("duplicate_group").agg(
        F.count("*").alias("size"),
        F.min("id").alias("first"),
        F.min_by("label", "id").alias("first_label"),
    )
    groups = stage.kept(groups.where("size > 1"))
    contradicting = rows.join(groups, "duplicate_group").where("label <> first_label")
    conflicts = contradicting.groupBy("duplicate_group", "first").agg(F.min("id").alias("id"))
    first = F.min(F.struct("id", "first")).alias("first")
    counts = rows.agg(
        F.count("*").alias("rows"), F.countDistinct("exact").alias("texts"), F.count("final").alias("final")
    )
    [counted] = stage.brought("preprocess-settle", counts).to_pylist()
    sizes = stage.brought("preprocess-settle", groups.groupBy("size").count()).to_pylist()
    [conflict] = stage.brought(
        "preprocess-settle", conflicts.agg(F.count("*").alias("groups"), first)
    ).to_pylist()
    return {
        "rows": counted["rows"],
        "exact_copies": counted["rows"] - counted["texts"],
        "copies_without_stop_words": _copies_without_stop_words(stage, rows) if counted["final"] else None,
        "sizes": {str(row["size"]): row["count"] for row in sizes},
        "conflicts": conflict["groups"],
        "first_conflict": conflict["first"] and [conflict["first"]["first"], conflict["first"]["id"]],
    }


def _copies_without_stop_words(stage: _Stage, rows: DataFrame) -> int:
    """The number of rows that equal the first of their kind but for stop words, and are in another group."""
    firsts = rows.groupBy("final").agg(F.min(F.struct("id", "duplicate_group")).alias("first"))
    is_copy = "id <> first.id AND duplicate_group <> first.duplicate_group"
    copies = rows.join(firsts, "final").where(is_copy).agg(F.count("*").alias("copies"))
    count: int = stage.brought("preprocess-settle", copies).column("copies")[0].as_py()
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """The command ``python -m labelproof.spark``; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m labelproof.spark", description="The data stages on a cluster of Spark."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("run", help="run the data stages that are not up to date")
    command.add_argument("config", nargs="?", default="pipeline.yaml")
    command.add_argument(
        "--master", help="the cluster: local[2], spark://host:7077, sc://host:15002; none with spark-submit"
    )
    command.add_argument("--stage", action="append", choices=STAGES, help="only this stage; repeatable")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    command.add_argument("--artifacts", metavar="DIR")
    command.add_argument("--quiet", action="store_true")
    given = parser.parse_args(arguments)
    if wrong := [setting for setting in given.set if "=" not in setting]:
        parser.error(f"`--set {wrong[0]}`: write it as key=value, such as train.epochs=5")
    spark = _session(given.master)
    try:
        run(
            spark,
            given.config,
            given.stage or STAGES,
            set=dict(setting.partition("=")[::2] for setting in given.set),
            artifacts=given.artifacts,
            quiet=given.quiet,
        )
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    finally:
        spark.stop()
    return 0


def _session(master: str | None) -> SparkSession:
    builder = SparkSession.builder.appName("labelproof")
    if master is not None:
        builder = builder.remote(master) if master.startswith("sc://") else builder.master(master)
    return builder.getOrCreate()


if __name__ == "__main__":
    sys.exit(main())
