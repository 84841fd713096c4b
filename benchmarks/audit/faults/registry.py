"""The list of faults, filled by the modules beside this one."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from runs import Results, Run


@dataclass(frozen=True)
class Fault:
    """`effect` is how much test accuracy the injection has to cost before it counts as one; None: it need not."""

    name: str
    causes: tuple[str, ...]
    follows: tuple[str, ...]
    effect: float | None
    inject: Callable[[Run, np.random.Generator], Results | None]

    def apply(self, run: Run) -> Results | None:
        return self.inject(run, np.random.default_rng([run.seed, zlib.crc32(self.name.encode())]))


FAULTS: dict[str, Fault] = {}


def fault(*causes: str, follows: tuple[str, ...] = (), effect: float | None = None):
    def register(function):
        name = function.__name__
        FAULTS[name] = Fault(name, causes, follows, effect, function)
        return function

    return register
