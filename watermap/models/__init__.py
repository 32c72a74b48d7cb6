"""Models: `build` makes one, `load` reads one, `resize` fits one to another window size."""

from watermap.models.build import build
from watermap.models.resize import resize
from watermap.models.weights import load

__all__ = ["build", "load", "resize"]
