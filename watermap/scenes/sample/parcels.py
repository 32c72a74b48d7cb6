"""Field parcels: blocks of farmland, each cut into strips and the strips into fields with straight borders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from watermap.scenes.sample.noise import Field, fractal

TABLE = 4096
"""Entries of a table that `Parcels.look_up` looks up by parcel."""


@dataclass(frozen=True)
class Parcels:
    """Which field a pixel belongs to.

    Attributes:
        parcel: (rows, cols) in [0, TABLE), the same all over a field.
        block: (rows, cols) in [0, TABLE), the same all over a block of fields.
        edge: (rows, cols) 1 on the border between two fields, else 0.
        lane: (rows, cols) 1 on the border between two blocks, else 0.
        along: (rows, cols) distance along the furrows in pixels.
        across: (rows, cols) distance across the furrows in pixels.
    """

    parcel: npt.NDArray[np.intp]
    block: npt.NDArray[np.intp]
    edge: Field
    lane: Field
    along: Field
    across: Field

    def look_up(self, table: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(rows, cols) of a property of fields, from a table of TABLE random entries."""
        return np.asarray(table[self.parcel])

    def look_up_block(self, table: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(rows, cols) of a property of blocks, from a table of TABLE random entries."""
        return np.asarray(table[self.block])


def divide(rng: np.random.Generator, size: int) -> Parcels:
    """Cut the ground into blocks of about 700 m and fields of about 1 to 8 ha."""
    spacing = 74
    margin = spacing
    count = (size + 2 * margin) // spacing + 1
    sites = (np.moveaxis(np.mgrid[0:count, 0:count], 0, -1) + rng.uniform(0.12, 0.88, (count, count, 2))) * spacing
    cells = np.minimum(sites.reshape(-1, 2).astype(np.intp), size + 2 * margin - 1)
    owner = np.full((size + 2 * margin, size + 2 * margin), -1, dtype=np.intp)
    owner[cells[:, 0], cells[:, 1]] = np.arange(len(cells))
    rows, cols = ndimage.distance_transform_edt(owner < 0, return_distances=False, return_indices=True)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    bend = fractal(rng, size, longest=160, shortest=40, roughness=4)
    shift = fractal(rng, size, longest=110, shortest=30, roughness=4)
    # Block borders follow old lanes: nearly straight, never quite.
    row = np.rint(y + margin + 3.5 * bend).astype(np.intp)
    col = np.rint(x + margin + 3.5 * shift).astype(np.intp)
    site = owner[rows[row, col], cols[row, col]]

    main = rng.uniform(0, np.pi)
    angle = main + rng.normal(0, 0.22, len(cells)) + rng.choice([0, np.pi / 2], len(cells))
    dx, dy = x - cells[site, 1] + margin + 1.2 * bend, y - cells[site, 0] + margin - 1.2 * bend
    across = dx * np.cos(angle)[site] + dy * np.sin(angle)[site]
    along = dy * np.cos(angle)[site] - dx * np.sin(angle)[site]

    width = rng.uniform(7, 19, len(cells))[site]
    phase = rng.uniform(0, 2 * np.pi, len(cells))[site]
    uneven = across + 0.45 * width * np.sin(across / width * 1.9 + phase)
    strip = np.floor(uneven / width).astype(np.int64) + 64
    strip_key = (site * 7919 + strip * 104729) % TABLE
    length = rng.uniform(14, 52, TABLE)[strip_key]
    field = np.floor((along + rng.uniform(0, 60, TABLE)[strip_key]) / length).astype(np.int64) + 64
    parcel = (strip_key * 613 + field * 3571) % TABLE
    return Parcels(
        parcel.astype(np.intp),
        (site * 31 % TABLE).astype(np.intp),
        _borders(parcel),
        _borders(site),
        along.astype(np.float32),
        across.astype(np.float32),
    )


def _borders(codes: npt.NDArray[Any]) -> Field:
    border = np.zeros(codes.shape, dtype=np.float32)
    border[:, 1:] = codes[:, 1:] != codes[:, :-1]
    border[1:] = np.maximum(border[1:], codes[1:] != codes[:-1])
    return border
