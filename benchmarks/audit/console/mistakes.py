"""The mistakes: each a training that is run twice, broken and repaired, and prints what a user would see."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

SEED = 20
MISTAKES: dict[str, "Mistake"] = {}


@dataclass(frozen=True)
class Mistake:
    """One mistake. `terminal` says whether the output is read from a terminal, where progress bars move."""

    name: str
    run: Callable[[bool], None]
    terminal: bool

    @property
    def says(self) -> str:
        """What is wrong, and what the repair is."""
        return inspect.cleandoc(self.run.__doc__ or "")


def mistake(terminal: bool = False) -> Callable:
    """Registers a training under its name. It is called with whether it is to be broken."""

    def register(run: Callable[[bool], None]) -> Callable[[bool], None]:
        name = run.__name__.replace("_", "-")
        MISTAKES[name] = Mistake(name, run, terminal)
        return run

    return register
