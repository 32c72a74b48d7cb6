import pickle

from watermap.errors import DataError, ModelError, PartialFailureError, UsageError, WatermapError


def test_an_error_is_one_line_with_its_remedy() -> None:
    error = DataError("scene.tif: has no\n  CRS.", hint="set it with gdal_edit.py")
    assert str(error) == "scene.tif: has no CRS: set it with gdal_edit.py"


def test_exit_codes_are_the_documented_ones() -> None:
    codes = [kind.exit_code for kind in (WatermapError, UsageError, DataError, ModelError, PartialFailureError)]
    assert codes == [1, 2, 3, 5, 6]


def test_an_error_keeps_its_hint_between_processes() -> None:
    copy = pickle.loads(pickle.dumps(ModelError("no bundle", hint="train one")))
    assert isinstance(copy, ModelError)
    assert str(copy) == "no bundle: train one"
