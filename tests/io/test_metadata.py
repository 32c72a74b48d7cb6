from pathlib import Path

import pytest

from tests.support.failures import one_line
from watermap.errors import DataError
from watermap.io.metadata import elements, read_text, read_xml, text_of, without_meaning


def test_elements_are_found_in_any_namespace(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text('<a xmlns:n="http://n"><n:b> 1 </n:b><b>2</b><c/></a>')
    root = read_xml(path)
    assert [text_of(each) for each in elements(root, "b", "c")] == ["1", "2", ""]


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    for content in (b"<a><b>", b"\xff\xfe\x00"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="truncated or damaged metadata: download it again") as error:
            read_xml(path)
        assert one_line(error).startswith(str(path))
    with pytest.raises(DataError, match="damaged"):
        read_text(tmp_path / "absent.xml")
    assert "does not say what" in str(without_meaning(path))
