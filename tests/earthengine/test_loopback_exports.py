"""Exports, the bucket and the faults of the loopback server, seen by the real clients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ee
import google.api_core.exceptions
import google.auth.exceptions
import numpy as np
import pytest
import rasterio.errors
import requests.exceptions
from googleapiclient.errors import InvalidJsonError, UnknownApiNameOrVersion

from tests.earthengine.asking import ACROSS, FIRST, compute, config, initialize, read, wire_grid
from tests.earthengine.faults import PAGE
from tests.earthengine.server import BUCKET, LoopbackServer
from tests.earthengine.world import Numbers, World, expected_image, expected_label
from tests.support.rasters import make_grid
from watermap.earthengine import expressions
from watermap.geo.grid import Grid

GRID = make_grid(60, 50, left=272_455, top=5_219_905)


def body(name: str = "scene", *, to: str = "bucket", no_data: float = 65535, **more: Any) -> dict[str, Any]:
    """An export of the first scene's bands."""
    target = {"bucket": BUCKET, "filenamePrefix": f"out/{name}"}
    destination = {"cloudStorageDestination": target} if to == "bucket" else {"driveDestination": {**more.pop("drive")}}
    options = {"fileFormat": "GEO_TIFF", "geoTiffOptions": {"noData": {"floatValue": no_data}}, **destination}
    graph = expressions.image([FIRST], config())
    return {"expression": graph, "description": name, "fileExportOptions": options, "grid": wire_grid(GRID), **more}


def export(name: str = "scene", **settings: Any) -> str:
    operation: dict[str, Any] = ee.data.exportImage(name, body(name, **settings))
    return str(operation["name"])


def state(operation: str) -> str:
    return str(ee.data.getOperation(operation)["metadata"]["state"])


def pixels(world: World, grid: Grid = GRID) -> Numbers:
    return expected_image(world, FIRST, grid, config())


def test_an_export_to_the_bucket(client: None, bucket: Any, world: World, server: LoopbackServer) -> None:
    operation = ee.data.exportImage("request-1", body())
    assert (operation["metadata"]["state"], operation["done"]) == ("PENDING", False)
    assert [state(operation["name"]) for _ in range(2)] == ["PENDING", "RUNNING"]
    assert not server.bucket
    done = ee.data.getOperation(operation["name"])
    assert (done["metadata"]["state"], done["done"], "error" in done) == ("SUCCEEDED", True, False)
    assert state(operation["name"]) == "SUCCEEDED"
    assert server.started == {"request-1": 1}
    (blob,) = bucket.list_blobs(prefix="out/", retry=None)
    assert blob.name == "out/scene.tif"
    values, grid, no_data = read(blob.download_as_bytes(retry=None, checksum="crc32c"))
    assert (grid, no_data) == (GRID, 65535)
    np.testing.assert_array_equal(values, pixels(world))


def test_an_export_to_drive(client: None, world: World, server: LoopbackServer) -> None:
    server.states = ["SUCCEEDED"]
    graph = expressions.label([FIRST], config(label="jrc"))
    folder = {"folder": "watermap", "filenamePrefix": "label"}
    assert state(export(to="drive", drive=folder, expression=graph, no_data=255)) == "SUCCEEDED"
    values, grid, no_data = read(server.drive["watermap/label.tif"])
    assert (grid, no_data) == (GRID, 255)
    np.testing.assert_array_equal(values[0], expected_label(world, FIRST, GRID, config(label="jrc")))


def test_large_exports_come_in_shards(client: None, bucket: Any, world: World, server: LoopbackServer) -> None:
    server.states, server.shard_pixels = ["SUCCEEDED"], 32
    assert state(export()) == "SUCCEEDED"
    blobs = list(bucket.list_blobs(prefix="out/scene", retry=None))
    rows_cols = [(0, 0), (0, 32), (32, 0), (32, 32)]
    assert [blob.name for blob in blobs] == [f"out/scene{row:010d}-{col:010d}.tif" for row, col in rows_cols]
    assert server.count("download") == 2  # a page holds three
    for blob in blobs:
        values, grid, _ = read(blob.download_as_bytes(retry=None))
        np.testing.assert_array_equal(values, pixels(world, grid))


def test_a_request_id_starts_one_export(client: None, server: LoopbackServer) -> None:
    export("twice")
    with pytest.raises(ee.EEException, match="already exists") as error:
        export("twice")
    assert getattr(error.value.__context__, "status_code", None) == 409
    server.fail("export", "reset-after")
    with pytest.raises(ConnectionError):
        export("lost")
    assert server.started == {"twice": 1, "lost": 1}
    described = {each["metadata"]["description"] for each in ee.data.listOperations()}
    assert described == {"twice", "lost"}
    server.forget()
    assert ee.data.listOperations() == []


