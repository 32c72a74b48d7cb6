"""Polygons of the water of a whole Sentinel-2 tile: seconds and peak memory, beside others that do the same.

`python -m tests.benchmarks.vectorize`. Rivals: `rasterio.features.shapes` on the whole array, written by pyogrio, and
`gdal_polygonize.py` where there is one. Neither tells areas on the ellipsoid, what touches the edge, or probabilities.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from rasterio.features import rasterize

from tests.benchmarks.commands import Run, run
from tests.benchmarks.options import add_scene, parser
from tests.benchmarks.result import rated, record, rounded
from tests.benchmarks.scenes import TILE
from tests.support.rasters import make_grid
from watermap.io.cog import write_raster
from watermap.io.layouts import LABEL_LAYOUT
from watermap.legend import LAND, WATER

_POINTS = 24

_SHAPES = """
import sys
import numpy, pyogrio.raw, rasterio, shapely
from rasterio.features import shapes
with rasterio.open(sys.argv[1]) as dataset:
    values, crs, transform = dataset.read(1), dataset.crs.to_wkt(), dataset.transform
found = [shapely.geometry.shape(each) for each, _ in shapes(values, mask=values == 1, transform=transform)]
wkb = shapely.to_wkb(numpy.array(found, dtype=object))
pyogrio.raw.write(sys.argv[2], wkb, [], [], layer="water", driver="GPKG", geometry_type="Polygon", crs=crs)
"""


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=3)
    add_scene(given, TILE, TILE)
    given.add_argument("--bodies", type=int, default=60_000, help="drawn, of which some meet [default: %(default)s]")
    given.add_argument("--gdal-polygonize", default=shutil.which("gdal_polygonize.py"), help="[default: of the path]")
    options = given.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        work = Path(folder)
        water = draw_water(work / "tile_20230601_water.tif", options.rows, options.cols, options.bodies)
        module = [sys.executable, "-m", "watermap", "vectorize", str(water), "--out"]
        contestants = {
            "watermap vectorize": module,
            "watermap vectorize --smooth": [*module[:-1], "--smooth", "--out"],
            "rasterio.features.shapes": [sys.executable, "-c", _SHAPES, str(water)],
        }
        if options.gdal_polygonize:
            contestants["gdal_polygonize.py"] = [options.gdal_polygonize, "-q", "-mask", str(water), str(water)]
        runs: dict[str, list[Run]] = {name: [] for name in contestants}
        counts = {}
        for _ in range(options.repeats):
            for number, (name, command) in enumerate(contestants.items()):
                out = work / f"{number}.gpkg"
                out.unlink(missing_ok=True)
                runs[name].append(run([*command, str(out)]))
                counts[name] = pyogrio.read_info(out)["features"]
    rows = [
        {
            "name": name,
            **rated([each.seconds for each in found], options.rows * options.cols),
            "peak_mib": rounded(max(each.peak_bytes for each in found) / 2**20),
            "polygons": counts[name],
        }
        for name, found in runs.items()
    ]
    settings = {"rows": options.rows, "cols": options.cols, "drawn": options.bodies, "repeats": options.repeats}
    record("vectorize", "Polygons of a tile's water, whole commands", settings, rows, folder=options.out)


def draw_water(path: Path, rows: int, cols: int, bodies: int, *, seed: int = 0) -> Path:
    """Write a water raster of lakes of all sizes, islands in them, rivers that meet, and a sea along one side."""
    rng = np.random.default_rng(seed)
    lakes = _blobs(rng, rows, cols, bodies, least=1.0)
    islands = _blobs(rng, rows, cols, bodies // 10, least=0.8)
    walks = np.cumsum(rng.normal((0, 10), (6, 2), (12, rows // 10 + 1, 2)), axis=1)
    walks[..., 0] += rng.uniform(0, cols, (12, 1))
    rivers = shapely.buffer(shapely.linestrings(walks), 3)
    shore = np.stack([cols * 0.85 + np.cumsum(rng.normal(0, 8, rows // 4)), np.arange(0, rows // 4 * 4, 4)], axis=1)
    sea = shapely.Polygon([*shore, (cols, rows), (cols, 0)]).buffer(0)
    drawn = [*((each, WATER) for each in (*lakes, *rivers, sea)), *((each, LAND) for each in islands)]
    codes = rasterize(drawn, out_shape=(rows, cols), fill=LAND, dtype="uint8")
    return write_raster(path, codes[None], make_grid(cols, rows), LABEL_LAYOUT)


def _blobs(rng: np.random.Generator, rows: int, cols: int, count: int, *, least: float) -> np.ndarray:
    """Round shapes with rough outlines, their radii by Pareto's law."""
    angles = np.linspace(0, 2 * np.pi, _POINTS, endpoint=False)
    radii = least * (1 + rng.pareto(1.6, (count, 1))).clip(max=cols / 50) * rng.uniform(0.7, 1.3, (count, _POINTS))
    middles = rng.uniform(0, 1, (count, 1, 2)) * [cols, rows]
    made: np.ndarray = shapely.polygons(middles + radii[..., None] * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return made


if __name__ == "__main__":
    main()
