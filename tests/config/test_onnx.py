from typing import Any

import pytest

from watermap.config import OnnxConfig
from watermap.errors import UsageError

NEEDED: dict[str, Any] = {"bands": ("B3", "B8"), "scale": 1e-4, "water_class": 1}


def test_moments_are_numbers_or_their_list_and_one_may_stand_for_all_bands() -> None:
    assert OnnxConfig.load(**NEEDED).moments is None
    assert OnnxConfig.load(mean="0.1, 0.2", std="3", **NEEDED).moments == ((0.1, 0.2), (3.0, 3.0))
    assert OnnxConfig.load(mean=(0, 0), std=(1, 2), **NEEDED).moments == ((0.0, 0.0), (1.0, 2.0))


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"mean": "0.1"}, "mean and std belong together"),
        ({"mean": "0.1", "std": "1,2,3"}, "std has 3 numbers, but there are 2 bands"),
        ({"mean": "0.1", "std": "0"}, "std must be above 0"),
        ({"mean": "a,b", "std": "1,1"}, "mean.0: Input should be a valid number"),
        ({"scale": 0}, "scale: Input should be greater than 0"),
        ({"water_class": -1}, "water_class: Input should be greater than or equal to 0"),
        ({"bands": ()}, "bands: "),
    ],
)
def test_what_makes_no_sense_is_refused(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        OnnxConfig.load(**{**NEEDED, **stated})


def test_what_nobody_can_guess_is_needed() -> None:
    for name in NEEDED:
        with pytest.raises(UsageError, match=f"{name}: is needed"):
            OnnxConfig.load(**{key: value for key, value in NEEDED.items() if key != name})
