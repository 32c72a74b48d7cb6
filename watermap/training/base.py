"""Going on from a bundle: its network, its bands and what its numbers mean, for patches of other ground."""

from __future__ import annotations

from watermap.bundles.bundle import Bundle, open_bundle
from watermap.bundles.training_ground import TrainingGround, ground_of_patches
from watermap.config import TrainConfig
from watermap.errors import UsageError
from watermap.evaluation.leaks import ground_of_bundle
from watermap.patches.store import PatchStore


def going_on_from(config: TrainConfig, store: PatchStore) -> tuple[Bundle | None, TrainConfig, PatchStore]:
    """The bundle that a training goes on from, with settings and patches as its network needs them.

    Args:
        config: settings; what they do not state of changes made to patches is the bundle's own.
        store: patches; bands that the bundle can do without may be missing.

    Returns:
        None, and both as they are, where no bundle is gone on from.

    Raises:
        ModelError: the bundle cannot be used.
        UsageError: its network cannot be trained, or the patches lack bands that it needs.
    """
    if config.base is None:
        return None, config, store
    base = open_bundle(config.base)
    contract = base.contract
    if contract.arch is None or contract.encoder is None:
        raise UsageError(
            f"{base.folder}: an imported network, which cannot be trained", hint="go on from another bundle"
        )
    its_own = TrainConfig.model_validate(contract.training.get("config", {}) | {"base": None})
    inputs = "standardised" if contract.missing is None else "spectral"
    kept = {"preset", "decoder", *({"augment"} - config.model_fields_set)}
    if inputs == "standardised" and config.augment == "spectral":
        raise UsageError("augment spectral takes bands away, which the bundle cannot tell", hint="use --augment recipe")
    update = {name: getattr(its_own, name) for name in kept}
    update |= {"arch": contract.arch, "encoder": contract.encoder, "inputs": inputs, "weights": "none"}
    viewed = store.viewed_as(contract.bands, contract.optional_bands, contract.radiometry)
    return base, config.model_copy(update=update), viewed


def ground_with(store: PatchStore, base: Bundle | None) -> TrainingGround:
    """The ground of patches, and what the bundle that was gone on from has seen."""
    ground = ground_of_patches(store)
    earlier = None if base is None else ground_of_bundle(base)
    return ground if earlier is None else ground + earlier
