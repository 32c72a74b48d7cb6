"""Benchmarks run, on next to nothing, and leave the figures that they are for; how fast anything is, is not tested.

Rivals are stood in for by scripts that answer as they would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.benchmarks import (
    coverage,
    engines,
    half_empty,
    input_pipeline,
    label_lab,
    memory,
    predict_scene,
    rivals,
    screening,
    tiling,
    train_step,
    vectorize,
)
from tests.benchmarks.bundles import FAST_REACH, random_bundle
from tests.benchmarks.commands import Run
from tests.support.rasters import make_grid
from watermap.bundles.bundle import open_bundle
from watermap.config import PredictConfig
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene as predict_scene_of

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]
SPEED = {"name", "seconds", "median_s", "mpx_a_second"}

ANSWERS_LINES = """
import json, sys
for line in sys.stdin:
    ready = {"ways": ["contiguous"], "versions": {"torch": "0"}, "threads": 1}
    print(json.dumps(ready) if line.strip() == "ready" else 0.5, flush=True)
"""
PREDICTS = """
import json
print("done")
print(json.dumps({"computed": 16384, "settings": {"overlap": 64}, "versions": {"geoai-py": "0"}}))
"""


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bundles that holds a small one."""
    folder = tmp_path_factory.mktemp("benchmarks")
    random_bundle(folder, encoder="compact", reach=FAST_REACH, side=64)
    return folder


