"""Small products of Landsat, HLS and PlanetScope as they are downloaded, made of known reflectance."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as Xml

import numpy as np
import numpy.typing as npt
import rasterio

from tests.support.rasters import make_grid, write_tif
from watermap.bands import SENSORS, STANDARD_BANDS, SensorName
from watermap.geo.grid import Grid

SIDE: Final = 60
GRID: Final = make_grid(SIDE, SIDE, pixel=30)
FILLED: Final = np.s_[:5]
"""Rows of every product without data."""
SUN_ELEVATION: Final = 41.5

OLI_L2: Final = "LC08_L2SP_193027_20230607_20230614_02_T1"
OLI_L1: Final = "LC09_L1TP_193027_20230607_20230614_02_T1"
TM_L2: Final = "LT05_L2SP_193027_19990607_20200614_02_T1"
ETM_L1: Final = "LE07_L1TP_193027_20030607_20200614_02_T1"
L30: Final = "HLS.L30.T32TPT.2023158T101559.v2.0"
S30: Final = "HLS.S30.T32TPT.2023158T101559.v2.0"
DOVE: Final = "20230607_101559_1014_3B_AnalyticMS"
SUPER_DOVE: Final = "20230607_101559_72_2212_3B_AnalyticMS"

Reflectance = Mapping[str, npt.NDArray[np.float64]]
"""(rows, cols) by canonical name; not finite where there are no data."""


def reflectance(side: int = SIDE) -> Reflectance:
    """Of the standard bands, each another, between 0.01 and 0.45; green is brighter than SWIR in the left half."""
    rng = np.random.default_rng(3)
    found = {band: rng.uniform(0.01, 0.45, (side, side)) for band in STANDARD_BANDS}
    found["B11"][:, : side // 2] = found["B3"][:, : side // 2] * 0.5
    for values in found.values():
        values[FILLED] = np.nan
    return found


def numbers(values: npt.NDArray[np.float64], scale: float, offset: float, fill: float, dtype: str) -> npt.NDArray[Any]:
    """Reflectance as it is stored: `number * scale + offset`."""
    stored = np.where(np.isfinite(values), np.rint((np.nan_to_num(values) - offset) / scale), fill)
    return stored.astype(dtype)


def write_landsat(
    folder: Path,
    product: str,
    values: Reflectance,
    *,
    metadata: str | None = "txt",
    grid: Grid = GRID,
) -> Path:
    """Write a product's folder, named after it; returns it.

    Args:
        folder: of products.
        product: its name, which says sensor and level.
        values: by canonical name.
        metadata: the suffix of its MTL, None for none.
        grid: of its pixels.
    """
    place = folder / product
    is_top, is_8_bit = "_L1" in product, product.startswith(("LT", "LE")) and "_L1" in product
    sine = math.sin(math.radians(SUN_ELEVATION)) if is_top else 1.0
    mults, adds = {}, {}
    for code, band in _codes("landsat-8-9" if product.startswith("LC") else "landsat-4-7", values).items():
        number = int(code[1:])
        mults[number] = (2.0e-3 + 1e-4 * number if is_8_bit else 2e-5) if is_top else 2.75e-5
        adds[number] = (-1e-3 * number if is_8_bit else -0.1) if is_top else -0.2
        stored = numbers(values[band] * sine, mults[number], adds[number], 0, "uint8" if is_8_bit else "uint16")
        prefix = "" if is_top else "SR_"
        write_tif(place / f"{product}_{prefix}{code}.TIF", stored[None], grid, no_data=0)
    others = ("B8", "B6_VCID_1") if is_top else ("ST_B10", "ST_QA", "SR_QA_AEROSOL")
    for other in ("QA_PIXEL", *others):
        write_tif(place / f"{product}_{other}.TIF", np.full((1, *grid.shape), 21824, np.uint16), grid, no_data=1)
    level1 = {"REFLECTANCE_MULT_BAND_": mults if is_top else dict.fromkeys(mults, 2e-5), "REFLECTANCE_ADD_BAND_": adds}
    groups = {
        "PRODUCT_CONTENTS": {"LANDSAT_PRODUCT_ID": product, "PROCESSING_LEVEL": product.split("_")[1]},
        "IMAGE_ATTRIBUTES": {"SPACECRAFT_ID": f"LANDSAT_{product[3]}", "SUN_ELEVATION": f"{SUN_ELEVATION:.8f}"},
    }
    if not is_top:
        surface = {"REFLECTANCE_MULT_BAND_": mults, "REFLECTANCE_ADD_BAND_": adds}
        groups["LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"] = _by_name(surface)
    groups["LEVEL1_RADIOMETRIC_RESCALING"] = _by_name(level1)
    if metadata is not None:
        (place / f"{product}_MTL.{metadata}").write_text(_mtl(groups, metadata), encoding="utf-8")
    return place


def write_hls(
    folder: Path, granule: str, values: Reflectance, *, near_infrared: str = "B8", grid: Grid = GRID, **options: Any
) -> Path:
    """Write a granule's folder, named after it; returns it.

    Args:
        folder: of granules.
        granule: its name, which says whether it is L30 or S30.
        values: by canonical name.
        near_infrared: of S30, the band that holds it.
        grid: of its pixels.
        options: of the files; default: the fill value, stated.
    """
    place = folder / granule
    codes = _codes("hls-l30" if ".L30." in granule else "hls-s30", values)
    for code, band in codes.items():
        stored = numbers(values[band], 1e-4, 0.0, -9999, "int16")
        name = near_infrared if code == "B8" else code
        path = place / f"{granule}.B{name[1:].zfill(2)}.tif"
        write_tif(path, stored[None], grid, **({"no_data": -9999} | options))
    if ".S30." in granule:  # red edge, which L30's B05 is not
        write_tif(place / f"{granule}.B05.tif", np.full((1, *grid.shape), 1234, np.int16), grid, no_data=-9999)
    else:
        write_tif(place / f"{granule}.B10.tif", np.full((1, *grid.shape), 1500, np.int16), grid, no_data=-9999)
    for other in ("Fmask", "SZA"):
        write_tif(place / f"{granule}.{other}.tif", np.full((1, *grid.shape), 64, np.uint8), grid, no_data=255)
    return place


COEFFICIENTS: Final = (2.1e-5, 2.2e-5, 2.4e-5, 3.3e-5, 2.5e-5, 2.6e-5, 2.7e-5, 3.1e-5)
"""Of reflectance, by band."""


def write_planetscope(
    folder: Path,
    item: str,
    values: Reflectance,
    *,
    end: str = "_SR",
    has_names: bool = True,
    has_metadata: bool = True,
    grid: Grid = GRID,
) -> Path:
    """Write a file as Planet names it, with its usable data mask beside it; returns it.

    Args:
        folder: where it goes.
        item: the name up to `AnalyticMS`.
        values: by canonical name; bands that are not there hold 0.3.
        end: of the name, such as `_SR_8b_harmonized_clip`; with `_8b` it has eight bands, without `_SR` radiance.
        has_names: whether its bands are described.
        has_metadata: whether the coefficients of radiance lie beside it.
        grid: of its pixels.
    """
    sensor = SENSORS["planetscope-8-band" if "_8b" in end else "planetscope-4-band"]
    is_surface = "_SR" in end
    layers = []
    for number, band in enumerate(sensor.bands.values()):
        known = values.get(band, np.where(np.isfinite(values["B3"]), 0.3, np.nan))
        layers.append(numbers(known, 1e-4 if is_surface else COEFFICIENTS[number], 0.0, 0, "uint16"))
    path = folder / f"{item}{end}.tif"
    write_tif(path, np.stack(layers), grid, names=tuple(sensor.bands) if has_names else None, no_data=0)
    clip = "_clip" if "_clip" in end else ""
    eight = "_8b" if "_8b" in end else ""
    if has_metadata:
        text = _planet_metadata(len(layers))
        (folder / f"{item}{eight}_metadata{clip}.xml").write_text(text, encoding="utf-8")
    write_tif(folder / f"{item.removesuffix('_AnalyticMS')}_udm2{clip}.tif", np.ones((8, *grid.shape), np.uint8), grid)
    return path


def stated(path: Path, scale: float, offset: float) -> Path:
    """The same file, which now states what its numbers mean."""
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (scale,) * dataset.count, (offset,) * dataset.count
    return path


def _codes(sensor: SensorName, values: Reflectance) -> dict[str, str]:
    """The sensor's own name of each band."""
    return {code: band for code, band in SENSORS[sensor].bands.items() if band in values}


