"""A converted model says what Keras says, at any size, and what was checked is on record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prediction.engines.conftest import PATCH, ROUNDING, make_unet
from tests.support.failures import one_line
from tests.support.folders import listing
from watermap.arrays import FloatArray
from watermap.bundles.bundle import Bundle
from watermap.config.extras import install_command
from watermap.errors import ModelError, UsageError
from watermap.legend import NO_DATA
from watermap.models.arithmetic import flops_per_pixel
from watermap.patches.store import PatchStore
from watermap.prediction.engines import conversion
from watermap.prediction.engines.conversion import convert, convert_once
from watermap.prediction.engines.converted import compare, open_converted
from watermap.prediction.engines.keras import KerasEngine
from watermap.prediction.engines.openvino import OpenVinoEngine, openvino_library
from watermap.training.runs import is_trained


def windows(rows: int, cols: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).uniform(0, 3000, (1, 6, rows, cols)).astype(np.float32)


@pytest.mark.extended
@pytest.mark.parametrize("arch", ["unet", "attention_unet"])
def test_every_architecture_is_the_same_at_every_size(arch: str, patches: PatchStore, tmp_path: Path) -> None:
    bundle = make_unet(tmp_path / arch, arch)
    converted = convert(bundle, patches)
    assert converted.record.checks["float32"].max_difference < ROUNDING
    engine, keras = OpenVinoEngine(converted.paths("float32"), "float32"), KerasEngine(bundle, "float32")
    for shape in ((PATCH, PATCH), (48, 80), (160, 64)):
        found, expected = engine.compute(windows(*shape)), keras.compute(windows(*shape))
        assert found.shape == expected.shape == (1, *shape)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=ROUNDING)
    assert engine.flops_per_pixel == pytest.approx(flops_per_pixel(bundle.load_model(), PATCH), rel=1e-6)


@pytest.mark.parametrize("arch", ["segnet", "pspnet"])
def test_what_openvino_cannot_run_at_every_size_is_refused_in_one_line(
    arch: str, patches: PatchStore, tmp_path: Path
) -> None:
    bundle = make_unet(tmp_path / arch, arch)
    with pytest.raises(ModelError, match=r"OpenVINO cannot convert it.*--engine keras") as caught:
        convert(bundle, patches)
    assert "\n" not in str(caught.value)
    assert listing(bundle.folder / "openvino") == ["refused.json"]


def test_a_bundle_is_converted_once_and_again_when_its_weights_change(patches: PatchStore, tmp_path: Path) -> None:
    first = make_unet(tmp_path / "unet")
    assert convert_once(first, patches) is not None
    record = (first.folder / "openvino" / "converted.json").stat().st_mtime_ns
    assert convert_once(first, patches) is not None
    assert (first.folder / "openvino" / "converted.json").stat().st_mtime_ns == record
    other = first.contract.model_copy(update={"model_digest": "0" * 64})
    assert open_converted(Bundle(first.folder, other, "other")) is None


@pytest.mark.extended
def test_a_model_that_says_something_else_is_not_kept(
    patches: PatchStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_unet(tmp_path / "unet")
    right = conversion.planar

    def upside_down(model: object) -> object:
        made = right(model)
        ops = openvino_library().opset13
        (result,) = made.get_results()
        turned = ops.subtract(ops.constant(np.float32(1)), result.input_value(0))
        result.input(0).replace_source_output(turned.output(0))
        made.validate_nodes_and_infer_types()
        return made

    monkeypatch.setattr(conversion, "planar", upside_down)
    before = listing(bundle.folder)
    with pytest.raises(ModelError) as error:
        convert(bundle, patches)
    assert "of the pixels another class" in one_line(error)
    assert [name for name in listing(bundle.folder) if not name.endswith(".lock")] == [*before, "openvino"]
    assert listing(bundle.folder / "openvino") == ["refused.json"]
    assert open_converted(bundle) is None


@pytest.mark.extended
def test_what_was_refused_is_not_tried_again_by_itself(
    patches: PatchStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_unet(tmp_path / "unet_none")  # its run is called none
    tried: list[str] = []

    def fail(model: object) -> object:
        tried.append("")
        raise RuntimeError("unsupported operation")

    assert not is_trained(bundle.folder)
    with monkeypatch.context() as patch:
        patch.setattr(conversion, "planar", fail)
        for _ in range(2):
            with pytest.raises(ModelError) as error:
                convert_once(bundle, patches)
            assert "OpenVINO cannot convert it (unsupported operation): predict with --engine keras" in one_line(error)
        assert len(tried) == 1
        with pytest.raises(ModelError):
            convert(bundle, patches)  # asked for, it is tried
        assert len(tried) == 2
    assert is_trained(bundle.folder)
    with monkeypatch.context() as patch:
        patch.setattr(conversion, "openvino_version", lambda: "another")
        assert convert_once(bundle, patches) is not None
    assert listing(bundle.folder / "openvino") == ["converted.json", "model.bin", "model.xml"]


def test_patches_of_other_bands_are_refused(samples: Path, tmp_path: Path) -> None:
    from watermap.config import TileConfig
    from watermap.patches.tile import tile

    config = TileConfig(patch_size=PATCH, bands=("B4", "B3", "B2"), min_water=0, max_water=1, block_patches=1)
    store = PatchStore.open(tile(samples, tmp_path / "rgb", config).folder)
    with pytest.raises(UsageError) as error:
        convert(make_unet(tmp_path / "unet"), store)
    assert "--bands B2,B3,B4,B8,B11,B12" in one_line(error)


def test_without_openvino_it_is_said(bundle: Bundle, patches: PatchStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "is_installed", lambda: False)
    with pytest.raises(UsageError) as error:
        convert(bundle, patches)
    assert install_command("tensorflow", "fast") in one_line(error)
    assert convert_once(bundle, patches) is None


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_agreement_is_counted_over_valid_pixels(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    expected, found = rng.random((2, 3, 8, 8)).astype(np.float32)
    valid = rng.random((3, 8, 8)) < 0.5
    valid[0, 0, 0] = True
    label = np.where(valid, rng.integers(0, 2, (3, 8, 8)), NO_DATA)
    check = compare(expected, found, valid, label, threshold)
    same = [(e >= threshold) == (f >= threshold) for e, f in zip(expected[valid], found[valid], strict=True)]
    assert check.agreement == pytest.approx(sum(same) / len(same))
    water = [(f >= threshold, one == 1) for f, one in zip(found[valid], label[valid], strict=True)]
    union = sum(a or b for a, b in water)
    assert check.water_iou == (pytest.approx(sum(a and b for a, b in water) / union) if union else None)
    assert json.loads(check.model_dump_json())["pixels"] == valid.sum()
