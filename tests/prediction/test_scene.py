from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rio_cogeo.cogeo import cog_validate
from scipy import ndimage

from tests.support.bundles import known_probability, make_bundle
from tests.support.folders import listing
from tests.support.rasters import LON_LAT, UTM33, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.bundles.calibration import Calibration
from watermap.config import PredictConfig
from watermap.errors import DataError, ModelError
from watermap.geo.grid import Grid
from watermap.legend import WATER_COLORS
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene

GRIDS: dict[str, tuple[CRS, Affine]] = {
    "north_up": (UTM33, Affine(10, 0, 500_000, 0, -10, 5_300_000)),
    "south_up": (UTM33, Affine(10, 0, 500_000, 0, 10, 5_290_000)),
    "geographic": (LON_LAT, Affine(8.983152841195215e-05, 0, -0.7818936, 0, -8.983152841195215e-05, 38.128812)),
    "turned": (UTM33, Affine.translation(5e5, 5.3e6) @ Affine.rotation(20) @ Affine.scale(10, -10)),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


@pytest.fixture(scope="module")
def wide_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "wide", radius=12)


def scene_values(rows: int, cols: int, seed: int = 0) -> np.ndarray:
    """(6, rows, cols) DN with smooth light and dark, no-data holes (65535), and zeros in single bands."""
    rng = np.random.default_rng(seed)
    values = rng.integers(150, 3000, (6, rows, cols)).astype(np.uint16)
    values[3, rng.random((rows, cols)) < 0.05] = 0
    values[:, rng.random((rows, cols)) < 0.1] = 65535
    values[:, : rows // 3, : cols // 4] = 65535
    return values


def write_image(path: Path, values: np.ndarray, grid: Grid, **options: Any) -> Path:
    return write_tif(path, values, grid, names=STANDARD_BANDS, no_data=65535, **options)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("shape", [(1, 1), (37, 53), (64, 64), (211, 149)])
def test_the_map_lies_on_exactly_the_scenes_grid(
    name: str, shape: tuple[int, int], bundle: Bundle, tmp_path: Path
) -> None:
    crs, transform = GRIDS[name]
    values = scene_values(*shape)
    values[:, -1, -1] = 1000
    scene = write_image(tmp_path / "place.tif", values, Grid(crs, transform, shape[1], shape[0]))
    config = PredictConfig(window=64, overlap=16, probability="float")
    result = predict_scene(scene, Predictor(bundle, config), tmp_path / "out")
    valid = (values != 65535).all(axis=0)
    expected = known_probability(values, valid)
    assert listing(tmp_path / "out") == ["place_probability.tif", "place_water.tif"]
    with rasterio.open(result.water) as water, rasterio.open(scene) as source:
        assert water.crs == source.crs == crs
        assert water.transform == source.transform
        assert (water.shape, water.nodata, water.dtypes) == (shape, 255, ("uint8",))
        assert water.descriptions == ("water",)
        assert {code: water.colormap(1)[code] for code in WATER_COLORS} == WATER_COLORS
        codes = water.read(1)
    np.testing.assert_array_equal(codes == 255, ~valid)
    sure = valid & (np.abs(expected - 0.5) > 1e-4)
    np.testing.assert_array_equal(codes[sure], expected[sure] >= 0.5)
    assert (result.valid_pixels, result.pixels) == (valid.sum(), valid.size)
    assert result.water_pixels == (codes == 1).sum()
    with rasterio.open(tmp_path / "out" / "place_probability.tif") as probability:
        found = probability.read(1)
        assert np.isnan(probability.nodata)
        np.testing.assert_array_equal(np.isnan(found), ~valid)
        np.testing.assert_allclose(found[valid], expected[valid], atol=1e-4)
    assert result.probability is not None
    for path in (result.water, result.probability):
        assert cog_validate(path, strict=True) == (True, [], [])


def test_a_calibrated_bundle_writes_what_its_probabilities_mean(tmp_path: Path) -> None:
    calibration = Calibration(method="isotonic", predicted=(0.0, 0.3, 0.8, 1.0), true=(0.05, 0.4, 0.6, 0.9))
    bundle = make_bundle(tmp_path / "b", calibration=calibration, threshold=0.55)
    values = scene_values(200, 90)
    scene = write_image(tmp_path / "place.tif", values, Grid(*GRIDS["north_up"], 90, 200))
    config = PredictConfig(window=64, overlap=16, probability="float")
    result = predict_scene(scene, Predictor(bundle, config), tmp_path / "out")
    valid = (values != 65535).all(axis=0)
    expected = calibration(known_probability(values, valid).astype(np.float32))
    assert result.probability is not None
    with rasterio.open(result.probability) as dataset:
        np.testing.assert_allclose(dataset.read(1)[valid], expected[valid], atol=1e-4)
    with rasterio.open(result.water) as dataset:
        sure = valid & (np.abs(expected - 0.55) > 1e-4)
        np.testing.assert_array_equal(dataset.read(1)[sure], expected[sure] >= 0.55)
        assert (dataset.tags()["WATERMAP_CALIBRATION"], dataset.tags()["WATERMAP_THRESHOLD"]) == ("isotonic", "0.55")


def test_percent_is_the_rounded_probability(bundle: Bundle, tmp_path: Path) -> None:
    values = scene_values(70, 90)
    scene = write_image(tmp_path / "place.tif", values, Grid(*GRIDS["north_up"], 90, 70))
    result = predict_scene(scene, Predictor(bundle, PredictConfig(probability="percent")), tmp_path / "out")
    assert result.probability is not None
    valid = (values != 65535).all(axis=0)
    with rasterio.open(result.probability) as dataset:
        assert (dataset.dtypes, dataset.nodata) == (("uint8",), 255)
        percent = dataset.read(1)
    np.testing.assert_array_equal(percent == 255, ~valid)
    assert np.abs(percent[valid] / 100 - known_probability(values, valid)[valid]).max() <= 0.00501


def test_window_sizes_agree_where_the_field_of_view_fits_the_overlap(wide_bundle: Bundle, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(150, 3000, (6, 1100, 1300)).astype(np.uint16)
    scene = write_image(tmp_path / "place.tif", values, Grid(*GRIDS["north_up"], 1300, 1100))
    found = []
    for window in (256, 512):
        config = PredictConfig(window=window, overlap=64, probability="float")
        result = predict_scene(scene, Predictor(wide_bundle, config), tmp_path / str(window))
        assert result.probability is not None
        with rasterio.open(result.probability) as dataset:
            found.append(dataset.read(1)[64:-64, 64:-64])
    assert np.percentile(np.abs(found[0] - found[1]), 99.9) < 1e-3
    expected = known_probability(values, np.ones((1100, 1300), dtype=bool), radius=12)[64:-64, 64:-64]
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


def test_a_constant_scene_shows_no_seam(wide_bundle: Bundle, tmp_path: Path) -> None:
    values = np.full((6, 300, 500), 1000, dtype=np.uint16)
    values[STANDARD_BANDS.index("B11")] = 950
    scene = write_image(tmp_path / "place.tif", values, Grid(*GRIDS["north_up"], 500, 300))
    config = PredictConfig(window=128, overlap=48, probability="float")
    result = predict_scene(scene, Predictor(wide_bundle, config), tmp_path / "out")
    assert result.probability is not None
    with rasterio.open(result.probability) as dataset:
        inner = dataset.read(1)[12:-12, 12:-12]
    assert np.ptp(inner) < 1e-5


def test_the_raster_says_what_made_it(bundle: Bundle, tmp_path: Path) -> None:
    scene = write_image(tmp_path / "lake" / "image.tif", scene_values(40, 40), Grid(*GRIDS["north_up"], 40, 40))
    result = predict_scene(scene, Predictor(bundle, PredictConfig(threshold=0.7)), tmp_path)
    assert result.water == tmp_path / "lake_water.tif"
    with rasterio.open(result.water) as dataset:
        tags = dataset.tags()
    assert tags["WATERMAP_BUNDLE_ID"] == bundle.id
    assert tags["WATERMAP_THRESHOLD"] == "0.7"
    assert tags["WATERMAP_SCENE"] == "lake"
    assert len(tags["WATERMAP_SCENE_SHA256"]) == 64


def test_a_higher_threshold_maps_less_water(bundle: Bundle, tmp_path: Path) -> None:
    scene = write_image(tmp_path / "place.tif", scene_values(64, 64), Grid(*GRIDS["north_up"], 64, 64))
    counts = [
        predict_scene(scene, Predictor(bundle, PredictConfig(threshold=t)), tmp_path / str(t)).water_pixels
        for t in (0.2, 0.5, 0.9)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_small_bodies_become_land_across_strips_and_the_probability_stays(bundle: Bundle, tmp_path: Path) -> None:
    values, grid = scene_values(211, 149), Grid(*GRIDS["north_up"], 149, 211)
    values[:, 20:180, 70] = 200
    values[1, 20:180, 70] = 9000  # a river through all strips
    scene = write_image(tmp_path / "place.tif", values, grid)
    found = {}
    for least in (0, 1950):
        config = PredictConfig(window=64, overlap=16, probability="percent", min_area_m2=least)
        made = predict_scene(scene, Predictor(bundle, config), tmp_path / str(least))
        with rasterio.open(made.water) as water, rasterio.open(made.others["probability"]) as probability:
            found[least] = water.read(1), probability.read(1), water.tags()
        assert made.water_pixels == (found[least][0] == 1).sum()
        assert made.valid_pixels == (found[least][0] != 255).sum()
    (before, percent, tags), (after, percent_after, tags_after) = found[0], found[1950]
    bodies, count = ndimage.label(before == 1)
    sizes = np.bincount(bodies.ravel())  # pixels of 100 m2, and 0.1 % less on the ellipsoid
    assert count > 50
    np.testing.assert_array_equal(after, np.where((before == 1) & (sizes < 20)[bodies], 0, before))
    assert (after[20:180, 70] == 1).all()
    np.testing.assert_array_equal(percent, percent_after)
    assert "WATERMAP_MIN_AREA_M2" not in tags
    assert tags_after["WATERMAP_MIN_AREA_M2"] == "1950"
    assert tags["WATERMAP_CONFIG"] != tags_after["WATERMAP_CONFIG"]


def test_the_order_of_bands_in_the_file_does_not_matter(bundle: Bundle, tmp_path: Path) -> None:
    values, grid = scene_values(64, 64), Grid(*GRIDS["north_up"], 64, 64)
    first = write_image(tmp_path / "a.tif", values, grid)
    mixed = write_tif(
        tmp_path / "b.tif", values[::-1], grid, names=["swir22", "B11", "nir", "red", "B03", "Blue"], no_data=65535
    )
    plain = write_tif(tmp_path / "c.tif", values, grid, no_data=65535)
    predictor = Predictor(bundle, PredictConfig())
    maps = []
    for path, names in ((first, None), (mixed, None), (plain, STANDARD_BANDS)):
        with rasterio.open(predict_scene(path, predictor, tmp_path / "out", names=names).water) as dataset:
            maps.append(dataset.read())
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])
    with pytest.raises(DataError, match="have no names"):
        predict_scene(plain, predictor, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_a_stated_offset_and_scale_give_the_same_map(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", green_above=1500)
    values = np.random.default_rng(0).integers(100, 3000, (6, 64, 64)).astype(np.uint16)
    grid = Grid(*GRIDS["north_up"], 64, 64)
    plain = write_image(tmp_path / "plain.tif", values, grid)
    shifted = write_image(tmp_path / "shifted.tif", values + 1000, grid)
    unit = write_tif(tmp_path / "unit.tif", (values / 10_000).astype(np.float32), grid, names=STANDARD_BANDS)
    tagged = write_image(tmp_path / "tagged.tif", values + 1000, grid)
    with rasterio.open(tagged, "r+") as dataset:
        dataset.scales, dataset.offsets = [1e-4] * 6, [-0.1] * 6
    expected = 1 / (1 + np.exp(-0.01 * (values[STANDARD_BANDS.index("B3")].astype(float) - 1500)))
    for path, stated in ((plain, {}), (shifted, {"offset": -1000}), (unit, {"scale": 1}), (tagged, {})):
        config = PredictConfig(probability="float", **stated)
        result = predict_scene(path, Predictor(bundle, config), tmp_path / "out")
        assert result.probability is not None
        with rasterio.open(result.probability) as dataset:
            np.testing.assert_allclose(dataset.read(1), expected, atol=1e-4)


def test_one_infinite_pixel_costs_one_pixel(wide_bundle: Bundle, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(150, 3000, (6, 200, 200)).astype(np.float32)
    grid = Grid(*GRIDS["north_up"], 200, 200)
    maps = []
    for name, pixel in (("nan", np.nan), ("inf", np.inf), ("minus", -np.inf)):
        values[1, 100, 100] = pixel
        scene = write_tif(tmp_path / f"{name}.tif", values, grid, names=STANDARD_BANDS)
        config = PredictConfig(window=128, overlap=32)
        with rasterio.open(predict_scene(scene, Predictor(wide_bundle, config), tmp_path / "out").water) as dataset:
            maps.append(dataset.read(1))
    assert (maps[0] == 255).sum() == 1
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])


def test_a_tie_at_the_threshold_is_water(bundle: Bundle, tmp_path: Path) -> None:
    values = np.full((6, 40, 40), 900, dtype=np.uint16)
    scene = write_image(tmp_path / "place.tif", values, Grid(*GRIDS["north_up"], 40, 40))
    assert predict_scene(scene, Predictor(bundle, PredictConfig()), tmp_path / "out").water_pixels == 1600


def test_a_network_that_says_no_number_is_refused(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", green_above=float("nan"))
    scene = write_image(tmp_path / "place.tif", scene_values(64, 64), Grid(*GRIDS["north_up"], 64, 64))
    with pytest.raises(ModelError, match="no probability"):
        predict_scene(scene, Predictor(bundle, PredictConfig()), tmp_path / "out")
    assert listing(tmp_path) == ["b", "place.tif"]


def test_an_interrupted_prediction_leaves_nothing(bundle: Bundle, tmp_path: Path) -> None:
    scene = write_image(tmp_path / "place.tif", scene_values(200, 64), Grid(*GRIDS["north_up"], 64, 200))

    def interrupt(message: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    config = PredictConfig(window=64, overlap=16, probability="percent")
    with pytest.raises(KeyboardInterrupt):
        predict_scene(scene, Predictor(bundle, config), tmp_path / "out", progress=interrupt)
    assert listing(tmp_path) == ["place.tif"]
