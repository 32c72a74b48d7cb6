"""What the client asks before its first real request: the methods of the service, and the functions of its graphs."""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Sequence
from typing import Any, Final

_ALGORITHMS: Final = frozenset(
    {
        "AggregateFeatureCollection.min",
        "Collection.filter",
        "Collection.first",
        "Collection.limit",
        "Collection.map",
        "Collection.size",
        "DateRange",
        "Feature",
        "Filter.dateRangeContains",
        "Filter.greaterThan",
        "Filter.intersects",
        "Filter.listContains",
        "Filter.not",
        "GeometryConstructors.MultiPolygon",
        "GeometryConstructors.Polygon",
        "Image.and",
        "Image.constant",
        "Image.eq",
        "Image.focalMax",
        "Image.focalMin",
        "Image.gte",
        "Image.load",
        "Image.neq",
        "Image.round",
        "Image.select",
        "Image.toByte",
        "Image.toUint16",
        "Image.unmask",
        "Image.updateMask",
        "Image.where",
        "ImageCollection.fromImages",
        "ImageCollection.load",
        "reduce.median",
        "reduce.mode",
    }
)
"""Of some 1000 that the service has: those of our graphs, so that the client starts fast."""

_PROJECT: Final = "^projects/[^/]+$"
_OPERATION: Final = "^projects/[^/]+/operations/.+$"


def discovery_document(url: str) -> dict[str, Any]:
    """The description of the service at a URL, in the form that Google's API client builds itself from."""
    methods = {
        "algorithms": {"list": _method("GET", "parent", "{+parent}/algorithms")},
        "image": {
            "computePixels": _method("POST", "project", "{+project}/image:computePixels"),
            "export": _method("POST", "project", "{+project}/image:export"),
        },
        "operations": {
            "cancel": _method("POST", "name", "{+name}:cancel", pattern=_OPERATION),
            "get": _method("GET", "name", "{+name}", pattern=_OPERATION),
            "list": _method("GET", "name", "{+name}/operations", queries=("pageSize", "pageToken", "filter")),
        },
        "value": {"compute": _method("POST", "project", "{+project}/value:compute")},
    }
    resources = {
        name: {"methods": {verb: {**each, "id": f"earthengine.projects.{name}.{verb}"} for verb, each in found.items()}}
        for name, found in methods.items()
    }
    return {
        "kind": "discovery#restDescription",
        "id": "earthengine:v1",
        "name": "earthengine",
        "version": "v1",
        "protocol": "rest",
        "rootUrl": f"{url}/",
        "baseUrl": f"{url}/",
        "servicePath": "",
        "batchPath": "batch",
        "parameters": {
            "alt": {"type": "string", "location": "query", "default": "json", "enum": ["json", "media", "proto"]},
            "prettyPrint": {"type": "boolean", "location": "query", "default": "true"},
        },
        "schemas": {},
        "resources": {"projects": {"resources": resources}},
    }


def _method(
    verb: str, subject: str, path: str, *, pattern: str = _PROJECT, queries: Sequence[str] = ()
) -> dict[str, Any]:
    parameters: dict[str, Any] = {subject: {"type": "string", "location": "path", "required": True, "pattern": pattern}}
    parameters.update({name: {"type": "string", "location": "query"} for name in queries})
    method: dict[str, Any] = {"httpMethod": verb, "path": f"v1/{path}", "parameters": parameters}
    page = {"nextPageToken": {"type": "string"}}  # the client pages through answers that declare it
    method.update(parameterOrder=[subject], response={"type": "object", "properties": page})
    return {**method, "request": {"type": "any"}} if verb == "POST" else method


@functools.cache
def algorithms() -> dict[str, Any]:
    """The functions of our graphs, as the client's own tests describe them."""
    text = (importlib.resources.files("ee") / "tests" / "algorithms.json").read_text(encoding="utf-8")
    wanted = {f"algorithms/{name}" for name in _ALGORITHMS}
    found = [each for each in json.loads(text)["algorithms"] if each["name"] in wanted]
    missing = wanted - {each["name"] for each in found}
    if missing:
        raise LookupError(f"the installed client does not know {sorted(missing)}")
    return {"algorithms": found}
