"""Which architectures and pretrained encoders there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from watermap.errors import UsageError
from watermap.models.architecture import Architecture
from watermap.models.attention_unet import ATTENTION_UNET
from watermap.models.deeplabv3 import DEEPLABV3
from watermap.models.fcn import FCN
from watermap.models.pspnet import PSPNET
from watermap.models.segnet import SEGNET
from watermap.models.unet import UNET
from watermap.models.unet3plus import UNET3PLUS

ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "unet": UNET,
    "attention_unet": ATTENTION_UNET,
    "unet3plus": UNET3PLUS,
    "deeplabv3": DEEPLABV3,
    "pspnet": PSPNET,
    "fcn": FCN,
    "segnet": SEGNET,
}


def encoders() -> tuple[str, ...]:
    """Names of all encoders, of whatever architecture."""
    return tuple(dict.fromkeys(name for found in ARCHITECTURES.values() for name in found.encoders))


def architecture(name: str, encoder: str) -> Architecture:
    """An architecture that takes an encoder.

    Raises:
        UsageError: there is no such architecture or encoder, or they do not go together.
    """
    if name not in ARCHITECTURES:
        raise UsageError(f"there is no architecture {name!r}", hint=f"choose from {', '.join(ARCHITECTURES)}")
    if encoder not in encoders():
        raise UsageError(f"there is no encoder {encoder!r}", hint=f"choose from {', '.join(encoders())}")
    found = ARCHITECTURES[name]
    if encoder not in found.encoders:
        raise UsageError(f"{name} does not take the {encoder} encoder", hint=f"choose from {', '.join(found.encoders)}")
    return found
