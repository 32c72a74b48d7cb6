"""TOML files of settings: one table a stage."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from watermap.errors import UsageError

TABLES: Final = (
    "sample",
    "export",
    "earthengine",
    "labels",
    "tile",
    "train",
    "predict",
    "index",
    "vectorize",
    "import",
    "sample-design",
    "runner",
)
"""Tables of a TOML file, one a stage."""


def has_table(path: Path, section: str) -> bool:
    """Whether a TOML file has settings for a stage.

    Raises:
        UsageError: the file cannot be read.
    """
    return section in _read_toml(path)


_RECIPES: Final = "recipes"


def read_table(path: Path, section: str) -> dict[str, Any]:
    """The settings of one stage: its table, or the whole of a file that has no tables.

    Raises:
        UsageError: the file cannot be read, or holds a table that no stage has.
    """
    values = _read_toml(path)
    unknown = sorted(name for name, value in values.items() if isinstance(value, dict) and name not in TABLES)
    if unknown:
        raise UsageError(f"{path}: no such table as [{unknown[0]}]", hint=f"tables are {', '.join(TABLES)}")
    loose = sorted(name for name, value in values.items() if not isinstance(value, dict) and name not in TABLES)
    has_tables = any(isinstance(value, dict) for value in values.values())
    if loose and has_tables:
        raise UsageError(f"{path}: {loose[0]} belongs to no table", hint=f"tables are {', '.join(TABLES)}")
    table = values.get(section, {} if has_tables else values)
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {section} is no table", hint=f"write its settings below [{section}]")
    return dict(table)


def _read_toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="check the path of the configuration") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a TOML file ({error})") from error


@functools.cache
def packaged_table(name: str) -> Mapping[str, Any]:
    """A recipe of the package, as its file says it."""
    return tomllib.loads(files(__package__).joinpath(_RECIPES, f"{name}.toml").read_text(encoding="utf-8"))
