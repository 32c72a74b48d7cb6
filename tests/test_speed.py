from pathlib import Path

import pytest

from tests.bundles import make_bundle
from watermap.errors import ModelError
from watermap.speed import measure_speed


@pytest.mark.slow
def test_speed_and_memory_of_a_process_of_its_own(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle", reach=0)
    speed = measure_speed(tmp_path / "bundle")
    assert speed.engine == "keras with tensorflow, float32"
    assert speed.mpx_a_second > 0
    assert speed.peak_mib is None or 100 < speed.peak_mib < 4000


def test_what_goes_wrong_there_is_told_here(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a bundle"):
        measure_speed(tmp_path)
