"""The picture of a comparison of labels: both, and where they differ."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from watermap.labels.compare import (
    DISAGREEMENT,
    DISAGREEMENT_NAMES,
    ONLY_FIRST,
    ONLY_SECOND,
    SHORE_PX,
    LabelComparison,
)
from watermap.maps.two_rasters_picture import PairCaptions, plot_pair

_LONGEST_NAME: Final = 16
"""Of a label, in the legend."""


def plot_label_comparison(comparison: LabelComparison, path: Path) -> Path:
    """Draw two labels and their disagreement side by side, as `plot_pair`.

    Args:
        comparison: what came of it.
        path: the PNG.

    Raises:
        DataError: the picture cannot be written.
    """
    remark = "Areas count only what both labels know"
    captions = PairCaptions(
        (*comparison.names, "Disagreement"),
        _summary(comparison),
        _names(comparison.names),
        remark,
        f"{remark}; what one of them knows is faded",
    )
    areas_m2 = DISAGREEMENT.sums(comparison.areas_m2)
    return plot_pair(path, comparison.grid, comparison.views, areas_m2, DISAGREEMENT, captions)


def _summary(comparison: LabelComparison) -> str:
    """How much differs, and how much of that is not the shoreline's."""
    agreement = comparison.scores.accuracy
    if agreement is None:
        return "they know no pixel in common"
    if not comparison.differing:
        return "none"
    far = 1 - comparison.near_shore[max(SHORE_PX)] / comparison.differing
    return f"{1 - agreement:.2%} of pixels, {far:.0%} of it beyond {max(SHORE_PX)} px of a shore"


def _names(labels: tuple[str, str]) -> dict[int, str]:
    """What the classes are called in the legend: with the labels' own names where they are short."""
    if max(map(len, labels)) > _LONGEST_NAME:
        return dict(DISAGREEMENT_NAMES)
    only = {code: f"water in {name} only" for code, name in zip((ONLY_FIRST, ONLY_SECOND), labels, strict=True)}
    return {**DISAGREEMENT_NAMES, **only}
