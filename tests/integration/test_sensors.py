"""Products of every sensor through the command line: the map, or one line and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import rasterio

import watermap
from tests.support.bundles import GAIN, STATISTICS, make_bundle
from tests.support.folders import listing, maps_of
from tests.support.rasters import write_tif
from tests.support.sensors import (
    DOVE,
    ETM_L1,
    FILLED,
    GRID,
    L30,
    OLI_L1,
    OLI_L2,
    S30,
    SUPER_DOVE,
    TM_L2,
    numbers,
    reflectance,
    write_hls,
    write_landsat,
    write_planetscope,
)
from watermap.bands import STANDARD_BANDS, Radiometry
from watermap.bundles.bundle import open_bundle, save_bundle
from watermap.cli.main import run
from watermap.patches.splits import SPLITS
from watermap.patches.store import PatchStore
from watermap.scenes.radiometry import Statistics

BLUE_TO_NIR = ("B2", "B3", "B4", "B8")
OLI_CODES = ("B2", "B3", "B4", "B5", "B6", "B7")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls water what is brighter in green than in short-wave infrared."""
    return make_bundle(tmp_path_factory.mktemp("models") / "b").folder


@pytest.fixture(scope="module")
def four_bands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes what PlanetScope has, and calls water what is brighter in green than in near infrared."""
    ends = {name: values[:4] for name, values in STATISTICS.model_dump().items()}
    image = keras.Input((64, 64, 4), name="image")
    head = keras.layers.Conv2D(2, 1, activation="softmax", dtype="float32", name="probability")
    model = keras.Model(image, head(image))
    kernel = np.zeros((1, 1, 4, 2), dtype=np.float32)
    kernel[0, 0, :, 1] = (0, GAIN, 0, -GAIN)
    head.set_weights([kernel, np.zeros(2, dtype=np.float32)])
    known = open_bundle(make_bundle(tmp_path_factory.mktemp("models") / "six").folder).contract
    fields = known.model_dump(include={"arch", "encoder", "scale", "offset", "threshold", "patch_size", "trained_on"})
    more = {"bands": BLUE_TO_NIR, "statistics": Statistics(**ends), "training": {"run": "known"}, "scores": {}}
    return save_bundle(tmp_path_factory.mktemp("models") / "four", model, **(fields | more)).folder


def mapped(path: Path) -> np.ndarray:
    with rasterio.open(path) as dataset:
        codes: np.ndarray = dataset.read(1)
    return codes


def expected(lesser: str = "B11") -> np.ndarray:
    """Where green is brighter than another band; 255 where there are no data."""
    source = reflectance()
    water = np.where(np.nan_to_num(source["B3"]) > np.nan_to_num(source[lesser]), 1, 0)
    water[FILLED] = 255
    return water


@pytest.mark.parametrize("product", [OLI_L2, OLI_L1, TM_L2, ETM_L1, L30, S30])
def test_a_product_is_mapped_with_no_option(
    product: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write = write_hls if product.startswith("HLS") else write_landsat
    folder = write(tmp_path / "products", product, reflectance())
    assert run(["predict", str(folder), "--bundle", str(bundle), "--out", "out"]) == 0
    assert listing(tmp_path / "out") == maps_of(product)
    codes = mapped(tmp_path / "out" / f"{product}_water.tif")
    assert (codes[FILLED] == 255).all()
    tolerance = 0.01 if product == ETM_L1 else 0.001  # its 8 bits hold few numbers
    assert np.mean(codes != expected()) <= tolerance
    with rasterio.open(tmp_path / "out" / f"{product}_water.tif") as dataset:
        assert dataset.tags()["DATE"].endswith("-06-07")
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("item", "end"), [(DOVE, "_SR"), (DOVE, "_clip"), (SUPER_DOVE, "_SR_8b_harmonized_clip"), (SUPER_DOVE, "_8b")]
)
def test_a_planetscope_file_is_mapped_with_no_option(item: str, end: str, four_bands: Path, tmp_path: Path) -> None:
    path = write_planetscope(tmp_path / "order", item, reflectance(), end=end, has_names=False)
    assert run(["predict", str(path.parent), "--bundle", str(four_bands), "--out", "out"]) == 0
    assert listing(tmp_path / "out") == maps_of(path.stem)
    codes = mapped(tmp_path / "out" / f"{path.stem}_water.tif")
    assert (codes[FILLED] == 255).all()
    assert np.mean(codes != expected("B8")) <= 0.001


def landsat_stack(path: Path, *, names: tuple[str, ...] | None = OLI_CODES, scale: float = 2.75e-5) -> Path:
    """Landsat's bands in one file whose name says nothing."""
    layers = [numbers(reflectance()[band], scale, -0.2, 0, "uint16") for band in STANDARD_BANDS]
    return write_tif(path, np.stack(layers), GRID, names=names, no_data=0)