def test_operations_are_listed_in_pages(client: None, server: LoopbackServer) -> None:
    names = [export(f"scene-{number}") for number in range(7)]
    assert {each["name"] for each in ee.data.listOperations()} == set(names)
    assert server.count("poll") == 3
    with pytest.raises(ee.EEException, match="not found"):
        ee.data.getOperation("projects/loopback-project/operations/NONE")


def test_exports_that_end_badly(client: None, server: LoopbackServer) -> None:
    server.states_of = {"broken": ["RUNNING", "FAILED"]}
    broken, fine = export("broken"), export("fine")
    assert [state(broken), state(broken), state(fine)] == ["RUNNING", "FAILED", "PENDING"]
    assert ee.data.getOperation(broken)["error"] == server.operation_error
    ee.data.cancelOperation(fine)
    assert ee.data.getOperation(fine)["error"]["code"] == 1
    assert state(fine) == "CANCELLED"
    server.states = ["SUCCEEDED"]
    large = export("large", maxPixels={"value": "2999"})
    assert ee.data.getOperation(large)["error"]["message"].startswith("Export too large: specified 3000 pixels")
    unknown = export("unknown", expression=expressions.hansen("UMD/old"))
    assert "not found" in ee.data.getOperation(unknown)["error"]["message"]
    outside = export("outside", expression=expressions.jrc(), no_data=65535)
    assert "outside the range of uint8" in ee.data.getOperation(outside)["error"]["message"]
    other = body("other")
    other["fileExportOptions"]["cloudStorageDestination"]["bucket"] = "another"
    operation = ee.data.exportImage("other", other)
    assert ee.data.getOperation(operation["name"])["error"]["message"] == (
        "Unable to write to bucket another (permission denied)."
    )
    assert not server.bucket


@pytest.mark.parametrize(
    ("request_id", "changes", "message"),
    [
        ("fine", {"grid": {}}, "without a grid"),
        ("fine", {"grid": {"crsCode": "EPSG:32633"}}, "Invalid pixel grid"),
        ("", {}, "requestId"),
        ("no_underscore", {}, "requestId"),
        ("x" * 61, {}, "requestId"),
        ("fine", {"scale": 10}, 'Unknown name "scale"'),
        ("fine", {"fileExportOptions": {"fileFormat": "GEO_TIFF"}}, "one destination"),
        ("fine", {"fileExportOptions": {"fileFormat": "GEO_TIFF", "driveDestination": {}}}, "filenamePrefix"),
        ("fine", {"fileExportOptions": {"fileFormat": "TF_RECORD_IMAGE"}}, "GEO_TIFF"),
        ("fine", {"fileExportOptions": {"geoTiffOptions": {"noData": 0}}}, "geoTiffOptions.noData"),
    ],
)
def test_exports_that_are_refused(
    request_id: str, changes: dict[str, Any], message: str, client: None, server: LoopbackServer
) -> None:
    with pytest.raises(ee.EEException, match=message):
        ee.data.exportImage(request_id, {**body(), **changes})
    assert not server.started


def test_parts_of_objects(bucket: Any, server: LoopbackServer) -> None:
    server.bucket["a/b c.bin"] = bytes(range(256))
    blob = bucket.get_blob("a/b c.bin", retry=None)
    assert (blob.size, blob.name) == (256, "a/b c.bin")
    assert blob.download_as_bytes(start=3, end=6, retry=None) == bytes([3, 4, 5, 6])
    assert bucket.get_blob("a", retry=None) is None
    with pytest.raises(google.api_core.exceptions.NotFound):
        bucket.client.bucket("another").blob("a").download_as_bytes(retry=None)


def call(phase: str, bucket: Any) -> Callable[[], Any]:
    """A request of a phase."""
    return {
        "compute": lambda: ee.Number(1).getInfo(),
        "pixels": lambda: compute(expressions.image([FIRST], config()), GRID),
        "export": export,
        "poll": ee.data.listOperations,
        "cancel": lambda: ee.data.cancelOperation("projects/p/operations/x"),
        "download": lambda: bucket.blob("a").download_as_bytes(retry=None),
    }[phase]


