"""Settings of a network's decoder."""

from __future__ import annotations

import pytest

from watermap.config import DecoderConfig
from watermap.errors import UsageError


@pytest.mark.parametrize(
    ("batch_norm", "bias", "expected"),
    [(True, None, False), (False, None, True), (True, True, True), (False, False, False)],
)
def test_a_bias_stands_in_for_batch_norm_unless_stated(batch_norm: bool, bias: bool | None, expected: bool) -> None:
    assert DecoderConfig(batch_norm=batch_norm, bias=bias).has_bias == expected


def test_nothing_is_learned_where_every_channel_is_dropped() -> None:
    with pytest.raises(UsageError, match="dropout"):
        DecoderConfig.load(dropout=1.0)
