from typing import get_args

import pytest

from watermap.config import ExportConfig
from watermap.scenes.label_kinds import LIMITS, limits_of
from watermap.scenes.stac import UNSTATED

EXPORTED = set(get_args(ExportConfig.model_fields["label"].annotation)) - {"none"}


@pytest.mark.parametrize("kind", sorted({*EXPORTED, "refined", "exact", UNSTATED}))
def test_of_every_label_that_watermap_makes_the_faults_are_told(kind: str) -> None:
    assert limits_of(kind) == LIMITS[kind]


def test_of_others_they_are_unknown() -> None:
    assert "unknown" in limits_of("my neighbour's")
