"""From an area and a period, or from nothing, to a folder of scenes."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task

from flows.logs import log, logged
from flows.names import run_name
from flows.pages import show_files, show_rows
from flows.policy import EARTH_ENGINE, RETRIED, TASK, judge, make_limits, may_try_again, slot
from flows.rows import FAILED, KEPT, MADE, Row
from watermap.config import EarthEngineConfig, ExportConfig, SampleConfig
from watermap.earthengine.aoi import read_area
from watermap.earthengine.export import export
from watermap.earthengine.plan import plan
from watermap.earthengine.search import search
from watermap.earthengine.session import connect
from watermap.errors import NothingNewError, UsageError
from watermap.scenes.find import IMAGE_FILE
from watermap.scenes.sample import SAMPLE_PREFIX, write_samples
from watermap.scenes.stac import CATALOG_FILE


@task(name="export scenes", **RETRIED)
def export_scenes(area: str, out: Path, config: ExportConfig, service: EarthEngineConfig) -> list[Row]:
    """Bring every scene that is not there yet."""
    with slot(EARTH_ENGINE), connect(service) as session:
        place = read_area(area)
        try:
            scenes, notes = search(session, place, config)
        except NothingNewError as nothing:  # a cloudy fortnight is no failure of a run
            log().warning("%s", nothing)
            return []
        for line in notes:
            log().warning("%s", line)
        found = export(session, plan(place, scenes, config), out, config, progress=logged())
    for error in found.failures.values():
        if getattr(error, "transient", False) and may_try_again():
            raise error  # the next try keeps what is done
    rows = [Row(name, MADE) for name in found.made] + [Row(name, KEPT) for name in found.kept]
    return sorted([*rows, *(Row(name, FAILED, str(why)) for name, why in found.failures.items())], key=_by_scene)


@task(name="make sample scenes", **TASK)
def make_samples(out: Path, config: SampleConfig) -> list[Row]:
    """Make the built-in scenes that are not there yet."""
    written = write_samples(out, config, progress=logged())
    return [Row(each.path.name, MADE if each.is_new else KEPT) for each in written]


def _by_scene(row: Row) -> str:
    return row.scene


@flow(name="watermap-export", flow_run_name=run_name)
def export_flow(
    out: Path,
    area: str | None = None,
    export: ExportConfig | None = None,
    earth_engine: EarthEngineConfig | None = None,
    sample: SampleConfig | None = None,
    allowed_failures: float = 0.2,
) -> list[Row]:
    """Bring the scenes of an area; without an area make the built-in sample scenes.

    Args:
        out: scenes folder.
        area: file, WKT or box in degrees; not given: sample scenes.
        export: period, bands, labels, route.
        earth_engine: project, login, pace.
        sample: how many sample scenes.
        allowed_failures: share of scenes that may fail without failing the run.
    """
    make_limits()
    if area is None:
        rows = make_samples(out, sample or SampleConfig())
    else:
        settings = export or ExportConfig.load()
        if settings.to == "drive":
            raise UsageError("scenes that go to Drive are not on this machine", hint="export to local, or to gcs")
        rows = export_scenes(area, out, settings, earth_engine or EarthEngineConfig())
    show_rows("scenes", f"{len(rows)} scenes in {out}", rows)
    show_files("scenes-files", "Scenes", [out / CATALOG_FILE])
    judge(rows, allowed_failures)
    return rows


def check_origin(scenes: Path, area: str | None) -> None:
    """Make sure that sample scenes and real ones do not meet in one folder.

    Raises:
        UsageError: the folder holds the other kind.
    """
    names = sorted(path.parent.name for path in scenes.glob(f"*/{IMAGE_FILE}"))
    others = [name for name in names if name.startswith(SAMPLE_PREFIX) != (area is None)]
    if others:
        kind = "no sample scene" if area is None else "a sample scene"
        raise UsageError(
            f"{scenes}: holds {others[0]}, which is {kind}", hint="give sample scenes and real ones a folder each"
        )
