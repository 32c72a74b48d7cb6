"""An evaluator of the expression graphs that Earth Engine's client posts.

It knows the functions of our own graphs and no others: an unknown function, or a known one with an argument that is not
expected, is an error that names it, never a guess.
"""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from tests.earthengine import images
from tests.earthengine.images import Image, RefusedError, UnsupportedError
from tests.earthengine.world import Granule, Numbers, World
from watermap.earthengine.expressions import CLOUD_SCORE, DYNAMIC_WORLD, JRC, SENTINEL2, WORLDCOVER
from watermap.geo.grid import Grid

HANSEN = "UMD/hansen/global_forest_change_2025_v1_13"

_TIME = "system:time_start"
_VERSION = 1_700_000_000_000_000

_Keep = Callable[[Image], bool]


@dataclass(frozen=True)
class Collection:
    """Images in order, and the id that they were loaded by."""

    images: tuple[Image, ...]
    asset: str = ""


def evaluate(expression: Mapping[str, Any], world: World) -> Any:
    """The value of a posted expression: a number, a dictionary, an image, a collection.

    Raises:
        UnsupportedError: the graph has a part that is not known here.
        RefusedError: the service would refuse it.
    """
    return _Evaluation(world, expression["values"]).reference(expression["result"], {}, {})


def information(value: Any) -> Any:
    """What `getInfo` answers for a value."""
    if isinstance(value, Collection):
        features = [information(each) for each in value.images]
        return {"type": "ImageCollection", "bands": [], "id": value.asset, "version": _VERSION, "features": features}
    if isinstance(value, Image):
        if value.granule is None:
            raise UnsupportedError("information about an image that is no scene")
        return _scene_information(value, value.granule)
    if isinstance(value, dict):
        return {name: information(each) for name, each in value.items()}
    if value is None or isinstance(value, str | int | float | list):
        return value
    raise UnsupportedError(f"information about {value!r}")


def pixels(image: Any, grid: Grid, *, no_data: float = 0) -> tuple[tuple[str, ...], Numbers]:
    """Names of the bands and (bands, rows, cols) of an image on a grid; masked pixels hold the no-data value."""
    if not isinstance(image, Image):
        raise UnsupportedError("pixels of something that is no image")
    layers = []
    for band in image.at(grid):
        if not np.can_cast(np.min_scalar_type(int(no_data)), band.values.dtype):
            raise RefusedError(f"The no-data value {no_data} is outside the range of {band.values.dtype.name}.")
        layers.append(np.where(band.valid, band.values, np.asarray(no_data, band.values.dtype)))
    return image.names, np.stack(layers)


@dataclass(frozen=True)
class _Evaluation:
    world: World
    nodes: Mapping[str, Any]

    def reference(self, key: str, arguments: Mapping[str, Any], known: dict[str, Any]) -> Any:
        """The value of a named node; worked out once in each scope."""
        if key not in known:
            known[key] = self.value(self.nodes[key], arguments, known)
        return known[key]

    def value(self, node: Mapping[str, Any], arguments: Mapping[str, Any], known: dict[str, Any]) -> Any:
        """The value of a node, given the arguments of the function that it is in."""
        ((kind, content),) = node.items()
        if kind == "constantValue":
            return content
        if kind == "valueReference":
            return self.reference(content, arguments, known)
        if kind == "argumentReference":
            return arguments[content]
        if kind == "arrayValue":
            return [self.value(each, arguments, known) for each in content["values"]]
        if kind == "dictionaryValue":
            return {name: self.value(each, arguments, known) for name, each in content["values"].items()}
        if kind == "functionDefinitionValue":
            return self.function(content["argumentNames"], content["body"], arguments)
        if kind == "functionInvocationValue" and "functionName" in content:
            stated = {name: self.value(each, arguments, known) for name, each in content["arguments"].items()}
            return self.call(content["functionName"], stated)
        raise UnsupportedError(f"a node of the kind {kind} ({sorted(content)})")

    def function(self, names: Sequence[str], body: str, arguments: Mapping[str, Any]) -> Callable[..., Any]:
        """A function that the client defined; its body is worked out anew for each call."""

        def called(*given: Any) -> Any:
            return self.reference(body, {**arguments, **dict(zip(names, given, strict=True))}, {})

        return called

    def call(self, name: str, stated: dict[str, Any]) -> Any:
        """The value of a function; arguments that are not stated are None."""
        if name not in _FUNCTIONS:
            raise UnsupportedError(f"the function {name}")
        function, expected = _FUNCTIONS[name]
        names = expected.replace("?", "").split()
        needed = [each for each in expected.split() if not each.endswith("?")]
        if not set(needed) <= set(stated) <= set(names):
            raise UnsupportedError(f"{name} with the arguments {', '.join(stated)} where {expected} are expected")
        values = [stated.get(each) for each in names]
        return function(self.world, *values) if name in _FROM_CATALOGUE else function(*values)


