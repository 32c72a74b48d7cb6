"""Modules at the places that the README of 0.1.0 named: they lead to the new ones, and go with the next release."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any


def moved(former: str, place: str) -> Callable[[str], Any]:
    """A module's `__getattr__` that finds what it held in its new place, with a warning.

    Args:
        former: the module's name.
        place: the new one.
    """

    def find(name: str) -> Any:
        if name.startswith("__") or not hasattr(import_module(place), name):
            raise AttributeError(f"module {former!r} has no attribute {name!r}")
        told = f"{former}.{name} is now {place}.{name}; its former place goes with the next release"
        warnings.warn(told, DeprecationWarning, stacklevel=2)
        return getattr(import_module(place), name)

    return find
