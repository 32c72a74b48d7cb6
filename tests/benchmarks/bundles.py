"""Converted bundles with random weights: how long a network takes does not depend on them."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.benchmarks.pieces import sample_windows
from watermap.arrays import FloatArray
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle, open_bundle, save_bundle
from watermap.config import Preset, SampleConfig, TileConfig
from watermap.errors import ModelError
from watermap.models.backend import require_keras
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.prediction.engines.conversion import convert
from watermap.prediction.engines.converted import open_converted
from watermap.scenes.radiometry import Statistics
from watermap.scenes.sample import write_samples

SIDE: Final = 256
"""Of a training patch."""

FAST_REACH: Final = 47
"""Of the fast UNet on ResNet50, as measured after a training."""

_SURE: Final = 0.9999
"""A probability that no random network gives: at this threshold every precision gives every pixel the same class."""


def random_bundle(
    models: Path,
    *,
    arch: str = "unet",
    encoder: str = "resnet50",
    preset: Preset = "fast",
    bands: tuple[str, ...] = STANDARD_BANDS,
    reach: int | None = None,
    side: int = SIDE,
    int8: bool = False,
) -> Bundle:
    """A bundle that is converted for OpenVINO; one that is there already is taken as it is.

    Half of the pixels of a sample scene are water to it.

    Args:
        models: folder of bundles.
        arch, encoder, preset: what `watermap.models.build` is asked for.
        bands: canonical names.
        reach: that its contract states.
        side: of the training patches that it states.
        int8: whether it is needed in eight-bit numbers too.
    """
    folder = models / f"{arch}-{encoder}-{preset}-{len(bands)}"
    try:
        bundle = open_bundle(folder)
    except ModelError:
        bundle = _saved(folder, arch=arch, encoder=encoder, preset=preset, bands=bands, reach=reach, side=side)
    converted = open_converted(bundle)
    if converted is None or (int8 and not converted.record.accepted("int8")):
        with tempfile.TemporaryDirectory(prefix="watermap-") as work:
            sure = dataclasses.replace(bundle, contract=bundle.contract.model_copy(update={"threshold": _SURE}))
            convert(sure, _patches(Path(work), bands), int8=int8)
    return bundle


def described(bundle: Bundle) -> dict[str, Any]:
    """What a result says of a bundle."""
    contract = bundle.contract
    return {
        "bundle": bundle.folder.name,
        "arch": contract.arch,
        "encoder": contract.encoder,
        "bands": list(contract.bands),
        "reach": contract.receptive_field_px,
    }


def _saved(
    folder: Path, *, arch: str, encoder: str, preset: Preset, bands: tuple[str, ...], reach: int | None, side: int
) -> Bundle:
    require_keras()
    from watermap.models.build import build

    count = len(bands)
    model = build(arch, encoder, bands=count, patch_size=side, preset=preset)
    _settle(model, np.moveaxis(sample_windows(bands, 2, side, side), 1, -1))
    return save_bundle(
        folder,
        model,
        arch=arch,
        encoder=encoder,
        bands=bands,
        scale=1e-4,
        offset=0.0,
        statistics=Statistics(
            mean=(1000.0,) * count,
            std=(800.0,) * count,
            low=(100.0,) * count,
            high=(3000.0,) * count,
            dark=(150.0,) * count,
            bright=(2500.0,) * count,
        ),
        threshold=0.5,
        patch_size=side,
        reach=reach,
        trained_on={"patches": "0" * 64, "counts": {}, "scenes": {}},
        training={"run": "none", "preset": preset},
        scores={},
    )


def _settle(model: Any, windows: FloatArray) -> None:
    """Give batch norm the statistics of real pixels, and the logits a middle of zero and a spread of one.

    Args:
        model: with random weights.
        windows: (n, rows, cols, bands).
    """
    import keras

    for layer in _layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(windows, training=True)
    head = model.get_layer("logits")
    logits = np.asarray(keras.Model(model.input, head.output)(windows))
    water = logits[..., 1] - logits[..., 0]
    kernel, bias = head.get_weights()
    bias[:] = 0, -np.median(water) / water.std()
    head.set_weights([kernel / water.std(), bias])


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield from _layers(layer) if hasattr(layer, "layers") else [layer]


def _patches(folder: Path, bands: tuple[str, ...]) -> PatchStore:
    """Small patches of small scenes: a network is converted once for windows of any size."""
    write_samples(folder / "scenes", SampleConfig(scenes=2, size=128))
    config = TileConfig(patch_size=32, bands=bands, min_water=0, max_water=1, block_patches=1)
    return PatchStore.open(tile(folder / "scenes", folder / "patches", config).folder)
