"""Commands on scenes, patches and bundles that lie elsewhere: the maps, and one line where something is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bundles import make_bundle
from tests.support.folders import listing, maps_of
from tests.support.rasters import make_grid, write_scene
from tests.support.s3 import Bucket
from tests.support.web import Web
from watermap.cli.main import run


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The last line of standard error, which is the only trouble told."""
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    return shown.splitlines()[-1]


@pytest.fixture
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("models") / "known").folder


def test_scenes_bundle_and_patches_are_read_from_a_bucket(
    bucket: Bucket, bundle: Path, small_patches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "ab":
        write_scene(tmp_path / "here", name, make_grid(64, 64))
    scenes = bucket.put_folder(tmp_path / "here", "scenes")
    models = bucket.put_folder(bundle.parent, "models").rstrip("/")
    assert run(["predict", scenes, f"{scenes}/*", "--bundle", f"{models}/known", "--out", "maps"]) == 0
    assert listing(tmp_path / "maps") == maps_of("a", "b")
    assert run(["bundles", "list", "--models", models]) == 0
    assert "known" in capsys.readouterr().out
    assert run(["evaluate", f"{models}/known", scenes]) == 0
    assert (tmp_path / "known_on_scenes.png").exists()
    patches = bucket.put_folder(small_patches, "patches")
    assert run(["evaluate", f"{models}/known", patches]) == 0
    assert (tmp_path / "known_on_patches.png").exists()


def test_what_is_wrong_with_a_server_is_one_line(
    web: Web, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scene(web.folder, "lake", make_grid(64, 64))
    command = ["predict", f"{web.url}/lake/image.tif?sig=secret", "--bundle", str(bundle), "--out", "maps"]
    for status, words in ((404, "no such file"), (403, "no permission"), (503, "it answers 503")):
        web.fail(status=status)
        assert run(command) == 3
        line = said(capsys)
        assert line.startswith(f"watermap: {web.url}/lake/image.tif: ")
        assert words in line
        assert "secret" not in line
        web.mend()
    away = ["http://127.0.0.1:9/image.tif", "--bundle", str(bundle), "--out", "maps"]
    assert run(["predict", *away]) == 3
    assert "cannot be reached" in said(capsys)
    assert run(["predict", *away, f"{web.url}/lake/image.tif?sig=secret"]) == 6
    assert listing(tmp_path / "maps") == maps_of("lake")
    assert not any(b"secret" in file.read_bytes() for file in (tmp_path / "maps").iterdir())
    shutil.rmtree(tmp_path / "maps")
    assert run(["predict", f"{web.url}/lake/image.tif", "--bundle", f"{web.url}/absent", "--out", "maps"]) == 5
    assert "not a bundle" in said(capsys)
    assert run(["tile", f"{web.url}/scenes", "--out", "patches"]) == 2
    assert "does not list" in said(capsys)
    assert run(["evaluate", str(bundle), f"{web.url}/patches"]) == 2
    assert "does not list" in said(capsys)
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    "command",
    [
        "predict x.tif --out s3://b/maps",
        "demo --out s3://b/demo",
        "sample --out gs://b/scenes",
        "export 1,2,3,4 --start 2023-06-01 --end 2023-06-02 --out s3://b/scenes",
        "scenes add x.tif --out /vsis3/b/scenes",
        "tile scenes --out https://h/patches",
        "train patches --out s3://b/model",
        "evaluate model scenes --json s3://b/scores.json",
        "evaluate model scenes --picture s3://b/scores.png",
        "bundles promote model --models s3://b/models",
        "bundles rollback --models s3://b/models",
    ],
)
def test_nothing_is_written_to_urls(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command.split()) == 2
    assert "outputs go to local folders: mount the bucket" in said(capsys)
    assert listing(tmp_path) == []


def test_settings_and_keys_are_local(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--config", "--key"):
        assert run(["doctor", flag, "s3://b/secret"]) == 2
        assert "read from local files" in said(capsys)


def test_a_missing_extra_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watermap.io.stores.find_spec", lambda _: None)
    for command, libraries in (
        (["predict", "s3://b/x.tif"], "'fsspec[http]>=2026.9' 's3fs>=2026.9'"),
        (["tile", "gs://b/scenes", "--out", "p"], "'fsspec[http]>=2026.9' 'gcsfs>=2026.9'"),
        (["evaluate", "https://h/b", "s"], "'fsspec[http]>=2026.9'"),
    ):
        assert run(command) == 2
        assert said(capsys).rstrip().endswith(f"not installed: pip install {libraries}")
    assert listing(tmp_path) == []


def test_a_whole_process_ends_clean(bucket: Bucket, web: Web, tmp_path: Path) -> None:
    """Threads, loops and connections of the stores' libraries are none of the user's business."""
    image = write_scene(tmp_path / "here", "a", make_grid(32, 32)) / "image.tif"
    (web.folder / "label.tif").write_bytes((image.parent / "label.tif").read_bytes())
    command = [sys.executable, "-W", "error", "-m", "watermap", "scenes", "add"]
    command += [bucket.put("a.tif", image.read_bytes()), "--label", f"{web.url}/label.tif", "--out", "scenes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "scenes" / "a" / "image.tif").read_bytes() == image.read_bytes()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ACCESS")}
    command[-1] = "more"
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 3
    assert "a.tif: no login was found: check AWS_ACCESS_KEY_ID" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_reaches_for_no_store() -> None:
    script = """
import sys
from watermap.cli.main import run
code = run(["predict", "--help"])
print(sorted({"fsspec", "s3fs", "gcsfs", "aiohttp", "botocore"} & set(sys.modules)), code)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[] 0\n")
