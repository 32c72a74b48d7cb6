"""A scene end to end: `watermap predict` beside geoai's `predict_geotiff` with PyTorch's UNet on ResNet50.

`python -m tests.benchmarks.rivals --rivals PYTHON`, where PYTHON has geoai-py and segmentation-models-pytorch. Whole
commands, each in a process of its own, with random weights, on one GeoTIFF; what each takes to start is told by a
scene of 64 x 64 pixels.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.bundles import described
from tests.benchmarks.commands import predict, run
from tests.benchmarks.options import add_bundle, add_engine, chosen_bundle, chosen_settings, parser
from tests.benchmarks.pieces import crop
from tests.benchmarks.result import rated, record, rounded
from tests.benchmarks.scenes import big_scene
from tests.benchmarks.timing import interleaved
from watermap.prediction.predictor import Predictor

BANDS: Final = ("B2", "B3", "B4", "B8")
OURS: Final = "watermap predict"
THEIRS: Final = "geoai predict_geotiff with smp.Unet"
_SCRIPT: Final = Path(__file__).parent / "interpreter" / "geoai_predict.py"


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=3)
    add_bundle(given)
    add_engine(given)
    given.add_argument("--size", type=int, default=2048, help="side of the scene [default: %(default)s]")
    given.add_argument("--rivals", help="an interpreter with geoai-py and segmentation-models-pytorch")
    given.add_argument("--rival-threads", type=int, default=0, help="PyTorch's; 0: its own choice [default: 0]")
    options = given.parse_args(arguments)
    pixels = options.size**2
    said: dict[Path, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        work = Path(folder)
        bundle = chosen_bundle(options, work, BANDS)
        bands = bundle.contract.bands
        scene = big_scene(work / "scene.tif", options.size, options.size, bands=bands)
        start = crop(scene, work / "start.tif")
        predictor = Predictor(bundle, chosen_settings(options))
        computed = {OURS: predictor.layout((options.size, options.size)).computed}

        def ours(image: Path) -> float:
            done = predict(image, bundle.folder, work / "maps", engine=options.engine, precision=options.precision)
            return done.seconds

        def theirs(image: Path) -> float:
            numbers = [str(len(bands)), str(options.rival_threads)]
            done = run([options.rivals, "-I", str(_SCRIPT), str(image), str(work / "theirs.tif"), *numbers])
            said[image] = json.loads(done.output.splitlines()[-1])
            return done.seconds

        commands = {OURS: ours} | ({THEIRS: theirs} if options.rivals else {})
        turns: dict[str, Callable[[], float]] = {}
        for name, command in commands.items():
            command(start)  # fills the cache of files
            turns[name] = partial(command, scene)
            turns[f"{name}, start"] = partial(command, start)
        seconds = interleaved(turns, options.repeats)
        if options.rivals:
            computed[THEIRS] = said[scene]["computed"]
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    started = {name: medians[name] - medians[f"{name}, start"] for name in commands}
    rows = [
        {
            "name": name,
            **rated(seconds[name], pixels),
            "start_up_s": rounded(medians[f"{name}, start"]),
            "without_start_up_s": rounded(started[name]),
            "computed_per_pixel": rounded(computed[name] / pixels),
            "to_rival": rounded(medians[THEIRS] / medians[name]) if options.rivals else None,
            "to_rival_without_start_up": rounded(started[THEIRS] / started[name]) if options.rivals else None,
        }
        for name in commands
    ]
    settings = {
        **described(bundle),
        "engine": predictor.engine.name,
        "window": list(predictor.layout((options.size, options.size)).shape),
        "size": options.size,
        "repeats": options.repeats,
    }
    versions = {}
    if options.rivals:
        settings["rival"], versions = said[scene]["settings"], said[scene]["versions"]
    what = f"A scene of {options.size} x {options.size} px in {len(bands)} bands, whole commands"
    record("rivals", what, settings, rows, folder=options.out, versions=versions)


if __name__ == "__main__":
    main()
