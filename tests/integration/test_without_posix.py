"""What maps scenes and makes products of maps needs nothing that only POSIX systems have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.support.bundles import make_bundle
from tests.support.rasters import lake_image, make_grid, shore_label, write_tif
from watermap.bands import STANDARD_BANDS

SCRIPT = """
import os, sys
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for name in ("getuid", "sched_getaffinity", "statvfs", "sysconf"):
    delattr(os, name)
import watermap.prediction.engines.openvino, watermap.scenes.indices
watermap.prediction.engines.openvino.openvino_library()
from watermap.cli.main import run
for line in sys.stdin.read().splitlines():
    code = run(line.split())
    if code:
        sys.exit(f"{line.strip()} ended with {code}")
"""
COMMANDS = """\
predict lake_20240501.tif lake_20240601.tif --bundle bundle --out maps --polygons
vectorize maps/lake_20240501_water.tif --out bodies.gpkg
change maps/lake_20240501_water.tif maps/lake_20240601_water.tif --out changes
mosaic maps/lake_20240501_water.tif maps/lake_20240601_water.tif --out mosaic.tif
timeline maps --out timeline
report maps --out report.html
"""


@pytest.mark.slow
def test_maps_and_their_products(tmp_path: Path) -> None:
    label = shore_label((96, 96))
    image = lake_image(label, len(STANDARD_BANDS))
    image[STANDARD_BANDS.index("B3")] += np.where(label == 1, 1000, 0).astype(image.dtype)
    image[STANDARD_BANDS.index("B11")] += np.where(label == 1, 0, 1000).astype(image.dtype)
    for date in ("20240501", "20240601"):
        write_tif(tmp_path / f"lake_{date}.tif", image, make_grid(96, 96), names=STANDARD_BANDS)
    make_bundle(tmp_path / "bundle")
    done = subprocess.run([sys.executable, "-c", SCRIPT], input=COMMANDS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with rasterio.open(tmp_path / "mosaic.tif") as mosaic:
        np.testing.assert_array_equal(mosaic.read(1), label)
    for product in ("bodies.gpkg", "report.html", "maps/lake_20240501_bodies.gpkg", "timeline/timeline.csv"):
        assert (tmp_path / product).is_file()
    assert list((tmp_path / "changes").glob("*_change.tif"))
