"""Runs every mistake, broken and repaired, and keeps what it printed.

    BBC=../../../external/data/bbc-news python make.py ../../../tests/fixtures/console
    python make.py FOLDER keras-dying-relu

What moves on a terminal is kept as it stands on the screen afterwards, which is what one copies from it.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import torch
import transformers

import keras_mistakes
import torch_mistakes  # noqa: F401
import trainer_mistakes  # noqa: F401
from mistakes import MISTAKES, SEED, Mistake

HEAD = f"""# Console logs of broken and repaired trainings

Real trainings, run twice: `NAME-broken.log` with one classic mistake, `NAME-repaired.log` without it. Nothing in the
logs was written by hand: `benchmarks/audit/console/make.py` runs the trainings and keeps what they print. What moves
on a terminal is kept as it stands on the screen afterwards. The data are sets that scikit-learn ships, and BBC News;
one thread, seed {SEED}.

- Keras {keras_mistakes.keras.__version__} on PyTorch {torch.__version__.partition("+")[0]}
- transformers {transformers.__version__}
"""

STATES = {"broken": True, "repaired": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to write NAME-broken.log and NAME-repaired.log")
    parser.add_argument("names", nargs="*", help="mistakes to run; all of them without a name")
    parser.add_argument("--run", choices=STATES, help="run one mistake here, and print")
    options = parser.parse_args()
    if options.run:
        torch.set_num_threads(1)
        MISTAKES[options.names[0]].run(STATES[options.run])
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or MISTAKES:
        for state in STATES:
            (options.folder / f"{name}-{state}.log").write_text(printed(MISTAKES[name], state))
            print(name, state, flush=True)
    (options.folder / "README.md").write_text(readme())


def readme() -> str:
    """What every log is of, from the descriptions of the mistakes."""
    rows = [f"| `{mistake.name}` | {' '.join(mistake.says.split())} |" for mistake in MISTAKES.values()]
    return "\n".join([HEAD, "| training | what is wrong, and how it is repaired |", "|---|---|", *rows, ""])


def printed(mistake: Mistake, state: str) -> str:
    command = [sys.executable, __file__, ".", mistake.name, "--run", state]
    environment = os.environ | {"COLUMNS": "120", "TRANSFORMERS_VERBOSITY": "error"}
    if not mistake.terminal:
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env=environment, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so when the last writer has gone.
            break
        if not part:
            break
        written += part
    if process.wait() != 0:
        raise SystemExit(f"{mistake.name} ({state}) failed")
    return on_screen(written.decode())


def on_screen(written: str) -> str:
    """The lines as they stand after every return and backspace, without colours."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    return "".join(f"{_line(line)}\n" for line in plain.replace("\r\n", "\n").rstrip("\n").split("\n"))


def _line(line: str) -> str:
    shown: list[str] = []
    place = 0
    for character in line:
        if character == "\r":
            place = 0
        elif character == "\b":
            place = max(0, place - 1)
        else:
            shown[place : place + 1] = [character]
            place += 1
    return "".join(shown).rstrip()


if __name__ == "__main__":
    main()
