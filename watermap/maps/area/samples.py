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

from watermap.errors import DataError, UsageError
from watermap.geo.ellipsoid import to_map
from watermap.geo.grid import Grid
from watermap.io.files import unwritable, writing
from watermap.io.geopackage import add_layer, check_name
from watermap.io.paths import local
from watermap.legend import LAND, NO_DATA, WATER
from watermap.maps.area.sample import Sample
from watermap.maps.area.strata import MAPPED_AS, NAMES

Numbers = npt.NDArray[np.float64]

SAMPLES: Final = "samples"
STRATA: Final = "strata"
_STYLES: Final = "layer_styles"
"""The table in which QGIS keeps styles, and looks for them."""
TRUTH: Final = "truth"
ANSWERS: Final[Mapping[str, int]] = {"water": WATER, "land": LAND, "cannot tell": NO_DATA}
"""What an interpreter may enter; a sample without an answer is not interpreted yet."""
_NUMBERS: Final = ("stratum", "mapped_as", "pixels", "area_m2", "samples", "shore_px", "seed")
_WORDS: Final = ("name", "raster")
"""The fields of `STRATA` that an estimate needs."""
_WIDEST_PX: Final = 100
"""The widest stratum beside water that sample-design takes."""
_AS_MADE: Final = "take the file as sample-design made it, and change answers and remarks only"


@dataclass(frozen=True)
class Interpreted:
    """What an interpreter found, and of what.

    Attributes:
        counts: (strata, 2) samples that are land and water in truth.
        pixels: (strata,) that each stratum has.
        areas_m2: (strata,) of each.
        mapped_as: (strata,) the class that each was mapped as.
        names: (strata,) of the strata.
        raster: digest of the water raster that was sampled.
        shore_px: width of the stratum beside water, in pixels.
        seed: of the draw.
        unclear: (strata,) samples of which nobody could tell.
        open: (strata,) samples that nobody has answered yet.
        in_order: whether those that have answers are the first ones drawn.
    """

    counts: npt.NDArray[np.int64]
    pixels: tuple[int, ...]
    areas_m2: tuple[float, ...]
    mapped_as: tuple[int, ...]
    names: tuple[str, ...]
    raster: str
    shore_px: int
    seed: int
    unclear: tuple[int, ...]
    open: tuple[int, ...]
    in_order: bool


