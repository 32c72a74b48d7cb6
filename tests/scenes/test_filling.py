"""What a model is given in place of what is not there."""

from __future__ import annotations

import numpy as np

from tests.support.bundles import STATISTICS
from watermap.bands import Radiometry
from watermap.scenes.filling import Filling, fill_in, to_model

PLAIN = Radiometry(1e-4, 0.0)


def test_pixels_without_data_become_the_mean() -> None:
    image = np.full((1, 2, 2, 6), 65535, dtype=np.uint16)
    valid = np.array([[[True, False], [True, True]]])
    filled = fill_in(image, valid, np.ones((1, 6), dtype=bool), Filling.of(STATISTICS))
    assert filled.dtype == np.float32
    assert (filled[0, 0, 1] == 1000).all()
    assert (filled[valid] == 65535).all()


def test_a_missing_band_becomes_its_own_number_or_the_mean_whether_a_pixel_is_valid_or_not() -> None:
    image = np.full((2, 2, 2, 6), 700, dtype=np.uint16)
    valid = np.ones((2, 2, 2), dtype=bool)
    valid[1, 0, 1] = False
    present = np.ones((2, 6), dtype=bool)
    present[1, 4:] = False
    for missing, expected in ((-10_000.0, -10_000), (None, 1000)):
        filled = fill_in(image, valid, present, Filling.of(STATISTICS, missing))
        assert (filled[0] == 700).all()
        assert (filled[1, ..., 4:] == expected).all()
        assert (filled[1, 0, 1, :4] == 1000).all()
        for number in (0, 1):  # windows of scenes are filled alike
            channels = np.flatnonzero(present[number])
            out = np.empty((6, 2, 2), dtype=np.float32)
            values = np.moveaxis(image[number], -1, 0)[channels]
            filling = Filling.of(STATISTICS, missing)
            to_model(values, valid[number], PLAIN, PLAIN, filling, channels=channels.tolist(), out=out)
            np.testing.assert_array_equal(np.moveaxis(out, 0, -1), filled[number])
