"""The `watermap` command: finds the subcommand, and turns every ending into one line and an exit code."""

from __future__ import annotations

import errno
import importlib
import io
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

import click

from watermap import __version__
from watermap.cli.command import Group
from watermap.cli.completion import VARIABLE, answer
from watermap.errors import EXIT_INTERRUPTED, DataError, DefectError, WatermapError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS: Final = {
    "demo": "Sample scenes to water maps in one go.",
    "sample": "Write synthetic Sentinel-2 scenes with labels.",
    "export": "Bring Sentinel-2 scenes with water labels from Earth Engine.",
    "scenes": "Bring your own images and labels into a scenes folder.",
    "labels": "Compare labels, make one of several, refine a coarse one.",
    "tile": "Cut scenes into training patches, split by ground.",
    "models": "List what can be trained, and what each model costs.",
    "train": "Train a model on patches into a bundle.",
    "compare": "Train several models alike and show them side by side.",
    "cross-validate": "Score the default model's recipe on places left out of it.",
    "evaluate": "Score a bundle beside the NDWI and MNDWI baselines.",
    "bundles": "List bundles, show one, put one to use, calibrate, convert.",
    "predict": "Map the water of scenes.",
    "index": "Map a water index of scenes, and water by a threshold of it.",
    "vectorize": "Make polygons of a water raster's bodies.",
    "sample-design": "Draw the pixels of a map that somebody should look at.",
    "area": "Water area with its standard error, from those pixels.",
    "change": "Show where water came and went between two maps.",
    "mosaic": "Put water maps together into one.",
    "timeline": "Water area by date, for a folder of maps.",
    "report": "One page of HTML on a folder of maps.",
    "doctor": "Say what this machine can do, and what to do about the rest.",
    "help": "Show a topic of the documentation, or list the topics.",
    "completion": "Complete commands, options and files with the Tab key.",
}
"""Subcommands and their one-line help: known without importing what they need."""

_SECTIONS: Final = {
    "Maps": ("predict", "index", "vectorize", "change", "mosaic", "timeline", "report"),
    "How good maps are": ("evaluate", "cross-validate", "sample-design", "area"),
    "Models": ("tile", "train", "compare", "models", "bundles"),
    "Scenes and labels": ("export", "scenes", "labels", "sample"),
}
"""Subcommands by what they are for; the others come last."""


_INTERRUPTED: Final = "interrupted; run the same command again to go on"
_HANGUP: Final = getattr(signal, "SIGHUP", None)
_STOPS: Final = tuple(each for each in (signal.SIGINT, signal.SIGTERM, _HANGUP) if each is not None)
_CLEANED_UP_S: Final = 300.0
"""How long a thread may take for it: it ends what it computes first."""
_interrupted: list[bool] = []
"""Filled when a signal asks this process to end."""


class _LazyGroup(Group):
    """Imports a subcommand's module only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"watermap.cli.{name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        listed = {name for names in _SECTIONS.values() for name in names}
        sections = _SECTIONS | {"More": tuple(name for name in _COMMANDS if name not in listed)}
        width = max(map(len, _COMMANDS))
        for title, names in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), _COMMANDS[name]) for name in names])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Subcommands and options, without importing what they need."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, text in _COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=[
        ("All of it, on sample scenes", "watermap demo"),
        ("Map the water of a scene, and open the files that it names in QGIS", "watermap predict scene.tif"),
        ("What a command takes, with examples", "watermap train --help"),
    ],
)
@click.version_option(__version__, prog_name="watermap")
def cli() -> None:
    """Surface-water maps from Sentinel-2: export, tile, train, evaluate, predict."""


def _interrupt(*_: object) -> None:
    if not _interrupted:  # one is enough: another would break into what the first has cleaned up
        _interrupted.append(True)
        raise KeyboardInterrupt


def _fail(line: str) -> None:
    click.echo(f"watermap: {line}", err=True)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: the words after `watermap`; None for those of the process.

    Returns:
        The exit code: 0 done, 1 unexpected, 2 usage or settings, 3 bad data, 4 Earth Engine, 5 model,
        6 some of many inputs failed, 130 interrupted.
    """
    _interrupted.clear()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with cli.make_context("watermap", words) as context:
            cli.invoke(context)
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except DefectError as error:
        if _interrupted:  # as below
            _fail(_INTERRUPTED)
            return EXIT_INTERRUPTED
        traceback.print_exception(error.__cause__)
        _fail(str(error))
        return error.exit_code
    except WatermapError as error:
        _fail(str(error))
        return error.exit_code
    except click.ClickException as error:
        where = getattr(error, "ctx", None)
        path = where.command_path if where else "watermap"
        _fail(f"{' '.join(error.format_message().split())} (see {path} --help)")
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _fail(_INTERRUPTED)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EIO) and error.filename is None:
            _fail("the output cannot be written: free some space where it goes")
            return DataError.exit_code
        if error.filename is None:
            return _report_defect(error)
        _fail(f"{error.filename}: {error.strerror}: check the path and its permissions")
        return DataError.exit_code
    except ModuleNotFoundError as error:
        from watermap.config.extras import missing

        message = missing(error, needed_by=next((word for word in words if word in _COMMANDS), "watermap"))
        if message is None:
            return _report_defect(error)
        _fail(str(message))
        return message.exit_code
    except MemoryError:
        _fail("out of memory: close other programs, or make windows and batches smaller")
        return 1
    except Exception as error:
        if _interrupted:  # native code turned the interruption into something else
            _fail(_INTERRUPTED)
            return EXIT_INTERRUPTED
        return _report_defect(error)
    return 0


def _report_defect(error: Exception) -> int:
    traceback.print_exception(error)
    _fail(f"unexpected {type(error).__name__}, a defect of watermap: please report it with the lines above")
    return 1


def main() -> None:
    """Entry point of the `watermap` script."""
    if instruction := os.environ.get(VARIABLE):
        sys.exit(answer(instruction))
    for signal_number in _STOPS:  # a scheduler's stop, or a closed terminal, cleans up like Ctrl-C
        if signal_number == _HANGUP and signal.getsignal(signal_number) == signal.SIG_IGN:
            continue  # nohup stays nohup
        signal.signal(signal_number, _interrupt)
    logging.getLogger("rasterio").addHandler(logging.NullHandler())  # its errors reach the user as ours
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its advice on tracing is for developers
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows only ASCII gets a question mark, not an error
            stream.reconfigure(errors="replace")
    code = run()
    for signal_number in _STOPS:  # what is left is quick, and a second Ctrl-C only makes noise
        signal.signal(signal_number, signal.SIG_IGN)
    if code == EXIT_INTERRUPTED:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """End once every thread has cleaned up, without tearing down frameworks that were stopped midway: they crash."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(_CLEANED_UP_S)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
