"""Reading ONNX networks; whole imports are tried in tests/prediction/test_import_onnx.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.onnx_networks import make_network
from watermap.bundles.imported import InputLayout
from watermap.errors import ModelError
from watermap.prediction.engines.onnx import channel_axis, find_sides, read_onnx


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize(("side", "batch"), [(None, None), (64, None), (64, 1)])
def test_layout_and_windows_are_found(layout: InputLayout, side: int | None, batch: int | None, tmp_path: Path) -> None:
    path = make_network(tmp_path / "n.onnx", layout=layout, side=side, batch=batch)
    network = read_onnx(path, 6, None, None)
    assert (network.layout, network.side, network.bands) == (layout, side, 6)
    sides = find_sides(network)
    assert (sides.only, sides.multiple) == (side, 16)
    rows, cols = sides.trial
    assert (rows == cols) is (side is not None)
    assert network.shape(2, 3, 4) == ([2, 6, 3, 4] if layout == "nchw" else [2, 3, 4, 6])


@pytest.mark.parametrize(("halvings", "multiple"), [(3, 16), (4, 16), (5, 32), (7, 128)])
def test_of_which_sides_must_be_multiples_is_tried_out(halvings: int, multiple: int, tmp_path: Path) -> None:
    network = read_onnx(make_network(tmp_path / "n.onnx", halvings=halvings), 6, None, None)
    assert find_sides(network).multiple == multiple


def test_where_no_multiple_will_do_one_size_does(tmp_path: Path) -> None:
    network = read_onnx(make_network(tmp_path / "n.onnx", halvings=8), 6, None, None)
    assert find_sides(network).only == 512


def test_where_classes_are_is_told_by_the_window() -> None:
    assert channel_axis((1, 5, 64, 96), "nchw", (64, 96)) == 1
    assert channel_axis((1, 64, 96, 5), "nchw", (64, 96)) == 3
    assert channel_axis((1, 64, 64, 64), "nhwc", (64, 64)) == 3
    assert channel_axis((1, 64, 96), "nchw", (64, 96)) is None
    for shape in ((1, 5, 16, 24), (64, 96), (1, 2, 5, 64, 96)):
        with pytest.raises(ModelError, match="give a segmentation network"):
            channel_axis(shape, "nchw", (64, 96))
