"""Whole commands, from starting an interpreter to its end: how long they take, and how much memory.

A command is started by a small interpreter that runs this file and nothing else: on Linux a process inherits the peak
of the one that started it, and one with Keras in it has a high peak. So only the standard library is imported here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
_LAST_CHARACTERS = 2000
_RASTER_ONLY = ("--no-style", "--no-quicklook", "--no-stac")
"""Rivals write no more than a raster."""


@dataclass(frozen=True)
class Run:
    """A command that ended well.

    Attributes:
        seconds: from start to end.
        peak_bytes: resident at most.
        output: what it printed.
    """

    seconds: float
    peak_bytes: int
    output: str


def run(command: Sequence[str]) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed.
    """
    starter = [sys.executable, "-I", "-S", __file__, *command]
    done = subprocess.run(starter, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-_LAST_CHARACTERS:]}\n{done.stderr[-_LAST_CHARACTERS:]}")
    output, _, measured = done.stdout.rstrip().rpartition("\n")
    seconds, peak = json.loads(measured)
    return Run(seconds, peak, output)


def predict(scene: Path, bundle: Path, out: Path, *, engine: str, precision: str = "auto") -> Run:
    """`watermap predict` of a sample scene; what its numbers mean is stated, since a small piece may not look like it.

    Raises:
        RuntimeError: it failed.
    """
    flags = ["--engine", engine, "--precision", precision, "--offset", "0", "--scale", "0.0001", *_RASTER_ONLY]
    command = ["predict", str(scene), "--bundle", str(bundle), "--out", str(out), *flags]
    return run([sys.executable, "-m", "watermap", *command])


def _measure(command: Sequence[str]) -> int:
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    print(f"\n{json.dumps([seconds, usage.ru_maxrss * _PEAK_UNIT])}")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(1 if _measure(sys.argv[1:]) else 0)
