"""A sample as a GeoPackage: points for somebody to interpret, and the strata that they were drawn from."""

from __future__ import annotations

from collections.abc import Mapping
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
from watermap.errors import DataError, UsageError
from watermap.files import appearing, unwritable
from watermap.geopackage import add_layer, check_name
from watermap.grid import Grid
from watermap.polygons.ellipsoid import to_map
from watermap.storage import local

SAMPLES: Final = "samples"
STRATA: Final = "strata"
_STYLES: Final = "layer_styles"
"""The table in which QGIS keeps styles, and looks for them."""
TRUTH: Final = "truth"
ANSWERS: Final[Mapping[str, int]] = {"water": WATER, "land": LAND, "cannot tell": NO_DATA}
"""What an interpreter may enter; a sample without an answer is not interpreted yet."""
_OF_STRATA: Final = ("stratum", "name", "mapped_as", "area_m2", "samples", "shore_px", "seed", "raster")
"""The fields of `STRATA` that an estimate needs."""


@dataclass(frozen=True)
class Interpreted:
    """What an interpreter found, and of what.

    Attributes:
        counts: (strata, 2) samples that are land and water in truth.
        areas_m2: (strata,) of each stratum.
        mapped_as: (strata,) the class that each was mapped as.
        names: (strata,) of the strata.
        raster: digest of the water raster that was sampled.
        shore_px: width of the stratum beside water, in pixels.
        seed: of the draw.
        unclear: (strata,) samples of which nobody could tell.
        open: (strata,) samples that nobody has answered yet; those that are gone are among them.
        in_order: whether those that have answers are the first ones drawn.
    """

    counts: npt.NDArray[np.int64]
    areas_m2: tuple[float, ...]
    mapped_as: tuple[int, ...]
    names: tuple[str, ...]
    raster: str
    shore_px: int
    seed: int
    unclear: tuple[int, ...]
    open: tuple[int, ...]
    in_order: bool


def write_samples(path: Path, drawn: Drawn, grid: Grid, raster: str, *, style: str = "") -> Path:
    """Write a sample: layer `samples` with an empty field `truth`, and table `strata`.

    Args:
        path: the GeoPackage.
        drawn: the sample.
        grid: of the raster that it was drawn from.
        raster: that raster's digest.
        style: how QGIS shows the samples, and asks for answers.

    Raises:
        UsageError: it is no GeoPackage, does not lie on this machine, or is there and no sample without answers.
        DataError: it cannot be written.
    """
    refuse_to_lose(path)
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
        "samples": np.array(drawn.sizes),
        "shore_px": np.full(len(NAMES), drawn.shore_px),
        "seed": np.full(len(NAMES), drawn.seed),
        "raster": np.full(len(NAMES), raster, dtype=object),
    }
    empty = [np.ones(count, dtype=bool) if name == TRUTH else None for name in samples]
    try:
        with appearing(path) as part:
            points = shapely.to_wkb(shapely.points(middles))
            add_layer(part, SAMPLES, samples, shapes=points, kind="Point", crs=grid.crs.to_wkt(), empty=empty)
            add_layer(part, STRATA, strata)
            if style:
                add_layer(part, _STYLES, _kept(style))
    except (DataSourceError, DataLayerError) as error:
        raise unwritable(path, error) from error
    return path


def _kept(style: str) -> dict[str, npt.NDArray[Any]]:
    """A style as QGIS keeps it: the table's one row."""
    texts = {
        "f_table_catalog": "",
        "f_table_schema": "",
        "f_table_name": SAMPLES,
        "f_geometry_column": "geom",
        "styleName": SAMPLES,
        "styleQML": style,
        "styleSLD": "",
        "description": "",
        "owner": "",
        "ui": "",
    }
    row = {name: np.array([text], dtype=object) for name, text in texts.items()}
    return row | {"useAsDefault": np.array([True]), "update_time": np.array(["now"], dtype="datetime64[s]")}


