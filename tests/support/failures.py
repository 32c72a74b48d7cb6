"""What tests ask of errors."""

import pytest

from watermap.errors import WatermapError


def one_line(error: pytest.ExceptionInfo[WatermapError]) -> str:
    """The text of an error, which is one line with a remedy."""
    text = str(error.value)
    assert "\n" not in text
    assert error.value.hint
    return text
