"""A sample as a GeoPackage: points for somebody to interpret, and the strata that they were drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from watermap.accuracy.drawing import Drawn
from watermap.accuracy.strata import MAPPED_AS, NAMES
from watermap.cog import LAND, NO_DATA, WATER
from watermap.errors import DataError
from watermap.files import appearing, unwritable
from watermap.geopackage import NEW_FILE, check_name
from watermap.grid import Grid
from watermap.polygons.ellipsoid import to_map
from watermap.storage import local

SAMPLES: Final = "samples"
STRATA: Final = "strata"
TRUTH: Final = "truth"
ANSWERS: Final[Mapping[str, int]] = {"water": WATER, "land": LAND, "cannot tell": NO_DATA}
"""What an interpreter may enter; a sample without an answer is not interpreted yet."""


@dataclass(frozen=True)
class Interpreted:
    """What an interpreter found, and of what.

    Attributes:
        counts: (strata, 2) samples that are land and water in truth.
        areas_m2: (strata,) of each stratum.
        mapped_as: (strata,) the class that each was mapped as.
        names: (strata,) of the strata.
        raster: digest of the water raster that was sampled.
        unclear: samples of which nobody could tell.
        open: samples that nobody has answered yet.
    """

    counts: npt.NDArray[np.int64]
    areas_m2: tuple[float, ...]
    mapped_as: tuple[int, ...]
    names: tuple[str, ...]
    raster: str
    unclear: int
    open: int


def write_samples(path: Path, drawn: Drawn, grid: Grid, raster: str) -> Path:
    """Write a sample: layer `samples` with an empty field `truth`, and table `strata`.

    Args:
        path: the GeoPackage.
        drawn: the sample.
        grid: of the raster that it was drawn from.
        raster: that raster's digest.

    Raises:
        UsageError: it is no GeoPackage, or does not lie on this machine.
        DataError: it cannot be written.
    """
    check_name(path, "samples")
    count = len(drawn.rows)
    middles = to_map(np.column_stack([drawn.cols + 0.5, drawn.rows + 0.5]), grid.transform)
    samples: dict[str, npt.NDArray[Any]] = {
        "id": np.arange(1, count + 1),
        TRUTH: np.zeros(count, dtype=np.int16),
        "remark": np.full(count, "", dtype=object),
        "stratum": drawn.stratum.astype(np.int16),
    }
    strata = {
        "stratum": np.arange(len(NAMES), dtype=np.int16),
        "name": np.array(NAMES, dtype=object),
        "mapped_as": np.array(MAPPED_AS, dtype=np.int16),
        "pixels": np.array(drawn.pixels),
        "area_m2": np.array(drawn.areas_m2),
        "raster": np.full(len(NAMES), raster, dtype=object),
    }
    empty = [np.ones(count, dtype=bool) if name == TRUTH else None for name in samples]
    try:
        with appearing(path) as part:
            points = shapely.to_wkb(shapely.points(middles))
            _write(part, SAMPLES, samples, points, "Point", grid.crs.to_wkt(), empty)
            _write(part, STRATA, strata, None, None, None, None)
    except (DataSourceError, DataLayerError) as error:
        raise unwritable(path, error) from error
    return path


def _write(
    path: Path,
    layer: str,
    fields: Mapping[str, npt.NDArray[Any]],
    points: npt.NDArray[Any] | None,
    kind: str | None,
    crs: str | None,
    empty: Sequence[npt.NDArray[np.bool_] | None] | None,
) -> None:
    pyogrio.raw.write(
        path,
        points,
        list(fields.values()),
        list(fields),
        field_mask=empty,
        layer=layer,
        driver="GPKG",
        geometry_type=kind,
        crs=crs,
        dataset_options=None if path.exists() else NEW_FILE,
    )


def read_samples(path: Path) -> Interpreted:
    """What an interpreter has entered.

    Raises:
        DataError: it is no sample of `watermap sample-design`, holds other answers, or one sample twice.
    """
    samples, strata = _fields(path, SAMPLES), _fields(path, STRATA)
    lacking = [name for name in ("id", TRUTH, "stratum") if name not in samples]
    lacking += [name for name in ("stratum", "name", "mapped_as", "area_m2", "raster") if name not in strata]
    if lacking or not len(strata["stratum"]):
        raise DataError(f"{path}: lacks {', '.join(lacking) or 'its strata'}", hint="draw one with sample-design")
    if len(np.unique(samples["id"])) < len(samples["id"]):
        raise DataError(f"{path}: holds a sample twice", hint="remove the copies of equal id")
    truth = samples[TRUTH].astype(np.float64)
    is_open = np.isnan(truth)
    strange = ~is_open & ~np.isin(truth, list(ANSWERS.values()))
    if strange.any():
        meant = ", ".join(f"{code} {name}" for name, code in ANSWERS.items())
        raise DataError(f"{path}: its field {TRUTH} holds {truth[strange][0]:g}", hint=f"answers are {meant}")
    order = np.argsort(strata["stratum"])
    counts = np.array(
        [[np.sum((samples["stratum"] == one) & (truth == code)) for code in (LAND, WATER)] for one in range(len(order))]
    )
    return Interpreted(
        counts=counts,
        areas_m2=tuple(float(area) for area in strata["area_m2"][order]),
        mapped_as=tuple(int(code) for code in strata["mapped_as"][order]),
        names=tuple(str(name) for name in strata["name"][order]),
        raster=str(strata["raster"][0]),
        unclear=int(np.sum(truth == NO_DATA)),
        open=int(is_open.sum()),
    )


def _fields(path: Path, layer: str) -> dict[str, npt.NDArray[Any]]:
    if not local(path).is_file():
        raise DataError(f"{path}: no such file", hint="draw a sample with watermap sample-design")
    try:
        meta, _, _, values = pyogrio.raw.read(path, layer=layer, read_geometry=False)
    except (DataSourceError, DataLayerError) as error:
        raise DataError(
            f"{path}: holds no {layer} of watermap sample-design", hint="draw one with sample-design"
        ) from error
    return dict(zip(meta["fields"], values, strict=True))
