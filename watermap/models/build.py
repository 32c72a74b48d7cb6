"""The one door to models: which there are, and how one is made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import keras

from watermap.bands import TRUE_COLOR
from watermap.config import DecoderConfig, Preset
from watermap.errors import ModelError, UsageError
from watermap.io.paths import local
from watermap.models.architecture import PROBABILITY, Plan
from watermap.models.encoders import ENCODER_LAYER
from watermap.models.freezing import set_trainable_from
from watermap.models.registry import ARCHITECTURES, architecture
from watermap.models.resize import check_side
from watermap.models.scaling import SCALING_LAYER, Scaling, imagenet_gains, imagenet_offsets
from watermap.models.spectral import Spectral
from watermap.models.weights import (
    MODEL_SUFFIX,
    PRETRAINED,
    WEIGHTS_SUFFIX,
    copy_pretrained,
    imagenet_file,
    load,
    read_pretrained,
)

IMAGENET: Final = "imagenet"
CLASSES: Final = 2
"""Channel 0 is land, channel 1 is water."""


def build(
    arch: str,
    encoder: str,
    *,
    bands: int | Sequence[str],
    patch_size: int | None,
    weights: str | Path | None = None,
    freeze_encoder: bool = False,
    preset: Preset = "reference",
    decoder: DecoderConfig | None = None,
    classes: int = CLASSES,
    scaling: Scaling | Spectral | None = None,
) -> keras.Model:
    """A model from raw digital numbers (DN) to probabilities.

    Input "image" (batch, patch_size, patch_size, bands) float32 in DN; output "probability" (batch, patch_size,
    patch_size, classes) float32 that add up to one, land then water. An architecture with deep supervision has more
    outputs of the same shape, by name; `for_prediction` leaves them out. The encoder is one layer, "encoder", with
    layers of its own.

    Args:
        arch: one of `registry.ARCHITECTURES`.
        encoder: one of those that it takes.
        bands: canonical names in channel order, or how many; the first of three or more unnamed ones are taken
            for red, green and blue.
        patch_size: side of a patch in pixels, a multiple of 16; None leaves it open.
        weights: None for random ones; "imagenet", downloaded once; the path of Keras's file of the encoder
            without top (`.h5`); or of a whole watermap model (`.keras`) of the same arch, encoder and number of bands.
        freeze_encoder: whether the encoder, batch norm included, keeps its weights in training.
        preset: "reference", or "fast" with fewer channels in the decoder.
        decoder: what the decoder is made of, where it is not as published.
        classes: channels of the output.
        scaling: statistics of the training pixels, default mean 0 and standard deviation 10000, reflectance; or what
            their numbers mean, of which logarithms and normalised differences are made. A model that starts from a
            whole model keeps that one's own, without which its weights mean nothing.

    Raises:
        UsageError: an unknown name, or arguments that do not fit together.
        ModelError: weights that cannot be fetched or read, or that are another model's.
    """
    names = _band_names(bands)
    _check(names, patch_size, scaling)
    found = architecture(arch, encoder)
    plan = found.plan(arch, encoder, preset, classes, decoder or DecoderConfig())
    first = scaling or Scaling.reflectance(len(names))
    if isinstance(first, Spectral) and weights is not None and Path(weights).suffix != MODEL_SUFFIX:
        raise UsageError(f"{weights} weights are of colours, not of features of them", hint="use --weights none")
    source = _source(encoder, weights)
    if source is None:
        model = _assemble(arch, encoder, len(names), patch_size, first.to_layer(), plan)
    elif source.suffix == MODEL_SUFFIX:
        model = _from_whole_model(source, arch, encoder, len(names), patch_size, plan)
    else:
        assert isinstance(first, Scaling)  # noqa: S101  # made sure of above
        pretrained = PRETRAINED[encoder]
        network = read_pretrained(source, pretrained)
        statistics = imagenet_gains(names, pretrained.preprocessing), imagenet_offsets(names, pretrained.preprocessing)
        model = _assemble(arch, encoder, len(names), patch_size, first.to_layer(*statistics), plan)
        copy_pretrained(network, pretrained, model.get_layer(ENCODER_LAYER), names)
    if freeze_encoder:
        set_trainable_from(model, None)
    return model


def for_prediction(model: keras.Model) -> keras.Model:
    """The same model with "probability" as its one output; layers and weights are shared."""
    if model.output_names == [PROBABILITY]:
        return model
    return keras.Model(model.input, model.get_layer(PROBABILITY).output, name=model.name)


def _band_names(bands: int | Sequence[str]) -> tuple[str, ...]:
    """Canonical names; "" where a band has none."""
    if not isinstance(bands, int):
        return tuple(bands)
    known = TRUE_COLOR if bands >= len(TRUE_COLOR) else ()
    return known + ("",) * (bands - len(known))


def _check(names: Sequence[str], patch_size: int | None, scaling: Scaling | Spectral | None) -> None:
    if not names:
        raise UsageError("a model needs at least one band")
    if patch_size is not None:
        check_side(patch_size, "patch")
    if scaling is not None and scaling.bands != len(names):
        raise UsageError(f"scaling is of {scaling.bands} bands, but the model has {len(names)}")


def _source(encoder: str, weights: str | Path | None) -> Path | None:
    """The file that weights come from; None for random ones."""
    if weights is None:
        return None
    path = local(weights, what="weights are read from local files", hint="copy them to this machine")
    if encoder not in PRETRAINED and path.suffix != MODEL_SUFFIX:
        raise UsageError(
            f"there are no {weights} weights for the {encoder} encoder",
            hint=f"use --weights none, or a whole model's {MODEL_SUFFIX} file",
        )
    if weights == IMAGENET:
        return imagenet_file(PRETRAINED[encoder])
    if path.suffix not in (MODEL_SUFFIX, WEIGHTS_SUFFIX):
        theirs = PRETRAINED[encoder].title
        raise ModelError(
            f"{path}: neither a whole model ({MODEL_SUFFIX}) nor {theirs} weights ({WEIGHTS_SUFFIX})",
            hint=f"give such a file, {IMAGENET} or none",
        )
    return path


def _assemble(
    arch: str, encoder: str, bands: int, patch_size: int | None, scaling: keras.layers.Layer, plan: Plan
) -> keras.Model:
    """Image, scaling, encoder, decoder, probabilities; with random weights."""
    made = ARCHITECTURES[arch]
    image = keras.Input((patch_size, patch_size, bands), name="image", dtype="float32")
    scaled = scaling(image)
    features = made.encoders[encoder](scaled.shape[-1])(scaled)
    outputs = {
        name: keras.layers.Activation("softmax", dtype="float32", name=name)(logits)
        for name, logits in made.decoder(features, plan).items()
    }
    return keras.Model(image, outputs if len(outputs) > 1 else outputs[PROBABILITY], name=f"{arch}_{encoder}")


def _from_whole_model(
    path: Path, arch: str, encoder: str, bands: int, patch_size: int | None, plan: Plan
) -> keras.Model:
    """A model that goes on from a saved one: its weights and its scaling, for patches of another size perhaps.

    Raises:
        ModelError: the file cannot be loaded, or is of another architecture, encoder or number of bands.
    """
    saved = load(path)
    found, wanted = (saved.name, saved.input_shape[-1]), (f"{arch}_{encoder}", bands)
    if found != wanted:
        raise ModelError(
            f"{path}: holds {found[0]} for {found[1]} bands, not {wanted[0]} for {wanted[1]}",
            hint="ask for the same architecture, encoder and bands, or start from other weights",
        )
    first = saved.get_layer(SCALING_LAYER)
    model = _assemble(arch, encoder, bands, patch_size, type(first).from_config(first.get_config()), plan)
    try:
        for_prediction(model).set_weights(for_prediction(saved).get_weights())
    except ValueError as error:
        raise ModelError(
            f"{path}: of another preset or version of {saved.name}", hint="ask for its preset, or train it again"
        ) from error
    return model
