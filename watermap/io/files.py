"""Files that appear complete or not at all, and digests of what they hold."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from watermap.errors import DataError
from watermap.io.paths import local, remote
from watermap.io.temporary import PART, discard, sweep, temporary_folder, temporary_path

_FULL_BYTES = 1 << 18
"""A disk with less is taken for full."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as 64 hex digits; all of a remote file is read for it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity(path: Path) -> str:
    """What a file holds, in few requests: what its store says of the content, where it does, else the SHA-256.

    It changes whenever the content does, but equal contents of two places may have two: to compare files wherever
    they lie, take `file_digest`.

    Raises:
        OSError: there is no such file, or it cannot be read.
        StorageError: its store cannot be reached.
    """
    away = remote(path)
    identity = away.identity() if away is not None else None
    return identity or f"sha256:{file_digest(path)}"


@contextmanager
def writing(path: Path, suffix: str | None = None) -> Iterator[Path]:
    """A temporary path beside the target, renamed to it if the context ends without an error.

    What killed runs left in the folder is removed first.

    Args:
        path: the target; its folder is made.
        suffix: what the temporary name ends with; None: the target's own suffix.

    Raises:
        UsageError: the target does not lie on this machine.
        DataError: the target cannot be written.
    """
    part = temporary_path(local(path), path.suffix if suffix is None else suffix)
    is_done = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, rests=True)
        yield part
        sync(part)
        part.replace(path)
        is_done = True
        sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if is_done:
            with suppress(OSError):
                part.unlink()  # it is still there where it was another name of the target's very file
        else:
            discard(part)


@contextmanager
def writing_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside the target, put in its place if the context ends without an error.

    What killed runs left beside it is removed first.

    Args:
        folder: the target; one that is there is replaced.

    Raises:
        UsageError: the target does not lie on this machine.
        DataError: the target cannot be written; it is as it was.
    """
    try:
        with temporary_folder(local(folder)) as part:
            yield part
            place_folder(part, folder)
    except OSError as error:
        raise unwritable(folder, error) from error


def place_folder(part: Path, folder: Path) -> None:
    """Put a folder in the place of another, which stays where the new one cannot take its place.

    Raises:
        OSError: it cannot.
    """
    if not folder.exists():
        part.rename(folder)
        return
    old = temporary_path(folder, aside=True)
    folder.rename(old)
    try:
        part.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sync(path: Path) -> None:
    """Have the content of a file, or the names in a folder, outlive a power cut."""
    if os.name != "posix":  # where only what is open for writing can be
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the lock ends with the process, whatever ends it.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be made.
    """
    from filelock import FileLock, Timeout

    path.touch()  # where it cannot be made, filelock would say that another process holds it
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK), str(path)) from error
    except NotImplementedError as error:  # a file system without locks
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), str(path)) from error
    try:
        yield
    finally:
        lock.release()


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears complete or not at all."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


def unwritable(path: Path, error: Exception) -> DataError:
    """The error for an output that cannot be written."""
    reason = getattr(error, "strerror", None) or str(error)
    if path.name in reason or PART in reason:
        reason = reason.rpartition(": ")[2]  # GDAL names the temporary file first
    with suppress(OSError):
        if shutil.disk_usage(path.parent).free < _FULL_BYTES:  # which GDAL tells in many ways
            reason = os.strerror(errno.ENOSPC)
    return DataError(f"{path}: cannot be written ({reason})", hint="check the folder's permissions and free space")
