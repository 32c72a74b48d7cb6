"""Peak resident memory of the whole command, for scenes of one width and several heights.

`python -m tests.benchmarks.memory --bundle BUNDLE`
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.bundles import described
from tests.benchmarks.commands import predict
from tests.benchmarks.options import add_bundle, chosen_bundle, parser
from tests.benchmarks.pieces import crop
from tests.benchmarks.result import record, rounded
from tests.benchmarks.scenes import TILE, big_scene

ENGINES = ["openvino:bfloat16", "openvino:float32", "keras:float32"]


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=1)
    add_bundle(given)
    given.add_argument("--heights", type=int, nargs="+", default=[1024, TILE], help=f"rows [default: 1024 {TILE}]")
    given.add_argument("--cols", type=int, default=TILE, help="of the scenes [default: %(default)s]")
    given.add_argument("--engines", nargs="+", default=ENGINES, help=f"ENGINE:PRECISION [default: {' '.join(ENGINES)}]")
    options = given.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        work = Path(folder)
        bundle = chosen_bundle(options, work)
        bands = bundle.contract.bands
        most = max(options.heights)
        scenes = {most: big_scene(work / f"{most}.tif", most, options.cols, bands=bands)}
        for height in options.heights:
            if height != most:
                scenes[height] = crop(scenes[most], work / f"{height}.tif", height, options.cols)
        for each in options.engines:
            engine, _, precision = each.partition(":")
            for height, scene in sorted(scenes.items()):
                found = [
                    predict(scene, bundle.folder, work / "maps", engine=engine, precision=precision or "auto")
                    for _ in range(options.repeats)
                ]
                rows.append(
                    {
                        "name": each,
                        "rows": height,
                        "cols": options.cols,
                        "scene_mib": rounded(height * options.cols * len(bands) * 2 / 2**20),
                        "peak_mib": rounded(max(run.peak_bytes for run in found) / 2**20),
                    }
                )
    settings = {**described(bundle), "repeats": options.repeats}
    what = f"Peak resident memory of watermap predict on scenes of {options.cols} columns"
    record("memory", what, settings, rows, folder=options.out)


if __name__ == "__main__":
    main()
