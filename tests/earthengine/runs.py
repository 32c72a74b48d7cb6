"""Whole exports against the loopback server, by the command line or as a process of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World, expected_image, expected_label
from watermap.cli.main import run
from watermap.config import ExportConfig
from watermap.geo.grid import Grid

START, END = "2023-06-01", "2023-06-30"
BUCKET = "loopback-bucket"


@dataclass(frozen=True)
class Export:
    """One `watermap export` against a server.

    Attributes:
        server: asked.
        key: the service account's.
        folder: where the configuration is written and scenes go.
        area: as the command line takes it.
        label: which.
        to: which route.
        patience_s: how long transient failures are tried again.
        timeout_s: for one answer.
        requests: in flight.
        request_mib: of a pixel request.
        flags: further words.
    """

    server: LoopbackServer
    key: Path
    folder: Path
    area: str
    label: str = "hansen"
    to: str = "local"
    patience_s: float = 5.0
    timeout_s: float = 20.0
    requests: int = 4
    request_mib: float = 32.0
    flags: tuple[str, ...] = ()

    @property
    def out(self) -> Path:
        return self.folder / "scenes"

    def words(self) -> list[str]:
        """The command line, after writing the configuration that it names."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "watermap.toml"
        settings.write_text(
            "[earthengine]\n"
            f'project = "loopback-project"\nkey = "{self.key}"\n'
            f'service_url = "{self.server.url}"\nstorage_url = "{self.server.url}"\n'
            f"patience_s = {self.patience_s}\ntimeout_s = {self.timeout_s}\npoll_s = 0.01\n"
            f"requests = {self.requests}\nrequest_mib = {self.request_mib}\n"
        )
        bucket = ["--bucket", BUCKET] if self.to == "gcs" else []
        return [
            *("export", self.area, "--start", START, "--end", END, "--out", str(self.out)),
            *("--config", str(settings), "--label", self.label, "--to", self.to, *bucket, *self.flags),
        ]

    def __call__(self) -> int:
        """Run it here; returns the exit code."""
        return run(self.words())


def scene_names(out: Path) -> list[str]:
    """The scenes of a folder, sorted."""
    return sorted(path.name for path in out.iterdir() if path.is_dir() and not path.name.startswith("."))


def read_raster(path: Path) -> tuple[np.ndarray, Grid]:
    """All pixels of a raster, and its grid."""
    with rasterio.open(path) as dataset:
        return dataset.read(), Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)


def assert_scenes_are_right(world: World, out: Path, *, label: str = "hansen", bands: tuple[str, ...] = ()) -> None:
    """Every scene's pixels are the world's, image and label on one grid."""
    settings: dict[str, Any] = {"start": START, "end": END, "label": label}
    config = ExportConfig(**settings, **({"bands": bands} if bands else {}))
    names = scene_names(out)
    assert names
    for name in names:
        image, grid = read_raster(out / name / "image.tif")
        index = json.loads((out / name / "item.json").read_text())["properties"]["watermap:source"].split("/")[-1]
        np.testing.assert_array_equal(image, expected_image(world, index, grid, config))
        if label != "none":
            codes, label_grid = read_raster(out / name / "label.tif")
            assert label_grid == grid
            np.testing.assert_array_equal(codes[0], expected_label(world, index, grid, config))


def contents(out: Path) -> dict[str, bytes]:
    """Every file that is not hidden, with its bytes."""
    files = (path for path in out.rglob("*") if path.is_file())
    named = {str(path.relative_to(out)): path for path in files}
    return {name: path.read_bytes() for name, path in sorted(named.items()) if not name.startswith(".")}
