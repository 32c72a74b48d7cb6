"""`watermap bundles import`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from watermap.cli.command import Command
from watermap.cli.options import WRITTEN, config_file, option, section, setting
from watermap.cli.suggestions import files
from watermap.config import OnnxConfig


@click.command(
    "import",
    cls=Command,
    examples=[
        (
            "A network that takes reflectance and gives logits of land and water",
            "watermap bundles import lakes.onnx --bands B2,B3,B4,B8 --scale 0.0001 \\\n"
            "  --activation softmax --water-class 1 --out data/models/lakes",
        ),
        (
            "One that takes DN of 10,000 times the reflectance, and gives probabilities",
            "watermap bundles import rivers.onnx --bands B3,B8,B11 --scale 0.0001 \\\n"
            "  --mean 0 --std 0.0001 --water-class 0 --out data/models/rivers",
        ),
    ],
)
@click.argument("network", metavar="MODEL.onnx", type=WRITTEN, shell_complete=files)
@section(
    "Usual options",
    option("--out", type=WRITTEN, required=True, help="Folder of the bundle; it is made."),
    setting(OnnxConfig, "bands"),
    setting(OnnxConfig, "scale"),
    setting(OnnxConfig, "offset"),
    setting(OnnxConfig, "water_class"),
    setting(OnnxConfig, "activation"),
    setting(OnnxConfig, "pixel_size_m"),
)
@section(
    "What it takes",
    setting(OnnxConfig, "mean", metavar="X,..."),
    setting(OnnxConfig, "std", metavar="X,..."),
    setting(OnnxConfig, "layout"),
)
@section(
    "What it gives",
    setting(OnnxConfig, "output", metavar="NAME"),
    setting(OnnxConfig, "against"),
)
@config_file()
def command(network: Path, out: Path, config_path: Path | None, bands: str | None, **settings: Any) -> None:
    """Make a bundle of the ONNX segmentation network MODEL.onnx, which OpenVINO runs without Keras.

    predict, evaluate and calibrate take it as any other.
    """
    from watermap.bands import parse_bands
    from watermap.cli.console import console, files_to_open, note, progress_bar
    from watermap.prediction.import_onnx import import_onnx

    config = OnnxConfig.load(config_path, section="import", bands=bands and parse_bands(bands), **settings)
    with progress_bar() as progress:
        made = import_onnx(network, out, config, progress=progress)
    bundle, contract = made.bundle, made.bundle.contract
    for line in made.notes:
        note(line)
    console.print(
        f"{bundle.folder.name} ({bundle.id}): {contract.network}, {', '.join(contract.bands)}; "
        f"water from {contract.threshold:g} on",
        markup=False,
        soft_wrap=True,
    )
    files_to_open([bundle.folder / "card.md"])
