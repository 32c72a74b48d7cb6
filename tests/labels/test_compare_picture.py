"""Pictures of compared labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from tests.labels.test_compare import GRID, made
from tests.support.waters import write_water
from watermap.labels import compare_picture
from watermap.labels.compare import (
    DISAGREEMENT,
    ONLY_FIRST,
    ONLY_SECOND,
    compare_labels,
)
from watermap.labels.compare_picture import plot_label_comparison
from watermap.maps.two_rasters_picture import PairCaptions


def test_the_picture_shows_disagreement_in_the_rasters_colours(tmp_path: Path) -> None:
    found = compare_labels(*made(tmp_path), tmp_path / "out")
    path = plot_label_comparison(found, tmp_path / "p.png")
    picture = np.round(image.imread(path)[..., :3] * 255).astype(int)
    maps = picture[: int(0.75 * len(picture))]
    for code in (ONLY_FIRST, ONLY_SECOND):
        cols = np.argwhere((maps == DISAGREEMENT.colors[code][:3]).all(axis=-1))[:, 1]
        assert len(cols) > 100
        assert (cols > 2 / 3 * picture.shape[1]).all()


def test_labels_that_know_nothing_in_common_have_a_picture(tmp_path: Path) -> None:
    one, two = np.full((8, 8), 255, np.uint8), np.ones((8, 8), np.uint8)
    found = compare_labels(
        write_water(tmp_path / "a.tif", one, GRID), write_water(tmp_path / "b.tif", two, GRID), tmp_path
    )
    assert found.scores.accuracy is None
    assert plot_label_comparison(found, tmp_path / "p.png").is_file()


@pytest.mark.parametrize(
    ("name", "entry"), [("two", "water in two only"), ("a_name_of_many_letters", "water in the second only")]
)
def test_the_legend_has_the_labels_own_names_where_they_are_short(
    name: str, entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[PairCaptions] = []

    def keep(path: Path, *arguments: object) -> Path:
        drawn.extend(each for each in arguments if isinstance(each, PairCaptions))
        return path

    monkeypatch.setattr(compare_picture, "plot_pair", keep)
    first, second = made(tmp_path)
    found = compare_labels(first, second.rename(tmp_path / f"{name}.tif"), tmp_path / "out")
    plot_label_comparison(found, tmp_path / "p.png")
    (captions,) = drawn
    assert captions.titles == ("one", name, "Disagreement")
    assert captions.summary == "2.80% of pixels, 33% of it beyond 3 px of a shore"
    assert captions.names[ONLY_SECOND] == entry
