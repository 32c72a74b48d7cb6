"""Scenes that several test modules look at: every kind of place, on two dates."""

from __future__ import annotations

import pytest

from watermap.scenes.sample import SampleScene, make_scene
from watermap.scenes.sample.waters import KINDS

SIZE = 320

Scenes = dict[tuple[int, int], SampleScene]


@pytest.fixture(scope="session")
def scenes() -> Scenes:
    """(place, visit) to scene, for every kind of place."""
    return {(p, v): make_scene(5, size=SIZE, place=p, visit=v) for p in range(len(KINDS)) for v in (0, 1)}
