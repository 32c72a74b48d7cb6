"""Copies by content: whole or not at all, and made again where they are not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.web import Web
from watermap.errors import DataError, ModelError
from watermap.io.cache import cache_folder, cached, cached_folder, copy_to
from watermap.io.paths import location

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path}: damaged, {reason}", hint="make it again")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "model.bin").write_bytes(CONTENT)
    return tmp_path / "model.bin"


def test_copies_lie_where_the_user_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache" / "watermap"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert cache_folder() == tmp_path / "home" / ".cache" / "watermap"


def test_a_whole_copy_is_used_and_a_damaged_one_is_made_again(file: Path) -> None:
    copy = cached(file, DIGEST, damaged)
    assert copy == cache_folder() / f"{DIGEST}.bin"
    source = file.rename(file.with_name("away.bin"))
    assert cached(file, DIGEST, damaged).read_bytes() == CONTENT  # nothing was read there
    copy.write_bytes(b"half")
    source.rename(file)
    assert cached(file, DIGEST, damaged).read_bytes() == CONTENT
    assert listing(cache_folder()) == [f"{DIGEST}.bin"]


@pytest.mark.usefixtures("_elsewhere")
def test_a_file_elsewhere_is_read_once(web: Web) -> None:
    (web.folder / "model.bin").write_bytes(CONTENT)
    place = location(f"{web.url}/model.bin")
    for _ in range(2):
        assert cached(place, DIGEST, damaged).read_bytes() == CONTENT
        asked = web.asked()
    assert asked == []


@pytest.mark.parametrize(
    ("content", "digest", "reason"),
    [
        (None, DIGEST, "it is missing"),
        (b"other", DIGEST, "it is not the file that was saved"),
        (CONTENT, "../../etc", "its checksum is none"),
    ],
)
def test_what_is_not_the_file_is_told_in_its_owners_words(
    content: bytes | None, digest: str, reason: str, file: Path
) -> None:
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelError) as error:
        cached(file, digest, damaged)
    assert one_line(error) == f"{file}: damaged, {reason}: make it again"
    assert not cache_folder().exists() or listing(cache_folder()) == []


def test_a_copy_that_cannot_be_written_is_told(file: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written") as error:
        copy_to(file, tmp_path / "absent" / "copy.bin", None, damaged)
    one_line(error)


def test_a_folder_takes_its_place_when_it_is_full(tmp_path: Path) -> None:
    folder = tmp_path / "patches"

    def is_whole(place: Path) -> bool:
        return (place / "index").is_file()

    with pytest.raises(RuntimeError), cached_folder(folder, is_whole) as part:
        raise RuntimeError
    assert not folder.exists()
    with cached_folder(folder, is_whole) as part:
        assert part is not None
        (part / "index").touch()
        assert not folder.exists()
    assert listing(folder) == ["index"]
    with cached_folder(folder, is_whole) as part:
        assert part is None
