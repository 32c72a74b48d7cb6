"""What is made of the service's list of scenes."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from tests.earthengine.asking import ACROSS, BESIDE, CLEAR, FIRST, config
from tests.earthengine.world import World
from tests.support.failures import one_line
from watermap.earthengine import search as searching
from watermap.earthengine.aoi import Area, read_area
from watermap.earthengine.expressions import listing
from watermap.earthengine.search import region_of, search
from watermap.earthengine.session import Session
from watermap.errors import EarthEngineError


@pytest.fixture
def area(world: World) -> Area:
    return read_area(world.whole_box)


def answering(answer: Any) -> Any:
    """A session that gives one answer."""
    return SimpleNamespace(send=lambda _, **__: answer)


@pytest.fixture
def answer(connected: Session, area: Area) -> Any:
    """What the service lists."""
    graph = listing(region_of(area), config(), most=10)
    return graph.getInfo()


def test_a_scene_that_was_processed_anew_counts_once(answer: Any, area: Area) -> None:
    later = copy.deepcopy(next(each for each in answer["features"] if FIRST in each["id"]))
    start, _, tile = FIRST.split("_")
    later["properties"]["system:index"] = f"{start}_20240102T030405_{tile}"
    answer["features"].append(later)
    found, _ = search(answering(answer), area, config())
    assert sorted(scene.index for scene in found) == sorted(
        [f"{start}_20240102T030405_{tile}", *(name for name in CLEAR if name != FIRST)]
    )


@pytest.mark.parametrize(("name", "value"), [("CLOUDY_PIXEL_PERCENTAGE", None), ("system:time_start", "never")])
def test_an_odd_scene_does_not_lose_the_others(name: str, value: Any, answer: Any, area: Area) -> None:
    answer["features"][0]["properties"][name] = value
    found, notes = search(answering(answer), area, config())
    assert len(found) == len(CLEAR) - 1
    assert len(notes) == 1


def test_a_scene_without_a_footprint_is_taken_where_the_service_found_it(answer: Any, area: Area) -> None:
    del answer["features"][0]["properties"]["system:footprint"]
    assert len(search(answering(answer), area, config())[0]) == len(CLEAR)


@pytest.mark.parametrize("odd", [None, [], {}, {"features": None}])
def test_a_list_of_an_unknown_form(odd: Any, connected: Session, area: Area) -> None:
    with pytest.raises(EarthEngineError) as error:
        search(answering(odd), area, config())
    assert "unknown form" in one_line(error)


def test_more_scenes_than_are_listed(answer: Any, area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_SCENES", len(answer["features"]))
    with pytest.raises(EarthEngineError) as error:
        search(answering(answer), area, config())
    assert "scenes or more" in one_line(error)
    found, _ = search(answering(answer), area, config(limit=2))
    assert [scene.index for scene in found] == [FIRST, ACROSS]


def test_the_least_cloudy_come_first_and_are_shown_by_time(connected: Session, area: Area) -> None:
    found, notes = search(connected, area, config(limit=3))
    assert [scene.index for scene in found] == [BESIDE, FIRST, ACROSS]
    assert notes == []
