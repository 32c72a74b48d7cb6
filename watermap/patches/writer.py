"""Writes a patch store that appears complete or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import numpy as np
import numpy.typing as npt
from pyogrio.errors import DataSourceError

from watermap.errors import UsageError
from watermap.io.files import place_folder, unwritable
from watermap.io.paths import local
from watermap.io.temporary import temporary_folder
from watermap.patches.index import INDEX_FILE, PatchRecord, write_index
from watermap.patches.manifest import Manifest, Shard, ShardFile
from watermap.patches.splits import SPLITS
from watermap.patches.store import KINDS, MANIFEST_FILE, PatchBatch, foreign_files, is_store

_SHARD_BYTES: Final = 512 * 2**20


def check_target(out: Path) -> None:
    """Make sure that a store may be written: nothing there, an empty folder, or a store to be replaced.

    Raises:
        UsageError: something else is there, or it does not lie on this machine.
    """
    if not local(out).exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out}: is a file", hint="give a folder for the patches")
    found = foreign_files(out)
    if found:
        raise UsageError(f"{out}: holds {found[0]}, which is no patch store's", hint="give a folder of its own")
    if any(out.iterdir()) and not is_store(out):
        raise UsageError(f"{out}: is not empty and not a patch store", hint="give another folder, or remove it first")


def patches_a_shard(patch_size: int, bands: int, dtype: np.dtype[Any]) -> int:
    """Patches in a full shard, whose image holds at most 512 MB."""
    return max(1, _SHARD_BYTES // (patch_size**2 * bands * dtype.itemsize))


class _ArrayFile:
    """One .npy file of known shape, written patch by patch."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._file: BinaryIO = path.open("wb")
        np.lib.format.write_array_header_1_0(
            self._file, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        )
        self._dtype = dtype
        self._path = path

    def append(self, values: npt.NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype).data)

    def close(self) -> None:
        self._file.close()

    def finish(self) -> ShardFile:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        with self._path.open("rb") as file:
            return ShardFile(size=self._path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


class StoreWriter:
    """Writes patches, in each split in the order of its records, into a temporary folder beside the target.

    Leaving the context after `finish` renames the folder to the target; leaving it otherwise, by an error or Ctrl-C,
    removes it and the target is as it was.

    Args:
        out: the store's folder; one that is there is replaced.
        counts: patches by split.
        patch_size: rows and cols of a patch.
        bands: bands of an image.
        dtype: of an image.

    Raises:
        DataError: the store cannot be written.
    """

    def __init__(
        self, out: Path, counts: Mapping[str, int], *, patch_size: int, bands: int, dtype: np.dtype[Any]
    ) -> None:
        self._out = out.resolve()  # a link is followed, not replaced
        self._stack = ExitStack()
        self._part: Path
        self._counts = dict(counts)
        self._patch_shape = (patch_size, patch_size)
        self._bands = bands
        self._dtype = dtype
        self._a_shard = patches_a_shard(patch_size, bands, dtype)
        self._written = dict.fromkeys(SPLITS, 0)
        self._open: dict[str, dict[str, _ArrayFile]] = {}
        self._shards: dict[str, list[Shard]] = {split: [] for split in SPLITS}
        self._finished = False

    def __enter__(self) -> Self:
        try:
            self._part = self._stack.enter_context(temporary_folder(self._out))
        except OSError as error:
            raise unwritable(self._out, error) from error
        return self

    def add(self, split: str, patch: PatchBatch) -> None:
        """Append one patch (a batch of one or more) to a split."""
        try:
            for image, label, valid in zip(patch.image, patch.label, patch.valid, strict=True):
                files = self._files(split)
                for kind, values in zip(KINDS, (image, label, valid), strict=True):
                    files[kind].append(values)
                self._written[split] += 1
                if self._written[split] % self._a_shard == 0 or self._written[split] == self._counts[split]:
                    self._close_shard(split)
        except OSError as error:
            raise unwritable(self._out, error) from error

    def finish(self, records: Sequence[PatchRecord], **manifest: Any) -> Manifest:
        """Write the index and then the manifest.

        Args:
            records: of all patches.
            manifest: the fields of `Manifest` that are not filled in here.
        """
        if self._written != self._counts:
            raise ValueError(f"{self._written} of {self._counts} patches were written")
        shards = tuple(shard for split in SPLITS for shard in self._shards[split])
        record = Manifest(counts=self._counts, shards=shards, dtype=self._dtype.name, **manifest)
        try:
            write_index(self._part / INDEX_FILE, records)
            with (self._part / MANIFEST_FILE).open("w", encoding="utf-8") as file:
                file.write(record.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except (OSError, DataSourceError) as error:
            raise unwritable(self._out, error) from error
        self._finished = True
        return record

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._finished:
                check_target(self._out)  # nobody put anything else there meanwhile
                place_folder(self._part, self._out)
        except OSError as failure:
            raise unwritable(self._out, failure) from failure
        finally:
            for files in self._open.values():
                for file in files.values():
                    with suppress(OSError):  # a full disk refuses what is still buffered, too
                        file.close()
            self._stack.close()

    def _files(self, split: str) -> dict[str, _ArrayFile]:
        if split not in self._open:
            name = f"{split}-{len(self._shards[split]):03d}"
            count = min(self._a_shard, self._counts[split] - self._written[split])
            shapes = {"image": (count, *self._patch_shape, self._bands)}
            types = {"image": self._dtype, "label": np.dtype(np.uint8), "valid": np.dtype(bool)}
            files = self._open[split] = {}
            for kind in KINDS:
                shape = shapes.get(kind, (count, *self._patch_shape))
                files[kind] = _ArrayFile(self._part / f"{name}.{kind}.npy", shape, types[kind])
        return self._open[split]

    def _close_shard(self, split: str) -> None:
        number = len(self._shards[split])
        count = self._written[split] - number * self._a_shard
        files = {kind: file.finish() for kind, file in self._open[split].items()}
        del self._open[split]
        self._shards[split].append(Shard(name=f"{split}-{number:03d}", split=split, count=count, files=files))
