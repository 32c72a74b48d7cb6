"""`watermap scenes`: folders of scenes."""

from __future__ import annotations

from pathlib import Path

import click

from watermap.bands import SensorName
from watermap.cli.command import Group
from watermap.cli.options import READ, WRITTEN, option, setting
from watermap.config import PredictConfig


@click.group(
    "scenes",
    cls=Group,
    examples=[
        ("An image to map", "watermap scenes add lake.tif --out data/scenes"),
        (
            "An image with its label, to train on",
            "watermap scenes add lake.tif --label lake_label.tif --out data/scenes",
        ),
    ],
)
def command() -> None:
    """Bring your own images and labels into a scenes folder."""


@command.command(
    "add",
    examples=[
        ("An image to map", "watermap scenes add lake.tif --out data/scenes"),
        (
            "A Landsat product, with a label",
            "watermap scenes add LC08_L2SP_193027_20230607_20230614_02_T1 \\\n  --label lake.tif --out data/scenes",
        ),
        (
            "With a label drawn by hand, whose unknown is -1",
            "watermap scenes add lake.tif --label hand.tif --kind hand \\\n  --codes -1=255,0=0,1=1 --out data/scenes",
        ),
    ],
)
@click.argument("image", type=READ)
@option("--out", type=WRITTEN, required=True, help="Folder of scenes; made if absent.")
@option("--name", help="Name of the scene. [default: the image's or the product's]")
@option("--label", type=READ, help="Raster of truth that overlaps the image.")
@option(
    "--codes",
    help="The label's values as watermap codes (0 land, 1 water, 255 unknown), e.g. -1=255,0=0,1=1 or, for "
    "Hansen's datamask, 0=255,1=0,2=1. [default: they are watermap codes already]",
)
@option("--kind", help="What the label is, e.g. hand or hansen: scores against different kinds are kept apart.")
@setting(PredictConfig, "sensor")
def add(
    image: Path,
    out: Path,
    name: str | None,
    label: Path | None,
    codes: str | None,
    kind: str | None,
    sensor: SensorName | None,
) -> None:
    """Put IMAGE into a scenes folder; its label is rewritten in watermap's codes.

    A GeoTIFF is copied. A product (SAFE, Landsat folder, HLS granule, PlanetScope file), or an image whose sensor is
    stated, becomes reflectance x 10,000 in one file.
    """
    from watermap.cli.console import files_to_open
    from watermap.errors import UsageError
    from watermap.scenes.folder import add_scene

    for flag, value in (("--codes", codes), ("--kind", kind)):
        if value is not None and label is None:
            raise UsageError(f"{flag} without --label", hint="name the label's file")
    known = _parse_codes(codes) if codes else None
    scene = add_scene(out, name or _name_of(image), image, label=label, codes=known, kind=kind, sensor=sensor)
    files_to_open([path for path in (scene.image, scene.label) if path is not None])


def _name_of(image: Path) -> str:
    """What a scene is called that nobody names: the file's name, or the product's."""
    from watermap.scenes.find import output_name

    return image.stem if image.suffix.lower() in (".tif", ".tiff") else output_name(image)


def _parse_codes(text: str) -> dict[int, int]:
    """A code map such as `-1=255,0=0,1=1`."""
    from watermap.errors import UsageError

    try:
        pairs = [pair.split("=") for pair in text.split(",")]
        codes = {int(value): int(code) for value, code in pairs}
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a map of codes", hint="write value=code pairs, e.g. -1=255,0=0,1=1"
        ) from error
    if len(codes) < len(pairs):
        raise UsageError(f"a value comes twice in {text!r}", hint="name each value once")
    return codes
