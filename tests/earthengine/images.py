"""Images as Earth Engine has them: rules for making pixels, which wait until somebody states a grid.

Masks are per band. Where Earth Engine's rules allow more than our graphs need, the rest is refused, loudly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.ndimage
from affine import Affine

from tests.earthengine.world import Granule, Mask, Numbers, Raster, look
from watermap.geo.grid import Grid


class UnsupportedError(Exception):
    """A part of a graph that this evaluator does not know: a gap in the tests, not a mistake of the client's."""


class RefusedError(Exception):
    """What the service would refuse as well; its text is what the service says."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """One band on a grid: values (rows, cols), and validity (rows, cols)."""

    values: Numbers
    valid: Mask


@dataclass(eq=False)
class Image:
    """Bands that can be rendered on any grid.

    Attributes:
        names: of the bands.
        render: their pixels on a grid, in the order of the names.
        asset: the id that the image was loaded by; empty for computed ones.
        granule: the scene that it shows, as far as it is one.
    """

    names: tuple[str, ...]
    render: Callable[[Grid], list[Pixels]]
    asset: str = ""
    granule: Granule | None = None
    _rendered: dict[Grid, list[Pixels]] = field(default_factory=dict)

    def at(self, grid: Grid) -> list[Pixels]:
        """The pixels on a grid; worked out once, since a graph uses the same image in many places."""
        if grid not in self._rendered:
            self._rendered[grid] = self.render(grid)
        return self._rendered[grid]

    def only(self, grid: Grid) -> Pixels:
        """The pixels of an image of one band."""
        if len(self.names) != 1:
            raise UnsupportedError(f"an image of several bands ({', '.join(self.names)}) where one is expected")
        return self.at(grid)[0]


def loaded(raster: Raster, asset: str, granule: Granule | None = None) -> Image:
    """An image of the catalogue."""
    names = tuple(raster.bands)
    return Image(names, lambda grid: [Pixels(*look(raster, name, grid)) for name in names], asset, granule)


def constant(value: Any) -> Image:
    """The same number everywhere on earth."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise UnsupportedError(f"Image.constant of {value!r}")
    return Image(
        ("constant",),
        lambda grid: [Pixels(np.full(grid.shape, value), np.ones(grid.shape, dtype=np.bool_))],
    )


def select(image: Image, names: Sequence[str]) -> Image:
    """Some bands, in the order stated."""
    for name in names:
        if name not in image.names:
            have = ", ".join(image.names)
            raise RefusedError(
                f"Image.select: Band pattern '{name}' did not match any bands. Available bands: [{have}]"
            )
    places = [image.names.index(name) for name in names]
    chosen = tuple(image.names[place] for place in places)
    return Image(chosen, lambda grid: [image.at(grid)[place] for place in places], image.asset, image.granule)


def combine(operation: Callable[[Numbers, Numbers], Numbers]) -> Callable[[Image, Image], Image]:
    """An operation on two images of one band; masked where either is."""

    def combined(one: Image, other: Image) -> Image:
        def render(grid: Grid) -> list[Pixels]:
            left, right = one.only(grid), other.only(grid)
            values = operation(left.values.astype(np.float64), right.values.astype(np.float64))
            return [Pixels(values.astype(np.uint8), left.valid & right.valid)]

        return Image(one.names, render)

    return combined


def update_mask(image: Image, mask: Image) -> Image:
    """Masked also where the mask is 0 or itself masked; never unmasked."""

    def render(grid: Grid) -> list[Pixels]:
        keep = mask.only(grid)
        shown = keep.valid & (keep.values != 0)
        return [Pixels(band.values, band.valid & shown) for band in image.at(grid)]

    return Image(image.names, render, image.asset, image.granule)


def unmask(image: Image, value: Image, same_footprint: Any) -> Image:
    """A value wherever a band is masked, outside the image's footprint too."""
    if same_footprint is not False:
        raise UnsupportedError("Image.unmask with sameFootprint other than false")

    def render(grid: Grid) -> list[Pixels]:
        fill = value.only(grid)
        return [
            Pixels(np.where(band.valid, band.values, fill.values), band.valid | fill.valid) for band in image.at(grid)
        ]

    return Image(image.names, render, image.asset, image.granule)