def _load(world: World, asset: str) -> Image:
    folder, _, index = asset.rpartition("/")
    if asset == HANSEN:
        return images.loaded(world.hansen, asset)
    if asset == JRC:
        return images.loaded(world.jrc, asset)
    if folder in _SCENE_COLLECTIONS:
        for each in _load_collection(world, folder).images:
            if each.granule is not None and each.granule.index == index:
                return each
    raise RefusedError(f"Image.load: Image asset '{asset}' not found (does not exist or caller does not have access).")


def _load_collection(world: World, asset: str) -> Collection:
    found: list[Image]
    if asset == SENTINEL2:
        found = [images.loaded(each.image, f"{asset}/{each.index}", each) for each in world.granules]
    elif asset == CLOUD_SCORE:
        found = [images.loaded(each.clouds, f"{asset}/{each.index}", each) for each in world.granules]
    elif asset == DYNAMIC_WORLD:
        seen = [each for each in world.granules if each.has_dynamic_world]
        found = [images.loaded(each.classes, f"{asset}/{each.index}", each) for each in seen]
    elif asset == WORLDCOVER:
        found = [images.loaded(world.worldcover, f"{asset}/2021")]
    else:
        raise RefusedError(
            f"ImageCollection.load: ImageCollection asset '{asset}' not found "
            "(does not exist or caller does not have access)."
        )
    return Collection(tuple(found), asset)


def _scene(image: Image) -> Granule:
    if image.granule is None:
        raise UnsupportedError("a property of an image that is no scene")
    return image.granule


def _property(image: Image, name: str) -> Any:
    properties = _properties(_scene(image))
    if name not in properties:
        raise UnsupportedError(f"the property {name}")
    return properties[name]


def _properties(granule: Granule) -> dict[str, Any]:
    sensing, made, tile = granule.index.split("_")
    return {
        "system:index": granule.index,
        _TIME: int(granule.sensed.timestamp() * 1000),
        "CLOUDY_PIXEL_PERCENTAGE": granule.cloud_percent,
        "PRODUCT_ID": f"S2A_MSIL2A_{sensing}_N0509_R022_{tile}_{made}",
        "MGRS_TILE": tile.removeprefix("T"),
        "system:footprint": {
            "type": "LinearRing",
            "coordinates": [list(corner) for corner in granule.footprint.exterior.coords],
        },
    }


def _scene_information(image: Image, granule: Granule) -> dict[str, Any]:
    grid = granule.grid
    bands = [
        {
            "id": name,
            "data_type": {"type": "PixelType", "precision": "int", "min": 0, "max": 65535},
            "dimensions": list(reversed(grid.shape)),
            "crs": f"EPSG:{grid.crs.to_epsg()}",
            "crs_transform": [int(each) for each in list(grid.transform)[:6]],
        }
        for name in image.names
    ]
    scene = {"type": "Image", "id": image.asset, "version": _VERSION}
    return {**scene, "bands": bands, "properties": _properties(granule)}


def _instant(day: Any) -> float:
    """Milliseconds since 1970 of a day's first moment, UTC."""
    return datetime.datetime.fromisoformat(str(day)).replace(tzinfo=datetime.UTC).timestamp() * 1000


def _in_period(period: tuple[float, float], name: str) -> _Keep:
    return lambda image: period[0] <= _property(image, name) < period[1]


