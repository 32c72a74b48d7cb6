"""PyTorch's UNet-ResNet50 in a process of another interpreter, which computes whenever it is told to."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watermap.bands import STANDARD_BANDS

_SCRIPT: Final = Path(__file__).parent / "interpreter" / "smp_forward.py"


@dataclass(frozen=True)
class Rival:
    """A process that answers one timed repeat a line; without one there are no ways to ask for.

    Attributes:
        ways: in which it can compute: memory layouts and numbers of threads.
        versions: of its packages.
        threads: that it computes with where it is not told.
        network: what it runs.
    """

    ways: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    threads: int | None = None
    network: str = "smp.Unet"
    _process: subprocess.Popen[str] | None = None

    def once(self, way: str) -> float:
        """Seconds of one pass over all windows.

        Raises:
            RuntimeError: the process ended.
        """
        assert self._process is not None
        return float(asked(self._process, way))


@contextmanager
def rival_of(interpreter: str | None, windows: int, side: int, batch: int) -> Iterator[Rival]:
    """A rival that is loaded and warm, for windows of the standard bands; an empty one where no interpreter is given.

    Args:
        interpreter: that has PyTorch and segmentation-models-pytorch.
        windows: a repeat.
        side: of a window.
        batch: windows at once.
    """
    if interpreter is None:
        yield Rival()
        return
    numbers = [str(number) for number in (windows, side, len(STANDARD_BANDS), batch)]
    command = [interpreter, "-I", str(_SCRIPT), *numbers]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = json.loads(asked(process, "ready"))
            yield Rival(tuple(said["ways"]), said["versions"], said["threads"], _process=process)
        finally:
            assert process.stdin is not None
            process.stdin.close()  # so that it ends


def asked(process: subprocess.Popen[str], line: str) -> str:
    """What a process answers to a line.

    Raises:
        RuntimeError: it ended.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
    except BrokenPipeError as error:
        raise RuntimeError("the rival ended; what it said is above") from error
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError("the rival ended; what it said is above")
    return answer