def _by_name(numbers_of: Mapping[str, Mapping[int, float]]) -> dict[str, str]:
    return {f"{name}{number}": f"{value:.4E}" for name, each in numbers_of.items() for number, value in each.items()}


def _mtl(groups: Mapping[str, Mapping[str, str]], suffix: str) -> str:
    if suffix == "json":
        return json.dumps({"LANDSAT_METADATA_FILE": groups})
    if suffix == "xml":
        root = Xml.Element("LANDSAT_METADATA_FILE")
        for group, values in groups.items():
            inside = Xml.SubElement(root, group)
            for name, value in values.items():
                Xml.SubElement(inside, name).text = value
        return Xml.tostring(root, encoding="unicode")
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, values in groups.items():
        lines.append(f"  GROUP = {group}")
        lines += [
            f"    {name} = {value if value[0] in '-0123456789' else repr(value)}" for name, value in values.items()
        ]
        lines.append(f"  END_GROUP = {group}")
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END"])


def _planet_metadata(bands: int) -> str:
    listed = "".join(
        f"<ps:bandSpecificMetadata><ps:bandNumber>{number}</ps:bandNumber>"
        '<ps:radiometricScaleFactor uom="W/(m^2*sr*um)">0.01</ps:radiometricScaleFactor>'
        f"<ps:reflectanceCoefficient>{coefficient!r}</ps:reflectanceCoefficient></ps:bandSpecificMetadata>"
        for number, coefficient in enumerate(COEFFICIENTS[:bands], start=1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ps:EarthObservation '
        'xmlns:ps="http://schemas.planet.com/ps/v1/planet_product_metadata_geocorrected_level">'
        f"<ps:resultOf>{listed}</ps:resultOf></ps:EarthObservation>"
    )
