from pathlib import Path

import pytest

from watermap.errors import DataError, UsageError
from watermap.inputs import find_images, output_name


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_are_taken_as_named_and_once(tmp_path: Path) -> None:
    assert find_images(["b.tif", "a.tif", "b.tif"]) == [Path("b.tif"), Path("a.tif")]


def test_one_file_under_two_names_is_one(tmp_path: Path) -> None:
    touch(tmp_path / "a.tif")
    assert find_images(["a.tif", tmp_path / "a.tif", "./a.tif"]) == [Path("a.tif")]


def test_a_scene_folder_means_its_image(tmp_path: Path) -> None:
    touch(tmp_path / "lake" / "image.tif", tmp_path / "lake" / "label.tif")
    assert find_images([tmp_path / "lake"]) == [tmp_path / "lake" / "image.tif"]


def test_a_scenes_folder_means_all_its_images(tmp_path: Path) -> None:
    touch(*(tmp_path / name / "image.tif" for name in "ba"))
    assert find_images([tmp_path]) == [tmp_path / "a" / "image.tif", tmp_path / "b" / "image.tif"]


def test_a_folder_of_files_means_its_rasters_but_not_results(tmp_path: Path) -> None:
    touch(
        *(tmp_path / n for n in ("b.tif", "a.TIF", "a_water.tif", "a_probability.tif", ".a.tif", "notes.txt", "c.jp2"))
    )
    assert [path.name for path in find_images([tmp_path])] == ["a.TIF", "b.tif", "c.jp2"]


def test_patterns_that_no_shell_expanded_are_expanded(tmp_path: Path) -> None:
    touch(tmp_path / "x1.tif", tmp_path / "x2.tif", tmp_path / "y.tif", tmp_path / "s" / "image.tif")
    assert [path.name for path in find_images([f"{tmp_path}/x*.tif"])] == ["x1.tif", "x2.tif"]
    assert find_images([f"{tmp_path}/s*"]) == [tmp_path / "s" / "image.tif"]


def test_a_file_with_brackets_in_its_name_is_a_file(tmp_path: Path) -> None:
    touch(tmp_path / "x[1].tif")
    assert find_images([tmp_path / "x[1].tif"]) == [tmp_path / "x[1].tif"]


def test_nothing_found_is_told(tmp_path: Path) -> None:
    for text in (tmp_path, f"{tmp_path}/*.tif"):
        with pytest.raises(DataError, match="no image there"):
            find_images([text])


def test_two_images_with_one_output_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"would both give lake_water\.tif"):
        find_images(["a/lake.tif", "b/lake.tif"])


def test_outputs_are_named_after_the_scene(tmp_path: Path) -> None:
    assert output_name(Path("some/lake/image.tif")) == "lake"
    assert output_name(Path("some/lake.tif")) == "lake"