@pytest.fixture
def bundle(kept: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options of a run with the small bundle, on scenes of small samples."""
    for name in ("_SIDE", "_ROWS"):
        monkeypatch.setattr(f"tests.benchmarks.scenes.{name}", 128)
    (folder,) = kept.iterdir()
    return ["--bundle", str(folder), "--repeats", "1"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictions of this process instead of commands, which are run where their memory is measured."""

    def predict(scene: Path, bundle: Path, out: Path, *, engine: Any, precision: Any) -> Run:
        start = time.perf_counter()
        config = PredictConfig(engine=engine, precision=precision, offset=0, scale=1e-4)
        predict_scene_of(scene, Predictor(open_bundle(bundle), config), out)
        return Run(time.perf_counter() - start, 0, "")

    for script in (half_empty, predict_scene, rivals):
        monkeypatch.setattr(script, "predict", predict)


def result(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def by_name(found: Any) -> dict[str, Any]:
    return {row["name"]: row for row in found["results"]}


def test_engines(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rival.py").write_text(ANSWERS_LINES)
    monkeypatch.setattr("tests.benchmarks.rival._SCRIPT", tmp_path / "rival.py")
    network = ["--networks", "unet:fast", "--encoder", "compact", "--precisions", "float32", "--keep", str(kept)]
    sizes = ["--side", "32", "--windows", "4", "--scene", "64", "--repeats", "2"]
    engines.main([*network, *sizes, "--rivals", sys.executable, "--out", str(tmp_path)])
    found = result(tmp_path, "engines")
    assert [(row["name"], row["window"], row["batch"]) for row in found["results"]] == [
        ("Keras predict, float32", "32 x 32", 4),
        ("keras with tensorflow, float32", "32 x 32", 4),
        ("keras with tensorflow, float32", "112 x 112", 2),
        ("openvino, float32", "32 x 32", 4),
        ("openvino, float32", "112 x 112", 1),
        ("smp.Unet, float32, contiguous", "32 x 32", 4),
    ]
    assert all(len(row["seconds"]) == 2 and row["to_keras"] > 0 and row["to_rival"] > 0 for row in found["results"])
    assert found["versions"]["torch"] == "0"
    assert {"keras", "openvino", "tensorflow", "watermap-eo"} < set(found["versions"])


def test_predict_scene(bundle: list[str], quick: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predict_scene.main([*bundle, "--rows", "96", "--cols", "128", "--precision", "float32", "--out", str(tmp_path)])
    found = result(tmp_path, "predict_scene")
    rows = by_name(found)
    assert list(rows) == ["bare forward pass", "whole command", "whole command without start-up"]
    assert all(set(row) > SPEED | {"to_bare", "of_what_overlap_allows"} for row in rows.values())
    assert rows["whole command"]["computed_per_pixel"] == 2.062  # 144 x 176: what lies beyond the edges is computed too
    assert (found["settings"]["engine"], found["settings"]["window"]) == ("openvino, float32", [144, 176])
    assert "| whole command |" in capsys.readouterr().out


def test_memory(bundle: list[str], tmp_path: Path) -> None:
    memory.main([*bundle, "--heights", "64", "128", "--cols", "64", "--engines", "openvino", "--out", str(tmp_path)])
    rows = result(tmp_path, "memory")["results"]
    assert [(row["name"], row["rows"]) for row in rows] == [("openvino", 64), ("openvino", 128)]
    assert all(20 < row["peak_mib"] < 2000 for row in rows)


def test_half_empty(bundle: list[str], quick: None, tmp_path: Path) -> None:
    half_empty.main([*bundle, "--rows", "64", "--cols", "128", "--out", str(tmp_path)])
    rows = by_name(result(tmp_path, "half_empty"))
    assert list(rows) == ["full", "half empty"]
    assert rows["full"]["to_full"] == 1
    assert "to_full_without_start_up" in rows["half empty"]


def test_screening(small_patches: Path, tmp_path: Path) -> None:
    classes = np.full((256, 256), 255, np.uint8)
    classes[:128, :192] = 0
    classes[10, 10] = 1
    shape = {"height": 256, "width": 256, "count": 1, "dtype": "uint8"}
    with rasterio.open(tmp_path / "a_water.tif", "w", transform=make_grid(256, 256).transform, **shape) as out:
        out.write(classes, 1)
    told = ["--patches", str(small_patches), "--epochs", "1", "--repeats", "1", "--out", str(tmp_path)]
    screening.main(["--maps", str(tmp_path / "a_water.tif"), "--overlap", "64", *told])
    rows = by_name(result(tmp_path, "screening"))
    assert rows["a, 64 px"]["windows"] == 6
    assert rows["a, 64 px"]["dry"] == pytest.approx(5 / 6, abs=1e-3)
    assert rows["a, 128 px"]["dry"] == 0.5
    assert rows["a, 64 px"]["arithmetic_to_today"] == pytest.approx(4 / 6 / 1.0625**2, abs=1e-3)
    light = rows["MobileNetV2 0.35, seed 0"]
    assert 0 <= light["wet_missed"] <= 1
    assert light["kflop_per_pixel"] > 1


def test_label_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--scenes", "6", "--size", "192", "--patch-size", "32", "--epochs", "1", "--repeats", "1"]
    command = [*sizes, "--work", str(tmp_path / "work"), "--out", str(tmp_path)]
    label_lab.main([*command, "--methods", "exact", "coarse"])
    trained = (tmp_path / "work" / "models" / "exact_0" / "bundle.json").stat().st_mtime_ns
    label_lab.main([*command, "--methods", "exact", "coarse", "refined_bootstrap", "consensus"])
    assert (tmp_path / "work" / "models" / "exact_0" / "bundle.json").stat().st_mtime_ns == trained
    rows = by_name(result(tmp_path, "label_lab"))
    names = ["exact", "coarse", "refined, bootstrap", "consensus", "MNDWI > 0, no training"]
    assert list(rows) == names
    assert all(0 <= row["water_iou"] <= 1 and 0 <= row["boundary_f1"] <= 1 for row in rows.values())
    assert (rows["exact"]["label_water_iou"], rows["exact"]["label_known"]) == (1, 1)
    for name in ("refined, bootstrap", "consensus"):
        assert 1 - rows[name]["label_water_iou"] < (1 - rows["coarse"]["label_water_iou"]) / 2
        assert 0.7 < rows[name]["label_known"] < 1
    assert "| refined, bootstrap |" in capsys.readouterr().out


def test_share_of_a_gap() -> None:
    means = {"exact": 0.9, "coarse": 0.8, "a": 0.85, "b": 0.78}
    assert [label_lab._share(means, name) for name in means] == [1, 0, 0.5, -0.2]
    assert label_lab._share({"exact": 0.8, "coarse": 0.8}, "exact") is None
    assert label_lab._share({"coarse": 0.8}, "coarse") is None


def test_rivals(bundle: list[str], quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rival.py").write_text(PREDICTS)
    monkeypatch.setattr("tests.benchmarks.rivals._SCRIPT", tmp_path / "rival.py")
    rivals.main([*bundle, "--size", "64", "--rivals", sys.executable, "--out", str(tmp_path)])
    found = result(tmp_path, "rivals")
    ours, theirs = found["results"]
    assert ours["computed_per_pixel"] == 3.062  # 112 x 112: what lies beyond the edges is computed too
    assert theirs["computed_per_pixel"] == 4
    assert set(ours) > SPEED | {"without_start_up_s", "to_rival", "to_rival_without_start_up"}
    assert found["settings"]["rival"] == {"overlap": 64}
    assert found["versions"]["geoai-py"] == "0"


def test_tiling(tmp_path: Path) -> None:
    sizes = ["--scenes", "2", "--size", "128", "--patch-size", "16", "--repeats", "1"]
    tiling.main([*sizes, "--out", str(tmp_path)])
    rows = by_name(result(tmp_path, "tiling"))
    assert list(rows) == ["plain reads", "watermap tile"]
    assert all(set(row) >= SPEED | {"patches_a_second", "to_plain_reads"} for row in rows.values())


def test_input_pipeline(tmp_path: Path) -> None:
    sizes = ["--scenes", "1", "--size", "128", "--patch-size", "16", "--batch-size", "2", "--steps", "2"]
    input_pipeline.main([*sizes, "--repeats", "1", "--out", str(tmp_path)])
    rows = by_name(result(tmp_path, "input_pipeline"))
    assert list(rows) == ["from memory", "input pipeline", "pipeline alone"]
    assert all(row["median_s"] > 0 and row["to_memory"] > 0 for row in rows.values())
    assert rows["pipeline alone"]["patches_a_core_second"] > 0


def test_vectorize(tmp_path: Path) -> None:
    sizes = ["--rows", "300", "--cols", "400", "--bodies", "200", "--repeats", "1", "--gdal-polygonize", ""]
    vectorize.main([*sizes, "--out", str(tmp_path)])
    rows = by_name(result(tmp_path, "vectorize"))
    assert list(rows) == ["watermap vectorize", "watermap vectorize --smooth", "rasterio.features.shapes"]
    assert len({row["polygons"] for row in rows.values()}) == 1
    assert all(set(row) > SPEED | {"peak_mib"} for row in rows.values())


def test_a_rival_that_cannot_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rival.py").write_text("raise SystemExit(1)")
    monkeypatch.setattr("tests.benchmarks.rival._SCRIPT", tmp_path / "rival.py")
    with pytest.raises(RuntimeError, match="the rival ended"):
        engines.main(["--rivals", sys.executable, "--keep", str(tmp_path), "--out", str(tmp_path)])


def test_coverage(tmp_path: Path) -> None:
    coverage.main(["--repeats", "20", "--data", str(tmp_path / "absent"), "--out", str(tmp_path)])
    rows = result(tmp_path, "coverage")["results"]
    assert [row["name"] for row in rows] == list(coverage.CASES)
    for row in rows:
        assert all(0 <= row[f"{figure}_se"] <= 100 and 70 <= row[figure] <= 100 for figure in coverage.FIGURES)


def test_coverage_of_a_real_flood(real_data: Path, tmp_path: Path) -> None:
    coverage.main(["--repeats", "20", "--data", str(real_data), "--out", str(tmp_path)])
    *_, flood, area, land = result(tmp_path, "coverage")["results"]
    assert flood["name"] == "spain_flood as in the README"
    assert area["low_95_km2"] < area["truth_km2"] < area["high_95_km2"]
    assert area["truth_km2"] + land["truth_km2"] == pytest.approx(area["mapped_km2"] + land["mapped_km2"], abs=0.002)
    assert area["mapped_km2"] == pytest.approx(4.37, abs=0.01)


SMALL_STEPS = "--sides 32 --precisions float32 --batch 2 --steps 2 --repeats 1 --matrix 64 --scenes 1 --scene-size 128"


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_train_step(backend: str, tmp_path: Path) -> None:
    pytest.importorskip(backend)
    networks = ["--networks", "unet:compact", "fcn:none", "--doubled", "unet:compact", "--most-batch", "4"]
    command = [sys.executable, "-m", "tests.benchmarks.train_step", *networks, *SMALL_STEPS.split()]
    environment = os.environ | {"KERAS_BACKEND": backend}
    subprocess.run([*command, "--out", str(tmp_path)], env=environment, cwd=ROOT, capture_output=True, check=True)
    found = result(tmp_path, f"train_step_{backend}")
    rows = [row for row in found["results"] if "failed" not in row]
    kinds = [(row["batch"], row["batches"]) for row in rows]
    assert kinds == [(2, "memory"), (2, "pipeline"), (4, "memory"), (4, "pipeline")]
    rate = found["settings"]["matrix_tflops"]["float32"]
    for row in rows:
        assert row["of_matrix_rate"] == pytest.approx(row["tflops"] / rate, 0.01)
        flops_an_image = row["tflops"] * 1e12 / row["images_a_second"]
        assert flops_an_image == pytest.approx(rows[0]["tflops"] * 1e12 / rows[0]["images_a_second"], 0.01)
    (failed,) = [row["failed"] for row in found["results"] if "failed" in row]
    assert "there is no encoder 'none'" in failed
    assert found["settings"]["device"]
    assert backend in found["versions"]


def test_train_step_without_the_packages_of_the_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "albumentations", None)
    train_step.main(["--networks", "unet:compact", *SMALL_STEPS.split(), "--name", "steps", "--out", str(tmp_path)])
    (row,) = result(tmp_path, "steps")["results"]
    assert row["batches"] == "memory"
    assert "input pipeline left out: albumentations is not installed" in capsys.readouterr().out
