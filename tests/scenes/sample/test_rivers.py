from __future__ import annotations

import numpy as np
import pytest

from watermap.scenes.sample.noise import fractal, generator
from watermap.scenes.sample.rivers import channel, meander, turn


@pytest.mark.parametrize("seed", range(4))
def test_rivers_meander(seed: int) -> None:
    river = meander(generator(seed), 1200, 36)
    steps = np.hypot(*np.diff(river.course, axis=0).T)
    assert np.isfinite(river.course).all()
    assert steps.sum() / np.hypot(*(river.course[-1] - river.course[0])) > 1.25
    assert steps.max() < 1.2 * steps.min()
    assert len(river.past) > 3


def test_old_rivers_leave_oxbows() -> None:
    assert any(meander(generator(seed), 1200, 36).oxbows for seed in range(4))


def test_turning_keeps_lengths_and_centres() -> None:
    points = np.array([[-3.0, 0.0], [3.0, 0.0]])
    moved = turn(points, 101, 1.1)
    np.testing.assert_allclose(moved.mean(axis=0), 50)
    assert np.hypot(*(moved[1] - moved[0])) == pytest.approx(6)


def test_a_channel_has_the_width_asked_for_and_gentle_inner_banks() -> None:
    turns = np.linspace(0, np.pi, 200)
    bend = np.column_stack([100 + 70 * np.cos(turns), 20 + 70 * np.sin(turns)])
    level = np.zeros((200, 200), dtype=np.float32)
    bed, inner = channel(bend, 200, 20, level)
    wet = np.flatnonzero(bed[:, 100] < 0)  # the middle of the bend: from inside to outside
    assert 20 <= len(wet) <= 30  # bends are wider
    assert bed[wet[0] - 4, 100] < bed[wet[-1] + 4, 100]
    assert inner[wet[0] - 3, 100] > 0.9


def test_plugged_channels_end_dry() -> None:
    line = np.array([[-5.0, 50.0], [105.0, 50.0]])
    bed, _inner = channel(line, 100, 20, 0 * fractal(generator(0), 100, longest=9), plugged=True)
    assert (bed[:, 50] < 0).sum() == pytest.approx(20, abs=1)
    assert (bed[:, 1] < 0).sum() < 5
