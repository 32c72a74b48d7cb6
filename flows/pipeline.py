"""All of it in order: scenes, patches, a model, maps. `python -m flows.pipeline` runs it once, here."""

from __future__ import annotations

import datetime
import sys
import time
from pathlib import Path
from typing import Any

import click
from prefect import flow
from prefect.runtime import flow_run

from flows.export import export_flow
from flows.pages import show_table
from flows.predict import predict_flow
from flows.rows import KEPT, MADE
from flows.runners import RunnerConfig
from flows.tile import tile_flow
from flows.train import train_flow
from watermap.bands import STANDARD_BANDS
from watermap.config import EarthEngineConfig, ExportConfig, PredictConfig, SampleConfig, TileConfig, TrainConfig
from watermap.errors import WatermapError


def _run_name() -> str:
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    return f"{flow_run.parameters.get('area') or 'sample scenes'}, {day}"[:120]


@flow(name="watermap-pipeline", flow_run_name=_run_name)
def pipeline(
    folder: Path = Path("data/pipeline"),
    area: str | None = None,
    export: ExportConfig | None = None,
    last_days: int | None = None,
    earth_engine: EarthEngineConfig | None = None,
    sample: SampleConfig | None = None,
    held_out: Path | None = None,
    tile: TileConfig | None = None,
    train: TrainConfig | None = None,
    predict: PredictConfig | None = None,
    runner: RunnerConfig | None = None,
    allowed_failures: float = 0.2,
) -> list[dict[str, Any]]:
    """Scenes, patches, a model and maps; run again, it does only what has changed.

    Args:
        folder: holds scenes/, patches/, models/ and predictions/.
        area: file, WKT or box in degrees; not given: the built-in sample scenes.
        export: period, bands, labels, route.
        last_days: instead of the period's start and end: so many days up to today.
        earth_engine: project, login, pace.
        sample: how many sample scenes, where no area is given.
        held_out: labelled scenes of ground that is never trained on; sample runs make their own.
        tile: size, bands, water fractions, splits.
        train: architecture, epochs, stages.
        predict: windows, threshold, probability.
        runner: where work on many scenes runs.
        allowed_failures: share of scenes that may fail in a step without failing the run.
    """
    scenes, patches, models, maps = (folder / name for name in ("scenes", "patches", "models", "predictions"))
    bands = STANDARD_BANDS if export is None else export.bands
    steps = _Steps()
    rows = export_flow(scenes, area, export, last_days, earth_engine, sample, allowed_failures)
    steps.add("scenes", sum(row.state == MADE for row in rows), len(rows))
    if area is None and held_out is None:
        held_out = folder / "held_out"
        apart = SampleConfig(scenes=6, size=(sample or SampleConfig()).size, first_place=1000)
        export_flow(held_out, sample=apart)
    is_new = tile_flow(scenes, patches, tile or TileConfig(bands=bands), runner, allowed_failures)
    steps.add("patches", int(is_new), 1)
    is_new = train_flow(patches, models, held_out, train, predict)
    steps.add("model", int(is_new), 1)
    rows = predict_flow([str(scenes)], models, maps, None, predict, runner, allowed_failures)
    steps.add("maps", sum(row.state == MADE for row in rows), sum(row.state in (MADE, KEPT) for row in rows))
    show_table("pipeline", "What this run did", steps.rows)
    return steps.rows


class _Steps:
    """The pipeline's own table."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._since = time.monotonic()

    def add(self, step: str, made: int, count: int) -> None:
        now = time.monotonic()
        seconds = round(now - self._since, 1)
        self.rows.append({"step": step, "made now": made, "there now": count, "seconds": seconds})
        self._since = now


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("data/pipeline"), show_default=True)
@click.option("--area", help="File, WKT or box in degrees. [default: the built-in sample scenes]")
@click.option("--held-out", type=click.Path(path_type=Path), help="Labelled scenes of other ground.")
@click.option("--runner", type=click.Choice(["threads", "processes", "dask"]), help="Where work on many scenes runs.")
@click.option("--workers", type=int, help="How many scenes at once.")
@click.option("--dask-address", help="Scheduler of an existing cluster.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="TOML file, one table a stage.")
def main(
    folder: Path,
    area: str | None,
    held_out: Path | None,
    runner: str | None,
    workers: int | None,
    dask_address: str | None,
    config_path: Path | None,
) -> None:
    """Run the whole pipeline once."""
    settings: dict[str, Any] = {
        "earth_engine": EarthEngineConfig.load(config_path, section="earthengine"),
        "sample": SampleConfig.load(config_path, section="sample"),
        "train": TrainConfig.load(config_path, section="train"),
        "predict": PredictConfig.load(config_path, section="predict"),
        "runner": RunnerConfig.load(
            config_path, section="runner", kind=runner, workers=workers, dask_address=dask_address
        ),
    }
    if area is not None:
        settings["export"] = ExportConfig.load(config_path, section="export")
    if config_path is not None:
        settings["tile"] = TileConfig.load(config_path, section="tile")
    for row in pipeline(folder, area=area, held_out=held_out, **settings):
        click.echo(f"{row['step']:8} {row['made now']} of {row['there now']} made now, {row['seconds']} s")


if __name__ == "__main__":
    try:
        main()
    except WatermapError as error:
        click.echo(f"flows.pipeline: {error}", err=True)
        sys.exit(error.exit_code)
