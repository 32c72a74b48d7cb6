"""A scene beside the same with no data in its right half: windows without data should cost nothing.

`python -m tests.benchmarks.half_empty --bundle BUNDLE`
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks.bundles import described
from tests.benchmarks.commands import predict
from tests.benchmarks.options import add_bundle, add_engine, add_scene, chosen_bundle, chosen_settings, parser
from tests.benchmarks.pieces import crop
from tests.benchmarks.result import rated, record, rounded
from tests.benchmarks.scenes import TILE, big_scene
from tests.benchmarks.timing import interleaved
from watermap.prediction.predictor import Predictor


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=3)
    add_scene(given, 2048, TILE)
    add_bundle(given)
    add_engine(given)
    options = given.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        work = Path(folder)
        bundle = chosen_bundle(options, work)
        bands = bundle.contract.bands
        predictor = Predictor(bundle, chosen_settings(options))
        engine, layout = predictor.engine.name, predictor.layout((options.rows, options.cols))
        full = big_scene(work / "full.tif", options.rows, options.cols, bands=bands)
        scenes = {
            "full": full,
            "half empty": big_scene(work / "half.tif", options.rows, options.cols, bands=bands, empty=0.5),
            "start-up": crop(full, work / "start.tif"),
        }

        def whole(scene: Path) -> float:
            done = predict(scene, bundle.folder, work / "maps", engine=options.engine, precision=options.precision)
            return done.seconds

        whole(scenes["start-up"])  # fills the cache of files
        seconds = interleaved({name: partial(whole, scene) for name, scene in scenes.items()}, options.repeats)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    start_up = medians["start-up"]
    pixels = options.rows * options.cols
    rows = [
        {
            "name": name,
            **rated(seconds[name], pixels),
            "to_full": rounded(medians[name] / medians["full"]),
            "to_full_without_start_up": rounded((medians[name] - start_up) / (medians["full"] - start_up)),
        }
        for name in ("full", "half empty")
    ]
    settings = {
        **described(bundle),
        "engine": engine,
        "rows": options.rows,
        "cols": options.cols,
        "window": list(layout.shape),
        "overlap": layout.overlap,
        "start_up_s": rounded(start_up),
        "repeats": options.repeats,
    }
    what = f"A scene of {options.rows} x {options.cols} px, whole commands, and the same with half of it no data"
    record("half_empty", what, settings, rows, folder=options.out)


if __name__ == "__main__":
    main()
