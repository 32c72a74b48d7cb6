"""What lies near where a label changes from land to water. Pure."""

from __future__ import annotations

from watermap.arrays import Codes, Mask
from watermap.legend import LAND, WATER
from watermap.scenes.neighbourhood import dilate


def beside_shores(codes: Codes, px: int) -> Mask:
    """Pixels that have land and water at most so many rows and columns away.

    With 1 these are the last land and the first water. What borders on unknown pixels only is no shore.

    Args:
        codes: (rows, cols) of a label.
        px: how far, along rows, columns and diagonals; 0 for none.
    """
    return dilate(codes == LAND, px, metric="chessboard") & dilate(codes == WATER, px, metric="chessboard")
