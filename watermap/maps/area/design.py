"""A sample for somebody to interpret, from a water raster and what is wanted of the estimate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from watermap.config import DesignConfig
from watermap.errors import UsageError
from watermap.io.files import write_text
from watermap.io.gdal import small_cache
from watermap.io.qgis_style import style_path
from watermap.maps.area.measure import Mapped, measure
from watermap.maps.area.plan import expected_water, samples_for
from watermap.maps.area.qgis_form import sample_style
from watermap.maps.area.sample import Sample, choose_pixels
from watermap.maps.area.samples import refuse_to_lose, write_samples
from watermap.progress import Progress, silent
from watermap.scenes.label import WATER_RASTER, open_label


@dataclass(frozen=True)
class Design:
    """A sample that waits to be interpreted.

    Attributes:
        path: the GeoPackage.
        style: its style for QGIS, which the GeoPackage holds too.
        sample: the sample.
        mapped: the raster that it was drawn from.
        margin_m2: half of the 95 % interval of the water area that may be expected.
        notes: what the user should know.
    """

    path: Path
    style: Path
    sample: Sample
    mapped: Mapped
    margin_m2: float
    notes: tuple[str, ...]


def design_sample(water: Path, out: Path, config: DesignConfig, *, progress: Progress = silent) -> Design:
    """Draw a stratified random sample of a water raster's pixels, and write it for an interpreter.

    Args:
        water: the water raster.
        out: the GeoPackage; one without answers is replaced.
        config: how many samples, and of what.
        progress: told by rows.

    Raises:
        DataError: the raster cannot be used, or the sample not be written.
        StorageError: the raster lies elsewhere and cannot be reached.
        UsageError: `out` is no place for it, somebody has entered answers there, or so many samples make no sense.
    """
    refuse_to_lose(out)
    with small_cache(), open_label(water, kind=WATER_RASTER) as label:
        mapped = measure(label, shore_px=config.shore_px, progress=progress)
        total = config.n if config.n is not None else _planned(config, mapped, water)
        sample = choose_pixels(
            label,
            total,
            shore_px=config.shore_px,
            least=config.least,
            seed=config.seed,
            water_shares=config.water_shares,
            progress=progress,
        )
        grid, doubt = label.own_grid, label.doubt
    style = sample_style(grid)
    write_samples(out, sample, grid, mapped.digest, style=style)
    write_text(style_path(out), style)
    margin = expected_water(mapped.areas_m2, sample.sizes, mapped.pixels, config.water_shares).margin
    notes = [] if doubt is None else [doubt]
    if total > (most := sum(mapped.pixels)):
        notes.append(f"{water}: shows {most} pixel{'s' if most > 1 else ''} of water and land, all of which are drawn")
    return Design(out, style_path(out), sample, mapped, margin, tuple(notes))


def _planned(config: DesignConfig, mapped: Mapped, water: Path) -> int:
    if config.error is None or not mapped.water_m2:
        raise UsageError(f"{water}: no water is mapped, so that --error is a share of nothing", hint="give --n 300")
    margin = config.error / 100 * mapped.water_m2
    return samples_for(margin, mapped.areas_m2, mapped.pixels, config.least, config.water_shares)
