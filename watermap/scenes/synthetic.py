"""How the built-in synthetic scenes are known from real ones, here and in what was trained on them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

SAMPLE_PREFIX: Final = "sample_"
"""What the names of all sample scenes begin with."""
SOURCE_TAG: Final = "WATERMAP_SOURCE"
"""The metadata of an image that says what it is."""
SYNTHETIC: Final = "synthetic sample scene"
EXACT: Final = "exact"
"""The kind of their labels, which no real scene has."""

_NAME: Final = re.compile(rf"{SAMPLE_PREFIX}\d+_\d{{8}}")


def is_synthetic(tags: Mapping[str, str]) -> bool:
    """Whether an image with these metadata is a sample scene."""
    return tags.get(SOURCE_TAG) == SYNTHETIC


def are_synthetic(scenes: Collection[str], labels: Collection[str]) -> bool:
    """Whether scenes are nothing but sample scenes.

    Args:
        scenes: their names, as far as they are known.
        labels: the kinds of their labels, as far as they are known.
    """
    return set(labels) == {EXACT} or (bool(scenes) and all(map(_NAME.fullmatch, scenes)))
