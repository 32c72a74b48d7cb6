"""How often files are opened and hashed, and folders listed."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def count_listings(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often Python lists each folder from now on, whichever of its ways is taken: all of them end in these two."""
    listed: Counter[str] = Counter()

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def found(path: Any = ".") -> Any:
            listed[os.fspath(path)] += 1
            return real(path)

        return found

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    return listed


def count_digests(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the digest of each file is made from now on."""
    read: Counter[str] = Counter()
    real = hashlib.file_digest

    def digest(file: Any, *given: Any) -> Any:
        read[file.name] += 1
        return real(file, *given)

    monkeypatch.setattr(hashlib, "file_digest", digest)
    return read


class Opens:
    """How often GDAL opens files, by its own account: rasterio's openings, and those of a VRT's sources."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("CPL_DEBUG", "ON")
        caplog.set_level(logging.DEBUG, logger="rasterio")
        self._caplog, self._capfd = caplog, capfd

    def counted(self) -> Counter[str]:
        """Of each file by GDAL's name for it, since it was asked last."""
        lines = [record.getMessage() for record in self._caplog.records]
        lines += self._capfd.readouterr().err.splitlines()  # of threads that rasterio does not listen to
        self._caplog.clear()
        return Counter(found[1] for line in lines if (found := re.search(r"GDALOpen\((.+), this=\w+\) succeeds", line)))


def of_files(counts: Counter[str], folder: Path) -> dict[str, int]:
    """The counts of the files in a folder, by name."""
    return {Path(name).name: count for name, count in sorted(counts.items()) if name.startswith(f"{folder}/")}
