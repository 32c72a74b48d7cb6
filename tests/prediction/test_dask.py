from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray
from dask import array as da
from dask.base import tokenize
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from tests.support.workspace import image_of
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.config import TileConfig, TrainConfig
from watermap.errors import DataError
from watermap.prediction.array import predict_array
from watermap.prediction.dask import chunks_near

RADIUS = 7


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A network whose answer depends on all that lies within seven pixels, and on nothing beyond."""
    return make_bundle(tmp_path_factory.mktemp("models") / "known", radius=RADIUS, receptive_field_px=RADIUS)


def scene(rows: int = 200, cols: int = 150) -> np.ndarray:
    rng = np.random.default_rng(0)
    values = image_of((rng.random((rows, cols)) < 0.5).astype(np.uint8))
    values[:, 40:70, 90:] = 65535
    return values


def chunked(values: Any, chunks: Any) -> xarray.DataArray:
    data = values if isinstance(values, da.Array) else da.from_array(values, chunks=chunks)
    return xarray.DataArray(
        data, dims=("band", "y", "x"), coords={"band": list(STANDARD_BANDS)}, attrs={"_FillValue": 65535}
    )


class Counted:
    """An array that counts how often it is read."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.reads = values, 0
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __getitem__(self, key: Any) -> np.ndarray:
        found: np.ndarray = self.values[key]
        self.reads += bool(found.size)  # dask looks at what is empty, to know its type
        return found

    def __dask_tokenize__(self) -> str:
        return str(tokenize(self.values))


@pytest.mark.parametrize("chunks", [(6, 64, 64), (2, 50, 150), (1, 33, 71), (6, 200, 150), (6, 8, 8)])
def test_chunks_give_what_the_whole_gives(bundle: Bundle, chunks: tuple[int, ...]) -> None:
    values = scene()
    expected = predict_array(values, bands=STANDARD_BANDS, bundle=bundle, nodata=65535)
    codes, probability = predict_array(chunked(values, chunks), bundle=bundle)
    assert isinstance(codes.data, da.Array)
    assert (codes.dtype.name, probability.dtype.name, codes.shape) == ("uint8", "float32", (200, 150))
    np.testing.assert_allclose(probability.values, expected[1], atol=1e-5)
    near = np.abs(expected[1] - 0.5) < 1e-5
    np.testing.assert_array_equal(codes.values[~near], expected[0][~near])


def test_windows_that_are_asked_for_are_those_of_the_whole(bundle: Bundle) -> None:
    values: np.ndarray = scene()
    options: dict[str, Any] = {"window": 64, "overlap": 0}  # too little: seams show wherever a window ends
    expected = predict_array(values, bands=STANDARD_BANDS, bundle=bundle, nodata=65535, **options)
    seamless = predict_array(values, bands=STANDARD_BANDS, bundle=bundle, nodata=65535)
    assert np.nanmax(np.abs(seamless[1] - expected[1])) > 0.01
    _, probability = predict_array(chunked(values, (6, 70, 90)), bundle=bundle, **options)
    assert len(probability.data.chunks[0]) > 1
    np.testing.assert_allclose(probability.values, expected[1], atol=1e-5)


def test_nothing_is_read_before_it_is_computed(bundle: Bundle) -> None:
    counted = Counted(scene())
    codes, probability = predict_array(chunked(da.from_array(counted, chunks=(6, 64, 64)), None), bundle=bundle)
    assert counted.reads == 0
    codes.compute()
    assert counted.reads > 0
    assert probability.chunks is not None


def test_names_are_checked_at_once_and_numbers_when_they_are_read(bundle: Bundle) -> None:
    raw = np.where(scene() == 65535, 65535, scene() + 1000).astype(np.uint16)
    with pytest.raises(DataError, match="band B2 is missing"):
        predict_array(chunked(raw, (6, 64, 64)), bands=["B1", *STANDARD_BANDS[1:]], bundle=bundle)
    with pytest.raises(DataError, match="were said to be valid"):
        predict_array(chunked(raw, (6, 64, 64)), bundle=bundle, valid=np.ones((3, 3), bool))
    codes, _ = predict_array(chunked(raw, (6, 64, 64)), bundle=bundle)
    with pytest.raises(DataError, match="an offset seems to be left in") as error:
        codes.compute()
    assert one_line(error)
    expected, _ = predict_array(scene(), bands=STANDARD_BANDS, bundle=bundle, nodata=65535)
    stated, _ = predict_array(chunked(raw, (6, 64, 64)), bundle=bundle, offset=-1000)
    np.testing.assert_array_equal(stated.values, expected)


