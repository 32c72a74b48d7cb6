"""Mapping many scenes: one that fails does not stop the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from watermap.errors import DefectError, WatermapError
from watermap.io.products import SceneFiles
from watermap.io.raster import Raster
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import Prediction, check_maps, predict_scene
from watermap.progress import Progress, named, silent
from watermap.scenes.clouds import Clouds
from watermap.scenes.find import output_name

_Made = TypeVar("_Made")


def predict_scenes(
    scenes: Sequence[SceneFiles],
    predictor: Predictor,
    out: Path,
    *,
    names: Sequence[str] | None = None,
    clouds: Clouds | None = None,
    jobs: int = 1,
    progress: Progress = silent,
    then: Callable[[Raster, Prediction], Prediction] = lambda _, made: made,
) -> list[tuple[SceneFiles, Prediction | WatermapError]]:
    """Predict scenes; one that fails does not stop the others, not even with an error that nobody foresaw.

    Args:
        scenes: their files, as `find_images` finds them.
        predictor: the model, loaded once.
        out: the folder of the rasters.
        names: the names of all the files' bands in order, if the user states them.
        clouds: where there are clouds, as for `predict_scene`.
        jobs: scenes at once: while one is computed, others are read, checked and written.
        progress: told after every batch, with the speed so far.
        then: what to make of each prediction, as for `predict_scene`.

    Returns:
        (scene, what was predicted or why it failed), in the order given.

    Raises:
        UsageError: a raster would take the place of a scene or of the cloud mask.
    """
    check_maps(scenes, out, clouds)

    def predicted(scene: SceneFiles, progress: Progress) -> Prediction:
        return predict_scene(scene, predictor, out, names=names, clouds=clouds, progress=progress, then=then)

    return map_each(scenes, predicted, jobs=jobs, progress=progress)


def map_each(
    scenes: Sequence[SceneFiles],
    make: Callable[[SceneFiles, Progress], _Made],
    *,
    jobs: int = 1,
    progress: Progress = silent,
) -> list[tuple[SceneFiles, _Made | WatermapError]]:
    """Map scenes one by one, or several at once; one that fails does not stop the others.

    Args:
        scenes: their files.
        make: maps one of them, and tells progress of it.
        jobs: scenes at once.
        progress: told of all of them, by name.

    Returns:
        (scene, what was made or why it failed), in the order given.
    """
    leaving = threading.Event()

    def made(number: int, scene: SceneFiles) -> _Made | WatermapError:
        progress_of = named(_until(leaving, progress), f"{output_name(scene)} ({number + 1} of {len(scenes)})")
        try:
            return make(scene, progress_of)
        except WatermapError as error:
            return error
        except (MemoryError, OSError):
            raise
        except Exception as error:
            if _leaves(error):
                raise
            return DefectError.of(scene, error)

    if jobs == 1:
        return [(scene, made(number, scene)) for number, scene in enumerate(scenes)]
    with ThreadPoolExecutor(jobs) as threads:
        try:
            return list(zip(scenes, threads.map(made, range(len(scenes)), scenes), strict=True))
        except BaseException:  # Ctrl-C too: scenes that run end at their next window, the others never begin
            leaving.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise


class _LeftError(Exception):
    """Ends a scene whose run is left."""


def _leaves(error: BaseException | None) -> bool:
    """Whether a run is left: by an interruption, or what native code made of one."""
    while error is not None:
        if isinstance(error, (KeyboardInterrupt, _LeftError)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _until(leaving: threading.Event, progress: Progress) -> Progress:
    """Progress that ends the work that it is told of once a run is left."""

    def show(message: str, done: int, total: int) -> None:
        if leaving.is_set():
            raise _LeftError
        progress(message, done, total)

    return show