def write_samples(path: Path, sample: Sample, grid: Grid, raster: str, *, style: str = "") -> Path:
    """Write a sample: layer `samples` with an empty field `truth`, and table `strata`.

    Args:
        path: the GeoPackage.
        sample: the sample.
        grid: of the raster that it was drawn from.
        raster: that raster's digest.
        style: how QGIS shows the samples, and asks for answers.

    Raises:
        UsageError: it is no GeoPackage, does not lie on this machine, or is there and no sample without answers.
        DataError: it cannot be written.
    """
    refuse_to_lose(path)
    count = len(sample.rows)
    middles = to_map(np.column_stack([sample.cols + 0.5, sample.rows + 0.5]), grid.transform)
    samples: dict[str, npt.NDArray[Any]] = {
        "id": np.arange(1, count + 1),
        TRUTH: np.zeros(count, dtype=np.int16),
        "remark": np.full(count, "", dtype=object),
        "stratum": sample.stratum.astype(np.int16),
    }
    strata = {
        "stratum": np.arange(len(NAMES), dtype=np.int16),
        "name": np.array(NAMES, dtype=object),
        "mapped_as": np.array(MAPPED_AS, dtype=np.int16),
        "pixels": np.array(sample.pixels),
        "area_m2": np.array(sample.areas_m2),
        "samples": np.array(sample.sizes),
        "shore_px": np.full(len(NAMES), sample.shore_px),
        "seed": np.full(len(NAMES), sample.seed),
        "raster": np.full(len(NAMES), raster, dtype=object),
    }
    empty = [np.ones(count, dtype=bool) if name == TRUTH else None for name in samples]
    try:
        with writing(path) as part:
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
        entered = int(np.sum(~np.isnan(_answers(path, fields)) | fields["remark"].astype(bool)))
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
        DataError: it is no sample of `watermap sample-design`, holds other answers, or not the samples that were drawn,
            each once.
    """
    fields, table = _fields(path, SAMPLES), _fields(path, STRATA)
    lacking = [name for name in ("id", TRUTH, "stratum") if name not in fields]
    lacking += [name for name in (*_NUMBERS, *_WORDS) if name not in table]
    if lacking:
        raise DataError(f"{path}: lacks {', '.join(lacking)}", hint="draw one with sample-design")
    strata = {name: _numbers(path, name, table[name]) for name in _NUMBERS}
    order = np.argsort(strata["stratum"])
    if not np.array_equal(strata["stratum"][order], range(len(NAMES))) or not all(map(_is_full, strata.values())):
        raise DataError(f"{path}: its table {STRATA} is not complete", hint=_AS_MADE)
    ids, stratum = (_numbers(path, name, fields[name]) for name in ("id", "stratum"))
    sizes = strata["samples"][order]
    _refuse_other_samples(path, ids, int(sizes.sum()))
    mine = np.array([stratum == one for one in range(len(order))])
    if (mine.sum(axis=1) != sizes).any():
        raise DataError(f"{path}: its samples are not in the strata that they were drawn from", hint=_AS_MADE)
    shore_px = int(strata["shore_px"][0])
    if not 1 <= shore_px <= _WIDEST_PX:
        raise DataError(f"{path}: its table {STRATA} holds {shore_px} for shore_px", hint=_AS_MADE)
    truth = _answers(path, fields)
    is_open = np.isnan(truth)
    land, water, unclear = (np.sum(mine & (truth == code), axis=1) for code in (LAND, WATER, NO_DATA))
    return Interpreted(
        counts=np.stack([land, water], axis=1).astype(np.int64),
        pixels=tuple(int(count) for count in strata["pixels"][order]),
        areas_m2=tuple(float(area) for area in strata["area_m2"][order]),
        mapped_as=tuple(int(code) for code in strata["mapped_as"][order]),
        names=tuple(str(name) for name in table["name"][order]),
        raster=str(table["raster"][0]),
        shore_px=shore_px,
        seed=int(strata["seed"][0]),
        unclear=tuple(unclear.tolist()),
        open=tuple(np.sum(mine & is_open, axis=1).tolist()),
        in_order=set(ids[~is_open].tolist()) == set(range(1, int(np.sum(~is_open)) + 1)),
    )


def _is_full(numbers: Numbers) -> bool:
    return bool(np.isfinite(numbers).all())


def _refuse_other_samples(path: Path, ids: Numbers, count: int) -> None:
    """Refuse samples that are not those that were drawn, each once.

    Raises:
        DataError: one is gone, was added, is there twice, or has no id.
    """
    if not _is_full(ids):
        raise DataError(f"{path}: holds a sample without id", hint="remove it if it was added, else fill in its id")
    found, often = np.unique(ids, return_counts=True)
    if (often > 1).any():
        raise DataError(f"{path}: holds sample {found[often > 1][0]:g} twice", hint="remove the copies of equal id")
    wanted = np.arange(1, count + 1)
    if len(added := np.setdiff1d(found, wanted)):
        raise DataError(
            f"{path}: holds sample {added[0]:g}, which was not drawn", hint="remove the points that were added"
        )
    if len(gone := np.setdiff1d(wanted, found)):
        raise DataError(f"{path}: lacks {len(gone)} of the {count} samples, such as id {gone[0]:g}", hint=_AS_MADE)


def _answers(path: Path, fields: Mapping[str, npt.NDArray[Any]]) -> Numbers:
    """The answer of each sample, NaN where there is none yet.

    Raises:
        DataError: one is none of `ANSWERS`.
    """
    meant = f"answers are {', '.join(f'{code} {name}' for name, code in ANSWERS.items())}"
    truth = _numbers(path, TRUTH, fields[TRUTH], hint=meant)
    strange = ~np.isnan(truth) & ~np.isin(truth, list(ANSWERS.values()))
    if strange.any():
        raise DataError(f"{path}: its field {TRUTH} holds {truth[strange][0]:g}", hint=meant)
    return truth


def _numbers(path: Path, name: str, values: npt.NDArray[Any], *, hint: str = _AS_MADE) -> Numbers:
    """A field as numbers, NaN where it is empty; tables that were kept as text have their numbers in text.

    Raises:
        DataError: one is no number.
    """
    numbers = np.full(len(values), np.nan)
    for row, value in enumerate(values.tolist()):
        if value is None or value == "":
            continue
        try:
            numbers[row] = float(value)
        except (TypeError, ValueError) as error:
            raise DataError(f"{path}: its field {name} holds {value}, which is no number", hint=hint) from error
    return numbers


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
