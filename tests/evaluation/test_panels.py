from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.image import imread

from tests.support.folders import listing
from watermap.evaluation.panels import ScenePicture, plot_panels


def picture_of_scene(rows: int = 30, cols: int = 40) -> ScenePicture:
    rng = np.random.default_rng(0)
    label = np.zeros((rows, cols), np.uint8)
    label[:, : cols // 2] = 1
    label[: rows // 3] = 255
    return ScenePicture(
        "a scene", rng.uniform(0, 0.3, (rows, cols, 3)).astype(np.float32), label, (label / 255).astype(np.float32)
    )


def test_panels_below_each_other_become_one() -> None:
    stacked = ScenePicture.stacked([picture_of_scene(10), picture_of_scene(20)])
    assert stacked.label.shape == stacked.probability.shape == (30, 40)
    assert stacked.rgb.shape == (30, 40, 3)


def test_a_side_by_side_picture_shows_the_colours_of_its_legend(tmp_path: Path) -> None:
    path = plot_panels([picture_of_scene(), picture_of_scene()], tmp_path / "p.png", threshold=0.5)
    colors = {tuple(np.round(color * 255).astype(int)) for color in imread(path)[..., :3].reshape(-1, 3)}
    assert {(31, 119, 200), (236, 226, 198), (214, 26, 115)} <= colors  # water, land, missed water
    assert listing(tmp_path) == ["p.png"]


def test_names_of_scenes_are_shown_as_they_are(tmp_path: Path) -> None:
    named = replace(picture_of_scene(), name=r"50$\frac$ of $x^$")
    assert plot_panels([named], tmp_path / "p.png", threshold=0.5).is_file()