def test_a_file_that_says_nothing_is_mapped_as_stated(bundle: Path, tmp_path: Path) -> None:
    landsat_stack(tmp_path / "named.tif")
    landsat_stack(tmp_path / "unnamed.tif", names=None)
    common = ["--bundle", str(bundle), "--out", "out", "--sensor", "landsat-8-9"]
    assert run(["predict", "named.tif", *common]) == 0
    assert run(["predict", "unnamed.tif", *common, "--bands", ",".join(OLI_CODES)]) == 0
    for name in ("named", "unnamed"):
        assert np.mean(mapped(tmp_path / "out" / f"{name}_water.tif") != expected()) <= 0.001
    maps = watermap.predict(
        tmp_path / "unnamed.tif", bundle, out=tmp_path / "api", sensor="landsat-8-9", bands="B2,B3,B4,B5,B6,B7"
    )
    np.testing.assert_array_equal(mapped(maps.water), mapped(tmp_path / "out" / "unnamed_water.tif"))
    maps = watermap.predict(tmp_path / "named.tif", bundle, out=tmp_path / "api", sensor="landsat-8-9")
    assert maps.plot().axes


@pytest.mark.parametrize("product", [OLI_L1, TM_L2, L30])
def test_the_index_of_a_product_is_that_of_the_reflectance_that_it_was_made_of(product: str, tmp_path: Path) -> None:
    source = reflectance()
    write = write_hls if product.startswith("HLS") else write_landsat
    folder = write(tmp_path / "products", product, source)
    assert run(["index", str(folder), "--index", "mndwi", "--threshold", "0", "--out", "out"]) == 0
    mndwi = (source["B3"] - source["B11"]) / (source["B3"] + source["B11"])
    np.testing.assert_allclose(mapped(tmp_path / "out" / f"{product}_mndwi.tif"), mndwi, atol=0.01)
    assert np.mean(mapped(tmp_path / "out" / f"{product}_water.tif") != expected()) <= 0.001
    landsat_stack(tmp_path / "lake.tif")
    maps = watermap.index(tmp_path / "lake.tif", "mndwi", sensor="landsat-8-9", out=tmp_path / "out")
    np.testing.assert_allclose(mapped(maps.index), mndwi, atol=0.01)


def test_a_labelled_scene_is_scored_as_stated_and_as_it_was_added(bundle: Path, tmp_path: Path) -> None:
    image = landsat_stack(tmp_path / "raw" / "lake" / "image.tif")
    label = write_tif(image.with_name("label.tif"), expected()[None].astype(np.uint8), GRID, no_data=255)
    product = write_landsat(tmp_path / "products", OLI_L2, reflectance())
    assert run(["scenes", "add", str(product), "--label", str(label), "--out", "added"]) == 0
    assert run(["evaluate", str(bundle), "raw", "--sensor", "landsat-8-9", "--json", "raw.json"]) == 0
    assert run(["evaluate", str(bundle), "added", "--json", "added.json"]) == 0
    for name in ("raw", "added"):
        (scores,) = json.loads((tmp_path / f"{name}.json").read_text())["labels"].values()
        assert scores["scores"]["water_iou"] > 0.998
        assert scores["scores"]["pixels"] == GRID.width * (GRID.height - 5)


def test_scenes_of_several_sensors_are_tiled_together(tmp_path: Path) -> None:
    source = reflectance()
    label = write_tif(tmp_path / "label.tif", expected()[None].astype(np.uint8), GRID, no_data=255)
    for product in (write_landsat(tmp_path, OLI_L2, source), write_hls(tmp_path, S30, source)):
        assert run(["scenes", "add", str(product), "--label", str(label), "--out", "scenes"]) == 0
    small = ["--patch-size", "16", "--block-patches", "1", "--min-water", "0", "--max-water", "1"]
    assert run(["tile", "scenes", "--out", "patches", "--bands", ",".join(STANDARD_BANDS), *small]) == 0
    store = PatchStore.open(tmp_path / "patches")
    assert store.radiometry == Radiometry(1e-4, 0.0)
    assert {record.scene for split in SPLITS for record in store.records(split)} == {OLI_L2, S30}
    for split in SPLITS:
        batch = store.read(split, list(range(len(store.records(split)))))
        for record, image in zip(store.records(split), batch.image, strict=True):
            part = source["B8"][record.row : record.row + 16, record.col : record.col + 16]
            known = np.isfinite(part)
            np.testing.assert_allclose(image[..., 3][known] / 1e4, part[known], atol=1e-4)


