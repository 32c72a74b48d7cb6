"""Files and folders that appear complete or not at all, and messages on those that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.folders import listing
from tests.support.temporary import named, of_a_live_process
from watermap.errors import DataError
from watermap.io.files import unwritable, writing, writing_folder
from watermap.io.temporary import temporary_path


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


def test_a_temporary_name_that_was_cut_is_not_shown(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 250)
    part = temporary_path(target)
    told = str(unwritable(target, RuntimeError(f"Attempt to create new tiff file '{part}' failed: {part}: Denied")))
    assert told.startswith(f"{target}: cannot be written (Denied): ")


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "x.weights.h5"
    with writing(target, ".weights.h5") as part:
        assert part.parent == target.parent
        assert part.name.endswith(".part.weights.h5")
        part.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert listing(target.parent) == ["x.weights.h5"]


def test_an_error_leaves_the_file_as_it_was_and_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "x.gpkg"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), writing(target) as part:
        assert part.suffix == ".gpkg"
        part.write_text("half")
        part.with_name(f"{part.name}-journal").write_text("x")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert listing(tmp_path) == ["x.gpkg"]


def test_a_link_to_the_very_file_that_is_there_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_text("x")
    with writing(target) as part:
        part.hardlink_to(target)
    assert listing(tmp_path) == ["x"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    with writing(tmp_path / "x") as one, writing(tmp_path / "x") as other:
        one.write_text("outer")
        other.write_text("inner")
    assert (tmp_path / "x").read_text() == "outer"


def test_writing_removes_what_killed_runs_left_of_any_file_there(tmp_path: Path) -> None:
    named(tmp_path / "other.tif").write_text("x")
    alive = of_a_live_process(tmp_path / "x.txt")
    alive.write_text("x")
    with writing(tmp_path / "x.txt") as part:
        part.write_text("new")
    assert listing(tmp_path) == sorted([alive.name, "x.txt"])


def test_a_folder_appears_when_it_is_whole_and_takes_the_place_of_the_old(tmp_path: Path) -> None:
    target = tmp_path / "new" / "store"
    for content in ("first", "second"):
        with writing_folder(target) as part:
            (part / content).write_text("x")
            assert listing(target) == ["first"] if content == "second" else not target.exists()
        assert listing(target) == [content]
        assert listing(target.parent) == ["store"]


def test_an_error_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "store"
    with writing_folder(target) as part:
        (part / "old").write_text("x")
    with pytest.raises(KeyboardInterrupt), writing_folder(target) as part:
        raise KeyboardInterrupt
    rename = Path.rename

    def refuse_new(self: Path, to: Path) -> Path:
        if self == part:
            raise OSError(5, "Input/output error")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with (
        pytest.raises(DataError, match=r"store: cannot be written \(Input/output error\)"),
        writing_folder(target) as part,
    ):
        (part / "new").write_text("x")
    assert listing(tmp_path) == ["store"]
    assert listing(target) == ["old"]


def test_a_folder_that_could_not_come_back_is_not_put_aside(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 240)
    with writing_folder(target) as part:
        (part / "old").write_text("x")
    with pytest.raises(DataError, match="its name is longer than"), writing_folder(target) as part:
        (part / "new").write_text("x")
    assert listing(tmp_path) == [target.name]
    assert listing(target) == ["old"]
