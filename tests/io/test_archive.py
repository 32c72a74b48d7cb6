"""Files in archives."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import cast

import pytest

from watermap.io.archive import ArchivedPath, archived


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("scene/B02.txt", "two\n")
    return tmp_path / "a.zip"


def test_it_answers_like_a_path(packed: Path) -> None:
    path = ArchivedPath(packed, "scene/B02.txt")
    assert (str(path), path.name, path.stem, path.suffix) == (f"{packed}/scene/B02.txt", "B02.txt", "B02", ".txt")
    assert path.exists()
    assert not path.is_dir()
    assert not ArchivedPath(packed, "scene/B03.txt").exists()
    assert not ArchivedPath(packed.with_name("b.zip"), "scene/B02.txt").exists()
    assert path.read_text() == "two\n"
    with path.open() as file:
        assert file.read() == b"two\n"
    with pytest.raises(ValueError, match="as bytes"):
        path.open("w")


def test_it_holds_no_open_file(packed: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (as it is counted)
    (inside,) = zipfile.Path(str(packed), "scene/").iterdir()
    path = archived(cast(Path, inside))  # answers like one
    del inside
    assert isinstance(path, ArchivedPath)
    assert path == ArchivedPath(packed, "scene/B02.txt")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert pickle.loads(pickle.dumps(path)) == path


def test_other_paths_stay(packed: Path) -> None:
    assert archived(packed) is packed
