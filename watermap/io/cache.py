"""Copies of what lies elsewhere, kept on this machine by content: complete or not at all, and safe to delete."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from watermap.errors import DataError, WatermapError
from watermap.io.files import file_digest, unwritable, writing, writing_folder

Damaged = Callable[[Path, str], WatermapError]
"""Makes the error for a file that is not as it was written, of the file and the reason."""

_lock: Final = threading.Lock()
"""One copy at a time in a process: whoever waits finds it there."""


def cache_folder() -> Path:
    """Where copies are kept: `$XDG_CACHE_HOME/watermap`, or `~/.cache/watermap`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "watermap"


def cached(path: Path, sha256: str, damaged: Damaged) -> Path:
    """A file's copy on this machine; one that is there and whole is used, a damaged one is fetched again.

    Args:
        path: a file elsewhere.
        sha256: what it must hold.
        damaged: makes the error where it holds something else.

    Raises:
        WatermapError: of `damaged`, where the file is missing or holds something else.
        StorageError: it cannot be reached.
        DataError: the copy cannot be written.
    """
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise damaged(path, "its checksum is none")
    copy = cache_folder() / f"{sha256}{path.suffix}"
    with _lock:
        if not (copy.is_file() and file_digest(copy) == sha256):
            with writing(copy) as part:
                copy_to(path, part, sha256, damaged)
    return copy


def copy_to(path: Path, target: Path, sha256: str | None, damaged: Damaged) -> None:
    """Copy a file from wherever it lies, and check what came.

    Raises:
        WatermapError: of `damaged`, where the file is missing or holds something else than `sha256`.
        StorageError: it cannot be reached.
        DataError: the target cannot be written.
    """
    try:
        source = path.open("rb")
    except FileNotFoundError as error:
        raise damaged(path, "it is missing") from error
    with source:
        try:
            with target.open("wb") as file:
                shutil.copyfileobj(source, file)
        except OSError as error:
            raise unwritable(target, error) from error
    if sha256 is not None and file_digest(target) != sha256:
        raise damaged(path, "it is not the file that was saved")


@contextmanager
def cached_folder(folder: Path, is_whole: Callable[[Path], bool]) -> Iterator[Path | None]:
    """A folder to fill, which takes its place when the context ends without an error; None where it is there, whole.

    Raises:
        DataError: it cannot be written.
    """
    with _lock:
        if is_whole(folder):
            yield None
            return
        try:
            with writing_folder(folder) as part:
                yield part
        except DataError as error:
            if not (isinstance(error.__cause__, OSError) and is_whole(folder)):  # else another process was faster
                raise
