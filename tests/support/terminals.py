"""Shells that are typed into."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATIENCE_S = 30.0
_TO_START = b"\x01"


def completed(shell: Sequence[str], setup: str, typed: str, *, folder: Path, environment: Mapping[str, str]) -> str:
    """The line that an interactive shell has made of what was typed, once Tab was pressed at its end.

    Args:
        shell: command line of a shell that edits as Emacs does.
        setup: commands that it runs first.
        typed: the line before Tab.
        folder: where it runs.
        environment: of its own.
    """
    here, there = pty.openpty()
    process = subprocess.Popen(
        shell, stdin=there, stdout=there, stderr=there, cwd=folder, env=environment, start_new_session=True
    )
    os.close(there)
    try:
        os.write(here, f"{setup}\necho read''y\n".encode())
        _wait(here, "ready")
        os.write(here, typed.encode() + b"\t" + _TO_START + b"echo '<'" + b"\x05" + b"'>'\n")
        shown = _wait(here, r"\r\n<(.*)>\r?\n")
    finally:
        process.kill()
        process.wait()
        os.close(here)
    return shown[1].strip()


def _wait(terminal: int, pattern: str) -> re.Match[str]:
    """Read until something is shown."""
    shown, end = "", time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536).decode(errors="replace")
            if found := re.search(pattern, shown):
                return found
    raise AssertionError(f"{pattern!r} was not shown, but {shown!r}")
