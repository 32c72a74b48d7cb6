from hashlib import sha256
from pathlib import Path

import pytest

from watermap.io.tags import source_tags


def test_a_source_is_named_with_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "lake.tif"
    path.write_bytes(b"water")
    digest = sha256(b"water").hexdigest()
    assert source_tags("WATERMAP_BEFORE", path) == {
        "WATERMAP_BEFORE": "lake.tif",
        "WATERMAP_BEFORE_SHA256": digest,
    }
    with pytest.raises(FileNotFoundError):
        source_tags("WATERMAP_BEFORE", tmp_path / "none.tif")
