"""How often 95 % intervals of `watermap area` hold the truth, beside 1.96 standard errors to either side.

`python -m tests.benchmarks.coverage`. Samples are drawn from strata (water, land beside water, other land) whose truth
is known. Where the real scenes lie, `spain_flood` is one of the cases, and its area is told as the README shows it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import rasterio

from tests.benchmarks.options import parser
from tests.benchmarks.result import record
from tests.support.interpreters import answer_by
from tests.support.rasters import REAL_DATA
from tests.support.waters import write_water
from watermap.config import DesignConfig
from watermap.geo.grid import Grid
from watermap.legend import LAND, NO_DATA, WATER
from watermap.maps.area.design import design_sample
from watermap.maps.area.estimate import CLASSES, estimate_areas
from watermap.maps.area.olofsson import assess
from watermap.maps.area.sample import Sample
from watermap.maps.area.strata import MAPPED_AS, stratify
from watermap.scenes.indices import NDWI

FIGURES: Final = ("area", "users", "producers", "overall")
"""The area of water, user's and producer's accuracy of water, and overall accuracy."""
_SEED: Final = 0


@dataclass(frozen=True)
class Case:
    """Ground whose truth is known, and how it is sampled.

    Attributes:
        areas: (strata,) of each.
        water: (strata,) the share of each that is water in truth.
        sizes: (strata,) samples of each.
        pixels: (strata,) of each; None where they are so many that it does not matter.
    """

    areas: tuple[float, ...]
    water: tuple[float, ...]
    sizes: tuple[int, ...]
    pixels: tuple[int, ...] | None = None


_AREAS: Final = (0.1, 0.1, 0.8)
_WATER: Final = (0.92, 0.12, 0.03)
_RARE: Final = (0.01, 0.02, 0.97)
CASES: Final[Mapping[str, Case]] = {
    "usual, 300 samples": Case(_AREAS, _WATER, (51, 60, 189)),
    "usual, 500 samples": Case(_AREAS, _WATER, (100, 100, 300)),
    "a good map, 300 samples": Case((0.1, 0.05, 0.85), (0.98, 0.03, 0.002), (50, 50, 200)),
    "0.3 % of other land is water, 300 samples": Case(_RARE, (0.95, 0.1, 0.003), (50, 50, 200)),
    "0.1 % of other land is water, 300 samples": Case(_RARE, (0.95, 0.1, 0.001), (50, 50, 200)),
    "0.1 % of other land is water, 1,000 samples": Case(_RARE, (0.95, 0.1, 0.001), (60, 60, 880)),
    "60 samples": Case(_AREAS, _WATER, (20, 20, 20)),
    "30 samples": Case(_AREAS, _WATER, (10, 10, 10)),
    "12 samples": Case(_AREAS, _WATER, (4, 4, 4)),
    "20 x 20 pixels, 150 samples": Case((100, 80, 220), (0.9, 0.15, 0.05), (50, 50, 50), (100, 80, 220)),
}


def covered(case: Case, draws: int) -> dict[str, tuple[float, float]]:
    """By figure, how many intervals hold the truth, in percent: 1.96 standard errors, and those of the estimate.

    Draws that show no water have no producer's accuracy, and do not count for it.
    """
    rng = np.random.default_rng(_SEED)
    areas, sizes = np.array(case.areas) / sum(case.areas), np.array(case.sizes)
    pixels = np.array(case.pixels or (10**12,) * len(areas), dtype=np.int64)
    wet = np.round(pixels * case.water).astype(np.int64)
    truth = wet / pixels
    own = np.array(MAPPED_AS) == WATER
    share, right = areas @ truth, areas @ np.where(own, truth, 1 - truth)
    goals = (share, areas[own] @ truth[own] / areas[own].sum(), areas[own] @ truth[own] / share, right)
    hits: dict[str, list[tuple[bool, bool]]] = {figure: [] for figure in FIGURES}
    for _ in range(draws):
        water = rng.binomial(sizes, truth) if case.pixels is None else rng.hypergeometric(wet, pixels - wet, sizes)
        found = assess(np.stack([sizes - water, water], axis=1), areas, MAPPED_AS, case.pixels)
        estimates = (found.shares[WATER], found.users[WATER], found.producers[WATER], found.overall)
        for figure, one, goal in zip(FIGURES, estimates, goals, strict=True):
            if one is not None:
                hits[figure].append((abs(one.value - goal) <= one.margin, one.low <= goal <= one.high))
    shares = {figure: 100 * np.mean(pairs, axis=0) for figure, pairs in hits.items()}
    return {figure: (round(float(wald), 1), round(float(new), 1)) for figure, (wald, new) in shares.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=10_000)
    given.add_argument("--data", type=Path, default=REAL_DATA, help="folder of real scenes [default: %(default)s]")
    options = given.parse_args(arguments)
    cases, spain = dict(CASES), options.data / "spain_flood"
    told: list[dict[str, Any]] = []
    if spain.is_dir():
        with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
            cases["spain_flood as in the README"], told = _flood(spain, Path(folder))
    rows = [{"name": name} | dict(_row(case, options.repeats)) for name, case in cases.items()]
    what = f"Percent of {options.repeats:,} draws whose 95 % interval holds the truth; _se: within 1.96 standard errors"
    record("coverage", what, {"draws": options.repeats, "seed": _SEED}, [*rows, *told], folder=options.out)


def _row(case: Case, draws: int) -> Iterator[tuple[str, float]]:
    for figure, (wald, new) in covered(case, draws).items():
        yield f"{figure}_se", wald
        yield figure, new


def _flood(folder: Path, work: Path) -> tuple[Case, list[dict[str, Any]]]:
    """The flood as NDWI > 0 maps it where its hand label knows it: its strata, and its area from one sample."""
    with rasterio.open(folder / "image.tif") as image, rasterio.open(folder / "label_hand.tif") as label:
        bands = (image.descriptions.index(band) + 1 for band in NDWI.bands)
        mapped = (NDWI(*(image.read(band).astype(np.float64) for band in bands)) > 0).astype(np.uint8)
        truth = np.where(label.read(1) < 0, NO_DATA, label.read(1)).astype(np.uint8)
        mapped[truth == NO_DATA] = NO_DATA
        grid = Grid(image.crs, image.transform, image.width, image.height)
    water = write_water(work / "flood_water.tif", mapped, grid)
    design = design_sample(water, work / "flood_samples.gpkg", DesignConfig(error=10))
    answer_by(design.path, truth, grid)
    found, _ = estimate_areas(water, design.path)
    case = _known(design.sample, mapped, truth)
    goals = {WATER: float(np.dot(case.areas, case.water)), LAND: float(np.dot(case.areas, 1 - np.array(case.water)))}
    rows = []
    for code, truth_m2 in goals.items():
        area = found.areas_m2[code]
        told = {
            "mapped": found.mapped_m2[code],
            "estimated": area.value,
            "standard_error": area.standard_error,
            "low_95": area.low,
            "high_95": area.high,
            "truth": truth_m2,
        }
        row = {"name": f"spain_flood, one sample, {CLASSES[code]}", "samples": sum(case.sizes)}
        rows.append(row | {f"{name}_km2": round(number / 1e6, 3) for name, number in told.items()})
    return case, rows


def _known(sample: Sample, mapped: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]) -> Case:
    strata = stratify(mapped, sample.shore_px)
    water = tuple(float((truth[strata == one] == WATER).mean()) for one in range(3))
    return Case(sample.areas_m2, water, sample.sizes, sample.pixels)


if __name__ == "__main__":
    main()
