import numpy as np
import pytest

from watermap.labels.index_rule import IndexSamples, sure_pixels
from watermap.scenes.indices import MNDWI

rng = np.random.default_rng(0)


def mixed(share: float, pixels: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """(1, pixels) reflectance in both bands of pixels that hold so much water."""
    green, infrared = 0.05 * share + 0.07 * (1 - share), 0.01 * share + 0.22 * (1 - share)
    noise = rng.normal(0, 0.002, (2, 1, pixels))
    return tuple((np.array([[[green]], [[infrared]]]) + noise).astype(np.float32))


def learnt(land: int = 400, water: int = 400) -> IndexSamples:
    samples = IndexSamples(MNDWI)
    for share, pixels in ((0.0, land), (1.0, water)):
        bright, dark = mixed(share, pixels)
        here = np.ones(bright.shape, bool)
        samples.add((here & (share == 0), here & (share == 1)), bright, dark)
    return samples


def test_what_is_half_water_is_neither_surely_land_nor_surely_water() -> None:
    rule = learnt().rule()
    assert rule.agreement == 1
    for share, wet, damp, dry in (
        (1.0, 1.0, 1.0, 0.0),
        (0.75, 0.0, 1.0, 0.0),
        (0.5, 0.0, 0.0, 0.0),
        (0.25, 0.0, 0.0, 1.0),
        (0.0, 0.0, 0.0, 1.0),
    ):
        value = rule.index(*mixed(share))
        assert (value >= rule.wet_from).mean() == pytest.approx(wet, abs=0.02), share
        assert (value >= rule.damp_from).mean() == pytest.approx(damp, abs=0.02), share
        assert (value < rule.dry_below).mean() == pytest.approx(dry, abs=0.02), share
    assert (
        rule.dry_below < rule.damp_from < -0.2 < 0 < rule.wet_from
    )  # half water lies far from the middle between the classes


def test_a_class_that_is_rare_weighs_as_much() -> None:
    even, uneven = learnt().rule(), learnt(land=100_000).rule()
    assert uneven.wet_from == pytest.approx(even.wet_from, abs=0.05)
    assert uneven.dry_below == pytest.approx(even.dry_below, abs=0.02)


def test_a_sea_of_two_colours_is_all_water() -> None:
    samples = IndexSamples(MNDWI)
    for code, share, pixels in ((0, 0.0, 200), (1, 1.0, 50_000), (1, 0.93, 50_000)):  # clear and turbid
        bright, dark = mixed(share, pixels)
        here = np.ones(bright.shape, bool)
        samples.add((here & (code == 0), here & (code == 1)), bright, dark)
    assert samples.rule().wet_from < MNDWI(*mixed(0.93)).min()


def test_too_little_to_learn_from_takes_what_is_known_of_the_index() -> None:
    for samples in (learnt(water=99), learnt(land=0), IndexSamples(MNDWI)):
        rule = samples.rule()
        assert (rule.wet_from, rule.damp_from, rule.dry_below, rule.agreement) == (0, 0, 0, None)


def test_water_that_is_dry_is_told() -> None:
    samples = IndexSamples(MNDWI)
    bright, dark = mixed(0)
    wet_bright, wet_dark = mixed(1)
    here = np.ones(bright.shape, bool)
    samples.add((here, here), bright, dark)
    samples.add((~here, here & (np.arange(400) < 100)), wet_bright, wet_dark)
    assert samples.rule().agreement == pytest.approx(0.2, abs=0.01)


def test_sure_pixels_are_far_from_shores_and_land_is_near_water() -> None:
    codes = np.zeros((1, 60), np.uint8)
    codes[:, :20] = 1
    codes[:, 40] = 255
    land, water = sure_pixels(codes, 4, 10)
    np.testing.assert_array_equal(np.flatnonzero(water), np.arange(16))
    np.testing.assert_array_equal(np.flatnonzero(land), np.arange(24, 34))
    far, _ = sure_pixels(codes, 4, 50)
    assert not far[0, 40]
