"""Options of a command made from the settings they set, so that help, bounds and defaults are written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from watermap.config import Config

_Command = TypeVar("_Command", bound=Callable[..., Any])
_TYPES = {int: click.INT, float: click.FLOAT, str: click.STRING, Path: click.Path(path_type=Path)}


def setting(config: type[Config], name: str, *flags: str, **extra: Any) -> Callable[[_Command], _Command]:
    """A click option for one field of a config: not given means None, so that a file's value stands.

    Args:
        config: the stage's settings.
        name: the field, e.g. `patch_size` for `--patch-size`.
        flags: other spellings of the flag.
        extra: passed on to click.
    """
    field = config.model_fields[name]
    annotation = _without_none(field.annotation)
    if get_origin(annotation) is Literal:
        extra.setdefault("type", click.Choice([str(choice) for choice in get_args(annotation)]))
    else:
        extra.setdefault("type", _TYPES.get(annotation, click.STRING))
    default = None if field.is_required() else field.default
    if isinstance(default, tuple):
        default = ",".join(default)
    shown = f" [default: {default}]" if default is not None else ""
    names = flags or (f"--{name.replace('_', '-')}",)
    return click.option(*names, name, default=None, help=f"{field.description}{shown}", **extra)


def _without_none(annotation: Any) -> Any:
    """The type of a setting that may also be None."""
    others = [kind for kind in get_args(annotation) if kind is not type(None)]
    return others[0] if type(None) in get_args(annotation) and len(others) == 1 else annotation


def config_file() -> Callable[[_Command], _Command]:
    """The `--config FILE` option."""
    return click.option(
        "--config", "config_path", type=click.Path(path_type=Path), help="TOML file with settings; flags win."
    )
