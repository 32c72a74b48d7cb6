"""STAC: a bundle as an item of the Machine Learning Model extension, so that catalogs of models can hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.polygon import orient

from watermap.bands import SENTINEL2
from watermap.bundles.contract import Contract
from watermap.bundles.imported import ImportedNetwork
from watermap.io.stac import EXTENSION, bbox, checksum, href, write_document

ITEM_FILE: Final = "item.json"

_MLM: Final = EXTENSION.format("mlm/v1.4.0")
"""The newest version that pystac reads."""
_EO: Final = EXTENSION.format("eo/v2.0.0")
_RASTER: Final = EXTENSION.format("raster/v2.0.0")
_FILE: Final = EXTENSION.format("file/v2.1.0")
_TASKS: Final = ["semantic-segmentation"]
_OTHERS: Final = {
    "card": ("card.md", "text/markdown", ["metadata"], "Model card"),
    "curves": ("curves.png", "image/png", ["overview"], "Training curves"),
    "history": ("history.csv", "text/csv", ["metadata"], "Course of the training by epoch"),
    "seen": (
        "seen.gpkg",
        "application/geopackage+sqlite3",
        ["metadata"],
        "Ground and fingerprints of the training and validation patches",
    ),
}
"""Files of a bundle that an item lists where they are there: name, media type, roles and title by key."""
_KERAS: Final = ("tf.keras.Model.save", "application/octet-stream; application=keras")
_ONNX: Final = ("onnx", "application/octet-stream; application=onnx")
"""Artifact and media type of the network's file."""
_LAST_BANDS: Final = ("batch", "height", "width", "bands")
_FIRST_BANDS: Final = ("batch", "bands", "height", "width")
_MOST_POINTS: Final = 500
"""Of an outline; many patches scattered over a continent are drawn more roughly until there are no more."""
_WORLD: Final = shapely.box(-180, -90, 180, 90)
_DEGREE_DIGITS: Final = 7


def write_model_item(folder: Path, contract: Contract, bundle_id: str, outlines: Any = None) -> Path:
    """Describe a bundle.

    The converted form for OpenVINO is not listed: it is made later, and `openvino/converted.json` tells of it.

    Args:
        folder: of the bundle, which holds all of its other files already.
        contract: the bundle's.
        bundle_id: of the contract.
        outlines: (n,) polygons in EPSG:4326, the ground that the model learned from or was chosen by; None: unknown.

    Returns:
        The item's path.

    Raises:
        DataError: it cannot be written.
    """
    import pystac

    created = datetime.fromisoformat(contract.created)
    days = contract.data.days if contract.data is not None and not contract.data.undated_scenes else None
    geometry = None if outlines is None or not len(outlines) else outline(outlines)
    item = pystac.Item(
        f"watermap-{bundle_id}",
        None if geometry is None else mapping(geometry),
        None if geometry is None else bbox(geometry),
        created if days is None else None,
        _properties(contract, bundle_id),
        start_datetime=None if days is None else datetime.combine(days[0], time(), tzinfo=UTC),
        end_datetime=None if days is None else datetime.combine(days[1], time(23, 59, 59), tzinfo=UTC),
        stac_extensions=[_MLM, _FILE, _RASTER, *([_EO] if any(map(SENTINEL2.get, contract.bands)) else [])],
    )
    roles = ["mlm:model", "mlm:weights", "data"]
    artifact, media_type = _KERAS if contract.imported_from is None else _ONNX
    about = {"mlm:artifact_type": artifact, "bands": [{"name": name} for name in contract.bands]}
    item.add_asset("model", _asset(folder / contract.model_file, media_type, roles, "The network", about))
    for key, (name, media_type, roles, title) in _OTHERS.items():
        if (folder / name).is_file():
            item.add_asset(key, _asset(folder / name, media_type, roles, title))
    return write_document(folder / ITEM_FILE, item.to_dict(transform_hrefs=False))


def outline(polygons: Any) -> Any:
    """One outline that covers polygons and little else, counter-clockwise, of about `_MOST_POINTS` points at most.

    Args:
        polygons: (n,) in degrees, those at the antimeridian in two parts.
    """
    whole = shapely.union_all(polygons)
    found = whole.simplify(10.0**-_DEGREE_DIGITS)
    margin = float(shapely.area(polygons).max()) ** 0.5 / 4
    while shapely.get_num_coordinates(found) > _MOST_POINTS:
        wide = whole.buffer(margin, cap_style="square", join_style="mitre")  # joins what lies nearer to each other
        found = shapely.intersection(wide.simplify(margin / 2), _WORLD)
        margin *= 2
    valid = shapely.set_precision(found, 10.0**-_DEGREE_DIGITS)
    found = shapely.transform(valid, lambda points: points.round(_DEGREE_DIGITS))
    parts = [orient(part) for part in shapely.get_parts(found) if part.geom_type == "Polygon"]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _asset(path: Path, media_type: str, roles: list[str], title: str, fields: Mapping[str, Any] | None = None) -> Any:
    import pystac

    about = {**(fields or {}), **checksum(path)}
    return pystac.Asset(href(path.name), title=title, media_type=media_type, roles=roles, extra_fields=about)


