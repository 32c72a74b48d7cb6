"""Deals ground to training, validation and testing, and makes sure that no two of them share any."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupShuffleSplit

from watermap.errors import DataError
from watermap.geo.area_text import km2
from watermap.geo.shared_ground import shared_ground

SPLITS: Final = ("train", "validation", "test")

_CANDIDATES: Final = 64


class Located(Protocol):
    """Something that lies on the ground and belongs to a split."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def scene(self) -> str:
        """The scene it was cut from."""

    @property
    def split(self) -> str:
        """The split it belongs to."""

    @property
    def footprint(self) -> Any:
        """Its outline, a shapely geometry in EPSG:4326."""


def split_groups(
    weights: Mapping[str, int], *, validation: float, test: float, seed: int, what: str = "blocks of ground"
) -> dict[str, str]:
    """Deal groups to the splits, whole, so that the patches come near the shares wanted.

    Of 64 seeded draws by scikit-learn's GroupShuffleSplit the nearest is kept. Groups without weight train.

    Args:
        weights: patches of each group.
        validation: share of the patches for validation.
        test: share of the patches for testing.
        seed: of the draws.
        what: the groups are, for the message.

    Returns:
        Split by group.

    Raises:
        DataError: fewer groups than splits.
    """
    groups = sorted(name for name, weight in weights.items() if weight > 0)
    wanted = {"train": 1 - validation - test, "validation": validation, "test": test}
    asked = [name for name in SPLITS if wanted[name] > 0]
    if len(groups) < len(asked):
        raise DataError(
            f"{', '.join(asked)} need {len(asked)} {what} with patches that pass, but there are {len(groups)}",
            hint="add scenes of other places, use a smaller --block-patches (with --split-by ground), "
            "widen --min-water and --max-water, or set --test 0",
        )
    counts = np.array([weights[name] for name in groups], dtype=np.float64)
    best = min(
        _candidates(len(groups), validation, test, seed), key=lambda candidate: _distance(candidate, counts, wanted)
    )
    return dict.fromkeys(weights, "train") | {groups[i]: split for split in SPLITS for i in best[split]}


def check_leaks(records: Iterable[Located]) -> None:
    """Make sure that no ground is in two splits; edges may touch.

    Raises:
        DataError: two patches of different splits share ground.
    """
    by_split: dict[str, list[Located]] = {}
    for record in records:
        by_split.setdefault(record.split, []).append(record)
    outlines = {split: [record.footprint for record in found] for split, found in by_split.items()}
    for one, other in itertools.combinations(sorted(by_split), 2):
        leaks = shared_ground(outlines[one], outlines[other])
        if len(leaks):
            first, second = by_split[one][leaks.first[0]], by_split[other][leaks.second[0]]
            raise DataError(
                f"patch {first.id} of scene {first.scene} ({one}) and patch {second.id} of scene {second.scene} "
                f"({other}) share {km2(leaks.km2[0] * 1e6, digits=3)} km2 of ground, so scores would be flattered",
                hint="tile with --split-by ground",
            )


def _candidates(count: int, validation: float, test: float, seed: int) -> Iterator[dict[str, list[int]]]:
    """Seeded ways to deal groups, each split that is asked for with at least one."""
    everything = np.arange(count)
    held_share = validation + test
    if not held_share:
        yield {"train": everything.tolist(), "validation": [], "test": []}
        return
    least = (validation > 0) + (test > 0)
    held_count = min(max(round(held_share * count), least), count - 1)
    outer = GroupShuffleSplit(_CANDIDATES, test_size=held_count, random_state=seed)
    for candidate, (train, held) in enumerate(outer.split(everything, groups=everything)):
        parts = {"train": train.tolist(), "validation": held.tolist(), "test": []}
        if not validation:
            parts["validation"], parts["test"] = [], held.tolist()
        elif test:
            test_count = min(max(round(held_count * test / held_share), 1), held_count - 1)
            inner = GroupShuffleSplit(1, test_size=test_count, random_state=(seed + candidate) % 2**32)
            keep, give = next(inner.split(held, groups=held))
            parts["validation"], parts["test"] = held[keep].tolist(), held[give].tolist()
        yield parts


def _distance(
    candidate: Mapping[str, Sequence[int]], counts: npt.NDArray[np.float64], wanted: Mapping[str, float]
) -> float:
    """How far a draw's shares of patches are from those wanted."""
    return float(sum(abs(counts[candidate[name]].sum() / counts.sum() - share) for name, share in wanted.items()))
