"""Names of places, and what is asked of an S3 and a web server on this machine."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

from tests.support.failures import one_line
from tests.support.s3 import Bucket
from tests.support.web import Web
from watermap.errors import StorageError, UsageError
from watermap.io.files import file_digest, identity, write_text
from watermap.io.paths import RemotePath, gdal_name, local, location, remote
from watermap.io.stores import gdal_settings


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


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watermap.io.stores.find_spec", lambda name: None if name == "s3fs" else object())
    with pytest.raises(UsageError) as error:
        location("s3://b/image.tif")
    hint = "pip install 'fsspec[http]>=2026.9' 's3fs>=2026.9'"
    assert one_line(error) == f"s3://b/image.tif: what reads s3:// is not installed: {hint}"
    assert str(location("gs://b/x")) == "gs://b/x"


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


@pytest.mark.parametrize(
    ("status", "words", "transient"),
    [(403, "no permission", False), (401, "no permission", False), (400, "answers 400", False), (503, "503", True)],
)
def test_refusals_and_outages_are_told_apart(status: int, words: str, transient: bool, web: Web) -> None:
    (web.folder / "x.tif").write_bytes(b"x")
    place = location(f"{web.url}/x.tif?sig=secret")
    web.fail(status=status)
    for question in (place.exists, place.is_file, place.stat, place.open, place.read_text, lambda: identity(place)):
        web.asked()
        with pytest.raises(StorageError, match=words) as error:
            question()
        assert "secret" not in one_line(error)
        assert error.value.transient == transient
        assert pickle.loads(pickle.dumps(error.value)).transient == transient
        tries = sum(method == "HEAD" for method, _ in web.asked())
        assert tries == (3 if transient else 1)


def test_an_outage_that_passes_is_not_noticed(web: Web) -> None:
    (web.folder / "x.tif").write_bytes(b"x")
    web.fail(status=503, times=4)
    assert location(f"{web.url}/x.tif").read_text() == "x"
    web.fail(status=503, method="GET", times=2)
    assert location(f"{web.url}/x.tif").read_text() == "x"


def test_an_outage_while_a_file_is_read_is_told(web: Web) -> None:
    (web.folder / "x.tif").write_bytes(b"x")
    with location(f"{web.url}/x.tif").open("rb") as file:
        web.fail(status=503)
        with pytest.raises(StorageError, match="503"):
            file.read()


@pytest.mark.usefixtures("_elsewhere")
@pytest.mark.parametrize("scheme", ["http", "s3"])
def test_a_server_that_is_away_is_told(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anybody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    place = location({"http": "http://127.0.0.1:9/x.tif", "s3": "s3://bucket/x.tif"}[scheme])
    with pytest.raises(StorageError, match="cannot be reached") as error:
        place.exists()
    assert "try again" in one_line(error)
    assert error.value.transient


@pytest.mark.usefixtures("_elsewhere")
def test_a_defect_is_no_answer_of_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    place = RemotePath("http", "127.0.0.1:9/x.tif")
    with pytest.raises(AttributeError):
        place._ask(lambda files: files.no_such_question())
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(UsageError, match="not installed"):
        place.exists()


def test_gdal_is_told_the_endpoint_that_fsspec_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store:9000/")
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "9")
    found = gdal_settings()
    assert (found["AWS_S3_ENDPOINT"], found["AWS_HTTPS"], found["AWS_VIRTUAL_HOSTING"]) == ("store:9000", "NO", "FALSE")
    assert "GDAL_HTTP_MAX_RETRY" not in found  # the user's own
    monkeypatch.setenv("AWS_S3_ENDPOINT", "other:9000")
    assert "AWS_S3_ENDPOINT" not in gdal_settings()


def test_fsspec_is_told_the_endpoint_that_gdal_is_told(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    place = location(bucket.put("x.tif", b"x"))
    monkeypatch.setenv("AWS_S3_ENDPOINT", os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"))
    monkeypatch.setenv("AWS_HTTPS", "NO")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert place.read_text() == "x"


def test_what_is_not_signed_may_be_forbidden(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    place = location(bucket.put("x.tif", b"x"))
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "YES")
    with pytest.raises(StorageError, match="no permission") as error:
        place.exists()
    assert "AWS_NO_SIGN_REQUEST" in one_line(error)
