"""STAC: a bundle as an item of the Machine Learning Model extension, so that catalogs of models can hold it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.polygon import orient

from watermap.bands import SENTINEL2
from watermap.bundles.contract import Contract
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
    about = {"mlm:artifact_type": "tf.keras.Model.save", "bands": [{"name": name} for name in contract.bands]}
    media_type = "application/octet-stream; application=keras"
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
    side, bands = contract.patch_size, len(contract.bands)
    started = contract.started_from
    pretrained: dict[str, Any] = {}
    if started is not None:
        source = None if started == "random weights" else Path(started).name
        pretrained = {"mlm:pretrained": source is not None, "mlm:pretrained_source": source}
    version = contract.versions.get("keras")
    optional = {
        "mlm:framework_version": version,
        "mlm:total_parameters": contract.parameters,
        "mlm:hyperparameters": contract.training.get("config") or None,
    }
    return {
        "title": f"Surface water in Sentinel-2: {contract.arch}, encoder {contract.encoder}",
        "created": contract.created,
        "mlm:name": f"watermap {contract.arch} {contract.encoder}",
        "mlm:architecture": f"{contract.arch}, encoder {contract.encoder}",
        "mlm:tasks": _TASKS,
        "mlm:framework": "Keras",
        **{name: value for name, value in optional.items() if value is not None},
        **pretrained,
        "mlm:accelerator": None,
        "mlm:input": [
            {
                "name": "image",
                "description": f"Digital numbers whose reflectance is (DN + {contract.offset:g}) * {contract.scale:g}. "
                "They are normalised inside the network, with the statistics of its training pixels. "
                "The network can be rebuilt for windows of another size.",
                "bands": list(contract.bands),
                "input": _array([-1, side, side, bands], "bands"),
                "value_scaling": None,
                "resize_type": None,
                "pre_processing_function": None,
            }
        ],
        "mlm:output": [
            {
                "name": "probability",
                "description": "Probability of each class, before calibration. A pixel is water where that of water, "
                f"calibrated, is at least {contract.threshold:g}.",
                "tasks": _TASKS,
                "result": _array([-1, side, side, 2], "class"),
                "classification:classes": [
                    {"value": contract.classes[name], "name": name} for name in ("land", "water")
                ],
                "post_processing_function": None,
            }
        ],
        "bands": [_band(name, contract) for name in contract.bands],
        "watermap:bundle_id": bundle_id,
        "watermap:version": contract.versions.get("watermap", "unknown"),
        "watermap:threshold": contract.threshold,
        "watermap:calibration": None if contract.calibration is None else contract.calibration.method,
        "watermap:scores": contract.scores,
    }


def _array(shape: list[int], last: str) -> dict[str, Any]:
    return {"shape": shape, "dim_order": ["batch", "height", "width", last], "data_type": "float32"}


def _band(name: str, contract: Contract) -> dict[str, Any]:
    """A band and what its numbers mean: reflectance = DN * raster:scale + raster:offset."""
    known = SENTINEL2.get(name)
    about = {}
    if known is not None:
        about = {"eo:common_name": known.common_name, "eo:center_wavelength": round(known.wavelength_nm / 1000, 4)}
    return {"name": name, **about, "raster:scale": contract.scale, "raster:offset": contract.offset * contract.scale}
