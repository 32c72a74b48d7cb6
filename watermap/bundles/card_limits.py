"""What a bundle's contract does not promise: the limits that its card tells, each because of what the contract says."""

from __future__ import annotations

from collections.abc import Iterator

from watermap.bundles.card_imported import imported_limits
from watermap.bundles.contract import LEAST_GROUNDS, Contract


def limits(contract: Contract) -> list[str]:
    """The limits of a bundle, one sentence or two each."""
    if contract.imported_from is not None:
        scored = [_chosen_by, _without_overruled, _few, _mixed]
        return [*imported_limits(contract), *(limit for each in scored for limit in each(contract))]
    found = [_ground, _pixels, _window, _chosen_by, _untested, _without_overruled, _few, _mixed, _elsewhere, _seed]
    return [limit for each in found for limit in each(contract)]


def _ground(contract: Contract) -> Iterator[str]:
    count = None if contract.data is None else contract.data.splits["train"].grounds
    yield (
        f"It learned from {pieces(count)} of ground. These scores do not tell how good it is on ground unlike them: "
        "try it with `watermap evaluate` on labelled scenes like yours."
    )


def _pixels(contract: Contract) -> Iterator[str]:
    bands = ", ".join(contract.bands)
    yield (
        f"It takes Sentinel-2's {bands}. Other sensors, products of other processing and pixels of another size than "
        "in training were not tried."
    )


def _window(contract: Contract) -> Iterator[str]:
    side = contract.patch_size
    if contract.sees_whole_window:
        yield (
            f"What it says of a pixel depends on all of its window: windows of {side} pixels, as in training, suit it "
            "best."
        )
    elif contract.receptive_field_px is not None:
        field = contract.receptive_field_px
        yield f"Within {field} pixels of a window's edge it misses what lies beyond: windows should overlap."
    else:
        yield "How far it sees beyond a pixel was not measured."


def _chosen_by(contract: Contract) -> Iterator[str]:
    chosen = ["the epochs"] if contract.trained_on.get("counts", {}).get("validation") else []
    if contract.calibration is not None:
        chosen.append("the calibration")
    if contract.threshold_for not in (None, "keep"):
        chosen.append("the threshold")
    if chosen:
        named = " and ".join([*([", ".join(chosen[:-1])] if chosen[:-1] else []), chosen[-1]])
        yield f"Validation patches chose {named}: scores on them flatter."


def _untested(contract: Contract) -> Iterator[str]:
    if "test" not in contract.scores:
        yield "There is no score on ground that had no part in the training: there were no test patches."


def _without_overruled(contract: Contract) -> Iterator[str]:
    for split, evidence in sorted(contract.evidence.items()):
        own = contract.scores[split].get("water_iou")
        better = [
            name
            for name, found in evidence.baselines.items()
            if own is not None and (score := found.scores.get("water_iou")) is not None and score > own
        ]
        if better:
            yield f"On the {split} patches a rule without training has the higher water IoU: {', '.join(better)}."


def _few(contract: Contract) -> Iterator[str]:
    for split, evidence in sorted(contract.evidence.items()):
        if evidence.grounds < LEAST_GROUNDS:
            yield f"The {split} patches lie on {pieces(evidence.grounds)} of ground only, too few to tell of others."


def _mixed(contract: Contract) -> Iterator[str]:
    for split, evidence in sorted(contract.evidence.items()):
        if len(evidence.labels) > 1:
            kinds = ", ".join(f"{count} {kind}" for kind, count in evidence.labels.items())
            yield f"The {split} patches were scored together, though their labels differ: {kinds}."


def _elsewhere(contract: Contract) -> Iterator[str]:
    own = contract.trained_on.get("patches")
    for split, evidence in sorted(contract.evidence.items()):
        if evidence.patches != own:
            yield f"Its {split} scores are on other patches than those of the training: `{evidence.patches}`."


def _seed(contract: Contract) -> Iterator[str]:
    seed = contract.training.get("config", {}).get("seed", "unknown")
    yield f"It is one training, of seed {seed}: how far scores differ from seed to seed was not tried."


def pieces(count: int | None, each: str = "piece") -> str:
    """So many pieces, or whatever each is called."""
    return f"an unknown number of {each}s" if count is None else f"{count:,} {each}{'' if count == 1 else 's'}"
