"""The one name of files that are not finished yet, and the sweep that removes what killed runs left of them.

A temporary name is `.NAME.HOST.BOOT.PROCESS.part`: what the file will be called; the machine, by the first letters of
its name and a digest; the boot of that machine and the process namespace; process id, start of the process and a
number of its own. So on a folder that several machines share, each tells whose file it is.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PART: Final = ".part"
"""What every temporary name holds; behind it stands what a format wants to end with, or GDAL and SQLite append."""

ASIDE: Final = ".old"
"""Stands before it in the name of a folder that makes room for a new one, and comes back if that never comes."""

FOREIGN_DAYS: Final = 7
"""How long nothing of a temporary file may have changed until it counts as left behind, where nobody can be asked."""

_NAME_BYTES: Final = 255
"""The longest name that file systems take."""

_APPENDED_BYTES: Final = 24
"""Room for what libraries append to the name of a file that they write, such as `.aux.xml` or `-journal`."""

_UNKNOWN: Final = "0"
_ENDED: Final = -1
_NAME: Final = re.compile(
    r"\.(?P<target>.+)\.(?P<host>[A-Za-z0-9]{0,12}-[0-9a-f]{8})\.(?P<boot>[0-9a-f]{8}|0)"
    rf"\.(?P<process>[1-9][0-9]*)-(?P<start>[0-9]+)-[0-9]+(?P<aside>{re.escape(ASIDE)})?{re.escape(PART)}([.-].*)?",
    re.DOTALL,
)
_MANY: Final = 1000
_REST_S: Final = 1e-3
"""A folder of more than so many names rests, after it was looked through, so long a name."""

_numbers: Final = itertools.count()
_rests_until: Final[dict[str, float]] = {}


def temporary_path(target: Path, suffix: str = "", *, aside: bool = False) -> Path:
    """A name beside a target that no other process and no other thread uses, and that tells who does.

    Args:
        target: the file or folder to come; a name so long that it does not fit is cut.
        suffix: what the name has to end with, where a library looks at it.
        aside: for the folder that was there before.

    Raises:
        OSError: `aside`, and the name is so long that it would be cut: it could not come back.
    """
    owner = f".{_host()}.{_boot()}.{os.getpid()}-{_start(os.getpid()) or _UNKNOWN}-{next(_numbers)}"
    end = f"{owner}{ASIDE if aside else ''}{PART}{suffix}"
    room = _NAME_BYTES - _APPENDED_BYTES - len(os.fsencode(end)) - 1
    name, encoded = target.name, os.fsencode(target.name)
    if len(encoded) > room:
        if aside:
            raise OSError(f"its name is longer than {room} bytes")
        name = encoded[:room].decode(errors="ignore")
    return target.with_name(f".{name}{end}")


@contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside a target, removed with all that is still in it when the context ends.

    Args:
        target: the file or folder to come; the folder that it lies in is made.

    Raises:
        OSError: it cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent, rests=True)
    part = temporary_path(target)
    try:
        part.mkdir()
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sweep(folder: Path, *, rests: bool = False) -> None:
    """Remove the temporary files and folders that killed runs left in a folder; what they put aside comes back.

    A file is left behind where
    - its process was one of this boot of this machine and has ended; the start of the process is compared, since
      another may have its id by now;
    - or it is of this machine and was last changed before the machine was booted: machines are told apart by their
      names and, on Linux, by `/etc/machine-id`;
    - or whose it is cannot be asked (another machine, another container, any process on Windows), and nothing of it
      has changed for `FOREIGN_DAYS` days.
    All else stays, whatever its age: what a live process of this machine writes, and every name that is no temporary
    one. A folder that cannot be listed, and a file that cannot be removed, are passed over.

    Args:
        folder: what lies directly in it is looked at.
        rests: whether a folder of very many names is passed over that was looked through a moment ago.
    """
    if rests and time.monotonic() < _rests_until.get(str(folder), 0):
        return
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return
    if len(names) > _MANY:
        _rests_until[str(folder)] = time.monotonic() + _REST_S * len(names)
    for name in names:
        found = _NAME.fullmatch(name) if name.startswith(".") and PART in name else None
        if found is not None and _is_left_behind(folder / name, found):
            with suppress(OSError):  # another sweep was faster
                if found["aside"] and not os.path.lexists(folder / found["target"]):
                    (folder / name).rename(folder / found["target"])
                else:
                    _remove(folder / name)


def discard(*parts: Path) -> None:
    """Remove temporary files of one folder, and what libraries wrote beside them under longer names."""
    with suppress(OSError):
        for path in parts[0].parent.iterdir():
            if path.name.startswith(tuple(part.name for part in parts)):
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_left_behind(path: Path, name: re.Match[str]) -> bool:
    is_ours = name["host"] == _host()
    if is_ours and name["boot"] == _boot():
        runs = _runs(int(name["process"]), int(name["start"]))
        if runs is not None:
            return not runs
    try:
        changed = _last_change(path)
    except OSError:
        return False
    booted = _boot_time()
    if is_ours and name["boot"] != _boot() and booted is not None and changed < booted:
        return True
    return changed < time.time() - FOREIGN_DAYS * 86400


def _runs(process: int, start: int) -> bool | None:
    """Whether a process of this boot still runs; None where that cannot be told."""
    if os.name != "posix":  # elsewhere `os.kill` would end it
        return None
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # somebody else's
    present = _start(process)
    if present == _ENDED:
        return False
    return present is None or start in (present, int(_UNKNOWN))


def _start(process: int) -> int | None:
    """When a process started, in ticks since the boot; `_ENDED` of a dead one; None where that cannot be told."""
    try:
        stated = Path(f"/proc/{process}/stat").read_bytes()
        fields = stated.rpartition(b")")[2].split()  # its name, before them, may hold anything
        return _ENDED if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


@functools.cache
def _host() -> str:
    name, machine = platform.node(), _text("/etc/machine-id")
    letters = re.sub("[^A-Za-z0-9]", "", name)[:12]
    return f"{letters}-{hashlib.sha256(f'{name} {machine}'.encode()).hexdigest()[:8]}"


@functools.cache
def _boot() -> str:
    """This boot, and the namespace in which process ids hold: each container has its own."""
    boot = _text("/proc/sys/kernel/random/boot_id")
    if not boot:
        return _UNKNOWN
    namespace = ""
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:8]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _boot_time() -> float | None:
    """When this machine was booted, in seconds since 1970; None where that cannot be told."""
    if sys.platform != "linux":
        return None
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _last_change(path: Path) -> float:
    """When a file, or anything in a folder, was last written, renamed or linked, in seconds since 1970."""
    files: list[Path] = [path, *(path.rglob("*") if path.is_dir() and not path.is_symlink() else ())]
    states = [file.lstat() for file in files]
    changes: list[float] = [max(state.st_mtime, state.st_ctime) for state in states]
    return max(changes)
