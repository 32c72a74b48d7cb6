"""Real Sentinel-2 scenes, with a network that thresholds the difference of green and short-wave infrared."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.features import rasterize
from rio_cogeo.cogeo import cog_validate

from tests.support.bundles import make_bundle
from tests.support.folders import listing
from watermap.bundles.bundle import Bundle
from watermap.cli.main import run


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


def test_a_flood_is_scored_against_its_hand_drawn_label(bundle: Bundle, real_data: Path, tmp_path: Path) -> None:
    spain = real_data / "spain_flood"
    label = ["--label", str(spain / "label_hand.tif"), "--codes", "-1=255,0=0,1=1", "--name", "spain", "--kind", "hand"]
    assert run(["scenes", "add", str(spain / "image.tif"), "--out", "scenes", *label]) == 0
    assert run(["evaluate", str(bundle.folder), "scenes", "--json", "s.json", "--picture", "s.png"]) == 0
    found = json.loads((tmp_path / "s.json").read_text())["labels"]["hand"]
    scores, baselines = found["scores"], {name: each["scores"] for name, each in found["baselines"].items()}
    assert scores["pixels"] == 512 * 512 - 99  # the hand label leaves 99 pixels open
    assert baselines["ndwi"]["water_iou"] == pytest.approx(0.68, abs=0.01)
    assert baselines["mndwi"]["water_iou"] == pytest.approx(0.61, abs=0.01)
    assert scores["water_iou"] == pytest.approx(baselines["mndwi"]["water_iou"], abs=0.01)


def test_a_geographic_scene_of_thirteen_bands_comes_back_on_its_grid(
    bundle: Bundle, real_data: Path, tmp_path: Path
) -> None:
    scene = real_data / "spain_flood" / "image.tif"
    assert run(["predict", str(scene), "--bundle", str(bundle.folder), "--out", "out"]) == 0
    path = tmp_path / "out" / "spain_flood_water.tif"
    assert cog_validate(path, strict=True)[0]
    with rasterio.open(path) as water, rasterio.open(scene) as image:
        assert (water.crs, water.transform, water.shape) == (image.crs, image.transform, image.shape)
        green, infrared = image.read([image.descriptions.index(band) + 1 for band in ("B3", "B11")])
        np.testing.assert_array_equal(water.read(1)[green != infrared], (green > infrared)[green != infrared])


def test_the_offset_and_the_untagged_border_of_a_raw_scene_are_noticed(
    bundle: Bundle, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = real_data / "chiemsee_20230207"
    command = ["predict", str(folder), "--bundle", str(bundle.folder), "--out", "out"]
    assert run(command) == 3
    assert "--offset -1000" in capsys.readouterr().err
    assert listing(tmp_path) == []
    assert run([*command, "--offset", "-1000"]) == 0
    assert "carry no no-data tag; taken as no data" in capsys.readouterr().err
    with (
        rasterio.open(folder / "image.tif") as image,
        rasterio.open(tmp_path / "out" / "chiemsee_20230207_water.tif") as water,
    ):
        codes = water.read(1)
        np.testing.assert_array_equal(codes == 255, (image.read() == 0).all(axis=0))
        lakes = json.loads((folder / "lakes.geojson").read_text())["features"]
        inside = rasterize([lake["geometry"] for lake in lakes], out_shape=image.shape, transform=image.transform) == 1
    assert (codes[inside] == 1).mean() > 0.97


@pytest.mark.parametrize("name", ["khadakwasla", "mumbai_coast", "amazon_manaus"])
def test_scenes_without_the_bands_are_refused_by_name(
    name: str, bundle: Bundle, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", str(real_data / name), "--bundle", str(bundle.folder), "--out", "out"]) == 3
    assert "bands B2, B4, B11, B12 are missing (it has B3, B8)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("index", "threshold", "expected"), [("ndwi", "0", 0.676), ("mndwi", "otsu", 0.719), ("awei_nsh", "0", 0.717)]
)
def test_index_maps_of_a_flood_are_as_good_as_is_known(
    index: str, threshold: str, expected: float, real_data: Path, tmp_path: Path
) -> None:
    flood = real_data / "spain_flood"
    assert run(["index", str(flood), "--index", index, "--threshold", threshold, "--out", "out", "--no-quicklook"]) == 0
    with (
        rasterio.open(tmp_path / "out" / "spain_flood_water.tif") as water,
        rasterio.open(flood / "label_hand.tif") as label,
    ):
        codes, truth = water.read(1), label.read(1)
    known = truth != -1
    both = ((codes == 1) & (truth == 1) & known).sum()
    assert both / (((codes == 1) | (truth == 1)) & known).sum() == pytest.approx(expected, abs=0.002)


def test_rules_of_scenes_where_water_is_rare_say_that_they_see_no_two_modes(
    real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = str(real_data / "mississippi_hls")
    assert run(["index", scene, "--threshold", "otsu", "--out", "out", "--no-quicklook", "--no-stac"]) == 0
    assert "NDWI shows no two modes in its histogram, so 0 is the threshold" in capsys.readouterr().err
    assert run(["index", scene, "--threshold", "edge-otsu", "--out", "out", "--no-quicklook", "--no-stac"]) == 0
    assert "no two modes" not in capsys.readouterr().err
