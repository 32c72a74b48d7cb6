"""Files that appear complete or not at all, and digests of what they hold."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from watermap.errors import DataError
from watermap.io.paths import local, remote

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
def writing(path: Path) -> Iterator[Path]:
    """A temporary path beside the target, with its suffix, renamed to it if the context ends without an error.

    Raises:
        UsageError: the target does not lie on this machine.
        DataError: the target cannot be written.
    """
    part = local(path).with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _sync_folder(folder: Path) -> None:
    """Have a rename outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder, named `.NAME.PID.part...`."""
    for path in folder.glob(".*.part*"):
        owner = re.search(r"\.(\d+)\.part", path.name)
        if owner and not is_alive(int(owner[1])):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


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
    if path.name in reason:
        reason = reason.rpartition(": ")[2]  # GDAL names the temporary file first
    with suppress(OSError):
        if shutil.disk_usage(path.parent).free < _FULL_BYTES:  # which GDAL tells in many ways
            reason = os.strerror(errno.ENOSPC)
    return DataError(f"{path}: cannot be written ({reason})", hint="check the folder's permissions and free space")


def is_alive(process_id: int) -> bool:
    """Whether a process runs: one that does not left its temporary files behind."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
