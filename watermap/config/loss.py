"""How settings say what is minimised: `dice`, `cross_entropy+dice`, `0.5*focal(gamma=2, water=3) + tversky`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TERMS: Final[Mapping[str, tuple[str, ...]]] = {
    "cross_entropy": ("land", "water"),
    "balanced_cross_entropy": (),
    "focal": ("gamma", "land", "water"),
    "bootstrap": ("beta",),
    "forward": ("missed", "invented"),
    "dice": ("smooth",),
    "tversky": ("missed", "false_alarm", "exponent", "smooth"),
    "cross_entropy_dice": ("cross_entropy_weight", "dice_weight", "smooth"),
}
"""What can be minimised, and the options that each takes; `watermap.training.losses` has a class for each."""

_BELOW: Final[Mapping[tuple[str, str], float]] = {
    ("bootstrap", "beta"): 1.0,
    ("forward", "missed"): 0.5,
    ("forward", "invented"): 0.5,
}
"""Options that are shares: from here on a label would say nothing, or the contrary."""

_TERM: Final = re.compile(r"\s*(?:(?P<weight>[^*()]*)\*)?\s*(?P<name>[^*()]*?)\s*(?:\((?P<options>[^()]*)\))?\s*")


@dataclass(frozen=True)
class Term:
    """One of the losses that are added.

    Attributes:
        weight: its factor.
        name: of `TERMS`.
        options: by name.
    """

    weight: float
    name: str
    options: Mapping[str, float]


def parse_loss(text: str) -> tuple[Term, ...]:
    """Read what is minimised: names joined by `+`, each with a factor before it and options behind it if wanted.

    Args:
        text: such as `cross_entropy+dice` or `0.5*focal(gamma=2, water=3) + tversky(missed=0.8)`.

    Raises:
        ValueError: a loss or an option that there is none of, a number that is not above 0, or a share that is too
            large.
    """
    return tuple(_term(part) for part in text.split("+"))


def _term(text: str) -> Term:
    found = _TERM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text.strip()!r} is no loss: write it like 0.5*focal(gamma=2)")
    name = found["name"]
    if name not in TERMS:
        raise ValueError(f"there is no loss {name!r}: choose from {', '.join(TERMS)}, joined by +")
    options: dict[str, float] = {}
    for part in filter(None, map(str.strip, (found["options"] or "").split(","))):
        option, _, value = (each.strip() for each in part.partition("="))
        if option not in TERMS[name]:
            raise ValueError(f"{name} has no option {option!r}: it takes {', '.join(TERMS[name]) or 'none'}")
        options[option] = _above_zero(value, f"{option} of {name}")
        below = _BELOW.get((name, option), math.inf)
        if options[option] >= below:
            raise ValueError(f"{option} of {name} is a share below {below:g}, not {value}")
    weight = 1.0 if found["weight"] is None else _above_zero(found["weight"], f"the factor of {name}")
    return Term(weight, name, options)


def _above_zero(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError(f"{what} is no number above 0: {text.strip()!r}")
    return value
