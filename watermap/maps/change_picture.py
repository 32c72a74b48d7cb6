"""The picture of a change: before, after, and what came and went, with areas and a scale."""

from __future__ import annotations

from pathlib import Path

from watermap.geo.area_text import PICTURE_DIGITS, km2
from watermap.maps.change import CHANGE, CHANGE_NAMES, Change
from watermap.maps.two_rasters_picture import PairCaptions, plot_pair


def plot_change(change: Change, path: Path) -> Path:
    """Draw before, after and change side by side, as `plot_pair`.

    Args:
        change: what came of a comparison.
        path: the PNG.

    Raises:
        DataError: the picture cannot be written.
    """
    remark = "Areas count only what was seen both times"
    captions = PairCaptions(
        (change.before, change.after, "Change"),
        _balance(change),
        CHANGE_NAMES,
        f"{remark}; the rest is unknown",
        f"{remark}; what was seen once is faded",
    )
    return plot_pair(path, change.grid, change.views, change.areas_m2, CHANGE, captions)


def _balance(change: Change) -> str:
    largest = max(change.water_before_m2, change.water_after_m2)
    net = change.water_after_m2 - change.water_before_m2
    share = f" ({net / change.water_before_m2:+.1%})" if change.water_before_m2 else ""
    written = km2(net, digits=PICTURE_DIGITS, like_m2=largest, signed=True)
    return f"net {written} km²{share}".replace("-", "\N{MINUS SIGN}")
