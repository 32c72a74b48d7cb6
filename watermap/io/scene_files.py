"""The files of a scene as one value, which is found once and then handed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from watermap.bands import Sensor
from watermap.errors import DataError
from watermap.io.archive import ARCHIVE
from watermap.io.vrt import Layer


@dataclass(frozen=True)
class SceneFiles:
    """The files of a scene, found once and then handed on. Made by `find_scene`; it holds no open file.

    Attributes:
        path: the file, or the folder or archive of a scene of many files.
        bands: the finest file of each band, the standard bands first; none where the scene is one file that says by
            itself what it holds. Those in an archive answer like a `Path`.
        metadata: what says how its numbers are meant, or None.
        others: rasters of a plain folder that name no band.
        classes: the product's scene classification, or None.
        layers: what the file of each band says of itself; none before they have been opened.
        identities: name and content of every file that decides the pixels, `path` itself first where it is one; none
            before they have been asked for.
        sensor: whose bands and numbers they are, as its names or the user say; None where neither does.
        is_stated: whether the user says it.
        fault: why the files make no scene, which whoever opens it is told; None where they do.
    """

    path: Path
    bands: Mapping[str, Path] = field(default_factory=dict)
    metadata: Path | None = None
    others: tuple[Path, ...] = ()
    classes: Path | None = None
    layers: tuple[Layer, ...] = ()
    identities: tuple[tuple[str, str], ...] = ()
    sensor: Sensor | None = None
    is_stated: bool = False
    fault: DataError | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Where it lies."""
        return str(self.path)

    @property
    def is_archive(self) -> bool:
        """Whether its bands lie in one archive."""
        return bool(self.bands) and self.path.suffix.lower() == ARCHIVE


@dataclass(frozen=True)
class BandScaling:
    """What a band's numbers mean: `value * scale + offset` is reflectance."""

    scale: float
    offset: float


def files_in(folder: Path) -> dict[str, Path]:
    """What a folder holds by name, in their order; nothing where there is no folder.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return {path.name: path for path in sorted(folder.iterdir(), key=str) if not path.name.startswith(".")}
    except (FileNotFoundError, NotADirectoryError, ValueError):  # of an archive's a ValueError
        return {}
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})", hint="check its permissions") from error
