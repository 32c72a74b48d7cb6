"""What commands show: results on standard output, progress and notes on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from watermap.progress import Progress

_PLAIN_INTERVAL_S = 10.0

_LOG_WIDTH: Final = 80
_NAME_WIDTH: Final = 24
"""Of names in a table that is too wide: longer ones go on in the next line."""
_CELL_WIDTH: Final = 24
"""Of other cells: longer ones are sentences, which may go on too."""

console = Console(highlight=False)
if not console.is_terminal:  # in a log a line is a line; only tables have a width
    console = Console(highlight=False, width=_LOG_WIDTH, soft_wrap=True)
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
    """Print a table; the first column is left-aligned, the others right-aligned.

    One that is wider than the terminal, or than 80 columns in a log, is continued below with the same first column:
    no number is ever cut or broken.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    wanted = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    if _printed_width(wanted) <= console.width:
        _print_table(title, columns, cells, [None] * len(columns))
        return
    needed = [_least_width(column) for column in zip(columns, *cells, strict=True)]
    needed[0] = min(wanted[0], _NAME_WIDTH)
    for part in _parts(needed, console.width):
        widths = [needed[index] for index in part]
        widths[0] = min(wanted[0], max(needed[0], console.width - _printed_width([0, *widths[1:]])))
        _print_table(title, [columns[i] for i in part], [[row[i] for i in part] for row in cells], widths)
        title = ""


def _print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int | None]
) -> None:
    grid = Table(title=Text(title) if title else None, title_justify="left", title_style="bold")
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        grid.add_column(Text(column), justify="left" if index == 0 else "right", overflow="fold", width=width)
    for row in rows:
        grid.add_row(*map(Text, row))
    console.print(grid, soft_wrap=False)


def _printed_width(widths: Sequence[int]) -> int:
    """Of a table, with a line and two spaces a column."""
    return sum(widths) + 3 * len(widths) + 1


def _least_width(column: Sequence[str]) -> int:
    """Of a column whose heading may go on at every word, and whose cells only if they are sentences."""
    heading, *cells = column
    words = [*heading.split(), *(word for cell in cells if len(cell) > _CELL_WIDTH for word in cell.split())]
    return max(map(len, [*words, *(cell for cell in cells if len(cell) <= _CELL_WIDTH), ""]))


def _parts(widths: Sequence[int], width: int) -> list[list[int]]:
    """The columns of each table that fits, the first column in all of them."""
    parts = [[0]]
    for index in range(1, len(widths)):
        if len(parts[-1]) > 1 and _printed_width([widths[each] for each in [*parts[-1], index]]) > width:
            parts.append([0])
        parts[-1].append(index)
    return parts


_SCORE_NAMES: Final = {
    "water_iou": "water IoU",
    "mean_iou": "mean IoU",
    "dice": "Dice",
    "cross_entropy": "cross entropy",
    "calibration_error": "calibration error",
}


def score_names(scores: Sequence[str]) -> list[str]:
    """What people call scores."""
    return [_SCORE_NAMES.get(each, each) for each in scores]


def index_name(name: str) -> str:
    """What people call an index and the rule that chose its threshold, e.g. mndwi_otsu."""
    index, _, rule = name.partition("_")
    return ", ".join([index.upper(), *filter(None, [rule.capitalize()])])


def score(value: float | None) -> str:
    """A score to four digits, or a dash where there is none."""
    return "-" if value is None else f"{value:.4f}"


def files_to_open(paths: Sequence[Path]) -> None:
    """Tell the user which files to open."""
    console.print("Open:")
    for path in paths:
        console.print(f"  {path}", markup=False, soft_wrap=True)
