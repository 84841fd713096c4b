"""The command ``labelproof`` and its processes.

What runs a network is the program of the package ``labelproof-torch``, which finds LibTorch in the ``torch`` beside
it. It is a process of its own: two LibTorches do not fit into one.
"""

from __future__ import annotations

import importlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import _native
from ._errors import Error, InputError, of_exit_code

#: The exit codes with which a command has done what it was asked for, and says something by them.
ANSWERS = (0, 5, 8, 9, 10)


def sibling() -> tuple[str | None, str]:
    """The program that runs networks, or else how to get it."""
    try:
        package = importlib.import_module("labelproof_torch")
    except ImportError:
        return None, "install it: pip install 'labelproof[train]'"
    try:
        program: str = package.program()
    except RuntimeError as error:
        return None, str(error)
    os.environ.update(package.environment())
    return program, ""


def main() -> None:
    """The command: ``labelproof``, or ``python -m labelproof``."""
    # Python's own handler would wait for the end of what Rust computes.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_native.main(["labelproof", *sys.argv[1:]], *sibling()))


def command(*arguments: str) -> list[str]:
    """The command line of the command ``labelproof`` as a process of its own."""
    # Without the working directory, in which a module may lie that is called like one of Python's.
    isolated = ["-P"] if sys.version_info >= (3, 11) else []
    return [sys.executable, *isolated, "-m", "labelproof", *arguments]


def failure(code: int, said: str) -> Error:
    """The exception of a process that has ended, by its exit code and what it said."""
    starts = [found.end() for found in re.finditer("^error: ", said, re.MULTILINE)]
    return of_exit_code(code, said[starts[-1] if starts else 0 :].strip() or f"exit code {code}")


def execute(arguments: Sequence[str], *, shows: bool, made: Path | None = None) -> str:
    """Runs the command in a process of its own, and returns what it printed.

    What it says on the way is printed where `shows` is true. An exit code that is a failure raises its exception,
    unless it only says that rows were left out of what was `made`.
    """
    said: list[str] = []
    # A file takes any number of lines; a pipe would be full while the other one is read.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        # In a session of its own it hears of Ctrl-C from here alone, and once: the second time it would end at once.
        with subprocess.Popen(
            command(*arguments),
            stdout=answer,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            try:
                for line in process.stderr or ():
                    said.append(line)
                    if shows:
                        print(line, end="", file=sys.stderr)
                code = process.wait()
            except KeyboardInterrupt:
                # A training stops where it can go on later.
                process.send_signal(signal.SIGINT)
                process.wait()
                raise
        answer.seek(0)
        printed = answer.read()
    is_partial = made is not None and made.exists() and code == InputError.exit_code
    if code not in ANSWERS and not is_partial:
        raise failure(code, "".join(said))
    return printed
