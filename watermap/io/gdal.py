"""GDAL: how it opens and reads files wherever they lie, and its errors, all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import rasterio
from rasterio._err import (  # rasterio lets some of GDAL's own errors through, and names them only there
    CPLE_OutOfMemoryError,
)
from rasterio.enums import MaskFlags
from rasterio.env import getenv, hasenv
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.session import DummySession
from rasterio.windows import Window

from watermap.errors import DataError, StorageError
from watermap.geo.crs import GDAL_ERRORS
from watermap.io.archive import ArchivedPath
from watermap.io.ignored_warnings import Ignored
from watermap.io.paths import RemotePath, gdal_name, location, remote
from watermap.io.products import BandScaling, SceneFiles, find_scene, read_scaling
from watermap.io.stores import gdal_settings
from watermap.io.unreadable import first_bytes, unread_local, unread_remote
from watermap.io.vrt import layer_of, stack_vrt

WRITE_ERRORS: Final[tuple[type[Exception], ...]] = (OSError, *GDAL_ERRORS)

_CACHE_BYTES: Final = 32 << 20
_LOGIN: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Which rasterio takes from a session only, and GDAL finds in the environment by itself."""

_JP2: Final = ".jp2"
_MASK: Final = ".msk"
_METADATA: Final = ".aux.xml"
_LISTS_OTHERS: Final = ".vrt"
_RASTERS: Final = (".vrt", ".tif", ".tiff", ".jp2")
"""What a VRT may hold that has files of its own."""
_TIFFS: Final = (".tif", ".tiff")
_ALL_THREADS: Final = {"GDAL_NUM_THREADS": "ALL_CPUS"}
_ONE_THREAD: Final = {"GDAL_NUM_THREADS": "1"}
"""Several threads that decode JPEG 2000, or that read from a store, swallow errors: what is missing becomes zeros."""
_NO_MEMORY: Final = "No space for data buffer"
"""What libtiff says of memory."""

_Found = TypeVar("_Found")

_not_georeferenced: Final = Ignored(NotGeoreferencedWarning)


@contextmanager
def open_dataset(place: Path | SceneFiles) -> Iterator[Any]:
    """GDAL's dataset of a file, or of a scene of many files, whose bands are put together while they are read.

    Of a remote file only what is needed is asked for. A mask or metadata file beside it counts, and is asked for by
    itself: GDAL takes one that it cannot reach for absent, and what the mask hides would become land.

    Raises:
        DataError: no such file, GDAL does not read it, or files that make no scene.
        StorageError: it lies elsewhere and cannot be reached.
    """
    with open_scene(place) as (_, dataset):
        yield dataset


@contextmanager
def open_scene(place: Path | SceneFiles) -> Iterator[tuple[SceneFiles, Any]]:
    """The files of a scene, with what they say of themselves, and GDAL's dataset of them, as `open_dataset` gives it.

    Raises:
        DataError: no such file, GDAL does not read it, or files that make no scene.
        StorageError: it lies elsewhere and cannot be reached.
    """
    path = place.path if isinstance(place, SceneFiles) else place
    if not path.exists():
        raise DataError(f"{path}: no such file", hint="check the path")
    scene = with_layers(find_scene(place))
    with _open_stack(scene) if scene.bands else _open_file(path, _beside(path)) as dataset:
        yield scene, dataset


@contextmanager
def _open_file(path: Path, beside: list[RemotePath]) -> Iterator[Any]:
    away = remote(path)
    with ExitStack() as stack:
        is_local_tiff = away is None and path.suffix.lower() in _TIFFS
        settings = dict(_ALL_THREADS if is_local_tiff else _ONE_THREAD)
        if away is not None:
            settings |= _settings(away, beside)
        stack.enter_context(rasterio.Env(DummySession(), **settings))  # GDAL logs in by itself
        try:
            dataset = stack.enter_context(_opened(_name(path)))
        except RasterioIOError as error:
            if away is None:
                raise unread_local(path) from error
            first_bytes(away)  # tells what is wrong with the store, if anything is
            try:
                dataset = stack.enter_context(_opened(_name(path)))
            except RasterioIOError as again:
                raise unread_remote(away, again) from again
        if beside:
            _check_beside(dataset, beside)
        yield dataset


