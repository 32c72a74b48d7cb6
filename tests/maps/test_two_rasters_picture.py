from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from tests.support.rasters import make_grid
from watermap.arrays import Codes
from watermap.maps import two_rasters_picture
from watermap.maps.panels import Panel
from watermap.maps.two_rasters import PairViews, water_pairs
from watermap.maps.two_rasters_picture import PairCaptions, plot_pair

NAMES = {0: "dry", 1: "both", 2: "mine", 3: "yours", 255: "unknown"}
CLASSES = water_pairs("mine and yours", NAMES, only_first=2, only_second=3)
CAPTIONS = PairCaptions(("One", "Other", "Both"), "so much", NAMES, "some is unknown", "some is faded")
AREAS_M2 = {0: 0.0, 1: 2e6, 2: 1e6, 3: 0.0, 255: 0.0}


def views(first: Codes, second: Codes) -> PairViews:
    return PairViews(first, second, CLASSES.combine(first, second), 1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What is to be drawn."""
    found: list[dict[str, object]] = []

    def plot(panels: list[Panel], _grid: object, _step: int, legend: object, path: Path, *, remark: str | None) -> Path:
        found.append({"panels": panels, "legend": legend, "remark": remark})
        return path

    monkeypatch.setattr(two_rasters_picture, "plot_panels", plot)
    return found


def test_areas_stand_below_titles_and_in_the_legend(asked: list[dict[str, object]]) -> None:
    first, second = np.ones((4, 4), np.uint8), np.eye(4, dtype=np.uint8)
    plot_pair(Path("p.png"), make_grid(4, 4), views(first, second), AREAS_M2, CLASSES, CAPTIONS)
    panels = asked[0]["panels"]
    assert isinstance(panels, list)
    assert [panel.title for panel in panels] == ["One", "Other", "Both"]
    assert [panel.caption for panel in panels] == ["water 3.00 km²", "water 2.00 km²", "so much"]
    assert asked[0]["legend"] == {  # no land, no unknown where there is none; what did not happen is said
        "both 2.00 km²": CLASSES.colors[1],
        "mine 1.00 km²": CLASSES.colors[2],
        "yours 0.00 km²": CLASSES.colors[3],
    }
    assert asked[0]["remark"] is None


@pytest.mark.parametrize(("other", "remark"), [(1, "some is faded"), (255, "some is unknown")])
def test_what_one_of_the_two_knows_is_faded(asked: list[dict[str, object]], other: int, remark: str) -> None:
    first, second = np.full((4, 4), other, np.uint8), np.ones((4, 4), np.uint8)
    second[:, 2:] = 255
    first[:, :2] = 1
    plot_pair(Path("p.png"), make_grid(4, 4), views(first, second), {**AREAS_M2, 255: 1e6}, CLASSES, CAPTIONS)
    assert asked[0]["remark"] == remark
    panels = asked[0]["panels"]
    assert isinstance(panels, list)
    assert (panels[0].picture[0, 0] == CLASSES.colors[1]).all()
    assert (panels[0].picture[0, 3] != CLASSES.colors[1]).any()


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    codes = np.ones((40, 40), np.uint8)
    path = plot_pair(tmp_path / "p.png", make_grid(40, 40), views(codes, 1 - codes), AREAS_M2, CLASSES, CAPTIONS)
    picture = np.round(image.imread(path)[..., :3] * 255).astype(int)
    assert (picture == CLASSES.colors[2][:3]).all(axis=-1).mean() > 0.1
