"""Which training patches an epoch shows, and how often."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from watermap.legend import LAND, WATER
from watermap.patches.store import PatchStore

Weights = npt.NDArray[np.float64]
Order = npt.NDArray[np.intp]

_CHUNK: Final = 256
"""Patches read at once: some 60 MB where they are of 128 px and six bands."""


def sampling_weights(store: PatchStore, kind: Literal["all", "balanced", "boundary", "scenes"]) -> Weights | None:
    """The chance of each training patch to be drawn, summing to 1; None where each is shown once.

    `balanced` draws as often for water as for land: half of the draws choose a patch by its number of water pixels,
    half by its land. `boundary` draws half at random, so that open water and dry land stay in sight, and half by the
    length of the shoreline. `scenes` draws a scene by the root of its labelled pixels, so that a large one counts
    more than a small one and not as much as it is larger, and then one of its patches by theirs.

    Args:
        store: the patches.
        kind: of sampling.

    Source: class-aware sampling of Shen et al. 2016, section 3.1, with pixels for images.
    """
    if kind == "all":
        return None
    if kind == "balanced":
        records = store.records("train")
        known = np.array([record.valid_fraction for record in records])
        water = known * np.array([record.water_fraction for record in records])
        return _half_and_half(water, known - water)
    if kind == "scenes":
        labelled: dict[str, float] = {}
        for record in store.records("train"):
            labelled[record.scene] = labelled.get(record.scene, 0.0) + record.valid_fraction
        weights: Weights = np.array(
            [record.valid_fraction / labelled[record.scene] ** 0.5 for record in store.records("train")]
        )
        weights /= weights.sum()
        return weights
    shores = shore_lengths(store)
    return _half_and_half(shores, np.ones_like(shores))


def shore_lengths(store: PatchStore) -> Weights:
    """Sides of pixels between land and water in each training patch, in pixels; beside unknown ones there is none."""
    count = store.count("train")
    chunks = [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    return np.concatenate([_shore_lengths(store.read("train", chunk).label) for chunk in chunks])


def _shore_lengths(label: npt.NDArray[np.uint8]) -> Weights:
    lengths = np.zeros(len(label))
    for one, other in ((label[:, :-1], label[:, 1:]), (label[:, :, :-1], label[:, :, 1:])):
        shore = ((one == LAND) & (other == WATER)) | ((one == WATER) & (other == LAND))
        lengths += shore.sum(axis=(1, 2))
    return lengths


def _half_and_half(one: Weights, other: Weights) -> Weights:
    """The mean of two distributions; one of them alone where the other is zero throughout."""
    there = [weights / weights.sum() for weights in (one, other) if weights.sum()]
    return sum(there, start=np.zeros_like(one)) / len(there)


def epoch_order(weights: Weights, rng: np.random.Generator, count: int | None = None) -> Order:
    """Patches in random order, each as often as its chance says up to one more or less.

    Args:
        weights: chances that sum to 1.
        rng: what is random about it.
        count: how many; None for as many as there are.
    """
    count = len(weights) if count is None else count
    chosen = np.searchsorted(np.cumsum(weights) * count, np.arange(count) + rng.random(), side="right")
    order = np.minimum(chosen, len(weights) - 1)
    rng.shuffle(order)
    return order


def repeats(order: Order) -> Order:
    """How often each entry occurs among those before it."""
    by_patch = np.argsort(order, kind="stable")
    ranked = order[by_patch]
    first = np.searchsorted(ranked, ranked)
    counted = np.empty_like(order)
    counted[by_patch] = np.arange(len(order)) - first
    return counted
