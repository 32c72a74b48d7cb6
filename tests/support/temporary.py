"""Temporary files as other processes would have named them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from watermap.io.temporary import temporary_path

NO_PROCESS = 4194305
"""One more than the largest process id of Linux."""


def start_of(process: int) -> int:
    """When a live process started, in ticks since the boot."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])


def named(
    target: Path,
    *,
    host: str | None = None,
    boot: str | None = None,
    process: int = NO_PROCESS,
    start: int = 1,
    suffix: str = "",
    aside: bool = False,
) -> Path:
    """The temporary path of a target in another process; by default one of this machine and boot that has ended."""
    ours = temporary_path(target, suffix, aside=aside)
    found = re.fullmatch(r"(.*)\.([^.]+)\.([^.]+)\.\d+-\d+-(\d+)((?:\.old)?\.part.*)", ours.name)
    assert found is not None
    name, our_host, our_boot, number, end = found.groups()
    owner = f"{host or our_host}.{boot or our_boot}.{process}-{start}-{number}"
    return ours.with_name(f"{name}.{owner}{end}")


def of_a_live_process(target: Path, suffix: str = "") -> Path:
    """The temporary path of a target in the process that started this one."""
    parent = os.getppid()
    return named(target, process=parent, start=start_of(parent), suffix=suffix)


def temporary_files(*folders: Path) -> list[Path]:
    """Everything below folders whose name is a temporary one, or looks like one of a library."""
    found = {path for folder in folders for path in folder.rglob("*") if re.search(r"\.part|^\.?tmp", path.name)}
    return sorted(found)
