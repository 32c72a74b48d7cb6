from pathlib import Path

import pytest

from watermap.errors import UsageError
from watermap.patches.public import tile
from watermap.patches.store import PatchStore


def test_bands_have_any_name_and_settings_may_stand_in_a_file(workspace: Path) -> None:
    Path("watermap.toml").write_text('[tile]\npatch_size = 64\ndensity = 0.5\nbands = ["B3"]\n')
    made = tile("scenes", str(workspace / "made"), bands=["green", "NIR"], config="watermap.toml", patch_size=32)
    store = PatchStore.open(made.folder)
    assert (store.bands, store.patch_size) == (("B3", "B8"), 32)
    assert store.manifest.config["density"] == 0.5


def test_unknown_settings_and_bands_are_refused_before_anything_is_written(workspace: Path) -> None:
    with pytest.raises(UsageError, match="patchsize: no such setting"):
        tile("scenes", "made", patchsize=32)
    with pytest.raises(UsageError, match="'B99' is not a Sentinel-2 band"):
        tile("scenes", "made", bands=["B99"])
    assert not Path("made").exists()