def refuse_to_lose(path: Path) -> None:
    """Refuse a place where a new sample would replace what is more than a sample without answers.

    Raises:
        UsageError: there is one with answers or remarks, one that is being edited, or another file; or the place is
            none for a GeoPackage.
    """
    check_name(path, "samples")
    if not path.exists():
        return
    if path.with_name(f"{path.name}-wal").exists():
        raise UsageError(f"{path}: is open in another program, such as QGIS", hint="close it there")
    try:
        fields = _fields(path, SAMPLES)
        entered = int(np.sum(_answers(path, fields) | fields["remark"].astype(bool)))
    except (DataError, KeyError) as error:
        raise UsageError(
            f"{path}: is there, and is no sample that may be replaced", hint="name another --out"
        ) from error
    if entered:
        raise UsageError(
            f"{path}: somebody has entered answers for {entered} of its samples, which would be lost",
            hint="name another --out, or move it away",
        )


def read_samples(path: Path) -> Interpreted:
    """What an interpreter has entered.

    Raises:
        DataError: it is no sample of `watermap sample-design`, holds other answers, one sample twice, or more than
            were drawn.
    """
    samples, strata = _fields(path, SAMPLES), _fields(path, STRATA)
    lacking = [name for name in ("id", TRUTH, "stratum") if name not in samples]
    lacking += [name for name in _OF_STRATA if name not in strata]
    if lacking or not len(strata["stratum"]):
        raise DataError(f"{path}: lacks {', '.join(lacking) or 'its strata'}", hint="draw one with sample-design")
    order = np.argsort(strata["stratum"])
    mine = np.array([samples["stratum"] == one for one in range(len(order))])
    drawn = strata["samples"][order]
    if len(np.unique(samples["id"])) < len(samples["id"]):
        raise DataError(f"{path}: holds a sample twice", hint="remove the copies of equal id")
    if (mine.sum(axis=1) > drawn).any() or not mine.any(axis=0).all():
        raise DataError(f"{path}: holds samples that were not drawn", hint="remove the points that were added")
    truth, is_answered = samples[TRUTH], _answers(path, samples)
    land, water, unclear = (np.sum(mine & (truth == code), axis=1) for code in (LAND, WATER, NO_DATA))
    return Interpreted(
        counts=np.stack([land, water], axis=1).astype(np.int64),
        areas_m2=tuple(float(area) for area in strata["area_m2"][order]),
        mapped_as=tuple(int(code) for code in strata["mapped_as"][order]),
        names=tuple(str(name) for name in strata["name"][order]),
        raster=str(strata["raster"][0]),
        shore_px=int(strata["shore_px"][0]),
        seed=int(strata["seed"][0]),
        unclear=tuple(unclear.tolist()),
        open=tuple((drawn - land - water - unclear).tolist()),
        in_order=set(samples["id"][is_answered].tolist()) == set(range(1, int(is_answered.sum()) + 1)),
    )


def _answers(path: Path, samples: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """Which samples have an answer.

    Raises:
        DataError: one is none of `ANSWERS`.
    """
    truth = samples[TRUTH]
    is_open = np.array([code is None or code != code for code in truth.tolist()], dtype=bool)
    strange = ~is_open & ~np.isin(truth, list(ANSWERS.values()))
    if strange.any():
        meant = ", ".join(f"{code} {name}" for name, code in ANSWERS.items())
        found = str(truth[strange][0]).removesuffix(".0")
        raise DataError(f"{path}: its field {TRUTH} holds {found}", hint=f"answers are {meant}")
    return ~is_open


def _fields(path: Path, layer: str) -> dict[str, npt.NDArray[Any]]:
    if not local(path, what="samples are read from local files", hint="copy it to this machine").is_file():
        raise DataError(f"{path}: no such file", hint="draw a sample with watermap sample-design")
    try:
        meta, _, _, values = pyogrio.raw.read(path, layer=layer, read_geometry=False)
    except (DataSourceError, DataLayerError) as error:
        raise DataError(
            f"{path}: holds no {layer} of watermap sample-design", hint="draw one with sample-design"
        ) from error
    return dict(zip(meta["fields"], values, strict=True))
