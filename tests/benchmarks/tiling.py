"""Cutting scenes into patches beside plain reads of the same windows of images and labels.

`python -m tests.benchmarks.tiling`. Cutting also looks for what passes, splits by ground, compresses and writes.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import rasterio
from rasterio.windows import Window

from tests.benchmarks.options import parser
from tests.benchmarks.result import rated, record, rounded
from tests.benchmarks.timing import interleaved, timed
from watermap.bands import STANDARD_BANDS
from watermap.config import SampleConfig, TileConfig
from watermap.patches.index import INDEX_FILE, PatchRecord, read_index
from watermap.patches.tile import tile
from watermap.scenes.sample import write_samples


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=5)
    given.add_argument("--scenes", type=int, default=4, help="[default: %(default)s]")
    given.add_argument("--size", type=int, default=2048, help="side of a scene [default: %(default)s]")
    given.add_argument("--patch-size", type=int, default=128, help="[default: %(default)s]")
    options = given.parse_args(arguments)
    config = TileConfig(patch_size=options.patch_size, bands=STANDARD_BANDS, min_water=0, max_water=1)
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        scenes, store = Path(folder) / "scenes", Path(folder) / "patches"
        write_samples(scenes, SampleConfig(scenes=options.scenes, size=options.size))

        def cut() -> float:
            shutil.rmtree(store, ignore_errors=True)
            return timed(lambda: tile(scenes, store, config))

        cut()  # fills the cache of files
        records = read_index(store / INDEX_FILE)
        turns = {
            "plain reads": lambda: timed(lambda: plainly(scenes, records, options.patch_size)),
            "watermap tile": cut,
        }
        seconds = interleaved(turns, options.repeats)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    rows = [
        {
            "name": name,
            **rated(found, len(records) * options.patch_size**2),
            "patches_a_second": rounded(len(records) / medians[name]),
            "to_plain_reads": rounded(medians["plain reads"] / medians[name]),
        }
        for name, found in seconds.items()
    ]
    settings = {
        "scenes": options.scenes,
        "size": options.size,
        "patches": len(records),
        "repeats": options.repeats,
        **config.model_dump(mode="json"),
    }
    what = f"{len(records)} patches of {options.patch_size} px cut from {options.scenes} scenes"
    record("tiling", what, settings, rows, folder=options.out)


def plainly(scenes: Path, records: Sequence[PatchRecord], side: int) -> None:
    """Read every patch's window of its image and its label; each scene is opened once."""
    for name in sorted({each.scene for each in records}):
        with (
            rasterio.open(scenes / name / "image.tif") as image,
            rasterio.open(scenes / name / "label.tif") as label,
        ):
            positions = [image.descriptions.index(band) + 1 for band in STANDARD_BANDS]
            for patch in (each for each in records if each.scene == name):
                window = Window(patch.col, patch.row, side, side)
                image.read(positions, window=window)
                label.read(1, window=window)


if __name__ == "__main__":
    main()
