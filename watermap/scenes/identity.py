"""What a scene holds, asked for once: of each of its files what its store says of the content, or its digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from watermap.io.files import identity
from watermap.io.gdal import raster_files
from watermap.io.products import SceneFiles


def with_identities(scene: SceneFiles) -> SceneFiles:
    """A scene with what each file that decides its pixels holds; each is read for it once.

    A mask or metadata file beside the image, or the sources of a VRT, are part of the scene. Of remote files their
    store is asked what they hold, so that one which moves to another store counts as another.

    Raises:
        OSError: a file is gone, or cannot be read.
        DataError: GDAL does not read one, or they make no scene.
        StorageError: it lies elsewhere and cannot be reached.
    """
    if scene.identities:
        return scene
    return replace(scene, identities=tuple((path.name, identity(path)) for path in raster_files(scene)))


def content(scene: SceneFiles) -> str:
    """What a scene holds, as `identity` tells it of a file; of one of many files a digest of what each does.

    Raises:
        OSError: a file is gone, or cannot be read.
        DataError: GDAL does not read one, or they make no scene.
        StorageError: it lies elsewhere and cannot be reached.
    """
    if scene.bands:
        files = with_identities(scene).identities
        return f"sha256:{hashlib.sha256(json.dumps(files).encode()).hexdigest()}"
    return scene.identities[0][1] if scene.identities else identity(scene.path)
