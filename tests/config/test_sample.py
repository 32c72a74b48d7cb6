"""Settings of the built-in sample scenes."""

from __future__ import annotations

from typing import Any

import pytest

from watermap.config import SampleConfig
from watermap.errors import UsageError


@pytest.mark.parametrize("stated", [{"scenes": 0}, {"size": 127}, {"size": 4097}, {"seed": -1}, {"first_place": -1}])
def test_scenes_that_cannot_be_made_are_refused(stated: dict[str, Any]) -> None:
    (name,) = stated
    with pytest.raises(UsageError, match=f"^{name}: "):
        SampleConfig.load(**stated)
