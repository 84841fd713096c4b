"""Rows with everything that the data stages decide about, and a cluster of three processes on this machine."""

from __future__ import annotations

import array
import hashlib
import json
import os
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import labelproof

ROOT = Path(__file__).parents[2]
WORDS = "road winter county council budget match goal season striker keeper chip server cloud code".split()
CONFIG = """
encoder: encoder
ingest:
  format: csv
  paths: ['*.csv']
  on_reject: continue
  columns: {id: id, text: text, label: label, group: group}
preprocess:
  on_reject: continue
  max_tokens: 32
  clean: [html, whitespace, {stop_words: {language: english}}]
"""


def texts(count: int) -> Iterator[tuple[str, str, str, str]]:
    """Ids, texts, labels and groups: exact and near copies, copies of other labels and of stop words alone, texts that
    are empty or become so, ids that are repeated."""
    draw = random.Random(7)
    templates = [" ".join(draw.choices(WORDS, k=24)) for _ in range(40)]
    for row in range(count):
        text = " ".join(draw.choices(WORDS, k=draw.randrange(3, 30)))
        kind = row % 16
        if kind == 0:
            text = "" if row % 32 == 0 else "<p> </p>"
        elif kind < 4:
            text = f"{draw.choice(templates)} {draw.choice(WORDS)}"
        elif kind == 4:
            text = draw.choice(templates).upper()
        elif kind == 5:
            text = f"the {templates[row % 40]} the"
        label = ["roads", "sport", "tech"][draw.randrange(3)]
        group = f"thread {row % 7}" if row % 50 == 0 else ""
        yield f"row-{row * 31 % (count - 20)}", text, label, group


def write_csv(folder: Path, count: int = 3000, files: int = 5) -> None:
    lines = ["id,text,label,group\n"] * files
    for place, row in enumerate(texts(count)):
        lines[place % files] += ",".join(f'"{cell}"' for cell in row) + "\n"
    for place, content in enumerate(lines):
        (folder / f"rows-{place}.csv").write_text(content)


def write_json_lines(folder: Path) -> str:
    names = ("id", "text", "label", "group")
    rows = [json.dumps(dict(zip(names, row, strict=True))) for row in texts(400)]
    for place in range(3):
        (folder / f"rows-{place}.jsonl").write_text("\n".join(rows[place::3]))
    return CONFIG.replace("format: csv", "format: json_lines").replace("csv", "jsonl")


def write_folder(folder: Path) -> str:
    for id, text, label, _ in texts(200):
        (folder / "texts" / label).mkdir(parents=True, exist_ok=True)
        (folder / "texts" / label / f"{id}.txt").write_text(text)
    start, end = CONFIG.index("  format"), CONFIG.index("preprocess:")
    return CONFIG[:start] + "  format: folder\n  paths: [texts]\n  on_reject: continue\n" + CONFIG[end:]


def write_encoder(folder: Path) -> None:
    """A BERT of two layers whose weights are noise, which only the tests of prediction read."""
    folder.mkdir()
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    template = (ROOT / "crates/testkit/src/tokenizer.template.json").read_text()
    vocabulary = ", ".join(f'"{token}": {number}' for number, token in enumerate(tokens))
    (folder / "tokenizer.json").write_text(template.replace("VOCABULARY", vocabulary))
    config = {"model_type": "bert", "vocab_size": len(tokens), "hidden_size": 16, "num_hidden_layers": 2}
    config |= {"num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 32}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(weights(len(tokens)))


def weights(vocabulary: int) -> bytes:
    dense = {"attention.self.query": (16, 16), "attention.self.key": (16, 16), "attention.self.value": (16, 16)}
    dense |= {"attention.output.dense": (16, 16), "intermediate.dense": (32, 16), "output.dense": (16, 32)}
    shapes = {f"embeddings.{name}_embeddings.weight": (rows, 16) for name, rows in
              {"word": vocabulary, "position": 32, "token_type": 2}.items()}  # fmt: skip
    shapes |= {f"embeddings.LayerNorm.{name}": (16,) for name in ("weight", "bias")}
    for layer in (f"encoder.layer.{number}" for number in range(2)):
        for name, shape in dense.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{layer}.{name}.weight": (16,), f"{layer}.{name}.bias": (16,)}
    draw, header, data = random.Random(3), {}, array.array("f")
    for name, shape in shapes.items():
        start = 4 * len(data)
        mean = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        data.extend(draw.uniform(mean - 0.3, mean + 0.3) for _ in range(shape[0] * (*shape, 1)[1]))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, 4 * len(data)]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data.tobytes()


def files(folder: Path) -> dict[str, str]:
    """The digests of what the data stages wrote."""
    stages = [folder / stage for stage in ("ingest", "preprocess", "split")]
    paths = [path for stage in stages for path in sorted(stage.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


#: What was run, and the digest of all that it wrote.
RUNS: list[tuple[str, ...]] = []


def same_as_alone(folder: Path, *run: str, beside: Path | None = None) -> None:
    """What was written is what one process wrote beside it, and nothing else is left."""
    alone, found = files((beside or folder.parent) / "alone"), files(folder)
    RUNS.append((*run, hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]))
    assert found == alone
    assert len(alone) >= 9
    assert leftovers(folder) == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the table of docs/cluster.md."""
    if RUNS:
        for row in [("engine", "partitions", "executors killed in", "sources", "digest"), ("---",) * 5, *RUNS]:
            terminalreporter.write_line(f"| {' | '.join(row)} |")


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.glob(".tmp-*")]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of CSV files, and in `alone` what one process makes of them."""
    # A space, because an engine takes paths for addresses.
    folder = tmp_path_factory.mktemp("a project")
    write_encoder(folder / "encoder")
    write_csv(folder)
    (folder / "pipeline.yaml").write_text(CONFIG)
    labelproof.run(folder / "pipeline.yaml", "split", artifacts=folder / "alone", quiet=True)
    same_as_alone(folder / "alone", "none: one process", "", "", "5 CSV files")
    return folder


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "quick: what runs with every change, in some minutes")


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The address of a server of S3, which every process of the session knows by its environment."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "an-id",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
    }
    yield os.environ["AWS_ENDPOINT_URL"]
    server.stop()


@pytest.fixture(scope="session")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which Spark writes what its pages show."""
    return tmp_path_factory.mktemp("events")


@pytest.fixture(scope="session")
def cache_of_executors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for caches of the executors, which the driver does not share."""
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(scope="session")
def spark(bucket: str, events: Path, cache_of_executors: Path):
    """Three executors, each a process of its own."""
    import pyspark
    from pyspark.sql import SparkSession

    os.environ |= {"SPARK_HOME": str(Path(pyspark.__file__).parent), "SPARK_LOCAL_IP": "127.0.0.1"}
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": events.as_uri(),
        "spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"],
        "spark.executorEnv.XDG_CACHE_HOME": str(cache_of_executors),
        # So that few rows are dealt to as many tasks as a test asks for.
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
    }
    builder = SparkSession.builder.master("local-cluster[3,1,1024]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
