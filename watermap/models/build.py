"""The one door to models: which there are, and how one is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import keras
from keras import KerasTensor

from watermap.bands import TRUE_COLOR
from watermap.config import Preset
from watermap.errors import ModelError, UsageError
from watermap.models.attention_unet import attention_unet
from watermap.models.encoders import ENCODER_LAYER, ENCODERS
from watermap.models.freezing import set_trainable_from
from watermap.models.resize import check_side
from watermap.models.scaling import SCALING_LAYER, Scaling, imagenet_gains
from watermap.models.unet import unet
from watermap.models.weights import MODEL_SUFFIX, WEIGHTS_SUFFIX, copy_resnet50, imagenet_file, load, read_resnet50
from watermap.storage import local

Decoder = Callable[[Sequence[KerasTensor], Sequence[int]], KerasTensor]

ARCHITECTURES: Final[dict[str, Decoder]] = {"unet": unet, "attention_unet": attention_unet}

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
    scaling: Scaling | None = None,
) -> keras.Model:
    """A model from raw digital numbers (DN) to probabilities.

    Input "image" (batch, patch_size, patch_size, bands) float32 in DN; output "probability" (batch, patch_size,
    patch_size, 2) float32, land then water. The encoder is one layer, "encoder", with layers of its own.

    Args:
        arch: one of `ARCHITECTURES`.
        encoder: one of `ENCODERS`.
        bands: canonical names in channel order, or how many; the first of three or more unnamed ones are taken
            for red, green and blue.
        patch_size: side of a patch in pixels, a multiple of 16; None leaves it open.
        weights: None for random ones; "imagenet", downloaded once; the path of a Keras ResNet50 file without top
            (`.h5`); or of a whole watermap model (`.keras`) of the same arch, encoder and number of bands.
        freeze_encoder: whether the encoder, batch norm included, keeps its weights in training.
        preset: "reference", or "fast" with fewer channels in the decoder.
        scaling: statistics of the training pixels, default mean 0 and standard deviation 10000, reflectance; a
            model that starts from a whole model keeps that one's own, without which its weights mean nothing.

    Raises:
        UsageError: an unknown name, or arguments that do not fit together.
        ModelError: weights that cannot be fetched or read, or that are another model's.
    """
    names = _band_names(bands)
    _check(arch, encoder, names, patch_size, scaling)
    source = _source(encoder, weights)
    if source is not None and source.suffix == MODEL_SUFFIX:
        model = _from_whole_model(source, arch, encoder, len(names), patch_size, preset)
    else:
        pretrained = None if source is None else read_resnet50(source)
        gains = None if pretrained is None else imagenet_gains(names)
        first = (scaling or Scaling.reflectance(len(names))).to_layer(gains)
        model = _assemble(arch, encoder, len(names), patch_size, first, preset)
        if pretrained is not None:
            copy_resnet50(pretrained, model.get_layer(ENCODER_LAYER), names)
    if freeze_encoder:
        set_trainable_from(model, None)
    return model


def _band_names(bands: int | Sequence[str]) -> tuple[str, ...]:
    """Canonical names; "" where a band has none."""
    if not isinstance(bands, int):
        return tuple(bands)
    known = TRUE_COLOR if bands >= len(TRUE_COLOR) else ()
    return known + ("",) * (bands - len(known))


def _check(arch: str, encoder: str, names: Sequence[str], patch_size: int | None, scaling: Scaling | None) -> None:
    if arch not in ARCHITECTURES:
        raise UsageError(f"there is no architecture {arch!r}", hint=f"choose from {', '.join(ARCHITECTURES)}")
    if encoder not in ENCODERS:
        raise UsageError(f"there is no encoder {encoder!r}", hint=f"choose from {', '.join(ENCODERS)}")
    if not names:
        raise UsageError("a model needs at least one band")
    if patch_size is not None:
        check_side(patch_size, "patch")
    if scaling is not None and len(scaling.mean) != len(names):
        raise UsageError(f"scaling has statistics of {len(scaling.mean)} bands, but the model has {len(names)}")


def _source(encoder: str, weights: str | Path | None) -> Path | None:
    """The file that weights come from; None for random ones."""
    if weights is None:
        return None
    path = local(weights, what="weights are read from local files", hint="copy them to this machine")
    if not ENCODERS[encoder].pretrained and path.suffix != MODEL_SUFFIX:
        raise UsageError(
            f"there are no {weights} weights for the {encoder} encoder",
            hint=f"use --weights none, or a whole model's {MODEL_SUFFIX} file",
        )
    if weights == IMAGENET:
        return imagenet_file()
    if path.suffix not in (MODEL_SUFFIX, WEIGHTS_SUFFIX):
        raise ModelError(
            f"{path}: neither a whole model ({MODEL_SUFFIX}) nor ResNet50 weights ({WEIGHTS_SUFFIX})",
            hint=f"give such a file, {IMAGENET} or none",
        )
    return path


def _assemble(
    arch: str, encoder: str, bands: int, patch_size: int | None, scaling: keras.layers.Layer, preset: Preset
) -> keras.Model:
    """Image, scaling, encoder, decoder, probability; with random weights."""
    image = keras.Input((patch_size, patch_size, bands), name="image", dtype="float32")
    features = ENCODERS[encoder].create(bands)(scaling(image))
    x = ARCHITECTURES[arch](features, ENCODERS[encoder].filters[preset])
    x = keras.layers.Conv2D(CLASSES, 1, name="logits")(x)
    probability = keras.layers.Activation("softmax", dtype="float32", name="probability")(x)
    return keras.Model(image, probability, name=f"{arch}_{encoder}")


def _from_whole_model(
    path: Path, arch: str, encoder: str, bands: int, patch_size: int | None, preset: Preset
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
    model = _assemble(arch, encoder, bands, patch_size, type(first).from_config(first.get_config()), preset)
    try:
        model.set_weights(saved.get_weights())
    except ValueError as error:
        raise ModelError(
            f"{path}: of another preset or version of {saved.name}", hint="ask for its preset, or train it again"
        ) from error
    return model
