"""What a store's answers mean, and that GDAL and fsspec are told the same of it."""

from __future__ import annotations

import os
import pickle
import sys

import pytest

from tests.support.failures import one_line
from tests.support.s3 import Bucket
from tests.support.web import Web
from watermap.errors import StorageError, UsageError
from watermap.io.files import identity
from watermap.io.paths import RemotePath, location
from watermap.io.stores import gdal_settings


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watermap.io.stores.find_spec", lambda name: None if name == "s3fs" else object())
    with pytest.raises(UsageError) as error:
        location("s3://b/image.tif")
    hint = "pip install 'fsspec[http]>=2026.9' 's3fs>=2026.9'"
    assert one_line(error) == f"s3://b/image.tif: what reads s3:// is not installed: {hint}"
    assert str(location("gs://b/x")) == "gs://b/x"


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
