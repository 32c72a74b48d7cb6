from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.support.folders import listing
from watermap.config import SampleConfig
from watermap.errors import DataError
from watermap.scenes.sample import make_scene, write_samples


def test_samples_open_as_they_were_made(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    config = SampleConfig(scenes=3, size=128, seed=4)
    written = write_samples(tmp_path / "scenes", config, progress=lambda *step: told.append(step))
    assert all(each.is_new for each in written)
    folders = [each.path for each in written]
    assert [folder.parent for folder in folders] == [tmp_path / "scenes"] * 3
    assert [(done, total) for _, done, total in told] == [(1, 3), (2, 3), (3, 3)]
    scene = make_scene(4, size=128, place=0, visit=1)
    assert folders[1].name == scene.name
    assert listing(folders[1]) == [
        "image.tif",
        "item.json",
        "label.tif",
        "label_coarse.tif",
    ]
    with rasterio.open(folders[1] / "image.tif") as image:
        assert image.descriptions == ("B2", "B3", "B4", "B8", "B11", "B12")
        assert image.nodata == 65535
        assert image.crs.to_epsg() == 32633
        assert image.transform == scene.grid.transform
        assert image.tags()["DATE"] == scene.date
        np.testing.assert_array_equal(image.read(), scene.image)
    for name, expected in (("label.tif", scene.label), ("label_coarse.tif", scene.coarse_label)):
        with rasterio.open(folders[1] / name) as label:
            assert label.nodata == 255
            assert label.dtypes == ("uint8",)
            assert label.transform == scene.grid.transform
            np.testing.assert_array_equal(label.read(1), expected)


def test_consecutive_scenes_share_their_ground(tmp_path: Path) -> None:
    folders = [each.path for each in write_samples(tmp_path, SampleConfig(scenes=3, size=128))]
    bounds = []
    for folder in folders:
        with rasterio.open(folder / "image.tif") as image:
            bounds.append(image.bounds)
    assert bounds[0] == bounds[1]
    assert bounds[2].left - bounds[0].right >= 40_000


def test_files_are_the_same_on_every_run(tmp_path: Path) -> None:
    config = SampleConfig(scenes=1, size=128, seed=9)
    one, two = (write_samples(tmp_path / name, config)[0].path for name in ("a", "b"))
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()


def test_a_file_in_the_way_is_a_data_error(tmp_path: Path) -> None:
    blocked = tmp_path / "out"
    blocked.write_text("here")
    with pytest.raises(DataError, match="cannot be written"):
        write_samples(blocked, SampleConfig(scenes=1, size=128))


def test_what_is_there_and_whole_is_kept(tmp_path: Path) -> None:
    config = SampleConfig(scenes=3, size=128)
    first = write_samples(tmp_path, config)
    images = [each.path / "image.tif" for each in first]
    before = [image.read_bytes() for image in images]
    images[0].write_bytes(before[0][:-1])
    (first[1].path / "label_coarse.tif").unlink()
    assert [each.is_new for each in write_samples(tmp_path, config)] == [True, True, False]
    assert [image.read_bytes() for image in images] == before
    assert (first[1].path / "label_coarse.tif").is_file()
    other = write_samples(tmp_path, SampleConfig(scenes=1, size=192))
    assert [each.is_new for each in other] == [True]
