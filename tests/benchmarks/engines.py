"""Bare forward passes side by side: every engine and precision, Keras `predict`, and PyTorch's UNet of the field.

`python -m tests.benchmarks.engines --rivals PYTHON`, where PYTHON has PyTorch and segmentation-models-pytorch.
Pixels are prepared beforehand, and nothing is read, blended or written. A rival runs in a process of its own, which
takes its turns between ours; of its ways, with one thread or all, the fastest is what we compare with.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from tests.benchmarks.bundles import FAST_REACH, random_bundle
from tests.benchmarks.options import parser
from tests.benchmarks.pieces import sample_windows
from tests.benchmarks.result import rated, record, rounded
from tests.benchmarks.rival import Rival, rival_of
from tests.benchmarks.scenes import TILE
from tests.benchmarks.timing import interleaved, timed
from watermap.arrays import FloatArray
from watermap.bundles.bundle import Bundle
from watermap.config import Precision, Preset
from watermap.models.backend import require_keras
from watermap.prediction.engines.converted import open_converted
from watermap.prediction.engines.engine import Engine
from watermap.prediction.engines.keras import KerasEngine
from watermap.prediction.engines.openvino import OpenVinoEngine
from watermap.prediction.predictor import OVERLAP
from watermap.prediction.windows import overlap_for, picked_layout

BATCH: Final = 4
BASELINE: Final = "Keras predict, float32"
PRECISIONS: Final = ("float32", "bfloat16", "int8")


@dataclass(frozen=True)
class Contestant:
    """A way to compute windows.

    Attributes:
        name: for people.
        window: (rows, cols).
        batch: windows at once.
        pixels: of one repeat.
        flops: arithmetic of a pixel, where it is known.
        once: one repeat; says its seconds.
    """

    name: str
    window: tuple[int, int]
    batch: int
    pixels: int
    flops: float | None
    once: Callable[[], float]


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=5)
    given.add_argument("--networks", nargs="+", default=["unet:reference", "unet:fast"], help="ARCH:PRESET ...")
    given.add_argument("--encoder", default="resnet50")
    given.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    given.add_argument("--side", type=int, default=256, help="of the small windows [default: %(default)s]")
    given.add_argument("--windows", type=int, default=16, help="small windows a repeat [default: %(default)s]")
    given.add_argument("--scene", type=int, default=TILE, help="side of the scene whose windows the engine picks")
    given.add_argument("--rivals", help="an interpreter with PyTorch and segmentation-models-pytorch")
    options = given.parse_args(arguments)
    require_keras()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder, ExitStack() as stack:
        models = options.keep or Path(folder) / "models"
        rival = stack.enter_context(rival_of(options.rivals, options.windows, options.side, BATCH))
        for network in options.networks:
            arch, _, preset = network.partition(":")
            bundle = random_bundle(
                models,
                arch=arch,
                encoder=options.encoder,
                preset=cast(Preset, preset),
                reach=FAST_REACH if preset == "fast" else None,
                int8="int8" in options.precisions,
            )
            rows += _compared(network, bundle, rival, options)
    settings = {
        "encoder": options.encoder,
        "windows": options.windows,
        "side": options.side,
        "batch": BATCH,
        "repeats": options.repeats,
        "scene": options.scene,
        "rival_threads": rival.threads,
    }
    what = "Bare forward passes in million pixels a second, on prepared pixels"
    record("engines", what, settings, rows, folder=options.out, versions=rival.versions)


def _compared(network: str, bundle: Bundle, rival: Rival, options: Any) -> list[dict[str, Any]]:
    """Rows of one network's engines, in turn with the rival."""
    contestants = list(_contestants(bundle, options))
    pixels = options.windows * options.side**2
    window = (options.side, options.side)
    contestants += [
        Contestant(f"{rival.network}, float32, {way}", window, BATCH, pixels, None, partial(rival.once, way))
        for way in rival.ways
    ]
    for contestant in contestants:
        contestant.once()  # compiles, and fills caches
    turns = {f"{number} {each.name}": each.once for number, each in enumerate(contestants)}
    seconds = interleaved(turns, options.repeats)
    speed = {
        each: each.pixels / statistics.median(found) for each, found in zip(contestants, seconds.values(), strict=True)
    }
    # Keras at its best, whichever of its ways and whichever turn that was
    baseline = max(
        each.pixels / min(found)
        for each, found in zip(contestants, seconds.values(), strict=True)
        if each.name.lower().startswith("keras")
    )
    best = max((speed[each] for each in contestants if each.name.startswith(rival.network)), default=None)
    return [
        {
            "network": network,
            "name": each.name,
            "window": f"{each.window[0]} x {each.window[1]}",
            "batch": each.batch,
            "gflop_a_mpx": each.flops and rounded(each.flops / 1e3),
            **rated(found, each.pixels),
            "to_keras": rounded(speed[each] / baseline),
            "to_rival": None if best is None else rounded(speed[each] / best),
        }
        for each, found in zip(contestants, seconds.values(), strict=True)
    ]


def _contestants(bundle: Bundle, options: Any) -> Iterator[Contestant]:
    """Keras `predict` first, then every engine on small windows and on those that it picks."""
    side, count = options.side, options.windows
    bands = bundle.contract.bands
    small = sample_windows(bands, count, side, side)
    predict = partial(
        bundle.load_model((side, side)).predict,
        np.ascontiguousarray(np.moveaxis(small, 1, -1)),
        batch_size=BATCH,
        verbose=0,
    )
    keras_engine = KerasEngine(bundle, "float32")
    flops = keras_engine.flops_per_pixel
    yield Contestant(BASELINE, (side, side), BATCH, count * side**2, flops, partial(timed, predict))
    for engine in (keras_engine, *_openvino_engines(bundle, options.precisions)):
        yield _of_engine(engine, flops, [small[start : start + BATCH] for start in range(0, count, BATCH)])
        reach = bundle.contract.receptive_field_px
        overlap = OVERLAP if reach is None else overlap_for(reach)
        rows, cols = picked_layout((options.scene, options.scene), engine.window_pixels, overlap).shape
        large = sample_windows(bands, engine.batch_size, rows, cols)
        yield _of_engine(engine, flops, [large] * max(1, round(small.size / large.size)))


def _openvino_engines(bundle: Bundle, precisions: Sequence[Precision]) -> Iterator[Engine]:
    converted = open_converted(bundle)
    assert converted is not None
    for precision in precisions:
        if precision in converted.record.checks:
            yield OpenVinoEngine(converted.paths(precision), precision)


def _of_engine(engine: Engine, flops: float, batches: list[FloatArray]) -> Contestant:
    def compute() -> None:
        for batch in batches:
            engine.compute(batch)

    count, _, rows, cols = batches[0].shape
    pixels = sum(len(batch) for batch in batches) * rows * cols
    return Contestant(engine.name, (rows, cols), count, pixels, flops, partial(timed, compute))


if __name__ == "__main__":
    main()
