"""All of it in order: scenes, patches, a model, maps. `python -m flows.pipeline` runs it once, here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from prefect import flow

from flows.command import require_server, run_command
from flows.export import check_origin, export_flow
from flows.names import run_name
from flows.pages import show_table
from flows.predict import predict_flow
from flows.rows import KEPT, MADE, Row
from flows.runners import RunnerConfig
from flows.tile import tile_flow
from flows.train import train_flow
from watermap.bands import STANDARD_BANDS
from watermap.bundles.registry import default_bundle
from watermap.config import (
    Config,
    EarthEngineConfig,
    ExportConfig,
    PredictConfig,
    SampleConfig,
    TileConfig,
    TrainConfig,
)
from watermap.config.toml import has_table
from watermap.errors import UsageError
from watermap.scenes.sample import trial

_OTHER_PLACES = 1000
"""First of the sample places that are held out, whatever the number of those that are trained on."""


@flow(name="watermap-pipeline", flow_run_name=run_name)
def pipeline(
    folder: Path = Path("data/pipeline"),
    area: str | None = None,
    export: ExportConfig | None = None,
    earth_engine: EarthEngineConfig | None = None,
    sample: SampleConfig | None = None,
    held_out: str | None = None,
    tile: TileConfig | None = None,
    train: TrainConfig | None = None,
    predict: PredictConfig | None = None,
    runner: RunnerConfig | None = None,
    retrain: bool = True,
    tolerance: float = 0.0,
    allowed_failures: float = 0.2,
) -> list[dict[str, Any]]:
    """Scenes, patches, a model and maps; run again, it does only what has changed.

    Args:
        folder: holds scenes/, patches/, models/ and predictions/.
        area: file, WKT or box in degrees; not given: the built-in sample scenes.
        export: period, bands, labels, route.
        earth_engine: project, login, pace.
        sample: how many sample scenes, where no area is given.
        held_out: labelled scenes of ground that is never trained on; sample runs make their own.
        tile: size, bands, water fractions, splits; not given, for sample scenes: all water fractions.
        train: architecture, epochs, stages; not given, for sample scenes: the compact UNet of `watermap demo`.
        predict: windows, threshold, probability.
        runner: where work on many scenes runs.
        retrain: cut patches and train; otherwise the bundle in use maps the scenes.
        tolerance: how much lower than that of the bundle in use a new one's water IoU on held-out ground may be.
        allowed_failures: share of scenes that may fail in a step without failing the run.
    """
    scenes, patches, models, maps = (folder / name for name in ("scenes", "patches", "models", "predictions"))
    check_origin(scenes, area)
    if not retrain:
        default_bundle(models)  # without one nothing could be mapped: told before scenes are fetched
    if area is None:
        sample, tile, train = sample or trial.SCENES, tile or trial.TILE, train or trial.TRAIN
    tile = tile or TileConfig()
    if "bands" not in tile.model_fields_set:  # all that the scenes have
        tile = tile.model_copy(update={"bands": STANDARD_BANDS if export is None else export.bands})
    with _steps() as (table, done):
        rows = export_flow(scenes, area, export, earth_engine, sample, allowed_failures)
        done("scenes", _count(rows, MADE), _count(rows, MADE, KEPT))
        if retrain:
            if area is None and held_out is None:
                held_out = str(folder / "held_out")
                export_flow(Path(held_out), sample=trial.kept_apart(sample or trial.SCENES, _OTHER_PLACES))
            done("patches", int(tile_flow(str(scenes), patches, tile, runner, allowed_failures)), 1)
            done("model", int(train_flow(str(patches), models, held_out, train, predict, tolerance)), 1)
        rows = predict_flow([str(scenes)], models, maps, None, predict, runner, allowed_failures)
        done("maps", _count(rows, MADE), _count(rows, MADE, KEPT))
    return table


def _count(rows: list[Row], *states: str) -> int:
    return sum(row.state in states for row in rows)


@contextmanager
def _steps() -> Iterator[tuple[list[dict[str, Any]], Callable[[str, int, int], None]]]:
    """The run's own table, and what adds a step to it; it is shown however the run ends."""
    table: list[dict[str, Any]] = []
    since = time.monotonic()

    def done(step: str, made: int, count: int) -> None:
        nonlocal since
        now = time.monotonic()
        table.append({"step": step, "made now": made, "there now": count, "seconds": round(now - since, 1)})
        since = now

    try:
        yield table, done
    finally:
        show_table("pipeline", "What this run did", table)


_STAGES: dict[str, tuple[str, type[Config]]] = {
    "sample": ("sample", SampleConfig),
    "export": ("export", ExportConfig),
    "earthengine": ("earth_engine", EarthEngineConfig),
    "tile": ("tile", TileConfig),
    "train": ("train", TrainConfig),
    "predict": ("predict", PredictConfig),
}
"""Tables of a TOML file, and the parameters that they become."""


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("data/pipeline"), show_default=True)
@click.option("--area", help="File, WKT or box in degrees. [default: the built-in sample scenes]")
@click.option("--last-days", type=click.IntRange(1), help="With --area: so many days up to today.")
@click.option("--held-out", help="Labelled scenes of other ground.")
@click.option("--retrain/--no-retrain", default=True, help="Train too, or only map with the bundle in use.")
@click.option("--runner", type=click.Choice(["threads", "processes", "dask"]), help="Where work on many scenes runs.")
@click.option("--workers", type=int, help="How many scenes at once.")
@click.option("--dask-address", help="Scheduler of an existing cluster.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="TOML file, one table a stage.")
def main(
    folder: Path,
    area: str | None,
    last_days: int | None,
    held_out: str | None,
    retrain: bool,
    runner: str | None,
    workers: int | None,
    dask_address: str | None,
    config_path: Path | None,
) -> None:
    """Run the whole pipeline once."""
    places = {"kind": runner, "workers": workers, "dask_address": dask_address}
    settings: dict[str, Any] = {"runner": RunnerConfig.load(config_path, section="runner", **places)}
    if config_path is not None:
        for section, (parameter, kind) in _STAGES.items():
            if has_table(config_path, section) and section != "export":
                settings[parameter] = kind.load(config_path, section=section)
    if last_days is not None and area is None:
        raise UsageError("--last-days needs --area", hint="sample scenes have no period")
    if area is not None:
        settings["export"] = ExportConfig.load(config_path, section="export", last_days=last_days)
    require_server()
    for row in pipeline(folder, area, held_out=held_out, retrain=retrain, **settings):
        click.echo(f"{row['step']:8} {row['made now']} of {row['there now']} made now, {row['seconds']} s")


if __name__ == "__main__":
    run_command("flows.pipeline", main)