def _properties(contract: Contract, bundle_id: str) -> dict[str, Any]:
    network = contract.imported_from
    return {
        "title": f"Surface water in Sentinel-2: {contract.network}",
        "created": contract.created,
        **(_trained(contract) if network is None else _imported(contract, network)),
        "mlm:tasks": _TASKS,
        **({} if contract.parameters is None else {"mlm:total_parameters": contract.parameters}),
        "mlm:accelerator": None,
        "bands": [_band(name, contract) for name in contract.bands],
        "watermap:bundle_id": bundle_id,
        "watermap:version": contract.versions.get("watermap", "unknown"),
        "watermap:threshold": contract.threshold,
        "watermap:calibration": None if contract.calibration is None else contract.calibration.method,
        "watermap:scores": contract.scores,
    }


def _trained(contract: Contract) -> dict[str, Any]:
    """What is known of a network that was trained here, and how it is fed."""
    side, bands = contract.patch_size or -1, len(contract.bands)
    started = contract.started_from
    pretrained: dict[str, Any] = {}
    if started is not None:
        source = None if started == "random weights" else Path(started).name
        pretrained = {"mlm:pretrained": source is not None, "mlm:pretrained_source": source}
    optional = {
        "mlm:framework_version": contract.versions.get("keras"),
        "mlm:hyperparameters": contract.training.get("config") or None,
    }
    normalised = (
        "They are normalised inside the network, with the statistics of its training pixels. "
        "The network can be rebuilt for windows of another size."
    )
    classes = [{"value": contract.classes[name], "name": name} for name in ("land", "water")]
    return {
        "mlm:name": f"watermap {contract.arch} {contract.encoder}",
        "mlm:architecture": contract.network,
        "mlm:framework": "Keras",
        **{name: value for name, value in optional.items() if value is not None},
        **pretrained,
        "mlm:input": [_input(contract, _array([-1, side, side, bands], _LAST_BANDS), normalised)],
        "mlm:output": [_output(contract, _array([-1, side, side, 2], (*_LAST_BANDS[:3], "class")), classes)],
    }


def _imported(contract: Contract, network: ImportedNetwork) -> dict[str, Any]:
    """What is known of somebody else's network, and how its file is fed."""
    side, bands = contract.fixed_window_px or -1, len(contract.bands)
    is_last = network.layout == "nhwc"
    given = _array([-1, side, side, bands], _LAST_BANDS) if is_last else _array([-1, bands, side, side], _FIRST_BANDS)
    names = {network.water_class: "water"}
    classes = [{"value": k, "name": names.get(k, f"class_{k}")} for k in range(network.classes or 0)] or [
        {"value": network.water_class, "name": "water"}
    ]
    scaling = None
    if network.mean is not None and network.std is not None:
        scaling = [
            {"type": "z-score", "mean": mean, "stddev": std}
            for mean, std in zip(network.mean, network.std, strict=True)
        ]
    about = _input(contract, given, "The network is given reflectance, scaled as value_scaling says.")
    result = _array([-1, side, side], _LAST_BANDS[:3])
    return {
        "mlm:name": f"watermap {network.file}",
        "mlm:architecture": "unknown",
        "mlm:framework": "ONNX",
        "mlm:input": [about | {"value_scaling": scaling}],
        "mlm:output": [_output(contract, result, classes)],
    }


def _input(contract: Contract, array: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        "name": "image",
        "description": f"Digital numbers whose reflectance is (DN + {contract.offset:g}) * {contract.scale:g}. {text}",
        "bands": list(contract.bands),
        "input": array,
        "value_scaling": None,
        "resize_type": None,
        "pre_processing_function": None,
    }


def _output(contract: Contract, array: dict[str, Any], classes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": "probability",
        "description": "Probability of each class, before calibration. A pixel is water where that of water, "
        f"calibrated, is at least {contract.threshold:g}.",
        "tasks": _TASKS,
        "result": array,
        "classification:classes": classes,
        "post_processing_function": None,
    }


def _array(shape: list[int], order: Sequence[str]) -> dict[str, Any]:
    return {"shape": shape, "dim_order": list(order), "data_type": "float32"}


def _band(name: str, contract: Contract) -> dict[str, Any]:
    """A band and what its numbers mean: reflectance = DN * raster:scale + raster:offset."""
    known = SENTINEL2.get(name)
    about = {}
    if known is not None:
        about = {"eo:common_name": known.common_name, "eo:center_wavelength": round(known.wavelength_nm / 1000, 4)}
    return {"name": name, **about, "raster:scale": contract.scale, "raster:offset": contract.offset * contract.scale}
