"""What the extras of this distribution need, by its own metadata, and the command that installs what is missing."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterator
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement

from watermap.errors import UsageError

DISTRIBUTION: Final = "watermap-eo"
"""Whose metadata are read; package and command are called `watermap`, which is somebody else's on the package index."""

_DISTRIBUTIONS: Final = {
    "distributed": "prefect-dask",
    "ee": "earthengine-api",
    "mlflow": "mlflow-skinny",
    "prefect_dask": "prefect-dask",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""What brings a module that bears another name."""

_OWN: Final = {"export": "earthengine", "sample": "train", "tile": "train"}
"""The extra of a command that needs all of it; of others the first is named that brings what is missing."""


def requirements(*extras: str) -> list[Requirement]:
    """What extras need beside the package itself, without markers; those of ours that they name are followed.

    Args:
        extras: their names; none for what the package itself needs.

    Raises:
        PackageNotFoundError: this is a source tree that was never installed.
    """
    found: dict[str, Requirement] = {}
    for requirement in _followed(extras):
        requirement.marker = None
        found.setdefault(str(requirement), requirement)
    return list(found.values())


def install_command(*extras: str, only: Collection[str] = ()) -> str:
    """The command that installs what of extras is missing or too old, library by library, each with its floor.

    It never names this distribution, so it does not matter where that came from.

    Args:
        extras: their names; none for what the package itself needs.
        only: libraries to which the command is confined.

    Returns:
        One line. Where all is there by its metadata and yet cannot be imported, it names everything.
    """
    try:
        wanted = [each for each in requirements(*extras) if not only or each.name in only]
    except metadata.PackageNotFoundError:
        return f"install {DISTRIBUTION} from this source tree" + (f" with the extra {extras[0]}" if extras else "")
    quote = '"' if platform.system() == "Windows" else "'"
    named = [each for each in wanted if not _is_satisfied(each)] or wanted
    return " ".join(["pip install", *(f"{quote}{each}{quote}" for each in named)])


def missing(error: ModuleNotFoundError, *, needed_by: str) -> UsageError | None:
    """What to tell of a module that is not there; None where no extra brings it, so that its absence is a defect.

    Args:
        error: of the import.
        needed_by: the command, for the message.
    """
    package = _DISTRIBUTIONS.get(error.name or "", error.name)
    own = _OWN.get(needed_by)
    for extra in (*([own] if own else []), *_extras()):
        if package in {each.name for each in _direct(extra)}:
            return UsageError(f"{needed_by} needs {package}, which is not installed", hint=install_command(extra))
    return None


def _extras() -> list[str]:
    """Those for users, in the order in which pyproject.toml states them."""
    try:
        stated = metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return []
    return [each for each in stated if each != "dev"]


def _direct(extra: str) -> list[Requirement]:
    """What an extra names itself, ours included; "" for what the package needs."""

    def belongs(requirement: Requirement, to: str) -> bool:
        return requirement.marker is None or requirement.marker.evaluate({"extra": to})

    stated = map(Requirement, metadata.requires(DISTRIBUTION) or ())
    return [each for each in stated if belongs(each, extra) and not (extra and belongs(each, ""))]


def _followed(extras: Collection[str]) -> Iterator[Requirement]:
    for extra in extras or [""]:
        for requirement in _direct(extra):
            if requirement.name == DISTRIBUTION:
                yield from _followed(sorted(requirement.extras))
            else:
                yield requirement


def _is_satisfied(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except (metadata.PackageNotFoundError, ValueError):
        return False
