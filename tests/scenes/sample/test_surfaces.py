"""Spectra of sample scenes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scenes.sample.conftest import Scenes
from watermap.scenes.sample.land import settle
from watermap.scenes.sample.noise import generator
from watermap.scenes.sample.parcels import divide
from watermap.scenes.sample.surfaces import SPECTRA, Cover, Season, blur, water_share
from watermap.scenes.sample.waters import KINDS

B2, B3, B4, B8, B11, B12 = range(6)


def test_spectra_are_those_of_water_and_plants(scenes: Scenes) -> None:
    for scene in scenes.values():
        image = scene.image.astype(float)
        index = (image[B3] - image[B8]) / (image[B3] + image[B8] + 1e-6)
        water, land = scene.label == 1, scene.label == 0
        assert np.median(index[water]) > 0 > np.median(index[land])
        assert np.median(image[B11][water]) < 350
        assert np.median(image[B12][water]) < 250
        assert np.median(image[B8][land]) > np.median(image[B4][land])


def test_library_of_spectra() -> None:
    assert SPECTRA.shape == (len(Cover), 6)
    for plant in (Cover.CONIFER, Cover.LEAF, Cover.GRASS, Cover.DENSE_CROP, Cover.REED):
        assert SPECTRA[plant][B8] > 3 * SPECTRA[plant][B4]
        assert SPECTRA[plant][B3] > SPECTRA[plant][B4]
    assert SPECTRA[Cover.SNOW][B11] < 0.2 * SPECTRA[Cover.SNOW][B3]
    assert (np.diff(SPECTRA[Cover.BARE_SOIL][:5]) > 0).all()


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_water_rises_with_the_stage(number: int) -> None:
    size = 96
    parcels = divide(generator(1, number), size)
    waters = KINDS[number](generator(2, number), size, parcels)
    land = settle(generator(3, number), waters, parcels)
    low, high = (water_share(waters, land, Season(1, 1, 1, 0, stage)) for stage in (-1, 1))
    assert low.min() >= 0
    assert high.max() <= 1
    assert (high >= low).all()
    assert high.sum() > low.sum()


def test_a_blur_keeps_the_light() -> None:
    cube = np.zeros((6, 21, 21), np.float32)
    cube[:, 10, 10] = 1000
    blurred = blur(cube, 1.0)
    np.testing.assert_allclose(blurred.sum(axis=(1, 2)), 1000, rtol=1e-4)
    assert blurred.max() < 250
