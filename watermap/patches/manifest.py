"""What a patch store holds and what made it, as its `patches.json` says."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from watermap import __version__

FORMAT_VERSION: Final = 1


class ShardFile(BaseModel):
    """One array on disk.

    Attributes:
        size: in bytes.
        sha256: of the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


class Shard(BaseModel):
    """Patches of one split, in three files.

    Attributes:
        name: of its files, up to the first dot.
        split: train, validation or test.
        count: patches.
        files: image, label and valid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    split: str
    count: int
    files: dict[str, ShardFile]


_LATER: Final = ("optional_bands", "missing_bands")
_NO_CONTENT: Final = {"watermap_version", "inputs_digest", "label_kinds", "failures", "notes"}


class Manifest(BaseModel):
    """What a store holds and what made it.

    Attributes:
        format_version: of this record.
        watermap_version: of the software that wrote it.
        bands: canonical names, in the order of the image's last axis.
        patch_size: rows and cols of a patch.
        dtype: numpy name of the image's type.
        scale, offset: reflectance = (value + offset) * scale.
        config, config_digest: the settings.
        inputs_digest: of all that decides the content: settings, scenes, software.
        scenes: SHA-256 of each file of each scene used.
        label_kinds: by scene, what its label is, e.g. hansen or hand.
        optional_bands: those that a scene may lack.
        missing_bands: by scene, those that it lacks; scenes that have all are not named.
        failures: scene and reason of those that could not be used.
        counts: patches by split.
        water: mean water fraction by split; None where there is no patch.
        notes: for the user.
        shards: in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    watermap_version: str = __version__
    bands: tuple[str, ...]
    patch_size: int
    dtype: str
    scale: float
    offset: float
    config: dict[str, Any]
    config_digest: str
    inputs_digest: str
    scenes: dict[str, dict[str, str]]
    label_kinds: dict[str, str] = {}
    optional_bands: tuple[str, ...] = ()
    missing_bands: dict[str, tuple[str, ...]] = {}
    failures: tuple[tuple[str, str], ...]
    counts: dict[str, int]
    water: dict[str, float | None]
    notes: tuple[str, ...]
    shards: tuple[Shard, ...]

    def digest(self) -> str:
        """SHA-256 of the content: equal patches made from equal scenes, wherever they lie and whenever."""
        unused = {name for name in _LATER if not getattr(self, name)}  # so that stores of before keep their digest
        content = self.model_dump(mode="json", exclude=_NO_CONTENT | unused)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
