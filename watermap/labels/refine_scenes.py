"""All labels of a scenes folder refined, into a new scenes folder that is ready to be cut into patches."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watermap import __version__
from watermap.config import RefineConfig
from watermap.errors import DataError, UsageError, WatermapError
from watermap.io.files import file_digest, writing
from watermap.io.gdal import open_dataset
from watermap.io.paths import local, remote
from watermap.labels.refine import Refinement, refine
from watermap.progress import Progress, named, silent
from watermap.scenes.find import IMAGE_FILE
from watermap.scenes.folder import LABEL_FILE, Scene, find_scenes

_REQUEST: Final = "WATERMAP_REQUEST"


@dataclass(frozen=True)
class RefinedScene:
    """What came of one scene.

    Attributes:
        name: of its folder.
        refinement: of its label; None where that was done before, or where it failed.
        failure: why it failed, None where it did not.
    """

    name: str
    refinement: Refinement | None = None
    failure: WatermapError | None = None


def refine_scenes(
    folder: Path,
    out: Path,
    config: RefineConfig = RefineConfig(),  # noqa: B008 (settings are frozen)
    *,
    label_file: str = LABEL_FILE,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
) -> list[RefinedScene]:
    """Refine the label of every scene of a folder into a new folder of scenes.

    Images are not copied where the file system can link them (a hard link: the same file under a second name). The
    folder itself is left as it is. A scene that is there already, refined from the same files with the same settings,
    is kept; one that fails does not stop the others, and leaves no folder that was not there before.

    Args:
        folder: of scenes.
        out: the new folder of scenes; it may lack scenes that failed.
        config: of `refine`.
        label_file: name of the coarse label in each scene's folder.
        names: of all bands of the images in file order, where they do not describe them.
        progress: told as work goes on.

    Returns:
        What came of each scene, in order.

    Raises:
        DataError: the folder holds no scene.
        StorageError: it lies elsewhere and cannot be reached.
        UsageError: the new folder is the old one, holds one of its scenes, or does not lie on this machine.
    """
    if local(out).resolve() == folder.resolve():
        raise UsageError(f"{out}: is the folder of the coarse labels", hint="choose another --out")
    found = []
    scenes = find_scenes(folder)
    _check_apart(scenes, out)
    for done, scene in enumerate(scenes):
        message = named(progress, scene.name)
        try:
            with _no_trace_of_failure(out / scene.name):
                found.append(_refined(scene, out / scene.name, config, label_file, names, message))
        except WatermapError as error:
            found.append(RefinedScene(scene.name, failure=error))
        progress("scenes", done + 1, len(scenes))
    return found


def _check_apart(scenes: Sequence[Scene], out: Path) -> None:
    """Make sure that no scene would be refined in its own folder, as where one of the two is a link to the other."""
    for scene in scenes:
        target = out / scene.name
        if target.resolve() == scene.image.parent.resolve():
            raise UsageError(f"{target}: is the folder of the coarse label itself", hint="choose another --out")


@contextmanager
def _no_trace_of_failure(target: Path) -> Iterator[None]:
    """Remove a scene's folder, and an empty one around it, where an error ends what made them."""
    is_new, is_first = not target.exists(), not target.parent.exists()
    try:
        yield
    except BaseException:  # Ctrl-C and a scheduler's stop too
        if is_new:
            shutil.rmtree(target, ignore_errors=True)
        if is_first:
            with suppress(OSError):  # never made
                target.parent.rmdir()
        raise


def _refined(
    scene: Scene, target: Path, config: RefineConfig, label_file: str, names: Sequence[str] | None, progress: Progress
) -> RefinedScene:
    coarse = scene.image.parent / label_file
    if not coarse.is_file():
        raise DataError(f"{coarse.parent}: has no {label_file}", hint="name its labels with --label")
    images = sorted(scene.image.parent.glob(f"{IMAGE_FILE}*"))
    request = _request(coarse, images, config, names)
    _remove_gone(target, {path.name for path in images})
    if _is_done(target, images, request):
        return RefinedScene(scene.name)
    (target / LABEL_FILE).unlink(missing_ok=True)  # of other settings: a scene is never half of each
    for path in images:
        _link(path, target / path.name)
    made = refine(
        coarse, scene.image, target / LABEL_FILE, config, names=names, tags={_REQUEST: request}, progress=progress
    )
    return RefinedScene(scene.name, made)


def _remove_gone(target: Path, names: Collection[str]) -> None:
    """Remove the image's side files that the source has no more: a mask would go on hiding pixels."""
    for path in target.glob(f"{IMAGE_FILE}*"):
        if path.name not in names:
            path.unlink()


def _request(coarse: Path, images: Sequence[Path], config: RefineConfig, names: Sequence[str] | None) -> str:
    """What tells one refinement from another: its files, its settings, and the version that made it."""
    try:
        content = [file_digest(path) for path in (coarse, *images)]
    except OSError as error:
        raise DataError(f"{coarse.parent}: cannot be read ({error.strerror})", hint="check its permissions") from error
    words = [__version__, config.digest(), ",".join(names or ()), *content]
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:24]


def _is_done(target: Path, images: Sequence[Path], request: str) -> bool:
    """Whether a scene is there, refined by this very request. Its label comes last, so the images are there too."""
    try:
        with open_dataset(target / LABEL_FILE) as dataset:
            same = dataset.tags().get(_REQUEST) == request
        return same and all(_same_size(path, target / path.name) for path in images)
    except (DataError, OSError):
        return False


def _same_size(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size


def _link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where file systems differ."""
    with writing(target) as part:
        if remote(source) is None:
            try:
                os.link(source, part)
            except OSError:
                shutil.copyfile(source, part)
            return
        with source.open("rb") as file, part.open("wb") as copy:
            shutil.copyfileobj(file, copy)
