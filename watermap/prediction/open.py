"""The model that a Python user means by a bundle or by the path of one, opened once for many scenes and arrays."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from watermap.bundles.bundle import DEFAULT_MODELS, Bundle, open_bundle
from watermap.bundles.registry import default_bundle
from watermap.config import PredictConfig
from watermap.errors import UsageError
from watermap.prediction.predictor import Predictor

BundleLike: TypeAlias = str | Path | Bundle
"""A bundle, or where one lies."""

_MOST: Final = 2
"""Models that stay loaded."""
_opened: OrderedDict[tuple[Any, ...], Predictor] = OrderedDict()
_opening: Final = threading.Lock()


def open_bundles(bundle: BundleLike | Sequence[BundleLike] | None) -> list[Bundle]:
    """The bundles that somebody names; of None the one in use in data/models, else the newest there.

    Raises:
        ModelError: there is none, or it is damaged.
        StorageError: it lies elsewhere and cannot be reached.
        UsageError: an empty list.
    """
    if bundle is None:
        return [default_bundle(DEFAULT_MODELS)]
    named = [bundle] if isinstance(bundle, str | Path | Bundle) else list(bundle)
    if not named:
        raise UsageError("no bundle is given", hint="give one, or leave it out for the one in use")
    return [each if isinstance(each, Bundle) else open_bundle(each) for each in named]


def open_predictor(bundles: Sequence[Bundle], config: PredictConfig) -> Predictor:
    """The predictor of one bundle, or of several together. The last ones stay loaded.

    Raises:
        UsageError: window and overlap do not fit the model, or the bundles not each other.
    """
    key = (config.digest(), *((str(each.folder.resolve()), each.id) for each in bundles))
    with _opening:
        if key not in _opened:
            _opened[key] = Predictor(bundles[0], config, bundles[1:])
        _opened.move_to_end(key)
        while len(_opened) > _MOST:
            _opened.popitem(last=False)
        return _opened[key]


def settings_of(**options: Any) -> PredictConfig:
    """Settings of prediction from a function's options; True for `probability` means whole percent.

    Raises:
        UsageError: one is unknown or out of bounds.
    """
    if isinstance(options.get("probability"), bool):
        options["probability"] = "percent" if options["probability"] else "none"
    return PredictConfig.load(**options)
