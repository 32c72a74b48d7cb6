"""A scene is believed only while its files are what its item says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scenes.items import describe
from watermap.scenes.stac import verified


def damage_byte(scene: Path) -> None:
    data = bytearray((scene / "image.tif").read_bytes())
    data[len(data) // 2] ^= 1
    (scene / "image.tif").write_bytes(data)


def damage_label_byte(scene: Path) -> None:
    data = bytearray((scene / "label.tif").read_bytes())
    data[-1] ^= 1
    (scene / "label.tif").write_bytes(data)


def truncate(scene: Path) -> None:
    (scene / "image.tif").write_bytes((scene / "image.tif").read_bytes()[:-1])


def replace_by_folder(scene: Path) -> None:
    (scene / "label.tif").unlink()
    (scene / "label.tif").mkdir()


def change_item(scene: Path, change: str, to: str) -> None:
    text = (scene / "item.json").read_text()
    assert change in text
    (scene / "item.json").write_text(text.replace(change, to, 1))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit of the image": damage_byte,
    "a flipped bit of the label": damage_label_byte,
    "a truncated image": truncate,
    "no image": lambda scene: (scene / "image.tif").unlink(),
    "no label": lambda scene: (scene / "label.tif").unlink(),
    "a folder for a label": replace_by_folder,
    "no item": lambda scene: (scene / "item.json").unlink(),
    "an empty item": lambda scene: (scene / "item.json").write_text(""),
    "half an item": lambda scene: (scene / "item.json").write_text((scene / "item.json").read_text()[:900]),
    "an item that is a list": lambda scene: (scene / "item.json").write_text("[]"),
    "an item that is no text": lambda scene: (scene / "item.json").write_bytes(b"\xff\xfe\x00"),
    "an item that names no image": lambda scene: change_item(scene, '"image": {', '"picture": {'),
    "an item without size": lambda scene: change_item(scene, '"file:size"', '"size"'),
    "an item without requests": lambda scene: change_item(scene, '"watermap:requests"', '"requests"'),
    "requests that are none": lambda scene: change_item(
        scene, '"watermap:requests": {', '"watermap:requests": 3, "x": {'
    ),
    "assets that are none": lambda scene: change_item(scene, '"assets": {', '"assets": [], "x": {'),
    "no scene": shutil.rmtree,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_scene_is_verified_only_while_it_is_whole(name: str, tmp_path: Path) -> None:
    describe(tmp_path)
    assert verified(tmp_path / "lake") == {"image": "wm-image-1", "label": "wm-label-2"}
    DAMAGES[name](tmp_path / "lake")
    assert verified(tmp_path / "lake") is None


def test_the_size_is_checked_before_anything_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path)
    (tmp_path / "lake" / "label.tif").write_bytes(b"")

    def hashed(path: Path) -> str:
        raise AssertionError(path)

    monkeypatch.setattr("watermap.scenes.stac.file_digest", hashed)
    assert verified(tmp_path / "lake") is None


def test_verifying_needs_no_pystac(tmp_path: Path) -> None:
    describe(tmp_path)
    script = f"""
import sys
from pathlib import Path
from watermap.scenes.stac import verified
print(sorted(verified(Path({str(tmp_path / "lake")!r}))), "pystac" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['image', 'label'] False\n"
