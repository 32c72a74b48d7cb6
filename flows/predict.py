"""From scenes to water maps, scene by scene, on threads, processes or a cluster."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.logs import log, logged
from flows.names import run_name
from flows.pages import show_files, show_picture, show_rows
from flows.policy import RETRIED, gpu_slot, judge, make_limits
from flows.rows import FAILED, KEPT, MADE, Row
from flows.runners import RunnerConfig, task_runner
from watermap.config import PredictConfig, ProductConfig
from watermap.errors import DataError, WatermapError
from watermap.io.paths import location
from watermap.io.products import SceneFiles
from watermap.scenes.find import find_images, output_name

_PICTURES = 4

_model = threading.Lock()
_making = threading.Lock()


@contextmanager
def _turn(predictor: Any) -> Iterator[None]:
    """One prediction at a time in a process: a model uses all its cores, or a GPU, by itself."""
    from watermap.prediction.engines.choice import choose

    needs_keras = choose(predictor.bundle, predictor.config).engine == "keras"
    with _model, gpu_slot() if needs_keras else nullcontext():
        yield


@task(name="predict scene", task_run_name="predict {name}", **RETRIED)
def predict_one(
    name: str,
    image: SceneFiles,
    bundle: Path,
    bundle_id: str,
    out: Path,
    config: PredictConfig,
    products: ProductConfig,
) -> Row:
    """Map one scene, unless its map is there, whole and made from the same scene, bundle and settings."""
    from watermap.maps.products import add_products
    from watermap.prediction.skip import predict_once

    predictor = _predictor(bundle, bundle_id, config)
    turn = functools.partial(_turn, predictor)
    made, is_new = predict_once(image, predictor, out, progress=logged(), turn=turn)
    add_products(image, made, products, keep=not is_new, progress=logged())
    for line in made.notes:
        log().warning("%s", line)
    note = (
        f"water {made.water_pixels / made.valid_pixels:.1%} of valid pixels" if made.valid_pixels else "no valid pixel"
    )
    return Row(name, MADE if is_new else KEPT, note, _water_km2(made.water))


def _predictor(bundle: Path, bundle_id: str, config: PredictConfig) -> Any:
    """A worker makes a predictor once, which loads its model when the first scene needs it."""
    with _making:
        return _made_predictor(bundle, bundle_id, config)


@functools.lru_cache(maxsize=2)
def _made_predictor(bundle: Path, bundle_id: str, config: PredictConfig) -> Any:  # noqa: ARG001 (part of the key)
    from watermap.bundles.bundle import open_bundle
    from watermap.prediction.predictor import Predictor

    return Predictor(open_bundle(bundle), config)


def _water_km2(water: Path) -> float | None:
    """The area of a map's water on the ellipsoid; None, with a warning, where its CRS tells none."""
    from watermap.legend import WATER
    from watermap.maps.water_rasters import water_areas_m2

    try:
        return float(water_areas_m2(water)[WATER]) / 1e6
    except DataError as error:  # the map is there all the same
        log().warning("no area: %s", error)
        return None


@task(name="find scenes", **RETRIED)
def find_scenes_to_map(scenes: list[str], config: PredictConfig) -> list[SceneFiles]:
    """The scenes that files, folders and patterns mean, wherever they lie."""
    return find_images(scenes, sensor=config.sensor)


def _predict_all(images: list[SceneFiles], shared: dict[str, Any], runner: RunnerConfig) -> list[Row]:
    """Every scene by itself; one that fails does not stop the others."""
    rows = []
    with task_runner(runner) as workers:
        futures = [workers.submit(predict_one, {"name": output_name(each), "image": each, **shared}) for each in images]
        for image, future in zip(images, futures, strict=True):
            try:
                result = future.result(raise_on_failure=False)
            except Exception as error:  # of a pool whose worker is gone
                result = error
            rows.append(Row(output_name(image), FAILED, _reason(result)) if isinstance(result, Exception) else result)
    return rows


def _reason(error: Exception) -> str:
    """One line; of what is no error of the library, such as a worker that is gone, also the kind."""
    text = " ".join(str(error).split())
    return text if isinstance(error, WatermapError) else f"{type(error).__name__}: {text}"


@flow(name="watermap-predict", flow_run_name=run_name)
def predict_flow(
    scenes: list[str],
    models: Path,
    out: Path,
    bundle: str | None = None,
    predict: PredictConfig | None = None,
    runner: RunnerConfig | None = None,
    allowed_failures: float = 0.2,
    products: ProductConfig | None = None,
) -> list[Row]:
    """Map the water of scenes with the bundle in use.

    Args:
        scenes: files, scenes folders or patterns, here or at s3://, gs:// and https:// addresses.
        models: folder of bundles.
        out: folder of the maps.
        bundle: another one than the bundle in use.
        predict: windows, threshold, probability.
        runner: where scenes are mapped.
        allowed_failures: share of scenes that may fail without failing the run.
        products: what goes with the maps.
    """
    from watermap.bundles.bundle import open_bundle
    from watermap.bundles.registry import default_bundle

    make_limits()
    chosen = default_bundle(models) if bundle is None else open_bundle(location(bundle))
    config = predict or PredictConfig()
    images = find_scenes_to_map(scenes, config)
    shared = {"bundle": chosen.folder, "bundle_id": chosen.id, "out": out, "config": config}
    shared["products"] = products or ProductConfig()
    rows = _predict_all(images, shared, runner or RunnerConfig())
    show_rows("predictions", f"{len(rows)} scenes mapped by {chosen.folder.name} ({chosen.id})", rows)
    done = [image for image, row in zip(images, rows, strict=True) if row.state != FAILED]
    _show_maps(done, out)
    judge(rows, allowed_failures)
    return rows


def _show_maps(images: list[SceneFiles], out: Path) -> None:
    """Quicklooks of the first scenes, and where all maps are."""
    from watermap.maps.quicklook import plot_quicklooks

    maps = [out / f"{output_name(image)}_water.tif" for image in images]
    if maps:
        shown = list(zip(images, maps, strict=True))[:_PICTURES]
        try:
            picture = plot_quicklooks(shown, out / "quicklooks.png")
        except WatermapError as error:  # of a store that went away: the maps are there all the same
            log().warning("no quicklooks: %s", error)
        else:
            show_picture("quicklooks", "True colour, and water in blue", picture)
        show_files("prediction-files", "Maps", maps)