def wrong_sensor(folder: Path) -> list[str]:
    return [str(write_landsat(folder, OLI_L2, reflectance())), "--sensor", "hls-l30"]


def wrong_sensor_of_bands(folder: Path) -> list[str]:
    path = landsat_stack(folder / "lake.tif", names=("B2", "B3", "B4", "B8A", "B11", "B12"))
    return [str(path), "--sensor", "landsat-8-9"]


def no_green(folder: Path) -> list[str]:
    place = write_hls(folder, L30, reflectance())
    (place / f"{L30}.B03.tif").unlink()
    return [str(place)]


def no_near_infrared(folder: Path) -> list[str]:
    place = write_landsat(folder, TM_L2, reflectance())
    (place / f"{TM_L2}_SR_B4.TIF").unlink()
    return [str(place)]


def no_metadata_of_level_1(folder: Path) -> list[str]:
    return [str(write_landsat(folder, OLI_L1, reflectance(), metadata=None))]


def raw_level_1_in_one_file(folder: Path) -> list[str]:
    return [str(landsat_stack(folder / f"{OLI_L1}_stack.tif", scale=3e-5))]


def raw_level_2_taken_for_plain_numbers(folder: Path) -> list[str]:
    return [str(landsat_stack(folder / "lake.tif", names=STANDARD_BANDS))]


def plain_numbers_taken_for_raw_ones(folder: Path) -> list[str]:
    layers = [numbers(reflectance()[band], 1e-4, 0.0, 0, "uint16") for band in STANDARD_BANDS]
    path = write_tif(folder / "lake.tif", np.stack(layers), GRID, names=OLI_CODES, no_data=0)
    return [str(path), "--sensor", "landsat-8-9"]


def floats_from_0_to_1(folder: Path) -> list[str]:
    image = np.stack([reflectance()[band] for band in STANDARD_BANDS]).astype(np.float32)
    return [str(write_tif(folder / "lake.tif", image, GRID, names=OLI_CODES)), "--sensor", "landsat-8-9"]


def ambiguous_bands(folder: Path) -> list[str]:
    names = tuple(f"SR_B{number}" for number in (1, 2, 3, 4, 5, 7))
    return [str(landsat_stack(folder / "lake.tif", names=names))]


def radiance_without_coefficients(folder: Path) -> list[str]:
    return [str(write_planetscope(folder, DOVE, reflectance(), end="", has_metadata=False))]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (wrong_sensor, "is a product of Landsat 8 or 9 by its names, not of HLS L30 as stated: leave --sensor out"),
        (wrong_sensor_of_bands, "which are not bands of Landsat 8 or 9: state the right --sensor"),
        (no_green, "band B3 is missing"),
        (no_near_infrared, "band B8 is missing"),
        (no_metadata_of_level_1, f"put {OLI_L1}_MTL.txt beside the bands, or give the Level-2 product"),
        (
            raw_level_1_in_one_file,
            "Landsat's own numbers, not reflectance x 10,000: give the product's folder with its MTL",
        ),
        (raw_level_2_taken_for_plain_numbers, "or state --sensor landsat-8-9 or landsat-4-7"),
        (
            plain_numbers_taken_for_raw_ones,
            "not the numbers of Landsat 8 or 9: state what they are, e.g. --scale 0.0001",
        ),
        (floats_from_0_to_1, "as reflectance does, but the model was trained on numbers"),
        (ambiguous_bands, "state --sensor landsat-8-9 or --sensor landsat-4-7"),
        (radiance_without_coefficients, "download it too, or order the surface reflectance"),
    ],
)
def test_what_cannot_be_mapped_is_one_line_and_nothing_is_written(
    make: Callable[[Path], list[str]],
    words: str,
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = make(tmp_path / "data")
    assert run(["predict", *arguments, "--bundle", str(bundle), "--out", "out"]) == 3
    shown = capsys.readouterr().err
    line = shown.splitlines()[-1]
    assert line.startswith("watermap: ")
    assert words in line
    assert "Traceback" not in shown
    assert listing(tmp_path) == ["data"]


def test_a_sensor_that_is_not_known_is_a_usage_error(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "lake.tif", "--bundle", str(bundle), "--sensor", "landsat"]) == 2
    assert "landsat-8-9" in capsys.readouterr().err
