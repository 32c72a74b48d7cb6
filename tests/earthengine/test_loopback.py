"""The loopback server, asked by the real clients: its pixels are the world's, and it misses nothing that is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ee
import numpy as np
import pytest
import requests
import shapely
from affine import Affine
from rasterio.windows import Window

from tests.earthengine.asking import ACROSS, BESIDE, CLEAR, CLOUDY, FIRST, LAST, compute, config
from tests.earthengine.graph import evaluate
from tests.earthengine.images import UnsupportedError
from tests.earthengine.server import BUCKET, LoopbackServer
from tests.earthengine.world import Numbers, World, expected_image, expected_label, expected_median
from tests.support.rasters import LON_LAT, grid_around, make_grid
from watermap.earthengine import expressions
from watermap.geo.grid import Grid

LABELS = ("hansen", "jrc", "dynamic-world", "worldcover", "consensus")


def in_tiles(graph: Any, grid: Grid, side: int) -> Numbers:
    bands = compute(graph, grid.crop(Window(0, 0, 1, 1)))
    whole = np.zeros((len(bands), *grid.shape), dtype=bands.dtype)
    for row, col in itertools.product(range(0, grid.height, side), range(0, grid.width, side)):
        window = Window(col, row, min(side, grid.width - col), min(side, grid.height - row))
        whole[:, row : row + window.height, col : col + window.width] = compute(graph, grid.crop(window))
    return whole


def grids(world: World) -> list[Grid]:
    """Of the scene itself; off its pixels and beyond its edge; across the zone; coarser; larger than anything."""
    own, other = world.granule(FIRST).grid, world.granule(ACROSS).grid
    left, top = own.transform.c, own.transform.f
    return [
        own,
        make_grid(70, 61, left=left + 333.3, top=top - 123.4),
        grid_around(own, other.crs, size=64),
        make_grid(40, 40, left=left + 15, top=top + 5, pixel=20),
        make_grid(50, 40, left=left - 2000, top=top + 2000, pixel=100),
    ]


def test_the_client_starts(client: None, server: LoopbackServer) -> None:
    assert ee.Number(1).getInfo() == 1
    phases = [record.phase for record in server.requests]
    assert phases == ["token", "initialize", "initialize", "initialize", "compute"]
    assert {record.status for record in server.requests} == {200}
    assert server.most_in_flight == 1


def test_the_world_holds_what_tests_need(world: World) -> None:
    first = world.granule(FIRST)
    valid = np.stack([first.image.valid[name] for name in first.bands])
    values = np.stack(list(first.bands.values()))
    assert ((values == 0).all(axis=0) & valid.all(axis=0)).sum() > 50  # a dark lake
    assert (valid.any(axis=0) & ~valid.all(axis=0)).sum() == 1  # a pixel that one band lacks
    assert 0.05 < (~first.valid).mean() < 0.3  # beyond the swath
    for index, label in itertools.product((FIRST, BESIDE, ACROSS), LABELS):
        codes = expected_label(world, index, world.granule(index).grid, config(label=label))
        assert set(np.unique(codes)) == {0, 1, 255} or (index, label) == (BESIDE, "hansen")
        assert (codes == 1).mean() > 0.04
        assert (codes == 0).mean() > 0.3


def test_listing(client: None, world: World, server: LoopbackServer) -> None:
    def ask(region: Any = world.region, most: int = 10, **settings: Any) -> Any:
        return expressions.listing(region, config(**settings), most=most).getInfo()

    answer = ask()
    assert answer["type"] == "ImageCollection"
    indexes = [each["properties"]["system:index"] for each in answer["features"]]
    assert indexes == [FIRST, ACROSS, BESIDE, LAST]  # the clearest first
    scene, granule = answer["features"][1], world.granule(ACROSS)
    assert scene["id"] == f"COPERNICUS/S2_SR_HARMONIZED/{ACROSS}"
    assert scene["properties"]["system:time_start"] == round(granule.sensed.timestamp() * 1000)
    assert scene["properties"]["CLOUDY_PIXEL_PERCENTAGE"] == granule.cloud_percent
    assert shapely.Polygon(scene["properties"]["system:footprint"]["coordinates"]).equals(granule.footprint)
    (band,) = scene["bands"]
    transform = Affine(*band["crs_transform"])
    assert (band["id"], band["crs"], transform) == ("B2", "EPSG:32632", granule.grid.transform)
    assert band["dimensions"] == [96, 80]
    assert len(ask(most=2)["features"]) == 2
    assert len(ask(max_cloud=100)["features"]) == 5
    small = shapely.box(*map(float, world.small_box.split(",")))
    (alone,) = ask(shapely.geometry.mapping(shapely.MultiPolygon([small])))["features"]
    assert alone["properties"]["system:index"] == BESIDE
    (last,) = ask(start="2023-06-24", end="2023-06-24")["features"]
    assert last["properties"]["system:index"] == LAST


def test_emptiness(client: None, world: World) -> None:
    def ask(region: Any, **settings: Any) -> Any:
        return expressions.emptiness(region, config(**settings)).getInfo()

    elsewhere = shapely.geometry.mapping(shapely.box(50, 10, 50.1, 10.1))
    day = {"start": "2023-06-19", "end": "2023-06-19"}
    assert ask(elsewhere) == {"area": 0, "dates": 0, "least_cloud": None}
    assert ask(world.region, start="2022-01-01", end="2022-02-01") == {"area": 1, "dates": 0, "least_cloud": None}
    assert ask(world.region, **day) == {"area": 1, "dates": 1, "least_cloud": 40.0}


@pytest.mark.parametrize("settings", [{}, {"cloud_score": 0.6}, {"bands": ("B11", "B8A", "B2")}], ids=str)
def test_pixels_of_a_scene(settings: dict[str, Any], client: None, world: World) -> None:
    asked = config(**settings)
    for index in (FIRST, CLOUDY, ACROSS):
        graph = expressions.image([index], asked)
        for grid in grids(world):
            np.testing.assert_array_equal(compute(graph, grid), expected_image(world, index, grid, asked))
    grid = grids(world)[1]
    np.testing.assert_array_equal(in_tiles(graph, grid, 32), expected_image(world, ACROSS, grid, asked))


def test_pixels_are_the_very_ones_of_the_granule(client: None, world: World) -> None:
    granule = world.granule(FIRST)
    values = compute(expressions.image([FIRST], config(bands=("B2", "B11"))), granule.grid.crop(Window(30, 20, 40, 30)))
    for layer, name in zip(values, ("B2", "B11"), strict=True):
        window = (slice(20, 50), slice(30, 70))
        shown = granule.valid[window] & (layer != 65535)
        np.testing.assert_array_equal(layer[shown], granule.bands[name][window][shown])
    assert values[:, 10, 10].tolist() == [granule.bands["B2"][30, 40], 65535]


@pytest.mark.parametrize("settings", [{}, {"cloud_score": 0.6}], ids=str)
def test_pixels_of_a_median(settings: dict[str, Any], client: None, world: World) -> None:
    asked = config(composite="median", **settings)
    graph = expressions.image(CLEAR, asked)
    for grid in grids(world):
        np.testing.assert_array_equal(compute(graph, grid), expected_median(world, grid, asked))
    two = expected_median(world, grid, asked, indexes=[FIRST, LAST])
    np.testing.assert_array_equal(compute(expressions.image([FIRST, LAST], asked), grid), two)
    grid = grids(world)[2]
    np.testing.assert_array_equal(in_tiles(graph, grid, 30), expected_median(world, grid, asked))


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("composite", ["none", "median"])
def test_pixels_of_a_label(composite: str, label: str, client: None, world: World) -> None:
    asked = config(label=label, composite=composite)
    index = FIRST if composite == "none" else None
    graph = expressions.label([FIRST] if index else CLEAR, asked)
    for grid in grids(world):
        np.testing.assert_array_equal(compute(graph, grid)[0], expected_label(world, index, grid, asked))
    grid = grids(world)[1]
    np.testing.assert_array_equal(in_tiles(graph, grid, 24)[0], expected_label(world, index, grid, asked))


def test_what_the_service_refuses(client: None, world: World, server: LoopbackServer) -> None:
    own = world.granule(FIRST).grid
    graph = expressions.image([FIRST], config())
    huge = make_grid(6000, 6000)
    refusals: list[tuple[Callable[[], Any], str]] = [
        (lambda: compute(graph, huge), "Total request size .432000000 bytes. must be less than or equal to 50331648"),
        (lambda: compute(graph, make_grid(32_769, 1)), "must be at most 32768"),
        (lambda: compute(expressions.image(["nothing"], config()), own), "asset '.*/nothing' not found"),
        (lambda: compute(expressions.label([CLOUDY], config(label="dynamic-world")), own), "not found"),
        (lambda: compute(expressions.hansen("UMD/hansen/old"), own), "asset 'UMD/hansen/old' not found"),
        (
            lambda: compute(expressions.image([FIRST], config().model_copy(update={"bands": ("B99",)})), own),
            "did not match any bands",
        ),
        (lambda: ee.data.computePixels({"expression": graph, "fileFormat": "GEO_TIFF"}), "without a grid"),
        (lambda: ee.data.computePixels({"expression": graph, "grids": {}}), 'Unknown name "grids"'),
    ]
    for call, message in refusals:
        with pytest.raises(ee.EEException, match=message) as error:
            call()
        assert getattr(error.value.__context__, "status_code", None) == 400
    server.largest_pixels = 64 * 64
    with pytest.raises(ee.EEException, match="memory limit"):
        compute(graph, own)
    assert compute(graph, own.crop(Window(0, 0, 64, 64))).shape == (6, 64, 64)


def test_unknown_parts_of_a_graph_are_loud(client: None, world: World, server: LoopbackServer) -> None:
    def invocation(name: str, **arguments: Any) -> dict[str, Any]:
        return {"functionInvocationValue": {"functionName": name, "arguments": arguments}}

    number, image = {"constantValue": 3}, invocation("Image.constant", value={"constantValue": 3})
    for node, message in (
        (invocation("Image.divide", image1=image), "Image.divide"),
        (invocation("Image.eq", image1=image, image2=image, sort=number), "sort"),
        (invocation("Image.eq", image1=image), "image1 image2"),
        (invocation("Image.unmask", input=image, value=image, sameFootprint={"constantValue": True}), "sameFootprint"),
        (invocation("Image.focalMax", image=image, radius=number, kernelType=number, units=number), "kernel 3"),
        ({"bytesValue": "AA"}, "bytesValue"),
    ):
        with pytest.raises(UnsupportedError, match=message):
            evaluate({"result": "0", "values": {"0": node}}, world)
    divide = ee.ApiFunction("Image.divide", {"args": [], "returns": "Image"})
    with pytest.raises(ee.EEException, match=r"Image\.divide"):
        ee.data.computeValue(ee.ComputedObject(divide, {}))
    assert server.unknown.pop() == "the function Image.divide"


def test_strangers_are_turned_away(server: LoopbackServer) -> None:
    for path in ("/v1/projects/p/algorithms", f"/storage/v1/b/{BUCKET}/o", "/v1/projects/p/operations"):
        assert requests.get(server.url + path, timeout=5).status_code == 401
    assert requests.post(server.url + "/token", data={"grant_type": "password"}, timeout=5).status_code == 400
    answer = requests.get(server.url + "/v1/maps", headers={"Authorization": "Bearer x"}, timeout=5)
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")
    assert server.unknown.pop() == "GET /v1/maps"


def test_requests_in_flight_are_counted(client: None, world: World, server: LoopbackServer) -> None:
    server.delay_s = 0.1
    graph, grid = expressions.image([FIRST], config(bands=("B2",))), world.granule(FIRST).grid
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: compute(graph, grid), range(8)))
    assert server.most_in_flight == 4
    assert server.count("pixels") == 8


def test_degrees_are_a_grid_like_any_other(client: None, world: World) -> None:
    grid = Grid(LON_LAT, Affine(0.0001, 0, 12.002, 0, -0.0001, 47.093), 50, 40)
    for label in ("hansen", "worldcover"):
        found = compute(expressions.label([FIRST], config(label=label)), grid)[0]
        np.testing.assert_array_equal(found, expected_label(world, FIRST, grid, config(label=label)))
