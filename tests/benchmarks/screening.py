"""What skipping windows without water could save, and what a light screener that picks them would miss.

`python -m tests.benchmarks.screening --maps MAP_water.tif ... --patches PATCHES`. The bound is that of a screener that
costs nothing and is never wrong: windows small enough to be without water need the more overlap for it. The light one
is a MobileNetV2 trained on the patches' own labels, with the highest threshold at which it misses none of the
validation patches with water.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import rasterio

from tests.benchmarks.options import parser
from tests.benchmarks.result import record, rounded
from watermap.legend import NO_DATA, WATER
from watermap.models.backend import require_keras
from watermap.patches.store import PatchStore

_SIDES: Final = (64, 128, 256, 512, 1024)
_ALPHA: Final = 0.35


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=3)
    given.add_argument("--maps", type=Path, nargs="*", default=[], help="class rasters")
    given.add_argument("--patches", type=Path, help="patches to train a screener on and to try it with")
    given.add_argument("--window", type=int, default=1024, help="side of today's windows [default: %(default)s]")
    given.add_argument("--overlap", type=int, default=80, help="of windows, in pixels [default: %(default)s]")
    given.add_argument("--epochs", type=int, default=60, help="[default: %(default)s]")
    options = given.parse_args(arguments)
    rows = [row for path in options.maps for row in _bounds(path, options.window, options.overlap)]
    if options.patches is not None:
        require_keras()
        store = PatchStore.open(options.patches)
        rows.extend(_light(store, seed, options.epochs) for seed in range(options.repeats))
    what = (
        "Arithmetic with a free and faultless screener of windows to that without one, by the windows' side; then a "
        "light screener: dry windows that it skips, windows with water and pixels of water that it misses"
    )
    settings = {name: getattr(options, name) for name in ("window", "overlap", "epochs")}
    record("screening", what, settings, rows, folder=options.out)


def _bounds(path: Path, window: int, overlap: int) -> Iterator[dict[str, Any]]:
    with rasterio.open(path) as raster:
        classes = raster.read(1)
    today = _computed(window, overlap)
    for side in _SIDES:
        windows = [
            classes[top : top + side, left : left + side]
            for top in range(0, classes.shape[0], side)
            for left in range(0, classes.shape[1], side)
        ]
        seen = [each for each in windows if (each != NO_DATA).any()]
        dry = sum(not (each == WATER).any() for each in seen) / len(seen)
        yield {
            "name": f"{path.stem.removesuffix('_water')}, {side} px",
            "windows": len(seen),
            "dry": rounded(dry),
            "computed_per_pixel": rounded(_computed(side, overlap)),
            "arithmetic_to_today": rounded((1 - dry) * _computed(side, overlap) / today),
        }


def _computed(side: int, overlap: int) -> float:
    """Pixels computed for each pixel of windows whose own part is so large."""
    return ((side + overlap) / side) ** 2


def _light(store: PatchStore, seed: int, epochs: int) -> dict[str, Any]:
    import keras

    from watermap.models.arithmetic import flops_per_pixel

    keras.utils.set_random_seed(seed)
    images, water = _windows(store, "train")
    mean, variance = images.mean(axis=(0, 1, 2)), images.var(axis=(0, 1, 2))
    shape = images.shape[1:]
    image = keras.layers.Input(shape)
    x = keras.layers.Normalization(mean=mean, variance=variance)(image)
    x = keras.layers.RandomFlip("horizontal_and_vertical", seed=seed)(x)
    body = keras.applications.MobileNetV2(input_tensor=x, alpha=_ALPHA, include_top=False, weights=None, pooling="avg")
    model = keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(body.output))
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy")
    model.fit(images, (water > 0).astype(np.float32), epochs=epochs, batch_size=16, verbose=0)
    seen, held = (_windows(store, split) for split in ("validation", "test"))
    threshold = model.predict(seen[0], verbose=0)[:, 0][seen[1] > 0].min()
    skipped = model.predict(held[0], verbose=0)[:, 0] < threshold
    wet = held[1] > 0
    return {
        "name": f"MobileNetV2 {_ALPHA}, seed {seed}",
        "windows": len(wet),
        "dry": _share(~wet),
        "dry_skipped": _share(skipped[~wet]),
        "wet_missed": _share(skipped[wet]),
        "water_missed": rounded(float(held[1][skipped].sum() / held[1].sum())),
        "kflop_per_pixel": rounded(flops_per_pixel(model, shape[0]) / 1e3),
    }


def _share(which: npt.NDArray[np.bool_]) -> float | None:
    return rounded(float(which.mean())) if len(which) else None


def _windows(store: PatchStore, split: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Images of a split, and how many pixels of water each shows."""
    patches = store.read(split, range(store.count(split)))
    return patches.image.astype(np.float32), (patches.label == WATER).sum(axis=(1, 2))


if __name__ == "__main__":
    main()
