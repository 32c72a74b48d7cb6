"""Models: `build` makes one, `load` reads one, `resize` fits one to another window size.

`for_prediction` leaves out what only training needs.
"""

from watermap.models.build import build, for_prediction
from watermap.models.resize import resize
from watermap.models.weights import load

__all__ = ["build", "for_prediction", "load", "resize"]
