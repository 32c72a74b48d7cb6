from __future__ import annotations

import numpy as np
import pytest

from watermap.scenes.sample.noise import generator
from watermap.scenes.sample.sky import add_haze, illuminate, make_cloud, observe, outside_swath


def test_a_shadow_lies_on_the_far_side_from_the_sun() -> None:
    for seed in range(8):
        cloud = make_cloud(generator(seed), 384, np.radians(45), np.radians(160))
        assert cloud.opacity.max() <= 1
        if cloud.shadow.sum() < 0.95 * cloud.opacity.sum():
            continue  # partly outside the scene
        rows, cols = np.mgrid[0:384, 0:384]
        cloud_at, shadow_at = (
            np.array([(share * rows).sum(), (share * cols).sum()]) / share.sum()
            for share in (cloud.opacity, cloud.shadow)
        )
        north, west = cloud_at - shadow_at
        assert north > 0  # the sun stands south-south-east
        assert west > 0
        assert north > west


def test_shadows_keep_more_blue_than_swir() -> None:
    cube = np.full((6, 8, 8), 1000, dtype=np.float32)
    dark = illuminate(cube, np.zeros((8, 8), dtype=np.float32))[:, 0, 0]
    assert (np.diff(dark) < 0).all()
    np.testing.assert_allclose(illuminate(cube, np.ones((8, 8), dtype=np.float32)), cube)


def test_haze_brightens_dark_blue_most() -> None:
    cube = np.full((6, 64, 64), 100, dtype=np.float32)
    added = add_haze(generator(0), cube, 80).mean(axis=(1, 2)) - 100
    assert (added > 0).all()
    assert (np.diff(added) < 0).all()


@pytest.mark.parametrize("size", [64, 65])
def test_swir_has_pixels_of_20_m(size: int) -> None:
    cube = 500 + 100 * generator(1).standard_normal((6, size, size)).astype(np.float32)
    image = observe(generator(2), cube)
    even = size // 2 * 2
    swir = image[4:, :even, :even]
    assert image.shape == (6, size, size)
    assert (swir[:, ::2, ::2] == swir[:, 1::2, 1::2]).all()
    assert not (image[0, ::2, ::2][: even // 2] == image[0, 1::2, 1::2]).all() if size == even else True


def test_dark_pixels_may_be_zero_in_a_band_but_never_in_all() -> None:
    image = observe(generator(3), np.zeros((6, 64, 64), dtype=np.float32))
    assert (image == 0).any()
    assert image.any(axis=0).all()


def test_the_swath_edge_is_an_oblique_wedge() -> None:
    for seed in range(6):
        lost = outside_swath(generator(seed), 200)
        assert 0.05 < lost.mean() < 0.2
        assert lost[0].sum() != lost[-1].sum()
