"""Patches as a model of other bands is given them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from watermap.bands import Radiometry
from watermap.errors import UsageError
from watermap.patches.store import PatchStore


def test_bands_are_put_in_order_left_out_or_missing_and_numbers_are_converted(small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    view = store.viewed_as(("B8", "B3", "B1"), ("B1",), Radiometry(1e-3, 100.0))
    patches, own = view.read("train", [1, 0]), store.read("train", [1, 0])
    reflectance = (own.image.astype(float) + store.radiometry.offset) * store.radiometry.scale
    for channel, band in enumerate(("B8", "B3")):
        found = (patches.image[..., channel] + 100.0) * 1e-3
        np.testing.assert_allclose(found, reflectance[..., store.bands.index(band)], atol=1e-5)
    np.testing.assert_array_equal(patches.present, [[True, True, False]] * 2)
    np.testing.assert_array_equal(patches.label, own.label)
    np.testing.assert_array_equal(patches.valid, own.valid)
    assert (view.bands, view.optional_bands, view.digest) == (("B8", "B3", "B1"), ("B1",), store.digest)
    assert store.bands != view.bands
    with pytest.raises(UsageError, match="band B1 is missing, which the model needs"):
        store.viewed_as(("B3", "B1"), (), store.radiometry)
