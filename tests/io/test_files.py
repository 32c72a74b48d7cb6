"""Messages on files that cannot be written."""

from pathlib import Path

import pytest

from watermap.io.files import unwritable


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (
            RuntimeError(
                "Attempt to create new tiff file '/m/.x.tif.7.rows.part' failed: /m/.x.tif.7.rows.part: Denied"
            ),
            "Denied",
        ),
        (RuntimeError("rows 0 to 5 changed in writing"), "rows 0 to 5 changed in writing"),
    ],
)
def test_a_file_that_cannot_be_written_is_named_once(error: Exception, reason: str, tmp_path: Path) -> None:
    told = str(unwritable(tmp_path / "x.tif", error))
    assert told.startswith(f"{tmp_path / 'x.tif'}: cannot be written ({reason}): ")
    assert told.count("x.tif") == 1
