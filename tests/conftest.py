"""Fixtures that many tests share."""

from pathlib import Path

import pytest

from tests.rasters import REAL_DATA, make_grid, write_scene
from watermap.backend import require_keras
from watermap.bands import STANDARD_BANDS
from watermap.config import TileConfig

require_keras()  # hides what TensorFlow says at import


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that write to data/ by default do it in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real scenes."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real scenes in {REAL_DATA}")
    return REAL_DATA


@pytest.fixture(scope="session")
def small_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six scenes of six places, striped with water, 128 px."""
    folder = tmp_path_factory.mktemp("small") / "scenes"
    for number in range(6):
        write_scene(folder, f"place_{number}", make_grid(128, 128, left=300_000 + 40_000 * number), seed=number)
    return folder


@pytest.fixture(scope="session")
def small_patches(small_scenes: Path) -> Path:
    """Patches of 32 px of the small scenes."""
    from watermap.patches import tile

    folder = small_scenes.parent / "patches"
    tile(small_scenes, folder, TileConfig(patch_size=32, bands=STANDARD_BANDS, density=0.5))
    return folder
