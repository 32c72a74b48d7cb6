"""`watermap index`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from watermap.bands import parse_bands
from watermap.cli.command import Command
from watermap.cli.console import console, files_to_open, note, progress_bar, table
from watermap.cli.options import WRITTEN, bands_option, config_file, option, section, setting, switch
from watermap.cli.suggestions import OrFiles, Words, files
from watermap.config import IndexConfig, ProductConfig
from watermap.errors import PartialFailureError, WatermapError

if TYPE_CHECKING:
    from watermap.io.products import SceneFiles
    from watermap.maps.index import IndexMaps

_NONE: Final = "-"


@click.command(
    name="index",
    cls=Command,
    examples=[
        ("NDWI of a scene, and water where it is above 0", "watermap index scene.tif --threshold 0"),
        (
            "MNDWI of a folder's scenes, each with its own threshold; no small bodies",
            "watermap index data/scenes --index mndwi --threshold edge-otsu \\\n  --min-area-m2 500",
        ),
        ("The index alone", "watermap index scene.tif --index awei_nsh"),
    ],
)
@click.argument("scenes", metavar="SCENE...", nargs=-1, required=True, shell_complete=files)
@section(
    "Usual options",
    setting(IndexConfig, "index"),
    setting(IndexConfig, "threshold", metavar="otsu|edge-otsu|X", shell_complete=Words("0", "otsu", "edge-otsu")),
    setting(IndexConfig, "min_area_m2"),
    option("--out", type=WRITTEN, default=Path("data/indices"), show_default=True, help="Output folder."),
    bands_option("Names of all the file's bands in file order, where it does not describe them."),
    option(
        "--clouds",
        metavar="scl|PATH|URL",
        shell_complete=OrFiles("scl"),
        help="scl: clouds, their shadows and cirrus by each L2A product's own classification; or, of one scene, such "
        "a classification or a mask that is not 0 under clouds. Nothing is seen there.",
    ),
    option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Scenes at once."),
)
@section(
    "What is written beside each map",
    switch(ProductConfig, "polygons"),
    switch(ProductConfig, "style"),
    switch(ProductConfig, "quicklook"),
    switch(ProductConfig, "stac"),
)
@section(
    "What the scene's bands and numbers mean",
    setting(IndexConfig, "sensor"),
    setting(IndexConfig, "offset"),
    setting(IndexConfig, "scale"),
)
@config_file()
def command(
    scenes: tuple[str, ...],
    out: Path,
    bands: str | None,
    clouds: str | None,
    config_path: Path | None,
    jobs: int,
    *,
    polygons: bool,
    style: bool,
    quicklook: bool,
    stac: bool,
    **stated: Any,
) -> None:
    """Map a water index of scenes, and with --threshold their water. Needs no model.

    Each scene gives NAME_ndwi.tif, or that of another index, and by a threshold NAME_water.tif like those of watermap
    predict, on its own grid, with styles for QGIS and pictures beside them.
    """
    config = IndexConfig.load(config_path, section="index", **stated)
    names = parse_bands(bands, config.sensor or "sentinel-2") if bands else None
    from watermap.scenes.find import find_images

    images = find_images(scenes, sensor=config.sensor)
    from watermap.scenes.clouds import clouds_of

    masked = clouds_of(clouds, scenes=len(images))
    from watermap.maps.index import index_scenes

    if polygons:
        import watermap.maps.polygons.vectorize  # noqa: F401  # tells what is not installed before any work, not after
    products = ProductConfig(polygons=polygons, style=style, quicklook=quicklook, stac=stac)
    with progress_bar() as progress:
        results = index_scenes(images, config, out, products, names=names, clouds=masked, jobs=jobs, progress=progress)
    _show(results, config)


def _show(results: list[tuple[SceneFiles, IndexMaps | WatermapError]], config: IndexConfig) -> None:
    from watermap.scenes.find import output_name

    failed = [result for _, result in results if isinstance(result, WatermapError)]
    done = [result for _, result in results if not isinstance(result, WatermapError)]
    for line in (line for maps in done for line in maps.notes):
        note(line)
    if failed and len(results) == 1:
        raise failed[0]
    rows = [[output_name(scene), *_cells(result)] for scene, result in results]
    if config.threshold is None:
        rows = [row[:2] for row in rows]
    columns = ["scene", "valid", "threshold", "water of valid"][: len(rows[0])]
    table(f"{config.index} of {len(results)} scenes" if len(results) > 1 else config.index, columns, rows)
    files_to_open([path for maps in done for path in maps.files.values()])
    if failed:
        console.print()
        for error in failed:
            note(str(error))
        raise PartialFailureError(
            f"{len(failed)} of {len(results)} scenes failed", hint=f"see the lines above; {len(done)} are done"
        )


def _cells(result: IndexMaps | WatermapError) -> list[str]:
    """Valid pixels, threshold, and water of what is valid."""
    if isinstance(result, WatermapError):
        return ["failed", _NONE, _NONE]
    rasters = result.rasters
    valid = f"{rasters.valid_pixels / rasters.pixels:.1%}"
    if rasters.water is None or rasters.threshold is None:
        return [valid, _NONE, _NONE]
    share = f"{rasters.water.water_pixels / rasters.valid_pixels:.1%}" if rasters.valid_pixels else _NONE
    return [valid, f"{rasters.threshold.value:.3g}", share]
