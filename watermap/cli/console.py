"""What commands show: results on standard output, progress and notes on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from watermap.progress import Progress

_PLAIN_INTERVAL_S = 10.0

_LOG_COLUMNS = 120

console = Console(highlight=False)
if not console.is_terminal:
    console = Console(highlight=False, width=_LOG_COLUMNS)
_error_console = Console(stderr=True, highlight=False)


def note(text: str) -> None:
    """One line for the user that is no result."""
    _error_console.print(f"note: {text}", style="yellow", markup=False, soft_wrap=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on a terminal, plain lines in a log."""
    if not _error_console.is_terminal:
        yield _plain_progress()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with RichProgress(*columns, TimeRemainingColumn(), console=_error_console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(message: str, done: int, total: int) -> None:
            bar.update(task, description=message, completed=done, total=total)

        yield show


def _plain_progress() -> Progress:
    last = 0.0

    def show(message: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done >= total or now - last >= _PLAIN_INTERVAL_S:
            last = now
            _error_console.print(f"{message} {done}/{total}", markup=False, soft_wrap=True)

    return show


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; the first column is left-aligned, the others right-aligned."""
    grid = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        grid.add_column(column, justify="left" if index == 0 else "right", overflow="fold")
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    console.print(grid)


def score(value: float | None) -> str:
    """A score to four digits, or a dash where there is none."""
    return "-" if value is None else f"{value:.4f}"


def files_to_open(paths: Sequence[Path]) -> None:
    """Tell the user which files to open."""
    console.print("Open:")
    for path in paths:
        console.print(f"  {path}", markup=False, soft_wrap=True)
