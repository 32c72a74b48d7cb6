"""The whole command beside the bare forward pass: how much of the engine's speed is left at the end.

`python -m tests.benchmarks.predict_scene --bundle BUNDLE`. The bare pass is of the same engine on as many pixels of the
same scene, in windows of the same size but without overlap, prepared beforehand. The command pays for reading,
overlap, blending and writing, and for its start, which a scene of 64 x 64 pixels tells.
"""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.bundles import described
from tests.benchmarks.commands import predict
from tests.benchmarks.options import add_bundle, add_engine, add_scene, chosen_bundle, chosen_settings, parser
from tests.benchmarks.pieces import crop, prepared_windows
from tests.benchmarks.result import rated, record, rounded
from tests.benchmarks.scenes import TILE, big_scene
from tests.benchmarks.timing import interleaved, timed
from watermap.prediction.predictor import Predictor

MOST_PREPARED: Final = 24
"""Batches in memory; in a larger scene they are computed again."""


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=3)
    add_scene(given, 4096, TILE)
    add_bundle(given)
    add_engine(given)
    options = given.parse_args(arguments)
    shape, pixels = (options.rows, options.cols), options.rows * options.cols
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        work = Path(folder)
        bundle = chosen_bundle(options, work)
        scene = big_scene(work / "scene.tif", *shape, bands=bundle.contract.bands)
        start = crop(scene, work / "start.tif")
        predictor = Predictor(bundle, chosen_settings(options))
        engine, layout = predictor.engine, predictor.layout(shape)
        batches = prepared_windows(scene, predictor, layout.shape, MOST_PREPARED)
        batch_pixels = engine.batch_size * math.prod(layout.shape)
        passes = math.ceil(pixels / batch_pixels)

        def bare() -> None:
            for number in range(passes):
                engine.compute(batches[number % len(batches)])

        def whole(image: Path) -> float:
            done = predict(image, bundle.folder, work / "maps", engine=options.engine, precision=options.precision)
            return done.seconds

        engine.compute(batches[0])  # compiles
        whole(start)  # fills the cache of files
        turns = {"bare": lambda: timed(bare), "whole": lambda: whole(scene), "start": lambda: whole(start)}
        seconds = interleaved(turns, options.repeats)
    start_up = statistics.median(seconds["start"])
    done = {
        "bare forward pass": (seconds["bare"], passes * batch_pixels),
        "whole command": (seconds["whole"], pixels),
        "whole command without start-up": ([each - start_up for each in seconds["whole"]], pixels),
    }
    speed = {name: count / statistics.median(found) for name, (found, count) in done.items()}
    computed = layout.computed / pixels
    rows = []
    for name, (found, count) in done.items():
        ratio = speed[name] / speed["bare forward pass"]
        shared = 1.0 if found is seconds["bare"] else computed
        rows.append(
            {
                "name": name,
                **rated(found, count),
                "computed_per_pixel": rounded(shared),
                "to_bare": rounded(ratio),
                "of_what_overlap_allows": rounded(ratio * shared),
            }
        )
    settings = {
        **described(bundle),
        "engine": engine.name,
        "rows": options.rows,
        "cols": options.cols,
        "window": list(layout.shape),
        "batch": engine.batch_size,
        "overlap": layout.overlap,
        "start_up_s": rounded(start_up),
        "repeats": options.repeats,
    }
    what = f"A scene of {options.rows} x {options.cols} px by {engine.name}: the whole command beside a bare pass"
    record("predict_scene", what, settings, rows, folder=options.out)


if __name__ == "__main__":
    main()
