"""Why a file does not open, by what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.web import Web
from watermap.errors import StorageError
from watermap.io.paths import RemotePath, location
from watermap.io.unreadable import first_bytes, unread_local, unread_remote

STARTS = {
    b"II*\0": "a truncated or damaged TIFF: download or export it again",
    b"MM\0*": "a truncated or damaged TIFF: download or export it again",
    b"II+\0": "a truncated or damaged TIFF: download or export it again",
    b"\0\0\0\x0cjP": "a truncated or damaged JPEG 2000 file: download it again",
    b"<html>": "not a raster that GDAL can read: give a GeoTIFF, JPEG 2000 or VRT file",
    b"": "not a raster that GDAL can read: give a GeoTIFF, JPEG 2000 or VRT file",
}


def place_of(web: Web, content: bytes) -> RemotePath:
    (web.folder / "a.tif").write_bytes(content)
    place = location(f"{web.url}/a.tif?sig=secret")
    assert isinstance(place, RemotePath)
    return place


@pytest.mark.parametrize("start", STARTS)
def test_the_first_bytes_tell_what_is_damaged(start: bytes, tmp_path: Path, web: Web) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(start)
    assert str(unread_local(path)) == f"{path}: {STARTS[start]}"
    place = place_of(web, start)
    assert str(unread_remote(place, OSError("not recognised"))) == f"{place}: {STARTS[start]}"


def test_folders_and_what_may_not_be_read_are_told(tmp_path: Path) -> None:
    assert str(unread_local(tmp_path)).endswith("is a folder, and no scene: give one of its rasters")
    assert "cannot be read (No such file" in str(unread_local(tmp_path / "absent.tif"))


@pytest.mark.parametrize("text", ["HTTP response code: 403?sig=secret", "CURL error", "no valid AWS credential"])
def test_gdal_that_is_not_let_in_is_an_outage(text: str, web: Web) -> None:
    error = unread_remote(place_of(web, b"II*\0"), OSError(text))
    assert isinstance(error, StorageError)
    assert error.transient
    assert "GDAL cannot reach it" in str(error)
    assert "secret" not in str(error)


def test_a_file_that_went_away_is_told(web: Web) -> None:
    place = place_of(web, b"II*\0 and more")
    assert first_bytes(place) == b"II*\0"
    (web.folder / "a.tif").unlink()
    with pytest.raises(StorageError, match="went away while it was read"):
        first_bytes(place)