def where(image: Image, test: Image, value: Image) -> Image:
    """A value where the test holds; the image itself where test or value is masked."""

    def render(grid: Grid) -> list[Pixels]:
        tested, put = test.only(grid), value.only(grid)
        holds = tested.valid & (tested.values != 0) & put.valid
        return [Pixels(np.where(holds, put.values, band.values), band.valid) for band in image.at(grid)]

    return Image(image.names, render)


def change(operation: Callable[[Numbers], Numbers]) -> Callable[[Image], Image]:
    """An operation on each band by itself; masks stay."""

    def changed(image: Image) -> Image:
        return Image(
            image.names,
            lambda grid: [Pixels(operation(band.values), band.valid) for band in image.at(grid)],
            image.asset,
            image.granule,
        )

    return changed


def clamped(dtype: type[np.unsignedinteger[Any]]) -> Callable[[Numbers], Numbers]:
    """A cast that goes to the nearest number that the type holds."""
    limits = np.iinfo(dtype)
    return lambda values: np.clip(values, limits.min, limits.max).astype(dtype)


def rounded(values: Numbers) -> Numbers:
    """The nearest whole number; halves go up."""
    return np.floor(values.astype(np.float64) + 0.5)


def focal(
    function: Callable[..., Numbers],
) -> Callable[[Image, Any, Any, Any], Image]:
    """The greatest or least value of a square around each pixel, counted in whole pixels of the grid asked for."""

    def focused(image: Image, radius: Any, kernel: Any, units: Any) -> Image:
        if kernel != "square" or units != "pixels":
            raise UnsupportedError(f"a focal operation with kernel {kernel!r} and units {units!r}")

        def render(grid: Grid) -> list[Pixels]:
            reach = int(radius)
            inner = (slice(reach, reach + grid.height), slice(reach, reach + grid.width))
            bands = image.at(_padded(grid, reach))  # so that a tile sees beyond its edge
            if not all(band.valid.all() for band in bands):
                raise UnsupportedError("a focal operation on an image with masked pixels")
            return [Pixels(function(band.values, size=2 * reach + 1)[inner], band.valid[inner]) for band in bands]

        return Image(image.names, render)

    return focused


focal_max = focal(scipy.ndimage.maximum_filter)
focal_min = focal(scipy.ndimage.minimum_filter)


def reduce_by(function: Callable[[Numbers, Mask], Pixels], suffix: str) -> Callable[[Sequence[Image]], Image]:
    """One image from many: each band's valid values at a pixel made one."""

    def reduced(images: Sequence[Image]) -> Image:
        if not images:
            raise RefusedError("Image has no bands")
        names = images[0].names
        if any(image.names != names for image in images):
            raise UnsupportedError(f"a {suffix} of images with different bands")

        def render(grid: Grid) -> list[Pixels]:
            layers = zip(*(image.at(grid) for image in images), strict=True)
            return [
                function(np.stack([each.values for each in layer]), np.stack([each.valid for each in layer]))
                for layer in layers
            ]

        return Image(names, render)

    return reduced


def median(values: Numbers, valid: Mask) -> Pixels:
    """(images, rows, cols) to the middle value, or the mean of the two in the middle."""
    ranked = np.sort(np.where(valid, values.astype(np.float64), np.inf), axis=0)
    count = valid.sum(axis=0)
    last = np.maximum(count - 1, 0)
    low, high = (np.take_along_axis(ranked, at[None], axis=0)[0] for at in (last // 2, (last + 1) // 2))
    known = count > 0
    return Pixels(np.where(known, (np.where(known, low, 0) + np.where(known, high, 0)) / 2, 0), known)


def mode(values: Numbers, valid: Mask) -> Pixels:
    """(images, rows, cols) to the commonest value; the smallest of several that are equally common."""
    kinds = np.unique(values)
    votes = np.stack([((values == kind) & valid).sum(axis=0) for kind in kinds])
    return Pixels(kinds[votes.argmax(axis=0)], valid.sum(axis=0) > 0)


def _padded(grid: Grid, reach: int) -> Grid:
    corner = grid.transform @ Affine.translation(-reach, -reach)
    return Grid(grid.crs, corner, grid.width + 2 * reach, grid.height + 2 * reach)
