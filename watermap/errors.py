"""What can go wrong, told in one line: what, where and what to do about it.

Every error that a user can cause is a `WatermapError`; the command line prints it as one line and ends with
its exit code. Anything else that escapes is a defect of watermap and ends with exit code 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

EXIT_INTERRUPTED = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean NAME?` for the known name that is nearest to a misspelt one; empty if none is near."""
    from difflib import get_close_matches  # only once something is wrong

    names = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), names, n=1)
    return f"did you mean {names[near[0]]}?" if near else ""


class WatermapError(Exception):
    """An error with a remedy.

    Args:
        message: what is wrong, and where (a path, a band, a value).
        hint: what the user can do about it.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message and its hint, on one line."""
        line = f"{self.message.rstrip('.')}: {self.hint}" if self.hint else self.message
        return " ".join(line.split())

    def __reduce__(self) -> tuple[type[WatermapError], tuple[str], dict[str, object]]:
        """Keep the hint, and what children add, when the error crosses a process boundary."""
        return type(self), (self.message,), dict(self.__dict__)


class DefectError(WatermapError):
    """An error that nobody foresaw, in one of many inputs; the others go on. Its cause is that error."""

    @classmethod
    def of(cls, scene: object, cause: Exception) -> Self:
        """The error that one met with a scene."""
        reason = f": {cause}" if str(cause) else ""
        hint = "a defect of watermap; please report it with the lines that mapping this scene alone shows"
        defect = cls(f"{scene}: unexpected {type(cause).__name__}{reason}", hint=hint)
        defect.__cause__ = cause
        return defect


class UsageError(WatermapError):
    """A flag, a configuration or a request that makes no sense."""

    exit_code = 2


class DataError(WatermapError):
    """A raster, label, scene or patch that cannot be used, or an output that cannot be written."""

    exit_code = 3


class StorageError(DataError):
    """A store or a web server that cannot be reached, or does not let one in.

    Args:
        message: what is wrong, and where.
        hint: what the user can do about it.
        transient: whether the same request may succeed later.
    """

    def __init__(self, message: str, *, hint: str = "", transient: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient


class EarthEngineError(WatermapError):
    """Something that Earth Engine, its login or its storage did not do."""

    exit_code = 4


class NothingNewError(EarthEngineError):
    """The area has scenes, but none of the period, or none that is clear enough."""


class ModelError(WatermapError):
    """A model, its weights or its bundle that cannot be used."""

    exit_code = 5


class PartialFailureError(WatermapError):
    """Some of many inputs failed; the others are done."""

    exit_code = 6


class WatermapWarning(UserWarning):
    """What the user of a Python function should know of a result that was made all the same."""
