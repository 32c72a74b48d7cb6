"""What a shell offers for a value that is being typed; nothing heavy is imported for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MODELS: Final = Path("data/models")
_CONTRACT: Final = "bundle.json"


def files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Files and folders, which the shell itself finds."""
    return _found_by_shell(incomplete, "file")


def bundles(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Bundles that lie where one is being typed, or in data/models where nothing is typed yet; else any folder."""
    typed = Path(incomplete)
    parent = typed if incomplete.endswith("/") else typed.parent
    parents = [parent] if incomplete else [_MODELS, parent]
    found = sorted(str(each.parent) for place in parents for each in _contracts(place))
    return _plain(found, incomplete) or _found_by_shell(incomplete, "dir")


def bands(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Bands that may be next in a list such as B4,B3."""
    from watermap.bands import SENTINEL2

    *named, _last = incomplete.split(",")
    head = "".join(f"{name}," for name in named)
    return _plain([f"{head}{name}" for name in SENTINEL2 if name not in named], incomplete)


def losses(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Losses that may be next in a sum such as focal+dice."""
    from watermap.config.loss import TERMS

    *named, _last = incomplete.split("+")
    head = "".join(f"{name}+" for name in named)
    return _plain([f"{head}{name}" for name in TERMS], incomplete)


class Words:
    """Some words, though others may be typed.

    Args:
        words: that are offered.
    """

    def __init__(self, *words: str) -> None:
        self._words = words

    def __call__(self, _: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """The words that begin so."""
        return _plain(self._words, incomplete)


class OrFiles:
    """Some words, or files.

    Args:
        words: that may stand where a file may.
    """

    def __init__(self, *words: str) -> None:
        self._words = words

    def __call__(self, _: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """The words that begin so; files if none does."""
        return _plain(self._words, incomplete) or _found_by_shell(incomplete, "file")


def _contracts(place: Path) -> list[Path]:
    try:
        return list(place.glob(f"*/{_CONTRACT}"))
    except OSError:
        return []


def _plain(words: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _found_by_shell(incomplete: str, kind: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type=kind)]