def _touching(name: str, place: Any) -> _Keep:
    if name != ".all":
        raise UnsupportedError(f"Filter.intersects on the field {name}")
    return lambda image: _scene(image).footprint.intersects(place)


def _polygon(kind: str) -> Callable[[Any, Any], Any]:
    def made(coordinates: Any, geodesic: Any) -> Any:
        if geodesic is not False:
            raise UnsupportedError(f"{kind} with geodesic edges")
        return shapely.geometry.shape({"type": kind, "coordinates": coordinates})

    return made


def _limited(collection: Collection, limit: int | None, key: str | None) -> Collection:
    found = collection.images
    if key is not None:
        found = tuple(sorted(found, key=lambda image: _property(image, key)))
    return replace(collection, images=found[:limit])


def _filtered(collection: Collection, keep: _Keep) -> Collection:
    return replace(collection, images=tuple(filter(keep, collection.images)))


def _mapped(collection: Collection, function: Callable[[Image], Image]) -> Collection:
    return replace(collection, images=tuple(map(function, collection.images)))


def _first(collection: Collection) -> Image | None:
    return next(iter(collection.images), None)


def _least(collection: Collection, name: str) -> Any:
    return min((_property(image, name) for image in collection.images), default=None)


def _from_images(found: Sequence[Image]) -> Collection:
    return Collection(tuple(found))


def _reduced(function: Callable[[Sequence[Image]], Image]) -> Callable[[Collection], Image]:
    return lambda collection: function(collection.images)


_SCENE_COLLECTIONS = (SENTINEL2, CLOUD_SCORE, DYNAMIC_WORLD)

_FROM_CATALOGUE = ("Image.load", "ImageCollection.load")

_FUNCTIONS: dict[str, tuple[Callable[..., Any], str]] = {
    "AggregateFeatureCollection.min": (_least, "collection property"),
    "Collection.filter": (_filtered, "collection filter"),
    "Collection.first": (_first, "collection"),
    "Collection.limit": (_limited, "collection limit? key?"),
    "Collection.map": (_mapped, "collection baseAlgorithm"),
    "Collection.size": (lambda collection: len(collection.images), "collection"),
    "DateRange": (lambda start, end: (_instant(start), _instant(end)), "start end"),
    "Feature": (lambda geometry: geometry, "geometry"),
    "Filter.dateRangeContains": (_in_period, "leftValue rightField"),
    "Filter.greaterThan": (lambda name, most: lambda image: _property(image, name) > most, "leftField rightValue"),
    "Filter.intersects": (_touching, "leftField rightValue"),
    "Filter.listContains": (lambda some, name: lambda image: _property(image, name) in some, "leftValue rightField"),
    "Filter.not": (lambda keep: lambda image: not keep(image), "filter"),
    "GeometryConstructors.MultiPolygon": (_polygon("MultiPolygon"), "coordinates geodesic"),
    "GeometryConstructors.Polygon": (_polygon("Polygon"), "coordinates geodesic"),
    "Image.and": (images.combine(np.logical_and), "image1 image2"),
    "Image.constant": (images.constant, "value"),
    "Image.eq": (images.combine(operator.eq), "image1 image2"),
    "Image.focalMax": (images.focal_max, "image radius kernelType units"),
    "Image.focalMin": (images.focal_min, "image radius kernelType units"),
    "Image.gte": (images.combine(operator.ge), "image1 image2"),
    "Image.load": (_load, "id"),
    "Image.neq": (images.combine(operator.ne), "image1 image2"),
    "Image.round": (images.change(images.rounded), "value"),
    "Image.select": (images.select, "input bandSelectors"),
    "Image.toByte": (images.change(images.clamped(np.uint8)), "value"),
    "Image.toUint16": (images.change(images.clamped(np.uint16)), "value"),
    "Image.unmask": (images.unmask, "input value sameFootprint"),
    "Image.updateMask": (images.update_mask, "image mask"),
    "Image.where": (images.where, "input test value"),
    "ImageCollection.fromImages": (_from_images, "images"),
    "ImageCollection.load": (_load_collection, "id"),
    "reduce.median": (_reduced(images.reduce_by(images.median, "median")), "collection"),
    "reduce.mode": (_reduced(images.reduce_by(images.mode, "mode")), "collection"),
}
