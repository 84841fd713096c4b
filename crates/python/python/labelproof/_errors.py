"""The exceptions of Labelproof. Each stands for an exit code of the command."""

from __future__ import annotations

import re


class Error(Exception):
    """What cannot be done, with what to do about it.

    Attributes
    ----------
    exit_code : int
        The exit code with which the command ends for the same reason.
    """

    exit_code: int = 1


class ConfigurationError(Error):
    """The arguments or ``pipeline.yaml`` are invalid (exit code 2)."""

    exit_code = 2


class InputError(Error):
    """The data cannot be used (exit code 3)."""

    exit_code = 3


class ArtifactError(Error):
    """A file that a stage wrote is missing, damaged or of another format (exit code 4)."""

    exit_code = 4


class ModelError(Error):
    """The encoder, the bundle or the device cannot be used (exit code 6)."""

    exit_code = 6


class UnavailableError(Error):
    """The file system failed, or a part of Labelproof is not installed (exit code 7)."""

    exit_code = 7


_CLASSES: dict[int, type[Error]] = {
    kind.exit_code: kind
    for kind in (ConfigurationError, InputError, ArtifactError, ModelError, UnavailableError)
}


def of_exit_code(code: int, message: str) -> Error:
    """The exception of an exit code, with a message in which options are arguments of Python."""
    error = _CLASSES.get(code, Error)(in_python(message))
    error.exit_code = code
    return error


#: The options of the command that are arguments here.
_OPTIONS = (
    "test|validation|train|predictions|validation-predictions|log|confusion|tokenizer|id|text|label|predicted|group|"
    "no-header|classes|validation-rows|test-rows|train-rows|batch-size|config|artifacts|device|force"
)
_OPTION = re.compile(rf"(?<![\w-])--({_OPTIONS})(?![\w-])(?: (?:FILE|N|COLUMN|DIR)\b)?")


def in_python(message: str) -> str:
    """A message of the command in the words of Python: ``--validation-rows N`` as ``validation_rows=``."""
    message = message.replace("--json lists them", "to_dict() lists them")
    message = re.sub(r"(?<![\w-])--bundle DIR", "the command labelproof audit --bundle DIR", message)
    return _OPTION.sub(lambda found: found[1].replace("-", "_") + "=", message)