def test_masks_are_honoured(bundle: Bundle) -> None:
    valid = np.random.default_rng(1).random((200, 150)) < 0.9
    expected, _ = predict_array(scene(), bands=STANDARD_BANDS, bundle=bundle, nodata=65535, valid=valid)
    for mask in (valid, xarray.DataArray(da.from_array(valid, chunks=(40, 40)), dims=("y", "x"))):
        codes, _ = predict_array(chunked(scene(), (6, 64, 64)), bundle=bundle, valid=mask)
        np.testing.assert_array_equal(codes.values, expected)
    masked = np.ma.masked_array(scene(), np.broadcast_to(~valid, scene().shape))
    codes, _ = predict_array(chunked(da.from_array(masked, chunks=(6, 64, 64)), None), bundle=bundle)
    np.testing.assert_array_equal(codes.values, expected)


def test_where_the_sample_holds_no_data_each_chunk_is_judged(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watermap.scenes.radiometry._SAMPLE_SIDE", 4)
    values = np.full((6, 200, 150), 65535, np.uint16)
    values[:, 100:130, 92:116] = image_of(np.repeat([[1, 0]], 12, axis=1).repeat(30, axis=0))
    expected, _ = predict_array(values, bands=STANDARD_BANDS, bundle=bundle, nodata=65535)
    codes, _ = predict_array(chunked(values, (6, 64, 64)), bundle=bundle)
    np.testing.assert_array_equal(codes.values, expected)
    assert set(np.unique(expected)) == {0, 1, 255}
    values[:, 100:130, 92:116] += 1000
    codes, _ = predict_array(chunked(values, (6, 64, 64)), bundle=bundle)
    with pytest.raises(DataError, match="an offset seems to be left in"):
        codes.compute()


def test_an_image_without_data_is_no_data(bundle: Bundle) -> None:
    codes, _ = predict_array(chunked(np.full((6, 80, 80), 65535, np.uint16), (6, 40, 40)), bundle=bundle)
    assert (codes.values == 255).all()


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.sampled_from([16, 32]), st.integers(0, 4))
def test_chunks_cover_the_axis_in_whole_units(chunks: list[int], unit: int, many: int) -> None:
    least = max(unit, unit * many)
    found = chunks_near(chunks, unit, least)
    assert sum(found) == sum(chunks)
    assert all(size % unit == 0 for size in found[:-1])
    assert len(found) == 1 or min(found) >= least


def test_chunks_that_fit_stay_as_they_are() -> None:
    assert chunks_near((256, 256, 100), 16, 48) == (256, 256, 100)
    assert chunks_near((250, 250), 16, 48) == (256, 244)
    assert chunks_near((250, 20), 16, 48) == (270,)


@pytest.mark.extended
def test_a_unet_maps_a_real_scene_in_chunks_as_it_does_whole(real_data: Path, tmp_path: Path) -> None:
    from watermap.patches.tile import tile
    from watermap.training.train import train

    chips = tmp_path / "chips"
    chips.mkdir()
    for chip in sorted((real_data / "chips").iterdir())[:16]:
        (chips / chip.name).symlink_to(chip)
    settings = TileConfig(patch_size=64, bands=STANDARD_BANDS, min_water=0.05, max_water=0.95, sampling="grid")
    tile(chips, tmp_path / "patches", settings)
    course = TrainConfig(encoder="compact", preset="fast", epochs=2, batch_size=8, augment="none")
    bundle = train(tmp_path / "patches", tmp_path / "unet", course).bundle
    with rasterio.open(real_data / "sundarbans" / "image.tif") as file:
        values, names, nodata = file.read(), list(file.descriptions), file.nodata
    options: dict[str, Any] = {"bundle": bundle, "nodata": nodata, "precision": "float32"}
    whole, expected = predict_array(values, bands=names, **options)
    pieces = xarray.DataArray(da.from_array(values, chunks=(6, 256, 150)), dims=("band", "y", "x"))
    codes, probability = predict_array(pieces, bands=names, **options)
    assert len(probability.data.chunks[0]) * len(probability.data.chunks[1]) >= 8
    difference = np.abs(probability.values - expected)
    assert np.array_equal(np.isnan(difference), whole == 255)
    assert np.nanpercentile(difference, 99.9) < 1e-3
    assert np.nanstd(expected) > 0.01  # it does not say the same of everything
    assert (codes.values != whole).mean() < 1e-3
