"""Blocks of ground that scenes share, so that a split keeps them together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.geo.crs import TOLERANCE_PIXELS, connected, corners_of, locate, outline_of
from watermap.geo.grid import Grid


@dataclass(frozen=True)
class Box:
    """Pixels [left, right) x [top, bottom) of a scene.

    Attributes:
        left, top, right, bottom: in whole pixels.
    """

    left: int
    top: int
    right: int
    bottom: int

    @property
    def window(self) -> Window:
        """The same pixels, for reading."""
        return Window(self.left, self.top, self.right - self.left, self.bottom - self.top)


@dataclass(frozen=True)
class Block:
    """A rectangle of ground that goes to one split as a whole.

    Attributes:
        name: unique among all blocks.
        ground: its pixel grid, in the CRS of its site.
    """

    name: str
    ground: Grid

    def box(self, grid: Grid) -> Box | None:
        """The largest upright rectangle of a scene's pixels inside the block, or None where there is none."""
        corners = locate(corners_of(self.ground), self.ground, grid)
        if not np.isfinite(corners).all():
            return None
        (left, top), (right, bottom) = np.sort(corners, axis=0)[1:3]
        box = Box(
            max(0, math.ceil(left - TOLERANCE_PIXELS)),
            max(0, math.ceil(top - TOLERANCE_PIXELS)),
            min(grid.width, math.floor(right + TOLERANCE_PIXELS)),
            min(grid.height, math.floor(bottom + TOLERANCE_PIXELS)),
        )
        return box if box.left < box.right and box.top < box.bottom else None

    def contains(self, grid: Grid, starts: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.bool_]:
        """Which patches of a scene lie in the block.

        Args:
            grid: the scene's.
            starts: (n, 2) first row and col of each patch.
            size: rows and cols of a patch.

        Returns:
            (n,) True where all four corners are inside, to a hundredth of a pixel.
        """
        offsets = np.array([(0, 0), (size, 0), (size, size), (0, size)], dtype=np.float64)
        corners = starts[:, None, ::-1] + offsets
        on_block = locate(corners.reshape(-1, 2), grid, self.ground).reshape(-1, 4, 2)
        far = np.array(self.ground.shape[::-1]) + TOLERANCE_PIXELS
        inside: npt.NDArray[np.bool_] = np.all((on_block >= -TOLERANCE_PIXELS) & (on_block <= far), axis=(1, 2))
        return inside


@dataclass(frozen=True)
class Site:
    """Scenes on connected ground, and that ground's division.

    Attributes:
        scenes: their names, sorted; the first one's CRS and pixel size are the site's.
        frame: the pixel grid that covers the site.
        col_edges, row_edges: where blocks begin and end on the frame, in pixels.
    """

    scenes: tuple[str, ...]
    frame: Grid
    col_edges: tuple[int, ...]
    row_edges: tuple[int, ...]

    def blocks(self, grid: Grid) -> Iterator[Block]:
        """The blocks that a scene of the site may meet, from top left to bottom right."""
        outline = locate(outline_of(grid), grid, self.frame)
        (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
        for row in _between(self.row_edges, top, bottom):
            for col in _between(self.col_edges, left, right):
                width = self.col_edges[col + 1] - self.col_edges[col]
                height = self.row_edges[row + 1] - self.row_edges[row]
                window = Window(self.col_edges[col], self.row_edges[row], width, height)
                yield Block(f"{self.scenes[0]}_r{row}_c{col}", self.frame.crop(window))


def find_sites(grids: Mapping[str, Grid], *, patch_size: int, block_patches: int) -> list[Site]:
    """Group scenes into sites and divide each into blocks.

    Scenes less than a patch apart are one site. A block is about `block_patches` patches a side and its edges lie on
    whole patches; a narrow site has longer blocks of the same area, and one that is smaller than a block is one.
    Where all scenes of a site are smaller than a block, a block is `block_patches` scenes a side instead, so that
    chips side by side stay together.

    Args:
        grids: the scenes' by name.
        patch_size: pixels a side.
        block_patches: patches a side.
    """
    return [
        _divide({name: grids[name] for name in scenes}, patch_size, block_patches)
        for scenes in connected(grids, margin_px=patch_size)
    ]


def _divide(grids: Mapping[str, Grid], patch_size: int, block_patches: int) -> Site:
    """One site's frame and block edges."""
    first = next(iter(grids.values()))
    outlines = np.concatenate([locate(outline_of(grid), grid, first) for grid in grids.values()])
    outlines = outlines[np.isfinite(outlines).all(axis=1)]
    left, top = np.floor(outlines.min(axis=0) + TOLERANCE_PIXELS).astype(int).tolist()
    right, bottom = np.ceil(outlines.max(axis=0) - TOLERANCE_PIXELS).astype(int).tolist()
    frame = first.crop(Window(left, top, right - left, bottom - top))
    ratios = {name: _pixel_ratio(grid, frame) for name, grid in grids.items()}
    unit = patch_size * max(1, math.ceil(max(ratios.values()) - 0.1))
    longest = max(round(ratios[name] * max(grid.shape)) for name, grid in grids.items())
    if longest <= block_patches * unit:
        unit = max(unit, longest)
    cols, rows = max(1, frame.width // unit), max(1, frame.height // unit)
    return Site(
        tuple(grids),
        frame,
        _edges(frame.width, unit, cols, block_patches**2 / min(rows, block_patches)),
        _edges(frame.height, unit, rows, block_patches**2 / min(cols, block_patches)),
    )


def _pixel_ratio(grid: Grid, frame: Grid) -> float:
    """Side of a scene's middle pixel in pixels of the frame."""
    middle = np.array([grid.width / 2, grid.height / 2])
    points = locate(middle + np.array([(0, 0), (1, 0), (0, 1)], dtype=np.float64), grid, frame)
    (a, b), (c, d) = points[1] - points[0], points[2] - points[0]
    ratio = math.sqrt(abs(a * d - b * c))
    return ratio if math.isfinite(ratio) else 1.0


def _edges(length: int, unit: int, units: int, units_a_block: float) -> tuple[int, ...]:
    """Block edges along one axis: on whole units, the remainder in the last block."""
    count = max(1, round(units / units_a_block))
    return (*(round(i * units / count) * unit for i in range(count)), length)


def _between(edges: Sequence[int], low: float, high: float) -> range:
    """Indexes of the intervals between edges that [low, high] meets; all where a bound is not finite."""
    if not math.isfinite(low + high):
        return range(len(edges) - 1)
    start, stop = np.searchsorted(edges, [low + TOLERANCE_PIXELS, high - TOLERANCE_PIXELS])
    return range(max(0, int(start) - 1), min(len(edges) - 1, int(stop)))
