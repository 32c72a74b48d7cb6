from __future__ import annotations

import numpy as np
import pytest

from watermap.scenes.sample.noise import (
    curvature,
    fractal,
    generator,
    nearest_on_curve,
    paint_curves,
    resample,
    smoothstep,
)


def test_generators_of_one_key_agree_and_of_two_keys_differ() -> None:
    assert generator(3, 1, 2).random() == generator(3, 1, 2).random()
    assert len({generator(3, 1, 2).random(), generator(3, 2, 1).random(), generator(4, 1, 2).random()}) == 3


@pytest.mark.parametrize("size", [64, 65])
def test_fractal_is_standardised_float32(size: int) -> None:
    field = fractal(generator(0), size, longest=20)
    assert field.shape == (size, size)
    assert field.dtype == np.float32
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-4)


def test_stretch_makes_features_longer_along_the_angle() -> None:
    field = fractal(generator(1), 256, longest=40, stretch=6, angle=0.0)
    assert np.abs(np.diff(field, axis=0)).mean() > 2 * np.abs(np.diff(field, axis=1)).mean()


def test_smoothstep_runs_either_way() -> None:
    np.testing.assert_allclose(smoothstep(0, 2, np.array([-1, 0, 1, 2, 3])), [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(smoothstep(2, 0, np.array([-1, 0, 1, 2, 3])), [1, 1, 0.5, 0, 0])


def test_a_circle_keeps_its_length_and_curvature_when_resampled() -> None:
    turn = np.linspace(0, 2 * np.pi, 400)
    circle = 50 * np.column_stack([np.cos(turn), np.sin(turn)])
    even = resample(circle, 1.0)
    assert len(even) == pytest.approx(2 * np.pi * 50, abs=2)
    np.testing.assert_allclose(curvature(even)[5:-5], 1 / 50, rtol=0.05)


def test_a_drawn_line_covers_its_own_area() -> None:
    cover = paint_curves([np.array([[5.0, 20.0], [55.0, 33.0]])], 64, 2.0)
    assert cover.max() <= 1
    assert cover.sum() == pytest.approx(2 * np.hypot(50, 13), rel=0.06)


def test_lines_outside_the_grid_draw_nothing() -> None:
    assert not paint_curves([np.array([[-50.0, -9.0], [-5.0, -9.0]])], 32, 2.0).any()


def test_distance_to_a_curve_is_signed_by_side() -> None:
    line = resample(np.array([[-20.0, 10.3], [60.0, 10.3]]), 0.5)
    distance, position = nearest_on_curve(line, 32, 10)
    np.testing.assert_allclose(distance[:, 16], np.arange(32) - 10.3, atol=0.05)
    np.testing.assert_allclose(line[position[5], 0], np.arange(32), atol=0.6)


def test_a_curve_far_away_is_far_from_every_pixel() -> None:
    distance, _position = nearest_on_curve(np.array([[900.0, 900.0], [901.0, 900.0]]), 32, 4)
    assert distance.min() >= 32
