"""A patch store: a folder of patches that is read without decoding.

STORE/
train-000.image.npy   (n, rows, cols, bands) as stored in the scenes
train-000.label.npy   (n, rows, cols) uint8: 0 land, 1 water, 255 unknown
train-000.valid.npy   (n, rows, cols) bool: the image holds data
...                   more shards, and those of validation and test
patches.gpkg          outline, scene, split and water fraction of each patch (EPSG:4326)
patches.json          the manifest, written last: what is in it and what made it

It is written on this machine; one that lies elsewhere is copied here once, to be mapped into memory.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from watermap import __version__
from watermap.bands import Radiometry
from watermap.errors import DataError, UsageError
from watermap.io.cache import cache_folder, cached_folder, copy_to
from watermap.io.files import file_digest
from watermap.io.paths import remote
from watermap.patches.index import INDEX_FILE, PatchRecord, damaged, read_index
from watermap.patches.manifest import FORMAT_VERSION, Manifest, ShardFile
from watermap.patches.splits import SPLITS, check_leaks
from watermap.scenes.find import IMAGE_FILE
from watermap.scenes.radiometry import to_expected

MANIFEST_FILE: Final = "patches.json"
KINDS: Final = ("image", "label", "valid")
_OWN_FILES: Final = re.compile(r"patches\.json|patches\.gpkg.*|(train|validation|test)-\d+\.(image|label|valid)\.npy")


@dataclass(frozen=True)
class PatchBatch:
    """Patches.

    Attributes:
        image: (n, rows, cols, bands), values as stored in the scenes; meaningless where not valid.
        label: (n, rows, cols) uint8: 0 land, 1 water, 255 unknown or no image.
        valid: (n, rows, cols), True where the image holds data.
        present: (n, bands), True where the patch's scene has the band; the others are 0.
    """

    image: npt.NDArray[Any]
    label: npt.NDArray[np.uint8]
    valid: npt.NDArray[np.bool_]
    present: npt.NDArray[np.bool_]


class PatchStore:
    """Patches on disk, verified when opened.

    Attributes:
        folder: where it is.
        manifest: what it holds and what made it.
        bands: canonical names, in the order of the image's last axis.
        optional_bands: those that a scene may lack.
        patch_size: rows and cols of a patch.
        radiometry: what the image's numbers mean.
        dtype: of the image.
        digest: of the content, 64 hex digits.
        counts: patches by split.
    """

    def __init__(self, folder: Path, manifest: Manifest, records: Sequence[PatchRecord], files: Path) -> None:
        self.folder = folder
        self._files = files
        self.manifest = manifest
        self.bands = manifest.bands
        self.optional_bands = manifest.optional_bands
        self.patch_size = manifest.patch_size
        self.radiometry = Radiometry(manifest.scale, manifest.offset)
        self.dtype = np.dtype(manifest.dtype)
        self.digest = manifest.digest()
        self.counts = dict(manifest.counts)
        self._records = {split: [record for record in records if record.split == split] for split in SPLITS}
        self._shards = {split: [shard for shard in manifest.shards if shard.split == split] for split in SPLITS}
        self._starts = {
            split: np.cumsum([0, *(shard.count for shard in shards)]) for split, shards in self._shards.items()
        }
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        self._source: PatchStore | None = None

    def viewed_as(self, bands: Sequence[str], optional: Sequence[str], radiometry: Radiometry) -> Self:
        """The same patches as a model of other bands or another radiometry is given them.

        Args:
            bands: canonical names, in the model's order; others are left out.
            optional: those of them that the patches may lack.
            radiometry: what the model's numbers mean.

        Raises:
            UsageError: the patches lack a band that the model needs, or some of their scenes do.
        """
        there = [band for band in self.bands if band not in self.optional_bands]
        lacking = [band for band in bands if band not in there and band not in optional]
        if lacking:
            raise UsageError(
                f"{self.folder}: band {lacking[0]} is missing, which the model needs (it has {', '.join(self.bands)})",
                hint=f"tile scenes that have {', '.join(band for band in bands if band not in optional)}",
            )
        view = copy.copy(self)
        view.bands, view.optional_bands, view.radiometry = tuple(bands), tuple(optional), radiometry
        view.dtype = np.dtype(np.float32)
        view._source = self
        return view

    def image_digests(self, *splits: str) -> dict[str, str]:
        """SHA-256 of the image of each scene that has patches in some of the splits, by scene."""
        scenes = {record.scene for split in splits for record in self._records[split]}
        return {name: files[IMAGE_FILE] for name, files in self.manifest.scenes.items() if name in scenes}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a store: manifest, size of every file, index, and no ground in two splits.

        Args:
            folder: of the store, wherever it lies.

        Raises:
            DataError: no store there, one of another version, a damaged one, or one whose splits share ground.
            StorageError: it lies elsewhere and cannot be reached.
        """
        manifest, text = _read_manifest(folder)
        files = folder if remote(folder) is None else _copied(folder, manifest, text)
        for name, shard_file in _shard_files(manifest).items():
            if not (files / name).is_file():
                raise damaged(folder / name, "it is missing")
            if (files / name).stat().st_size != shard_file.size:
                raise damaged(folder / name, f"it should be {shard_file.size} bytes long")
        records = read_index(files / INDEX_FILE)
        store = cls(folder, manifest, records, files)
        if {split: len(found) for split, found in store._records.items()} != store.counts:
            raise damaged(folder / INDEX_FILE, "it does not list the patches of the manifest")
        check_leaks(records)
        for name in _shard_files(manifest):
            store._array(name)  # mapped now, it stays this store if another replaces it
        return store

    def verify(self) -> None:
        """Compare every shard with its checksum.

        Raises:
            DataError: a shard is not the file that was written.
        """
        for name, shard_file in _shard_files(self.manifest).items():
            if file_digest(self._files / name) != shard_file.sha256:
                raise damaged(self.folder / name, "it is not the file that was written")

    def count(self, split: str) -> int:
        """Patches of a split."""
        return self.counts[split]

    def spread(self, split: str, most: int) -> list[int]:
        """Indexes of some patches of a split, spread evenly over it."""
        count = self.counts[split]
        return sorted({int(place) for place in np.linspace(0, count - 1, min(count, most))})

    def records(self, split: str) -> list[PatchRecord]:
        """Where the patches of a split come from, in the order in which they are read."""
        return list(self._records[split])

    def read(self, split: str, indexes: Sequence[int] | npt.NDArray[np.integer[Any]]) -> PatchBatch:
        """Copy patches out of their shards.

        Args:
            split: train, validation or test.
            indexes: of patches within the split, from 0, in the order wanted.

        Raises:
            IndexError: an index that the split does not have.
        """
        if self._source is not None:
            return self._viewed(self._source.read(split, indexes), self._source)
        wanted = np.asarray(indexes, dtype=np.intp)
        if len(wanted) and not (wanted.min() >= 0 and wanted.max() < self.counts[split]):
            raise IndexError(f"{split} has {self.counts[split]} patches")
        side = self.patch_size
        image = np.empty((len(wanted), side, side, len(self.bands)), dtype=self.dtype)
        label = np.empty((len(wanted), side, side), dtype=np.uint8)
        valid = np.empty((len(wanted), side, side), dtype=bool)
        starts = self._starts[split]
        numbers = np.searchsorted(starts, wanted, side="right") - 1
        for number in np.unique(numbers):
            shard = self._shards[split][number]
            here = np.flatnonzero(numbers == number)
            positions = wanted[here] - starts[number]
            for kind, target in zip(KINDS, (image, label, valid), strict=True):
                target[here] = self._array(f"{shard.name}.{kind}.npy")[positions]
        return PatchBatch(image, label, valid, self._present(split, wanted))

    def _viewed(self, patches: PatchBatch, source: PatchStore) -> PatchBatch:
        image = np.zeros((*patches.label.shape, len(self.bands)), dtype=np.float32)
        present = np.zeros((len(image), len(self.bands)), dtype=bool)
        for channel, band in enumerate(self.bands):
            if band in source.bands:
                place = source.bands.index(band)
                image[..., channel] = to_expected(patches.image[..., place], source.radiometry, self.radiometry)
                present[:, channel] = patches.present[:, place]
        return PatchBatch(image, patches.label, patches.valid, present)

    def _present(self, split: str, wanted: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """(n, bands) which bands the scenes of patches have."""
        present = np.ones((len(wanted), len(self.bands)), dtype=bool)
        if self.manifest.missing_bands:
            for row, index in zip(present, wanted.tolist(), strict=True):
                for band in self.manifest.missing_bands.get(self._records[split][index].scene, ()):
                    row[self.bands.index(band)] = False
        return present

    def __getstate__(self) -> dict[str, Any]:
        """Without the mapped files, whose pixels would be copied."""
        return self.__dict__ | {"_arrays": {}}

    def _array(self, name: str) -> npt.NDArray[Any]:
        if name not in self._arrays:
            try:
                self._arrays[name] = np.load(self._files / name, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise damaged(self.folder / name, "it is not readable") from error
        return self._arrays[name]


def opened(patches: PatchStore | Path) -> PatchStore:
    """A store that is open already, or else the one in a folder.

    Raises:
        DataError, StorageError: as `PatchStore.open`.
    """
    return patches if isinstance(patches, PatchStore) else PatchStore.open(patches)


def is_store(folder: Path) -> bool:
    """Whether a folder holds a patch store, whole or damaged, and nothing else."""
    return (folder / MANIFEST_FILE).is_file() and not foreign_files(folder)


def foreign_files(folder: Path) -> list[str]:
    """Names of what lies in a folder that no patch store holds."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() or not _OWN_FILES.fullmatch(path.name))


def _shard_files(manifest: Manifest) -> dict[str, ShardFile]:
    """The arrays of a store, by file name."""
    return {f"{shard.name}.{kind}.npy": shard.files[kind] for shard in manifest.shards for kind in KINDS}


def _copied(folder: Path, manifest: Manifest, text: str) -> Path:
    """The copy on this machine of a store elsewhere: one for each manifest, complete or not at all."""
    files = _shard_files(manifest)
    odd = [name for name in files if not _OWN_FILES.fullmatch(name)]
    if odd:
        raise damaged(folder / MANIFEST_FILE, f"it names {odd[0]}")
    sizes = {name: file.size for name, file in files.items()} | {MANIFEST_FILE: len(text.encode())}
    try:
        sizes[INDEX_FILE] = (folder / INDEX_FILE).stat().st_size
    except FileNotFoundError as error:
        raise damaged(folder / INDEX_FILE, "it is missing") from error

    def is_whole(copy: Path) -> bool:
        return all((copy / name).is_file() and (copy / name).stat().st_size == size for name, size in sizes.items())

    copy = cache_folder() / f"patches-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    with cached_folder(copy, is_whole) as part:
        if part is not None:
            for name, file in files.items():
                copy_to(folder / name, part / name, file.sha256, damaged)
            copy_to(folder / INDEX_FILE, part / INDEX_FILE, None, damaged)
            (part / MANIFEST_FILE).write_text(text, encoding="utf-8")
    return copy


def _read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of a store, and its text."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise DataError(
            f"{folder}: not a patch store (no {MANIFEST_FILE})", hint="give a folder that watermap tile wrote"
        )
    try:
        text = path.read_text(encoding="utf-8")
        version = json.loads(text)["format_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, "it is not readable") from error
    if version != FORMAT_VERSION:
        raise DataError(
            f"{path}: a patch store of version {version}, but watermap {__version__} reads version {FORMAT_VERSION}",
            hint="tile the scenes again",
        )
    try:
        return Manifest.model_validate_json(text), text
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise damaged(path, f"{where}: {error.errors()[0]['msg']}") from error
