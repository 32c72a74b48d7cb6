from pathlib import Path

from watermap.io.scene_files import SceneFiles, files_in


def test_a_scene_says_where_it_lies_and_whether_that_is_an_archive() -> None:
    bands = {"B3": Path("lake.zip/B03.jp2")}
    assert str(SceneFiles(Path("lake.zip"), bands)) == "lake.zip"
    assert SceneFiles(Path("lake.zip"), bands).is_archive
    assert not SceneFiles(Path("lake.zip")).is_archive
    assert not SceneFiles(Path("lake"), bands).is_archive


def test_files_of_a_folder_are_in_order_and_hidden_ones_left_out(tmp_path: Path) -> None:
    for name in ("b", "a", ".c"):
        (tmp_path / name).touch()
    assert list(files_in(tmp_path)) == ["a", "b"]
    assert files_in(tmp_path / "absent") == files_in(tmp_path / "a") == {}