@pytest.mark.parametrize("phase", ["compute", "pixels", "export", "poll", "cancel", "download"])
def test_faults_of_requests(phase: str, client: None, bucket: Any, server: LoopbackServer) -> None:
    server.bucket["a"], server.stall_s = b"1234", 0.05
    ask, storage = call(phase, bucket), phase == "download"
    for status in (429, 500, 503, 403, 404):
        server.fail(phase, status, reason="rateLimitExceeded")
        with pytest.raises((ee.EEException, google.api_core.exceptions.GoogleAPICallError)) as error:
            ask()
        found: Any = error.value if storage else error.value.__context__
        assert (found.code if storage else found.status_code) == status
    broken: Any = requests.exceptions.RequestException if storage else ConnectionError
    for kind, message in (
        ("reset", "reset by peer"),
        ("reset-after", "reset by peer"),
        ("truncated", "IncompleteRead"),
        ("timeout", "Remote end closed"),
    ):
        server.fail(phase, kind)
        with pytest.raises(broken, match=message):
            ask()
    sent = [(record.status, record.fault) for record in server.requests if record.phase == phase]
    assert [fault for _, fault in sent] == [429, 500, 503, 403, 404, "reset", "reset-after", "truncated", "timeout"]
    assert [status for status, _ in sent[:7]] == [429, 500, 503, 403, 404, 0, 0]


@pytest.mark.parametrize("phase", ["compute", "pixels", "export", "poll", "download"])
def test_an_old_login_is_renewed_unless_that_never_helps(
    phase: str, client: None, bucket: Any, server: LoopbackServer
) -> None:
    server.bucket["a"] = b"1234"
    tokens = server.count("token")
    server.fail(phase, 401)
    call(phase, bucket)()
    assert server.count("token") > tokens
    server.forget()
    server.fail(phase, 401, times=None)
    with pytest.raises((ee.EEException, google.api_core.exceptions.Unauthorized)):
        call(phase, bucket)()
    assert not server.started


def test_a_page_in_between(client: None, bucket: Any, server: LoopbackServer) -> None:
    """The clients take it for an answer more often than not."""
    server.bucket["a"] = b"1234"
    for phase in ("compute", "pixels", "export", "poll", "download:list", "download:media"):
        server.fail(phase, "html")
    with pytest.raises(TypeError):
        ee.Number(1).getInfo()
    with pytest.raises(rasterio.errors.RasterioIOError):
        compute(expressions.image([FIRST], config()), GRID)
    assert ee.data.exportImage("scene", body()) == PAGE.decode()
    with pytest.raises(AttributeError):
        ee.data.listOperations()
    with pytest.raises(requests.exceptions.JSONDecodeError):
        list(bucket.list_blobs(retry=None))
    assert bucket.blob("a").download_as_bytes(retry=None) == PAGE


def test_half_a_file_that_says_it_is_whole(client: None, bucket: Any, server: LoopbackServer) -> None:
    server.bucket["a"] = bytes(1000)
    server.fail("pixels", "no-tiff")
    with pytest.raises(rasterio.errors.RasterioIOError):
        compute(expressions.image([ACROSS], config()), GRID)
    server.fail("download", "no-tiff")  # waits for a file
    assert [blob.size for blob in bucket.list_blobs(retry=None)] == [1000]
    assert len(bucket.blob("a").download_as_bytes(retry=None, checksum="crc32c")) == 500


@pytest.mark.parametrize(
    ("phase", "kind", "error"),
    [
        ("initialize", 503, "HttpError"),
        ("initialize", 404, UnknownApiNameOrVersion),
        ("initialize", "html", InvalidJsonError),
        ("initialize", "reset", ConnectionError),
        ("initialize", "truncated", ConnectionError),
        ("initialize:algorithms", 429, ee.EEException),
        ("initialize:algorithms", "html", AttributeError),
        ("token", 403, google.auth.exceptions.RefreshError),
        ("token", "reset", ConnectionError),
    ],
)
def test_faults_at_the_start(phase: str, kind: int | str, error: Any, server: LoopbackServer, key: Path) -> None:
    server.fail(phase, kind)
    ee.Reset()
    with pytest.raises(Exception) as found:  # noqa: PT011  # whatever comes is looked at below
        initialize(server, key)
    assert error in (type(found.value), type(found.value).__name__)
    initialize(server, key)
    assert ee.Number(1).getInfo() == 1
    ee.Reset()


def test_no_answer_in_time(client: None, server: LoopbackServer) -> None:
    ee.data.setDeadline(50)
    server.fail("compute", "timeout")
    with pytest.raises(TimeoutError):
        ee.Number(1).getInfo()
    assert server.requests[-1].fault == "timeout"


def test_faults_must_exist(server: LoopbackServer) -> None:
    for phase, kind in (("pixel", 500), ("pixels", "resets")):
        with pytest.raises(ValueError, match="no such fault"):
            server.fail(phase, kind)
    server.fail("compute", 500, times=None)
    server.heal()
    assert requests.get(f"{server.url}/$discovery/rest", timeout=5).status_code == 200
