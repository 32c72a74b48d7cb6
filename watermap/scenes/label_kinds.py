"""Kinds of labels, and what is known to be wrong with each: a model learns the faults of its labels too."""

from __future__ import annotations

import re
from typing import Final

from watermap.errors import UsageError

LIMITS: Final = {
    "hansen": "Hansen's datamask: 30 m, permanent water of about 2000 to 2012. Shorelines are stair-stepped, seasonal "
    "water is labelled land.",
    "jrc": "JRC Global Surface Water: water where it stood 80 % of 1984 to 2021, land where it never stood, else "
    "unknown. Water that comes and goes is not in it.",
    "dynamic-world": "Dynamic World of the scene, 10 m: itself a model's output, with that model's faults. Flooded "
    "vegetation is unknown.",
    "worldcover": "ESA WorldCover 2021, 10 m: permanent water. Wetland and mangroves are unknown.",
    "consensus": "Several labels where they agree, unknown where they do not: scores against it leave out what they "
    "differ on.",
    "refined": "A coarse label whose shores were drawn again with the image: it follows a rule, not somebody's eyes.",
    "exact": "Exact, of synthetic scenes: scores against it say nothing of real ones.",
    "hand": "Drawn by hand, as its maker says. How well is unknown.",
    "unstated": "Nobody has said what it is: its faults are unknown.",
}
"""By kind, as in a patch store's `label_kinds`."""


_KIND: Final = "[a-z0-9]([a-z0-9_-]*[a-z0-9])?"


def checked_kind(text: str) -> str:
    """A kind of label as it is written everywhere, so that one kind is not taken for several.

    Args:
        text: as somebody typed it; case and blanks around it do not count.

    Raises:
        UsageError: it is no short plain name.
    """
    kind = text.strip().lower()
    if not re.fullmatch(_KIND, kind):
        raise UsageError(
            f"{text!r} is no kind of label", hint="write letters a to z and digits, with - or _ inside, e.g. hand"
        )
    return kind


def limits_of(kind: str) -> str:
    """What is known to be wrong with a kind of label, in plain words."""
    return LIMITS.get(kind, "Its faults are unknown here.")
