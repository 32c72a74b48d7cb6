"""Whether a candidate takes the place of the bundle in use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watermap import __version__
from watermap.bundles.bundle import Bundle
from watermap.bundles.registry import Declined, InUse, open_chosen, promote, read_register, write_register
from watermap.config import PredictConfig
from watermap.errors import DataError
from watermap.progress import Progress, silent
from watermap.scenes.folder import find_scenes, scene_digests

SCORE: Final = "water_iou"


_NO_GROUND: Final = "there are no held-out scenes to compare them on; to decide yourself: watermap bundles promote"


@dataclass(frozen=True)
class Decision:
    """Whether a candidate takes over, and why.

    Attributes:
        promoted: whether it is the bundle in use from now on.
        reason: one line.
        candidate, current: names and ids of the two bundles; None where there was none in use.
        candidate_score, current_score: water IoU over all pixels of the held-out ground.
    """

    promoted: bool
    reason: str
    candidate: InUse
    current: InUse | None
    candidate_score: float | None
    current_score: float | None


def consider(
    candidate: Bundle,
    models: Path,
    held_out: Path | None,
    config: PredictConfig,
    *,
    tolerance: float = 0.0,
    again: bool = False,
    progress: Progress = silent,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Decision:
    """Score a candidate and the bundle in use on the same held-out scenes, and promote it if it is no worse.

    What was declined before stays declined while nothing that it was decided on has changed.

    Args:
        candidate: below the models folder.
        models: the models folder.
        held_out: folder of labelled scenes that neither was trained on; None: only a first bundle takes over.
        config: of prediction; each bundle's own threshold counts unless it states one, and float32 unless it states a
            precision.
        tolerance: how much lower the candidate's water IoU may be.
        again: decide anew, whatever was decided before.
        progress: told as work goes on.
        turn: what to hold while models work.

    Raises:
        DataError: the held-out scenes cannot be scored.
        ModelError: a bundle is damaged.
    """
    chosen = InUse(folder=candidate.folder.name, id=candidate.id)
    register = read_register(models)
    is_gone = register is not None and register.current.folder == chosen.folder and register.current != chosen
    current = None if register is None or is_gone else open_chosen(models, register.current)
    in_use = None if register is None else register.current
    if chosen == in_use:
        return Decision(False, "it is in use already", chosen, in_use, None, None)
    if held_out is None and current is not None:
        return Decision(False, _NO_GROUND, chosen, in_use, None, None)
    first = "it took the folder of the bundle in use" if is_gone else "the first bundle"
    if held_out is None:
        promote(candidate, models)
        return Decision(True, first, chosen, None, None, None)
    if config.precision == "auto":  # in which every engine says the same, whichever bundle is converted
        config = config.model_copy(update={"precision": "float32"})
    evidence = _evidence(held_out, config, tolerance)
    known = None if again or register is None else register.verdict(chosen, evidence)
    if known is not None:
        reason = f"{known.reason}; to decide anew: watermap bundles promote"
        return Decision(False, reason, chosen, in_use, known.candidate_score, known.current_score)
    with turn():
        score = _score(candidate, held_out, config, progress)
        before = None if current is None else _score(current, held_out, config, progress)
    if before is None:
        reason = f"{first}: water IoU {score:.4f} on held-out ground"
    else:
        verb = "is no worse than" if score >= before - tolerance else "is worse than"
        reason = f"water IoU {score:.4f} {verb} {before:.4f} of the bundle in use, on the same held-out ground"
    promoted = before is None or score >= before - tolerance
    register = read_register(models)
    if (None if register is None else register.current) != in_use:
        reason = "meanwhile another bundle was put to use; run again to compare it with that one"
        return Decision(False, reason, chosen, in_use, score, before)
    if promoted:
        promote(candidate, models)
    elif register is not None:
        worse = Declined(
            candidate=chosen,
            reason=reason,
            current=in_use,
            evidence=evidence,
            candidate_score=score,
            current_score=before,
        )
        write_register(models, register.model_copy(update={"declined": (*register.without(chosen), worse)}))
    return Decision(promoted, reason, chosen, in_use, score, before)


def _evidence(held_out: Path, config: PredictConfig, tolerance: float) -> str:
    """Digest of all that a comparison rests on, but for the bundles."""
    scenes = find_scenes(held_out, need_label=True)
    files = {scene.name: scene_digests(scene) for scene in scenes}
    return hashlib.sha256(json.dumps([__version__, config.digest(), tolerance, files]).encode()).hexdigest()


def _score(bundle: Bundle, held_out: Path, config: PredictConfig, progress: Progress) -> float:
    from watermap.evaluation.evaluate import evaluate  # imports Keras, which nothing else here needs

    result = evaluate(bundle, held_out, config, pictures=0, progress=progress)
    if result.failures:
        name, error = result.failures[0]
        if getattr(error, "transient", False):
            raise error
        raise DataError(f"held-out scene {name} cannot be scored ({error})", hint="mend or remove it")
    score = result.pooled.as_dict()[SCORE]
    if score is None:
        raise DataError(f"{held_out}: holds no water, so there is no water IoU", hint="hold out scenes with water")
    return float(score)
