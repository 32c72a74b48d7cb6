"""How good a bundle is, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from watermap.evaluation import evaluate as evaluation
from watermap.evaluation.evaluate import Evaluation
from watermap.io.paths import location
from watermap.prediction.open import BundleLike, open_bundles, settings_of
from watermap.progress import Progress, silent


def evaluate(
    bundle: BundleLike | Sequence[BundleLike],
    data: str | Path,
    *,
    split: str = "test",
    bands: Sequence[str] | None = None,
    pictures: int = 4,
    progress: Progress = silent,
    **options: Any,
) -> Evaluation:
    """Score a bundle, or several together, on labelled scenes or patches that it has not learned from.

    Args:
        bundle: a bundle or its path; of several the mean of what they say is scored.
        data: a scenes folder, or a patches folder.
        split: which patches of a patches folder.
        bands: names of the bands of scenes that do not describe them.
        pictures: how many scenes get a panel in the result.
        progress: told as work goes on.
        options: settings of `watermap.config.PredictConfig`.

    Returns:
        Scores by kind of label and by scene; `as_dict()` has all of them.

    Raises:
        DataError: nothing could be scored, or the bundle has learned from this ground or these pixels.
        ModelError: the bundle cannot be used.
        StorageError: the data lie elsewhere and cannot be reached.
        UsageError: a setting is unknown or out of bounds, or data and bundle do not fit.

    Example:
        >>> import watermap
        >>> scores = watermap.evaluate("model", "scenes").as_dict()["labels"]["unstated"]["scores"]
        >>> f"{scores['water_iou']:.2f}"
        '1.00'
    """
    first, *others = open_bundles(bundle)
    return evaluation.evaluate(
        first,
        location(data),
        settings_of(**options),
        others=others,
        split=split,
        pictures=pictures,
        names=bands,
        progress=progress,
    )
