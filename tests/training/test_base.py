"""Going on from a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.rasters import lake_image, make_grid, shore_label, write_scene
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.config import TileConfig, TrainConfig
from watermap.errors import UsageError
from watermap.evaluation.leaks import ground_of_bundle
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.training.base import going_on_from
from watermap.training.train import train

SMALL = TileConfig(patch_size=32, min_water=0, max_water=1, block_patches=1, validation=0.2, test=0)
FIRST = TrainConfig(
    encoder="plain",
    preset="fast",
    inputs="spectral",
    augment="spectral",
    finest_m=10,
    crop_px=16,
    epochs=1,
    batch_size=8,
)


def store_of(folder: Path, bands: tuple[str, ...], left: float) -> PatchStore:
    """Patches of one lake."""
    label = shore_label((96, 96))
    image = lake_image(label, 6)[[STANDARD_BANDS.index(band) for band in bands]]
    write_scene(folder / "scenes", "lake", make_grid(96, 96, left=left), label=label, image=image, bands=bands)
    return PatchStore.open(tile(folder / "scenes", folder / "patches", SMALL).folder)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle that needs green and near infrared."""
    folder = tmp_path_factory.mktemp("base")
    label = shore_label((96, 96))
    two = lake_image(label, 6)[[1, 3]]
    write_scene(folder / "scenes", "two", make_grid(96, 96, left=700_000), label=label, image=two, bands=("B3", "B8"))
    return train(store_of(folder, STANDARD_BANDS, 500_000), folder / "bundle", FIRST).bundle


@pytest.mark.slow
def test_network_bands_and_meaning_are_the_bundles_and_its_ground_is_remembered(base: Bundle, tmp_path: Path) -> None:
    assert base.contract.needed_bands == ("B3", "B8")
    store = store_of(tmp_path, ("B8", "B3", "B4"), 300_000)
    config = TrainConfig(base=str(base.folder), epochs=1, batch_size=8)
    bundle = train(store, tmp_path / "out", config).bundle
    own, before = bundle.contract, base.contract
    same = ("arch", "encoder", "bands", "optional_bands", "missing", "finest_m", "scale", "offset", "statistics")
    assert {name: getattr(own, name) for name in same} == {name: getattr(before, name) for name in same}
    assert own.trained_on["base"] == base.id
    assert own.training["config"]["augment"] == "spectral"
    both, first = ground_of_bundle(bundle), ground_of_bundle(base)
    assert both is not None
    assert first is not None
    assert len(both.names) == len(first.names) + sum(store.counts.values())
    assert set(first.prints) <= set(both.prints)
    weights = [np.concatenate([w.ravel() for w in each.load_model().get_weights()]) for each in (base, bundle)]
    assert 0 < np.abs(weights[0] - weights[1]).mean() < 0.2 * np.abs(weights[0]).mean()
    again = train(store, tmp_path / "out", config)
    assert again.unchanged


@pytest.mark.slow
def test_what_cannot_be_gone_on_from_is_refused(base: Bundle, small_patches: Path, tmp_path: Path) -> None:
    store = PatchStore.open(small_patches)
    assert going_on_from(TrainConfig(), store) == (None, TrainConfig(), store)
    green = store_of(tmp_path, ("B3", "B4"), 300_000)
    with pytest.raises(UsageError, match="band B8 is missing, which the model needs"):
        train(green, tmp_path / "out", TrainConfig(base=str(base.folder), epochs=1))
    assert not (tmp_path / "out").exists()
