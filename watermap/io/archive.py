"""Files in zip archives, named without holding the archive open."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

ARCHIVE: Final = ".zip"


@dataclass(frozen=True, order=True)
class ArchivedPath:
    """A file in a zip archive, asked as a `Path` is. Made by `archived`.

    It holds no open file, so that many scenes may be kept, and sent to other processes.

    Attributes:
        archive: the archive's file.
        at: the name in it.
    """

    archive: Path
    at: str

    def __str__(self) -> str:
        """The archive's file and the name in it, as one path."""
        return f"{self.archive}/{self.at}"

    @property
    def name(self) -> str:
        """The last part."""
        return PurePosixPath(self.at).name

    @property
    def stem(self) -> str:
        """The last part without its suffix."""
        return PurePosixPath(self.at).stem

    @property
    def suffix(self) -> str:
        """The suffix of the last part, with its dot."""
        return PurePosixPath(self.at).suffix

    def exists(self) -> bool:
        """Whether the archive still holds it."""
        return self.archive.is_file() and zipfile.Path(str(self.archive), self.at).exists()

    def is_dir(self) -> bool:
        """Whether it is a folder: only files have such names."""
        return False

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open it to be read as bytes."""
        if mode != "rb":
            raise ValueError(f"files in archives are opened to be read as bytes, not as {mode}")
        with zipfile.ZipFile(self.archive) as archive:
            return archive.open(self.at)

    def read_text(self, encoding: str = "utf-8") -> str:
        """Its text."""
        with self.open() as file:
            return file.read().decode(encoding)


def archived(path: Path) -> Path:
    """A path that holds no archive open: what came of reading one becomes an `ArchivedPath`, the others stay."""
    if not isinstance(path, zipfile.Path):
        return path
    return cast(Path, ArchivedPath(Path(path.root.filename), path.at))
