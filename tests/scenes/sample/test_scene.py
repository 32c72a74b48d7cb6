from __future__ import annotations

import datetime

import numpy as np
import numpy.typing as npt
import pytest

from tests.scenes.sample.conftest import SIZE, Scenes
from watermap.scenes.sample import SampleScene, make_scene
from watermap.scenes.sample.scene import place_grid

B2, B3, B4, B8, B11, B12 = range(6)


def _water_share(scene: SampleScene) -> float:
    return float((scene.label[scene.label != 255] == 1).mean())


def _iou(found: npt.NDArray[np.bool_], label: npt.NDArray[np.uint8]) -> float:
    valid = label != 255
    water = label == 1
    return float((found & water).sum() / ((found | water) & valid).sum())


def test_the_same_arguments_give_the_same_bytes() -> None:
    one, two = (make_scene(2, size=128, place=4, visit=1) for _ in range(2))
    assert one.image.tobytes() == two.image.tobytes()
    assert one.label.tobytes() == two.label.tobytes()
    assert one.coarse_label.tobytes() == two.coarse_label.tobytes()
    assert (one.name, one.date, one.grid) == (two.name, two.date, two.grid)


def test_nothing_depends_on_numpys_global_state() -> None:
    np.random.seed(1)  # noqa: NPY002 - the point of the test
    one = make_scene(0, size=128)
    np.random.seed(2)  # noqa: NPY002  # nobody may depend on it
    assert make_scene(0, size=128).image.tobytes() == one.image.tobytes()


def test_other_seeds_give_other_ground() -> None:
    one, two = (make_scene(seed, size=128) for seed in (0, 1))
    assert (one.label != two.label).mean() > 0.02
    assert one.grid == two.grid


def test_shapes_types_and_codes(scenes: Scenes) -> None:
    for scene in scenes.values():
        assert scene.image.shape == (6, SIZE, SIZE)
        assert scene.image.dtype == np.uint16
        for label in (scene.label, scene.coarse_label):
            assert label.shape == (SIZE, SIZE)
            assert label.dtype == np.uint8
            assert set(np.unique(label)) <= {0, 1, 255}


def test_bands_agree_on_no_data_and_no_pixel_is_all_zero(scenes: Scenes) -> None:
    for scene in scenes.values():
        lost = scene.image == 65535
        assert (lost.all(axis=0) == lost.any(axis=0)).all()
        assert scene.image.any(axis=0).all()
        assert (scene.label[lost[0]] == 255).all()
        assert (scene.coarse_label[lost[0]] == 255).all()


def test_seen_pixels_without_a_label_are_bright_cloud(scenes: Scenes) -> None:
    hidden = [s.image[:, (s.label == 255) & (s.image[0] != 65535)] for s in scenes.values()]
    pixels = np.concatenate(hidden, axis=1)
    assert pixels.size > 0
    assert np.quantile(pixels[B2], 0.05) > 1500


def test_some_scenes_have_a_wedge_of_no_data_and_some_have_none(scenes: Scenes) -> None:
    lost = [float((s.image[0] == 65535).mean()) for s in scenes.values()]
    assert min(lost) == 0
    assert 0.05 < max(lost) < 0.2


def test_one_zero_band_occurs_and_is_data(scenes: Scenes) -> None:
    assert any(((s.image == 0).any(axis=0) & (s.label == 1)).any() for s in scenes.values())


def test_water_share_and_mixed_patches(scenes: Scenes) -> None:
    for scene in scenes.values():
        assert 0.1 <= _water_share(scene) <= 0.6
    mixed = 0
    for scene in scenes.values():
        for row in range(0, SIZE - 127, 64):
            for col in range(0, SIZE - 127, 64):
                part = scene.label[row : row + 128, col : col + 128]
                mixed += 0.3 <= (part[part != 255] == 1).mean() <= 0.7 if (part != 255).mean() > 0.5 else 0
    assert mixed > 2 * len(scenes)


@pytest.mark.parametrize("place", range(6))
def test_water_share_over_seeds(place: int) -> None:
    shares = [_water_share(make_scene(seed, size=256, place=place)) for seed in range(20, 23)]
    assert min(shares) > 0.08
    assert max(shares) < 0.62


def test_indices_find_most_water_but_never_all(scenes: Scenes) -> None:
    scores = []
    for scene in scenes.values():
        scores.append(_iou(scene.image[B3] > scene.image[B11], scene.label))
        assert _iou(scene.image[B3] > scene.image[B8], scene.label) < 0.995
    assert min(scores) > 0.4
    assert max(scores) < 0.985
    assert 0.7 < np.mean(scores) < 0.93


def test_swir_blocks_are_20_m(scenes: Scenes) -> None:
    image = scenes[1, 0].image
    lost = image[0] == 65535
    whole = ~(lost[::2, ::2] | lost[1::2, ::2] | lost[::2, 1::2] | lost[1::2, 1::2])
    assert (image[B11, ::2, ::2] == image[B11, 1::2, 1::2])[whole].all()
    assert (image[B4, ::2, ::2] != image[B4, 1::2, 1::2])[whole].mean() > 0.8


def test_coarse_labels_are_stair_stepped_and_nearly_right(scenes: Scenes) -> None:
    for scene in scenes.values():
        coarse = scene.coarse_label
        blocks = coarse[: SIZE // 3 * 3, : SIZE // 3 * 3].reshape(SIZE // 3, 3, SIZE // 3, 3)
        assert (blocks == blocks[:, :1, :, :1]).all()
        both = (coarse != 255) & (scene.label != 255)
        assert 0.8 < (coarse == scene.label)[both].mean() < 0.995


def test_visits_share_the_ground_and_differ_in_everything_else(scenes: Scenes) -> None:
    for place in range(6):
        one, two = scenes[place, 0], scenes[place, 1]
        assert one.grid == two.grid
        assert one.date != two.date
        seen = (one.label != 255) & (two.label != 255)
        assert (one.label == two.label)[seen].mean() > 0.75
        assert (one.image[:, seen] != two.image[:, seen]).mean() > 0.9
        water = [(scene.label[seen] == 1).mean() for scene in (one, two)]
        assert abs(water[0] - water[1]) > 0.003
        known = (one.coarse_label != 255) & (two.coarse_label != 255)
        assert (one.coarse_label == two.coarse_label)[known].all()


def test_names_tell_place_and_date(scenes: Scenes) -> None:
    names = {scene.name for scene in scenes.values()}
    assert len(names) == len(scenes)
    scene = scenes[3, 1]
    assert scene.name == f"sample_03_{datetime.date.fromisoformat(scene.date):%Y%m%d}"


@pytest.mark.parametrize("size", [128, 512, 4096])
def test_places_lie_40_km_apart_on_multiples_of_60_m(size: int) -> None:
    grids = [place_grid(size, place) for place in range(120)]
    corners = np.array([(grid.transform.c, grid.transform.f) for grid in grids])
    gaps = np.abs(corners[:, None] - corners[None]).max(axis=2) - size * 10
    assert gaps[~np.eye(len(grids), dtype=bool)].min() >= 40_000
    assert (corners % 60 == 0).all()
    assert (corners[:, 0] >= 166_000).all()
    assert (corners[:, 0] + size * 10 <= 834_000).all()
    assert {grid.crs.to_epsg() for grid in grids} == {32633}


def test_odd_sizes_work() -> None:
    scene = make_scene(0, size=131, place=1)
    assert scene.image.shape == (6, 131, 131)
    assert scene.coarse_label.shape == (131, 131)
