"""Fixtures that many tests share."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it has no types

from tests.support.rasters import REAL_DATA, make_grid, write_scene
from tests.support.s3 import Bucket, serving_s3
from tests.support.web import Web, serving
from watermap.bands import STANDARD_BANDS
from watermap.config import TileConfig

settings.register_profile("watermap", deadline=None)  # how long an example takes says nothing on a shared machine
settings.load_profile("watermap")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # of TensorFlow, which only tests that need Keras import


_TOGETHER = {
    "tests/flows/": "flows",
    "tests/models/test_all_architectures.py": "all architectures",  # long, and in processes of its own
    "tests/models/": "models",
    "tests/prediction/engines/": "engines",
    "tests/cli/test_predict.py": "engines",
}


class _Scheduling(LoadFileScheduling):
    """The tests of a file run in one process, and those of some folders too.

    Each process would else start a Prefect server of its own, convert a bundle, and write the weights of a ResNet50.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next(
            (name for start, name in _TOGETHER.items() if nodeid.startswith(start)), super()._split_scope(nodeid)
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Whom a process is given its tests by, where they are shared out among several."""
    return _Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that write to data/ by default do it in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read from elsewhere comes from this machine, with no login but the tests', and is not waited for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    for name in ("AWS_PROFILE", "AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_NO_SIGN_REQUEST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.01")
    monkeypatch.setattr("watermap.io.stores._WAITS_S", (0.01, 0.01))


@pytest.fixture(scope="session")
def _web_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture
def web(_web_server: Web, _elsewhere: None) -> Iterator[Web]:
    """A folder that is served over HTTP."""
    folder = _web_server.folder / str(next(_numbers))
    folder.mkdir()
    _web_server.asked()
    yield Web(folder, f"{_web_server.url}/{folder.name}")
    _web_server.mend()


@pytest.fixture(scope="session")
def _s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_s3(tmp_path_factory.mktemp("s3") / "log") as url:
        yield url


@pytest.fixture
def bucket(_s3_server: str, _elsewhere: None, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket of an S3 on this machine, and the variables that lead there."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", _s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anybody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return Bucket(_s3_server, f"bucket-{next(_numbers)}")


_numbers = itertools.count()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real scenes."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real scenes in {REAL_DATA}")
    return REAL_DATA


@pytest.fixture(scope="session")
def _workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.workspace import make_workspace  # its bundle needs Keras

    return make_workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture
def workspace(_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with all that the examples of the Python API name."""
    shutil.copytree(_workspace, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


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
    from watermap.patches.tile import tile

    folder = small_scenes.parent / "patches"
    tile(small_scenes, folder, TileConfig(patch_size=32, bands=STANDARD_BANDS, density=0.5))
    return folder
