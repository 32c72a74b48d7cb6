"""Names of earlier releases, which files and flows may still hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def renamed(values: Any, former_names: Mapping[str, str]) -> Any:
    """A record with the names of today; where it holds both, today's stands.

    Args:
        values: what is validated; anything but a mapping is passed on.
        former_names: the former name of each field, and today's.
    """
    if not isinstance(values, Mapping) or not former_names.keys() & values.keys():
        return values
    today = {name: value for name, value in values.items() if name not in former_names}
    return {former_names[name]: values[name] for name in former_names if name in values} | today
