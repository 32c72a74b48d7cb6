"""What watermap 0.1.0 wrote before its modules moved into rooms: `0.1.0.zip`, kept as it was.

bundle/       a UNet of four to six channels a layer, trained 24 epochs on `patches`, then calibrated on other ground,
              so that it holds both records of ground; converted for OpenVINO
patches/      patches of 32 px cut from six striped scenes of `tests.support.rasters.write_scene`
scene.tif     a seventh scene
expected.npz  what that version made of `scene.tif` with this bundle and `engine="keras"`: codes and probability
scores.json   what its `evaluate` said of the bundle on the test patches, by kind of label
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from zipfile import ZipFile

_ARCHIVE: Final = Path(__file__).with_name("0.1.0.zip")


def unpack_former(folder: Path) -> Path:
    """A copy of all of it in a folder; returns that."""
    with ZipFile(_ARCHIVE) as archive:
        archive.extractall(folder)
    return folder
