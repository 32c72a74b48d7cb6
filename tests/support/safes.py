"""Small Sentinel-2 products as they are downloaded: a file for each band, and metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine

from tests.support.rasters import UTM32
from watermap.bands import SENTINEL2

TILE = "T32TPT_20230607T101559"
NAME = "S2A_MSIL2A_20230607T101559_N0509_R065_T32TPT_20230607T143201"
LEFT, TOP = 600_000.0, 5_300_040.0
SIZE = 120
"""Pixels of 10 m a side: a multiple of six, so that all bands cover the same ground."""

FINE = ("B2", "B3", "B4", "B8")
SWIR = ("B11", "B12")

Bands = dict[str, npt.NDArray[Any]]


def band_values(*, size: int = SIZE, bands: tuple[str, ...] = (*FINE, *SWIR)) -> Bands:
    """(rows, cols) of digital numbers for each band at its own pixel size, with an offset of -1000."""
    rng = np.random.default_rng(0)
    shapes = {band: size * 10 // SENTINEL2[band].pixel_size_m for band in bands}
    return {band: rng.integers(1100, 4000, (side, side)).astype(np.uint16) for band, side in shapes.items()}


def transform_of(pixel_m: float) -> Affine:
    return Affine(pixel_m, 0, LEFT, 0, -pixel_m, TOP)


def write_band(path: Path, values: npt.NDArray[Any], pixel_m: float, **options: Any) -> Path:
    """Write (rows, cols), or (bands, rows, cols), without loss as what the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    layers = values if values.ndim == 3 else values[None]
    lossless = {"QUALITY": "100", "REVERSIBLE": "YES"}
    driver = {"driver": "JP2OpenJPEG", **lossless} if path.suffix == ".jp2" else {"driver": "GTiff"}
    fields = {"crs": UTM32, "transform": transform_of(pixel_m), "dtype": values.dtype.name, **driver, **options}
    count, height, width = layers.shape
    with rasterio.open(path, "w", count=count, height=height, width=width, **fields) as dataset:
        dataset.write(layers)
    return path


def code_of(band: str) -> str:
    """`B02` of `B2`."""
    return f"B{band[1:].zfill(2)}"


def metadata_text(files: list[str], *, level: str, offset: float | None, quantification: float = 10_000) -> str:
    """What the product's own metadata say, as far as anybody here asks."""
    kind = {"2A": ("BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET"), "1C": ("QUANTIFICATION_VALUE", "RADIO_ADD_OFFSET")}
    quantity, shift = kind[level]
    offsets = "".join(
        f'<{shift} band_id="{number}">{offset:g}</{shift}>' for number in range(len(SENTINEL2)) if offset is not None
    )
    images = "".join(f"<IMAGE_FILE>{name}</IMAGE_FILE>" for name in files)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        f'<n1:Level-{level}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product.xsd">'
        f"<n1:General_Info><Product_Info><Granule_List><Granule>{images}</Granule></Granule_List></Product_Info>"
        f'<Product_Image_Characteristics><List><{quantity} unit="none">{quantification:g}</{quantity}>'
        f'<AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE></List><List>{offsets}</List>'
        f"</Product_Image_Characteristics></n1:General_Info></n1:Level-{level}_User_Product>"
    )


def write_safe(
    folder: Path,
    bands: Mapping[str, npt.NDArray[Any]],
    *,
    name: str = NAME,
    level: str = "2A",
    offset: float | None = -1000,
    **options: Any,
) -> Path:
    """Write `<folder>/<name>.SAFE`; returns it.

    Args:
        folder: of products.
        bands: (rows, cols) for each band.
        name: of the product.
        level: 2A, with a folder for each resolution, or 1C.
        offset: of every band in the metadata, None for none.
        options: of the JPEG 2000 files.
    """
    safe = folder / f"{name}.SAFE"
    granule = f"GRANULE/L{level}_T32TPT_A041565_20230607T101800"
    files = []
    for band, values in bands.items():
        pixel = SENTINEL2[band].pixel_size_m
        place = f"R{pixel}m/{TILE}_{code_of(band)}_{pixel}m" if level == "2A" else f"{TILE}_{code_of(band)}"
        files.append(f"{granule}/IMG_DATA/{place}")
        write_band(safe / f"{files[-1]}.jp2", values, pixel, **options)
    (safe / f"MTD_MSIL{level}.xml").write_text(metadata_text(files, level=level, offset=offset), encoding="utf-8")
    quality = np.full((12, 12), 5, np.uint8)
    for other in (f"QI_DATA/MSK_CLDPRB_{TILE}_20m", f"QI_DATA/MSK_DETFOO_{TILE}_B02"):
        write_band(safe / granule / f"{other}.jp2", quality, 100)
    images = safe / granule / "IMG_DATA" / ("R20m" if level == "2A" else "")
    for other in ("SCL", "AOT", "WVP"):
        write_band(images / f"{TILE}_{other}_20m.jp2", quality, 100)
    return safe


def band_file(safe: Path, band: str) -> Path:
    """The file of a band in a product."""
    (found,) = safe.glob(f"GRANULE/*/IMG_DATA/**/{TILE}_{code_of(band)}*.jp2")
    return found
