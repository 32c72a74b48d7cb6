"""`watermap export`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click

from watermap.cli.command import Command
from watermap.cli.options import WRITTEN, config_file, option, section, setting
from watermap.cli.suggestions import files
from watermap.config import EarthEngineConfig, ExportConfig
from watermap.geo.area_text import km2

_SHOWN_SCENES = 40


class _AreaCommand(Command):
    """Takes a bounding box that begins with a minus sign for what it is, not for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {word}" if re.match(r"-\.?\d[^=]*,", word) else word for word in args])


@click.command(
    "export",
    cls=_AreaCommand,
    examples=[
        (
            "What it would bring, and what it costs",
            "watermap export lake.geojson --start 2023-06-01 --end 2023-08-31 \\\n  --out data/scenes --dry-run",
        ),
        (
            "The clearest five scenes of a box, last year until today",
            "watermap export 21.4,39.9,21.6,40.1 --last-days 365 --limit 5 \\\n  --out data/scenes",
        ),
        (
            "A large area, by way of Cloud Storage",
            "watermap export basin.gpkg --last-days 30 --out data/scenes \\\n  --to gcs --bucket MY_BUCKET",
        ),
    ],
)
@click.argument("area", shell_complete=files)
@section(
    "Usual options",
    option("--out", type=WRITTEN, required=True, help="Scenes folder to write."),
    setting(ExportConfig, "start", metavar="DAY"),
    setting(ExportConfig, "end", metavar="DAY"),
    setting(ExportConfig, "last_days"),
    setting(ExportConfig, "max_cloud"),
    setting(ExportConfig, "limit"),
    option("--dry-run", is_flag=True, help="Show what would be made and what it costs; make nothing."),
)
@section(
    "What is in each scene",
    setting(ExportConfig, "bands"),
    setting(ExportConfig, "label"),
    setting(ExportConfig, "cloud_score"),
    setting(ExportConfig, "composite"),
    setting(ExportConfig, "scene_size"),
    setting(ExportConfig, "hansen_asset"),
)
@section(
    "Earth Engine, and the way from there",
    setting(ExportConfig, "to"),
    setting(ExportConfig, "bucket"),
    setting(ExportConfig, "folder"),
    setting(EarthEngineConfig, "project"),
    setting(EarthEngineConfig, "key"),
    setting(EarthEngineConfig, "requests"),
)
@config_file()
def command(
    area: str,
    out: Path,
    config_path: Path | None,
    bands: str | None,
    project: str | None,
    key: Path | None,
    requests: int | None,
    *,
    dry_run: bool,
    **stated: Any,
) -> None:
    """Bring the Sentinel-2 scenes of AREA, with water labels, from Earth Engine.

    AREA is a GeoJSON, GeoPackage, Shapefile or WKT file, WKT itself, or a box minx,miny,maxx,maxy in degrees. Stopped
    or killed, the same command goes on where it was.
    """
    from watermap.bands import parse_bands
    from watermap.cli.console import console, note, progress_bar

    config = ExportConfig.load(config_path, section="export", bands=bands and parse_bands(bands), **stated)
    service = EarthEngineConfig.load(config_path, section="earthengine", project=project, key=key, requests=requests)
    from watermap.earthengine.session import connect, require_client

    require_client()
    from watermap.earthengine.aoi import read_area
    from watermap.earthengine.export import export
    from watermap.earthengine.plan import estimate, estimate_date, plan
    from watermap.earthengine.search import search

    place = read_area(area.strip())
    for line in place.notes:
        note(line)
    one_date = estimate_date(place, config, service)
    console.print(
        f"{km2(place.area_km2 * 1e6)} km²; for one date {_cost(one_date, config, service)}",
        markup=False,
        soft_wrap=True,
    )
    with connect(service) as session:
        found, notes = search(session, place, config)
        for line in notes:
            note(line)
        plans = plan(place, found, config)
        cost = estimate(plans, service)
        _show_plan(plans, cost, config, service)
        if dry_run:
            console.print("Nothing was asked for and nothing was written: this was a dry run.")
            return
        with progress_bar() as progress:
            summary = export(session, plans, out, config, progress=progress)
    _show_summary(summary, out, config)


def _scenes(count: int) -> str:
    return "1 scene" if count == 1 else f"{count} scenes"


def _cost(cost: Any, config: ExportConfig, service: EarthEngineConfig) -> str:
    """Pixels, bytes and quota in one line."""
    size = f"{cost.bytes / 2**30:,.1f} GiB" if cost.bytes >= 2**30 else f"{cost.bytes / 2**20:,.1f} MiB"
    if config.to == "local":
        quota = f"{cost.requests:,} pixel requests, at most {service.requests} at once (Earth Engine allows 40)"
    else:
        quota = f"{cost.exports:,} tasks (Earth Engine's queue holds 3,000)"
    return f"{cost.pixels / 1e6:,.2f} Mpx, {size} before compression, {quota}"


def _show_plan(plans: Any, cost: Any, config: ExportConfig, service: EarthEngineConfig) -> None:
    from watermap.cli.console import console, table

    rows = [
        (each.name, f"{each.facts.cloud_percent:.2f}", each.grid.width, each.grid.height)
        for each in plans[:_SHOWN_SCENES]
    ]
    if len(plans) > _SHOWN_SCENES:
        rows.append((f"and {len(plans) - _SHOWN_SCENES} more", "", "", ""))
    table(_scenes(len(plans)), ("scene", "clouds %", "columns", "rows"), rows)
    console.print(f"In all {_cost(cost, config, service)}", markup=False, soft_wrap=True)


def _show_summary(summary: Any, out: Path, config: ExportConfig) -> None:
    from watermap.cli.console import console, files_to_open, note
    from watermap.errors import PartialFailureError
    from watermap.scenes.stac import CATALOG_FILE

    for line in summary.notes:
        note(line)
    if summary.kept:
        note(f"{_scenes(len(summary.kept))} kept: there already, and unchanged")
    for name, paths in summary.drive_files.items():
        names = [shlex.quote(Path(file).name) for file in paths]
        label = f" --label {names[1]}" if len(names) > 1 else ""
        console.print(f"On Google Drive: {', '.join(paths)}; download them, then", markup=False, soft_wrap=True)
        line = f"  watermap scenes add {names[0]}{label} --name {name} --out {shlex.quote(str(out))}"
        console.print(line, markup=False, soft_wrap=True)
    done = len(summary.made) + len(summary.kept) + len(summary.drive_files)
    if done and config.to != "drive":
        console.print(f"{_scenes(done)} in {out}", markup=False)
        files_to_open([out / CATALOG_FILE, out / (summary.made or summary.kept)[0] / "image.tif"])
    if not summary.failures:
        return
    if len(summary.failures) > 1 or done:
        for name, error in summary.failures.items():
            note(f"scene {name} failed: {error}")
    if not done:
        raise next(iter(summary.failures.values()))
    raise PartialFailureError(
        f"{len(summary.failures)} of {done + len(summary.failures)} scenes failed",
        hint="see the lines above; the same command tries them again and keeps the others",
    )