@contextmanager
def _open_stack(scene: SceneFiles) -> Iterator[Any]:
    scaling = {} if scene.metadata is None else read_scaling(scene.metadata)
    layers = []
    for layer in scene.layers:
        stated = scaling.get(layer.name, BandScaling(layer.scale, layer.offset))
        layers.append(replace(layer, scale=stated.scale, offset=stated.offset))
    settings: dict[str, Any] = dict(_ONE_THREAD)
    if remote(scene.path) is not None:
        settings |= gdal_settings() | {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE"}
    with rasterio.Env(DummySession(), **settings), _opened(stack_vrt(scene.path, layers)) as dataset:
        yield dataset


def with_layers(scene: SceneFiles) -> SceneFiles:
    """A scene with what the file of each band says of itself; each is opened for it once.

    Raises:
        DataError: GDAL does not read one, or it holds several bands or a mask.
        StorageError: it lies elsewhere and cannot be reached.
    """
    if scene.layers or not scene.bands:
        return scene
    layers = []
    for band, path in scene.bands.items():
        is_product = scene.metadata is not None or path.suffix.lower() == _JP2
        beside = _beside(path)
        with _open_file(path, beside) as dataset:
            layer = layer_of(dataset, path, band, is_product=is_product)
            files = () if scene.is_archive else tuple(_files_of(path, dataset, beside))
        layers.append(replace(layer, files=files))
    return replace(scene, layers=tuple(layers))


def band_count(path: Path) -> int:
    """Bands of a file, 0 where it cannot be read."""
    try:
        with open_dataset(path) as dataset:
            return int(dataset.count)
    except DataError:
        return 0


def small_cache() -> AbstractContextManager[object]:
    """Settings of GDAL for reading a file once from top to bottom: a row of its blocks is kept, and no more."""
    cache: AbstractContextManager[object] = rasterio.Env(DummySession(), GDAL_CACHEMAX=_CACHE_BYTES)
    return cache


def environment() -> Callable[[], AbstractContextManager[object]]:
    """What gives other threads the settings of GDAL that this one has; they belong to a thread."""
    settings = {name: value for name, value in (getenv() if hasenv() else {}).items() if name not in _LOGIN}

    def entered() -> AbstractContextManager[object]:
        same: AbstractContextManager[object] = rasterio.Env(DummySession(), **settings)
        return same if settings and not hasenv() else nullcontext()

    return entered


def _opened(name: str) -> Any:
    with _not_georeferenced():  # whoever needs a georeference looks for it
        return rasterio.open(name)


def _name(path: Path) -> str:
    """What GDAL calls a file, one in an archive included."""
    return f"/vsizip/{path}" if isinstance(path, ArchivedPath) else gdal_name(path)


def read_from(place: Path | SceneFiles, read: Callable[[], _Found], *, what: str | Window) -> _Found:
    """Read from an open dataset.

    Args:
        place: its file or scene.
        read: reads.
        what: is read, for the message; a window is named by its rows.

    Raises:
        DataError: the file is damaged.
        StorageError: it lies elsewhere and can no longer be reached.
        MemoryError: there is not enough memory for it.
    """
    if isinstance(what, Window):
        what = f"rows {int(what.row_off)} to {int(what.row_off + what.height) - 1}"
    try:
        return read()
    except GDAL_ERRORS as error:
        if _lacks_memory(error):
            raise MemoryError(f"{place}: {what}") from error
        scene = place if isinstance(place, SceneFiles) else SceneFiles(place)
        if remote(scene.path) is not None:
            _ask_for(scene)  # tells what is wrong with the store, if anything is
            try:
                return read()
            except GDAL_ERRORS:
                pass  # it gives the file, and GDAL cannot use it
        raise DataError(
            f"{place}: {what} cannot be read, the file is truncated or damaged", hint="download or export it again"
        ) from error


def _lacks_memory(error: BaseException | None) -> bool:
    """Whether an error comes from GDAL's being refused memory, which it tells like any other failure to read."""
    while error is not None:
        if isinstance(error, CPLE_OutOfMemoryError) or _NO_MEMORY in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def raster_files(place: Path | SceneFiles) -> list[Path]:
    """The files that decide a raster's pixels: itself, a mask and metadata beside it, the sources of a VRT.

    Of a scene of many files they are those of its bands, with their own masks and metadata, and the product's metadata;
    of one in an archive the archive.

    Raises:
        DataError: no such file, GDAL does not read it, or files that make no scene.
        StorageError: it lies elsewhere and cannot be reached.
    """
    scene = find_scene(place)
    if scene.is_archive:
        return [scene.path]
    if scene.bands:
        bands = [file for layer in with_layers(scene).layers for file in layer.files]
        return bands if scene.metadata is None else [*bands, scene.metadata]
    beside = _beside(scene.path)
    if remote(scene.path) is not None and scene.path.suffix.lower() != _LISTS_OTHERS:
        return _files_of(scene.path, None, beside)
    with open_dataset(scene) as dataset:
        return _files_of(scene.path, dataset, beside)


def _files_of(path: Path, dataset: Any, beside: list[RemotePath]) -> list[Path]:
    """The files that decide the pixels of an open one."""
    lists_others = path.suffix.lower() == _LISTS_OTHERS
    if remote(path) is not None and not lists_others:
        return [path, *map(location, beside)]
    files = [each for name in dataset.files[1:] if (each := _real_file(name)) is not None]
    if not lists_others:
        return [path, *files]
    sources = [each for file in files for each in (raster_files(file) if file.suffix.lower() in _RASTERS else [file])]
    return list(dict.fromkeys([path, *sources]))


def _real_file(name: str) -> Path | None:
    """The file behind a name of GDAL's: of one inside an archive, the archive."""
    file = location(name)
    if remote(file) is None and not file.is_file():
        inner = Path("/", *Path(re.sub("^/vsi(zip|tar|gzip)/", "/", name)).parts[1:])
        file = next((each for each in (inner, *inner.parents) if each.is_file()), file)
    return file if file.is_file() else None


def _beside(path: Path) -> list[RemotePath]:
    """The mask and the metadata file that belong to a remote raster; GDAL finds those of a local one by itself."""
    away = remote(path)
    if away is None or away.query:  # a signature is good for one file, and GDAL looks for no other
        return []
    names = (away.parent / f"{away.name}{suffix}" for suffix in (_METADATA, _MASK))
    return [each for each in names if _is_readable(each)]


def _is_readable(path: RemotePath) -> bool:
    """Whether a file is there; a store that may not be listed says of one that is absent that it is forbidden."""
    try:
        return path.is_file()
    except StorageError as error:
        if error.transient:
            raise
        return False


def _settings(path: RemotePath, beside: list[RemotePath]) -> dict[str, Any]:
    """GDAL tries dozens of names beside a file; it is let try only those that are there."""
    settings: dict[str, Any] = gdal_settings()
    if path.suffix.lower() == _LISTS_OTHERS:
        return settings | {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE"}
    if not beside:
        return settings | {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    there = ",".join([path.name, *(each.name for each in beside)])
    return settings | {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": there}


def _check_beside(dataset: Any, beside: list[RemotePath]) -> None:
    """Make sure that GDAL has found what lies beside a file."""
    used_names = {name.rpartition("/")[2] for name in dataset.files}
    for path in beside:
        is_used = path.name in used_names
        if path.suffix == _MASK:
            is_used = is_used and MaskFlags.per_dataset in dataset.mask_flag_enums[0]
        if not is_used:
            raise StorageError(f"{path}: is there, but cannot be read", hint="try again", transient=True)


def _ask_for(scene: SceneFiles) -> None:
    """Ask a store for what it was asked for before, to learn what is wrong."""
    for file in scene.bands.values() or [scene.path]:
        if (away := remote(file)) is not None:
            first_bytes(away)
