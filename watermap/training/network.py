"""The network of a training and what it is shown, as the settings say."""

from __future__ import annotations

import keras

from watermap.bundles.bundle import Bundle
from watermap.config import TrainConfig
from watermap.models.build import build
from watermap.models.resize import resize
from watermap.models.scaling import Scaling
from watermap.models.spectral import Spectral
from watermap.patches.store import PatchStore
from watermap.scenes.radiometry import Statistics
from watermap.training.augment import Augmenter, make_augmenter
from watermap.training.optimiser import computing_in
from watermap.training.spectral_augment import gather_spectra, make_spectral_augmenter


def crop_px(store: PatchStore, config: TrainConfig) -> int:
    """Side of what the network is given in training: the patch's, or that of the crops that are taken of it."""
    return min(config.crop_px or store.patch_size, store.patch_size)


def augmenter(store: PatchStore, statistics: Statistics, config: TrainConfig) -> Augmenter | None:
    """What is changed in training patches, as the settings say."""
    if config.augment != "spectral":
        return make_augmenter(config.augment, statistics)
    waters = gather_spectra(store, seed=config.seed)
    return make_spectral_augmenter(store.bands, store.radiometry, waters, crop_px=crop_px(store, config))


def _scaling(store: PatchStore, statistics: Statistics, config: TrainConfig) -> Scaling | Spectral:
    """What the network's first layer does."""
    if config.inputs == "spectral":
        return Spectral(store.bands, store.radiometry)
    return Scaling(mean=statistics.mean, std=statistics.std)


def missing_value(store: PatchStore, config: TrainConfig) -> float | None:
    """The number by which the network knows a missing band; None where it is given the mean."""
    return Spectral(store.bands, store.radiometry).missing if config.inputs == "spectral" else None


def new_network(
    store: PatchStore, statistics: Statistics, config: TrainConfig, base: Bundle | None = None
) -> keras.Model:
    """A network for what training shows it, with the weights that it starts from; a bundle's, where one is gone on
    from.
    """
    if base is not None:
        return resize(base.load_model(), crop_px(store, config))
    with computing_in(config.precision):
        return build(
            config.arch,
            config.encoder,
            bands=store.bands,
            patch_size=crop_px(store, config),
            weights=config.resolved_weights,
            preset=config.preset,
            decoder=config.decoder,
            scaling=_scaling(store, statistics, config),
        )
