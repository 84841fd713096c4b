"""Loads `labelproof serve` and a server of FastAPI and transformers with the same bundle, in the same run.

    python benchmark.py --labelproof target/debug/labelproof --bundle artifacts/train/model --texts trec6.csv \\
        --output docs/serving.md

Each server is started alone, warmed up, and asked by 64 clients, each with a connection of its own, which ask again as
soon as they are answered; clients and server share the machine. In rounds, in turn; of the rounds the median counts. A
request is lost if it has another status than 200 or no answer. Then connections that send nothing are opened, up to
10,000 of them, while one client asks on. Nothing but the standard library is needed here, `peer.py` needs more. Writes
the table between the marks of the document.
"""

import argparse
import asyncio
import csv
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

MARK = ("<!-- measured -->", "<!-- end of measured -->")
WARM_UP = 200
HERE = pathlib.Path(__file__).parent


def request(text):
    body = json.dumps({"inputs": text}).encode()
    head = f"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def ask(reader, writer, message):
    """The status and the body of an answer on a connection that is kept."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    body = await reader.readexactly(int(headers["content-length"]))
    return int(lines[0].split()[1]), body


async def load(port, messages, clients):
    """The seconds of each request, the number of lost ones, and the seconds of everything."""
    waiting = iter(messages)
    seconds, lost = [], 0

    async def client():
        nonlocal lost
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for message in waiting:
            started = time.perf_counter()
            try:
                status, _ = await ask(reader, writer, message)
                lost += status != 200
            except (OSError, asyncio.IncompleteReadError):
                lost += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            seconds.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return seconds, lost, time.perf_counter() - started


async def crowd(port, messages, connections):
    """How many of the messages are answered while that many connections send nothing."""
    idle, answered = [], 0
    for number in range(connections):
        try:
            idle.append(await asyncio.open_connection("127.0.0.1", port))
        except OSError:
            break
        if number % (connections // len(messages)) == 0:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            status, _ = await ask(reader, writer, messages[answered % len(messages)])
            answered += status == 200
            writer.close()
    for _, writer in idle:
        writer.close()
    return len(idle), answered


async def is_there(port):
    for _ in range(600):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await ask(reader, writer, b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            writer.close()
            return
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
    sys.exit("the server does not answer")


def percentile(seconds, share):
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def measure(command, port, messages, clients, threads, log):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    with open(log, "wb") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        asyncio.run(is_there(port))
        asyncio.run(load(port, messages[:WARM_UP], clients))
        return asyncio.run(load(port, messages, clients))
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labelproof", required=True)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--texts", required=True, help="CSV with a column `text`")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--output", type=pathlib.Path)
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with open(arguments.texts, newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    messages = [request(texts[number % len(texts)]) for number in range(arguments.requests)]
    threads = str(arguments.threads)
    labelproof = [
        arguments.labelproof,
        "serve",
        "--device",
        "cpu",
        "--bundle",
        arguments.bundle,
        "--port",
        "18000",
    ]
    peer = [sys.executable, str(HERE / "peer.py"), arguments.bundle, "--threads", threads, "--port"]
    servers = {
        "labelproof serve": (labelproof, 18000),
        "FastAPI and transformers, one at a time": ([*peer, "18001"], 18001),
        "the same, in a pool of threads": ([*peer, "18002", "--pool"], 18002),
    }
    results = {name: [] for name in servers}
    for number in range(arguments.rounds):
        for name, (command, port) in servers.items():
            seconds, lost, total = measure(
                command,
                port,
                messages,
                arguments.clients,
                threads,
                os.path.join(tempfile.gettempdir(), f"serve-{port}-{os.getpid()}.log"),
            )
            result = (len(seconds) / total, percentile(seconds, 0.5), percentile(seconds, 0.99), lost)
            results[name].append(result)
            print(
                f"round {number + 1}, {name}: {result[0]:.0f} texts/s, p50 {result[1]:.4f} s, p99 {result[2]:.4f} s, "
                f"{lost} lost; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    lines = [
        f"{arguments.clients} clients, {arguments.requests} requests of one text, {threads} threads, "
        f"the median of {arguments.rounds} rounds:",
        "",
        "| server | texts per second | p50 | p99 | lost |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, rounds in results.items():
        rate, half, most = (statistics.median(column) for column in list(zip(*rounds))[:3])
        lost = sum(result[3] for result in rounds)
        lines.append(f"| {name} | {rate:.0f} | {1000 * half:.0f} ms | {1000 * most:.0f} ms | {lost} |")

    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(labelproof, stdout=output, stderr=output)
    try:
        asyncio.run(is_there(18000))
        opened, answered = asyncio.run(crowd(18000, messages[:100], arguments.connections))
        asyncio.run(is_there(18000))
    finally:
        server.terminate()
        server.wait()
    lines += [
        "",
        f"While {opened} connections were opened that sent nothing, {answered} of 100 requests were answered.",
    ]
    table = "\n".join(lines)
    print(table)
    if arguments.output:
        text = arguments.output.read_text()
        before, rest = text.split(MARK[0])
        after = rest.split(MARK[1])[1]
        arguments.output.write_text(f"{before}{MARK[0]}\n{table}\n{MARK[1]}{after}")


main()
