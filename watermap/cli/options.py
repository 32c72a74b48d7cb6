"""Options of a command made from the settings they set, so that help, bounds and defaults are written once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args, get_origin

import click

from watermap.cli.suggestions import bands as band_names
from watermap.cli.suggestions import files
from watermap.config import Config
from watermap.io.paths import local, location

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Anywhere(click.ParamType):  # type: ignore[type-arg]  # no generic before click 8.2
    """A local path, or a URL of a store or a web server."""

    name = "path or url"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:  # noqa: ARG002 (click)
        return "PATH|URL" if isinstance(param, click.Option) else None

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002 (click)
        return location(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        return files(ctx, param, incomplete)


class _Here(click.Path):
    """A path on this machine; a URL is told so."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(path_type=Path)
        self._said = {"what": what, "hint": hint}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(local(value, **self._said), param, ctx)


READ: Final = _Anywhere()
"""For what is read: scenes, patches, bundles."""
WRITTEN: Final = _Here("outputs go to local folders")
"""For what is written."""
_FILE: Final = _Here("settings and keys are read from local files", "copy it to this machine")

_BOUNDED: Final = (click.IntRange, click.FloatRange)
_TYPES: Final = {bool: click.BOOL, int: click.INT, float: click.FLOAT, str: click.STRING, Path: _FILE}
_METAVARS: Final = {int: "N", float: "X"}


class Option(click.Option):
    """An option that stands in a section of its command's help.

    Attributes:
        section: its title; None: among the other options.
        former: what it was called in earlier releases, which still works and is not shown.
    """

    section: str | None = None

    def __init__(self, *args: Any, former: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.former = former

    @property
    def former_flags(self) -> list[str]:
        """Its spellings that neither help nor a shell shows."""
        return [flag for flag in (*self.opts, *self.secondary_opts) if self.former is not None and self.former in flag]

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The line of the help, without the former name."""
        if self.former is None:
            return super().get_help_record(ctx)
        shown = copy.copy(self)
        shown.former = None
        for name in ("opts", "secondary_opts"):
            setattr(shown, name, [flag for flag in getattr(self, name) if self.former not in flag])
        return shown.get_help_record(ctx)


def option(*flags: str, **extra: Any) -> Callable[[_Command], _Command]:
    """A click option that may stand in a section.

    Args:
        flags: its spellings.
        extra: passed on to click.
    """
    if isinstance(extra.get("type"), _BOUNDED):
        extra.setdefault("metavar", "X")  # as its bounds call it
    return click.option(*flags, cls=Option, **extra)


def section(title: str, *options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Options that stand together in the help, in the order given.

    Args:
        title: what the help calls them.
        options: decorators, each of one option or of several.
    """

    def add(command: _Command) -> _Command:
        there: list[click.Parameter] = getattr(command, "__click_params__", [])
        before = len(there)
        for each in reversed(options):
            command = each(command)
        for parameter in getattr(command, "__click_params__", [])[before:]:
            if isinstance(parameter, Option):
                parameter.section = title
        return command

    return add


def setting(
    config: type[Config], name: str, *flags: str, former: str | None = None, **extra: Any
) -> Callable[[_Command], _Command]:
    """A click option for one field of a config: not given means None, so that a file's value stands.

    Args:
        config: the stage's settings.
        name: the field, e.g. `patch_size` for `--patch-size`.
        flags: other spellings of the flag.
        former: what it was called in earlier releases, which still works and is not shown.
        extra: passed on to click.
    """
    field = config.model_fields[name]
    annotation = _without_none(field.annotation)
    if get_origin(annotation) is Literal:
        extra.setdefault("type", click.Choice([str(choice) for choice in get_args(annotation)]))
    else:
        extra.setdefault("type", _TYPES.get(annotation, click.STRING))
        extra.setdefault("metavar", _METAVARS.get(annotation))
    if name == "sensor":  # whose choices are longer than a line
        extra["metavar"] = "SENSOR"
    if name == "bands":
        extra |= {"metavar": "BAND,...", "shell_complete": band_names}
    default = None if field.is_required() or field.default_factory else field.default
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    flag = f"--{name.replace('_', '-')}"
    names = flags or (f"{flag}/--no-{name.replace('_', '-')}" if annotation is bool else flag,)
    if former is not None:
        former = former.replace("_", "-")
        extra["former"] = former
        names += (f"--{former}/--no-{former}" if annotation is bool else f"--{former}",)
    if annotation is bool:
        default = "on" if default else "off"
    shown = f" [default: {default}]" if default is not None else ""
    return option(*names, name, default=None, help=f"{field.description}{shown}", **extra)


def settings(config: type[Config], names: dict[str, str | None]) -> Callable[[_Command], _Command]:
    """Options for several fields of a config, in the order given.

    Args:
        config: the stage's settings.
        names: fields, each with what stands for its value in the help, None for what its type gives.
    """

    def add(command: _Command) -> _Command:
        for name, metavar in reversed(names.items()):
            command = setting(config, name, **({} if metavar is None else {"metavar": metavar}))(command)
        return command

    return add


def switch(config: type[Config], name: str) -> Callable[[_Command], _Command]:
    """A click option that turns one field of a config on or off.

    Args:
        config: the settings.
        name: the field, e.g. `style` for `--style / --no-style`.
    """
    field = config.model_fields[name]
    shown = f"{field.description} [default: {'on' if field.default else 'off'}]"
    return option(f"--{name}/--no-{name}", default=field.default, help=shown)


def _without_none(annotation: Any) -> Any:
    """The type of a setting that may also be None."""
    others = [kind for kind in get_args(annotation) if kind is not type(None)]
    return others[0] if type(None) in get_args(annotation) and len(others) == 1 else annotation


def config_file() -> Callable[[_Command], _Command]:
    """The `--config FILE` option."""
    return option("--config", "config_path", type=_FILE, help="TOML file with settings; flags win.")


def bands_option(text: str, *flags: str) -> Callable[[_Command], _Command]:
    """The option that names all bands of a file.

    Args:
        text: its help.
        flags: its spellings; `--bands` if none is given.
    """
    return option(*(flags or ("--bands",)), metavar="BAND,...", shell_complete=band_names, help=text)
