"""Names of places, and what is asked of an S3 and a web server on this machine."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.support.failures import one_line
from tests.support.s3 import Bucket
from tests.support.web import Web
from watermap.errors import UsageError
from watermap.io.files import file_digest, identity, write_text
from watermap.io.paths import gdal_name, local, location, remote


@pytest.mark.parametrize(
    ("text", "shown", "gdal"),
    [
        ("s3://b/lake/image.tif", "s3://b/lake/image.tif", "/vsis3/b/lake/image.tif"),
        ("gs://b/lake/image.tif", "gs://b/lake/image.tif", "/vsigs/b/lake/image.tif"),
        ("https://h:8/lake/image.tif", "https://h:8/lake/image.tif", "/vsicurl/https://h:8/lake/image.tif"),
        ("http://h/lake/image.tif?a=b&c", "http://h/lake/image.tif", "/vsicurl/http://h/lake/image.tif?a=b&c"),
        ("https://me:pw@h/lake/image.tif", "https://h/lake/image.tif", "/vsicurl/https://me:pw@h/lake/image.tif"),
        ("/vsis3/b/lake/image.tif", "s3://b/lake/image.tif", "/vsis3/b/lake/image.tif"),
        ("/vsigs/b/lake/image.tif", "gs://b/lake/image.tif", "/vsigs/b/lake/image.tif"),
        ("/vsicurl/https://h/lake/image.tif", "https://h/lake/image.tif", "/vsicurl/https://h/lake/image.tif"),
    ],
)
def test_places_elsewhere_have_names_like_paths(text: str, shown: str, gdal: str) -> None:
    place = location(text)
    assert (str(place), gdal_name(place)) == (shown, gdal)
    assert (place.name, place.stem, place.suffix, place.parent.name) == ("image.tif", "image", ".tif", "lake")
    assert str(place.parent / "label.tif") == shown.replace("image", "label")
    assert place.resolve() == place == location(place) == pickle.loads(pickle.dumps(place))
    assert not isinstance(place, Path)
    assert "pw@" not in str(place)
    assert "a=b" not in repr(place)


@pytest.mark.parametrize("text", ["image.tif", "/data/s3/image.tif", "a:b.tif", "/vsizip/a.zip/image.tif", "s3.tif"])
def test_all_other_names_are_local(text: str) -> None:
    place = location(text)
    assert place == Path(text)
    assert (remote(place), gdal_name(place), local(place)) == (None, text, place)


def test_a_signature_goes_with_what_lies_below() -> None:
    folder = location("https://h/models/lake/?sig=abc")
    assert gdal_name(folder / "bundle.json") == "/vsicurl/https://h/models/lake/bundle.json?sig=abc"


@pytest.mark.parametrize("text", ["s3://b/maps", "s3:/b/maps", "gs://b", "https://h/maps?sig=abc", "/vsis3/b/maps"])
def test_nothing_is_written_elsewhere(text: str, tmp_path: Path) -> None:
    for place in (text, Path(text), location(text.replace("s3:/b", "s3://b"))):
        with pytest.raises(UsageError, match="outputs go to local folders") as error:
            local(place)
        assert "sig" not in one_line(error)
        assert "mount the bucket" in str(error.value)
    with pytest.raises(UsageError, match="outputs go to local folders"):
        write_text(Path(text) / "x.json", "{}")
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_is_asked_like_a_folder(bucket: Bucket) -> None:
    for key in ("lakes/a/image.tif", "lakes/a/image.tif.msk", "lakes/b[1]/image.tif", "lakes/notes.txt"):
        bucket.put(key, key.encode())
    lakes = location(f"{bucket.url}/lakes/")
    assert (lakes.is_dir(), lakes.is_file(), lakes.exists()) == (True, False, True)
    assert not (lakes / "c").exists()
    assert sorted(path.name for path in lakes.iterdir()) == ["a", "b[1]", "notes.txt"]
    assert sorted(path.name for path in (lakes / "a").glob("image.tif*")) == ["image.tif", "image.tif.msk"]
    assert [path.name for path in (lakes / "b[1]").glob("*.tif")] == ["image.tif"]
    assert [path.parent.name for path in sorted(lakes.glob("*/image.tif"))] == ["a", "b[1]"]
    notes = lakes / "notes.txt"
    assert (notes.read_text(), notes.stat().st_size, notes.is_file()) == ("lakes/notes.txt", 15, True)
    assert notes.stat().st_mtime_ns > 1.6e18
    with pytest.raises(FileNotFoundError, match="no such file"):
        (lakes / "absent.txt").read_text()


def test_a_web_server_gives_files_and_lists_nothing(web: Web) -> None:
    (web.folder / "notes.txt").write_bytes(b"x" * 1_000_000)
    notes = location(f"{web.url}/notes.txt")
    assert (notes.is_file(), notes.exists(), notes.stat().st_size) == (True, True, 1_000_000)
    assert file_digest(notes) == file_digest(web.folder / "notes.txt")
    for question in (notes.parent.is_dir, notes.parent.iterdir, lambda: notes.parent.glob("*")):
        with pytest.raises(UsageError, match="does not list") as error:
            question()
        one_line(error)


def test_a_store_says_itself_what_a_file_holds(web: Web, bucket: Bucket) -> None:
    path = web.folder / "x.tif"
    path.write_bytes(b"one")
    place = location(f"{web.url}/x.tif")
    first = identity(place)
    assert first.startswith("etag:")
    assert identity(place) == first
    path.write_bytes(b"two")
    assert identity(place) != first
    assert "GET" not in {method for method, _ in web.asked()}
    for prefix in (None, "W/"):  # no tag, or one that may outlive small changes
        web.tag(prefix)
        assert identity(place) == identity(path) == f"sha256:{file_digest(path)}"
    stored = location(bucket.put("x.tif", b"one"))
    first = identity(stored)
    assert first.startswith("etag:")
    bucket.put("x.tif", b"two")
    assert identity(stored) != first
    with pytest.raises(FileNotFoundError):
        identity(location(f"{bucket.url}/absent.tif"))
