"""watermap: surface-water maps from Sentinel-2 imagery.

The functions of the command line, for Python. Each is loaded when it is first asked for, so that `import watermap`
costs nothing.
"""

TYPE_CHECKING = False  # as type checkers know it, without importing typing
if TYPE_CHECKING:
    from typing import Any

    from watermap.bundles.bundle import Bundle, open_bundle
    from watermap.errors import WatermapError, WatermapWarning
    from watermap.evaluation.public import evaluate
    from watermap.maps.index import IndexMaps, index
    from watermap.maps.mosaic import mosaic
    from watermap.maps.predict import Maps, predict
    from watermap.maps.public import change, timeline, vectorize
    from watermap.patches.public import tile
    from watermap.prediction.array import predict_array
    from watermap.training.public import train

__version__ = "0.1.0"

__all__ = [
    "Bundle",
    "IndexMaps",
    "Maps",
    "WatermapError",
    "WatermapWarning",
    "change",
    "evaluate",
    "index",
    "mosaic",
    "open_bundle",
    "predict",
    "predict_array",
    "tile",
    "timeline",
    "train",
    "vectorize",
]

_PLACES = {
    "Bundle": "watermap.bundles.bundle",
    "IndexMaps": "watermap.maps.index",
    "Maps": "watermap.maps.predict",
    "WatermapError": "watermap.errors",
    "WatermapWarning": "watermap.errors",
    "change": "watermap.maps.public",
    "evaluate": "watermap.evaluation.public",
    "index": "watermap.maps.index",
    "mosaic": "watermap.maps.mosaic",
    "open_bundle": "watermap.bundles.bundle",
    "predict": "watermap.maps.predict",
    "predict_array": "watermap.prediction.array",
    "tile": "watermap.patches.public",
    "timeline": "watermap.maps.public",
    "train": "watermap.training.public",
    "vectorize": "watermap.maps.public",
}

__path__.append(f"{__path__[0]}/_former")  # modules that moved, for one more release


def __getattr__(name: str) -> "Any":
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        found = globals()[name] = getattr(import_module(_PLACES[name]), name)
    except ModuleNotFoundError as error:
        from watermap.config.extras import missing

        lacking = missing(error, needed_by=name)
        if lacking is None:
            raise
        return _without_its_library(name, lacking)
    return found


def _without_its_library(name: str, why: "WatermapError") -> "Any":
    """What stands for a function whose library is not installed: it can be listed and described, and not called."""

    def unavailable(*_: object, **__: object) -> "Any":
        raise why

    unavailable.__name__ = unavailable.__qualname__ = name
    unavailable.__doc__ = f"Not available here: {why}"
    return unavailable


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
