from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.crs import CRS

from tests.support.rasters import make_grid, write_scene
from watermap.bands import STANDARD_BANDS
from watermap.bundles.data_summary import label_counts, training_data
from watermap.config import TileConfig
from watermap.geo.crs import LON_LAT, transform_shapes
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.scenes.label import LABEL_TAG


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PatchStore:
    """Six places of 20 m pixels; three scenes have dates in their names, two are labelled by hand."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(6):
        name = f"place_{number}" + (f"_2023060{number + 1}" if number < 3 else "")
        grid = make_grid(96, 96, left=300_000 + 40_000 * number, pixel=20)
        scene = write_scene(folder / "scenes", name, grid, seed=number)
        if number < 2:
            with rasterio.open(scene / "label.tif", "r+") as dataset:
                dataset.update_tags(**{LABEL_TAG: "hand"})
    tile(folder / "scenes", folder / "patches", TileConfig(patch_size=32, bands=STANDARD_BANDS, density=0.5))
    return PatchStore.open(folder / "patches")


def test_patches_ground_and_labels_are_told_by_split(store: PatchStore) -> None:
    data = training_data(store)
    assert set(data.splits) == {"train", "validation", "test"}
    for split, found in data.splits.items():
        records = store.records(split)
        assert sum(found.labels.values()) == len(records) == store.count(split) > 0
        assert found.labels.get("hand", 0) == sum(record.scene[:7] in ("place_0", "place_1") for record in records)
        assert (found.scenes, found.grounds) == (len({r.scene for r in records}), len({r.block for r in records}))
        assert found.water == pytest.approx(np.mean([record.water_fraction for record in records]))


def test_ground_that_several_patches_cover_counts_once(store: PatchStore) -> None:
    outlines = np.array([record.footprint for record in store.records("train")])
    on_plane = transform_shapes(outlines, LON_LAT, CRS.from_epsg(6933))  # true to area
    covered = shapely.union_all(on_plane).area
    assert covered < 0.95 * shapely.area(on_plane).sum()
    assert training_data(store).splits["train"].area_km2 == pytest.approx(covered / 1e6, rel=1e-6)


def test_pixel_sizes_are_those_on_the_ground(store: PatchStore) -> None:
    low, high = training_data(store).pixel_sizes_m
    assert 19.98 < low <= high < 20.02


def test_bounds_hold_training_and_validation_patches_only(store: PatchStore) -> None:
    learned = [record.footprint for split in ("train", "validation") for record in store.records(split)]
    assert training_data(store).bounds == pytest.approx(shapely.total_bounds(learned))


def test_dates_are_those_in_the_scenes_names(store: PatchStore) -> None:
    data = training_data(store)
    learned = {record.scene for split in ("train", "validation") for record in store.records(split)}
    days = sorted(date(2023, 6, int(scene[-1])) for scene in learned if "_2023" in scene)
    assert (data.dated_scenes, data.undated_scenes) == (len(days), len(learned) - len(days))
    assert data.days == (days[0], days[-1])


def test_labels_of_no_stated_kind_are_told_as_such(small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    assert label_counts(store, store.records("train")) == {"unstated": store.count("train")}
    assert training_data(store).days is None
