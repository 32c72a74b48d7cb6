"""Patches to training batches, in an order and with changes that a seed decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import keras
import numpy as np

from watermap.arrays import FloatArray
from watermap.patches.store import PatchStore
from watermap.scenes.filling import Filling, fill_in
from watermap.scenes.radiometry import Statistics
from watermap.training.augment import Augmenter, Labels
from watermap.training.devices import replicas
from watermap.training.sampling import Order, Weights, epoch_order, repeats

_STATISTICS_PIXELS = 4_000_000


def training_statistics(store: PatchStore, *, seed: int = 0) -> Statistics:
    """Statistics of the training patches' valid pixels by band, from at most four million of them.

    Args:
        store: the patches.
        seed: which pixels are taken where there are more.
    """
    rng = np.random.default_rng(seed)
    count = store.count("train")
    each = max(1, _STATISTICS_PIXELS // count)
    found = []
    for index in range(count):
        patch = store.read("train", [index])
        pixels = patch.image[patch.valid].astype(np.float32)
        pixels[:, ~patch.present[0]] = np.nan
        found.append(pixels if len(pixels) <= each else rng.choice(pixels, each, replace=False))
    return Statistics.of(np.concatenate(found))


_WORKERS: Final = 2
"""Threads that make batches ahead. With a single one Keras makes none ahead outside of TensorFlow, and inside of it
leaves them to a self-tuning pipeline, whose end it can wait for as long as the whole training took."""


class PatchBatches(keras.utils.PyDataset):
    """Batches of (image (batch, rows, cols, bands) float32 in DN, label (batch, rows, cols) uint8).

    A model with several outputs is given the label for each of them, by name.

    The order and the changes of a batch follow from (seed, epoch, patch) alone, so that training that was killed
    goes on with the very batches it would have seen.

    Where devices share each batch, some patches are shown twice, so that the last batch can be shared out too.

    Args:
        store: the patches.
        split: train, validation or test.
        batch_size: patches a batch; the last may hold fewer.
        filling: what the model is given in place of what is not there.
        augment: changes made to each patch; None for none.
        shuffle: whether each epoch has its own order.
        weights: the chance of each patch to be drawn for an epoch, from `sampling_weights`, which then has its own
            patches in its own order; None for each patch once.
        count: patches of an epoch where they are drawn by weights; None for as many as the split has.
        cut_px: side of the squares that patches are cut into, each of which counts as one; None for whole patches.
        seed: of order and changes.
        epoch: the first epoch served.
        outputs: names of the model's outputs.
    """

    def __init__(
        self,
        store: PatchStore,
        split: str,
        *,
        batch_size: int,
        filling: Filling,
        augment: Augmenter | None = None,
        shuffle: bool = False,
        weights: Weights | None = None,
        count: int | None = None,
        cut_px: int | None = None,
        seed: int = 0,
        epoch: int = 0,
        outputs: Sequence[str] = (),
    ) -> None:
        super().__init__(workers=_WORKERS, use_multiprocessing=False)
        self._store = store
        self._split = split
        self._batch_size = batch_size
        self._filling = filling
        self._augment = augment
        self._shuffle = shuffle
        self._weights = weights
        self._count = count
        self._cut_px = cut_px
        self._seed = seed
        self._epoch = epoch
        self._outputs = outputs
        self._order, self._turns = self._ordered()

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[FloatArray, Labels | dict[str, Labels]]:
        """One batch of the current epoch."""
        here = slice(index * self._batch_size, (index + 1) * self._batch_size)
        images, labels = self._read(here)
        return images, labels if len(self._outputs) < 2 else dict.fromkeys(self._outputs, labels)

    def _read(self, here: slice) -> tuple[FloatArray, Labels]:
        chosen = self._order[here]
        patches = self._store.read(self._split, chosen.tolist())
        images = fill_in(patches.image, patches.valid, patches.present, self._filling)
        if self._augment is None:
            return (images, patches.label) if self._cut_px is None else self._cut(images, patches.label, self._cut_px)
        changed = [
            self._augment(image, label, self._patch_seed(int(position), int(turn)))
            for image, label, position, turn in zip(images, patches.label, chosen, self._turns[here], strict=True)
        ]
        return np.stack([image for image, _ in changed]), np.stack([label for _, label in changed])

    def _cut(self, images: FloatArray, labels: Labels, side: int) -> tuple[FloatArray, Labels]:
        """Squares side by side; what is left over at the lower right is left out."""
        starts = range(0, labels.shape[1] - side + 1, side)
        squares = [np.s_[:, row : row + side, col : col + side] for row in starts for col in starts]
        return np.concatenate([images[each] for each in squares]), np.concatenate([labels[each] for each in squares])

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's order and changes."""
        self._epoch += 1
        self._order, self._turns = self._ordered()

    def _ordered(self) -> tuple[Order, Order]:
        """The epoch's patches, and how often each occurs among those before it."""
        rng = np.random.default_rng([self._seed, self._epoch])
        order = np.arange(self._store.count(self._split))
        if self._weights is not None:
            order = epoch_order(self._weights, rng, self._count)
        elif self._shuffle:
            rng.shuffle(order)
        order = np.resize(order, -(-len(order) // replicas()) * replicas())
        return order, repeats(order)

    def _patch_seed(self, position: int, turn: int) -> int:
        key = [self._seed, self._epoch, position]
        return int(np.random.SeedSequence([*key, turn] if turn else key).generate_state(1)[0])
