"""Outlines laid aside on disk in the order in which bodies end, to be taken back in that of their first pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from watermap.geo.runs import Integers
from watermap.io.temporary import temporary_path
from watermap.maps.polygons.bodies import Whole
from watermap.maps.polygons.outlines import Outlines

BODY: Final = np.dtype(
    [
        *((name, "i8") for name in ("first", "corner", "corners", "ring", "rings")),
        *((name, "i8") for name in ("probability", "known")),
        ("open", "?"),
    ]
)
"""A body's first pixel in row-major order, where its corners and its rings lie, and what its runs say together."""
_STORED: Final = np.dtype("i4")


class Spool:
    """Bodies on disk, but for a few numbers each. The files lose their names at once, so that nothing is left of them.

    Args:
        folder: on a disk with room for the outlines.
        width: columns of the raster.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self._folder = folder
        self._width = width
        self._stack = ExitStack()
        self._bodies = [np.zeros(0, dtype=BODY)]
        self._stored = {"corner": 0, "ring": 0}
        self._files: dict[str, Any] = {}

    def __enter__(self) -> Self:
        for name in self._stored:
            part = temporary_path(self._folder / name)
            self._stack.callback(part.unlink, missing_ok=True)
            self._files[name] = self._stack.enter_context(part.open("x+b"))
            with suppress(OSError):  # Windows keeps the names of open files: there they go at the end
                part.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def count(self) -> int:
        """Bodies laid aside."""
        return sum(map(len, self._bodies))

    def add(self, whole: Whole, outlines: Outlines) -> None:
        """Lay bodies aside.

        Args:
            whole: their pixels.
            outlines: of the same bodies, in whole pixels.
        """
        runs, firsts = whole.runs, whole.firsts
        ring_firsts = np.cumsum(outlines.bodies) - outlines.bodies
        table = np.zeros(len(firsts), dtype=BODY)
        table["first"] = np.minimum.reduceat(runs["row"].astype(np.int64) * self._width + runs["start"], firsts)
        for name in ("probability", "known"):
            table[name] = np.add.reduceat(runs[name], firsts, dtype=np.int64)
        table["open"] = np.logical_or.reduceat(runs["open"], firsts)
        table["corners"] = np.add.reduceat(outlines.rings, ring_firsts)
        table["rings"] = outlines.bodies
        table["corner"] = self._store("corner", outlines.corners) + np.cumsum(table["corners"]) - table["corners"]
        table["ring"] = self._store("ring", outlines.rings) + ring_firsts
        self._bodies.append(table)

    def batches(self, corners: int) -> Iterator[tuple[npt.NDArray[Any], Outlines]]:
        """All bodies, by their first pixels, in batches.

        Args:
            corners: how many a batch may have, unless one body has more.

        Yields:
            bodies, of the type `BODY`, and their outlines.
        """
        table = np.concatenate(self._bodies)
        table = table[np.argsort(table["first"])]
        ends = np.cumsum(table["corners"])
        start = 0
        while start < len(table):
            before = ends[start] - table["corners"][start]
            end = max(start + 1, int(np.searchsorted(ends, before + corners, side="right")))
            yield table[start:end], self._take(table[start:end])
            start = end

    def _store(self, name: str, values: Integers | npt.NDArray[Any]) -> int:
        """Append values; returns how many items, or pairs of them, lay there before."""
        before = self._stored[name]
        self._files[name].write(values.astype(_STORED).tobytes())
        self._stored[name] += len(values)
        return before

    def _take(self, table: npt.NDArray[Any]) -> Outlines:
        corners = self._read("corner", table["corner"] * 2, table["corners"] * 2).reshape(-1, 2)
        return Outlines(corners, self._read("ring", table["ring"], table["rings"]), table["rings"])

    def _read(self, name: str, starts: Integers, lengths: Integers) -> Integers:
        size = _STORED.itemsize
        file = self._files[name]
        pieces = []
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            file.seek(start * size)
            pieces.append(file.read(length * size))
        return np.frombuffer(b"".join(pieces), dtype=_STORED).astype(np.int64)
