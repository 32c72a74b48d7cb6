"""`watermap models`."""

from __future__ import annotations

from typing import Any, get_args

import click

from watermap.cli.command import Command
from watermap.cli.console import console, progress_bar, table
from watermap.cli.options import option
from watermap.config import ArchName, EncoderName, Preset
from watermap.models.backend import require_keras


@click.command(
    name="models",
    cls=Command,
    examples=[
        ("All of them", "watermap models"),
        ("What the U-Net costs with each encoder", "watermap models --arch unet --preset fast"),
    ],
)
@option("--arch", type=click.Choice(get_args(ArchName)), help="This architecture only.")
@option("--encoder", type=click.Choice(get_args(EncoderName)), help="This encoder only.")
@option("--preset", type=click.Choice(get_args(Preset)), help="This preset only.")
def command(arch: str | None, encoder: str | None, preset: str | None) -> None:
    """What watermap train can train, and what each costs: parameters, and arithmetic for a million pixels."""
    require_keras()
    from watermap.models.catalog import choices, cost

    chosen = [each for each in choices(arch, encoder) if preset in (None, each[2])]
    rows: list[list[Any]] = []
    whole: dict[str, None] = {}
    with progress_bar() as progress:
        for number, each in enumerate(chosen, start=1):
            found = cost(*each)
            rows.append(
                [
                    *each,
                    f"{found.parameters:,}",
                    f"{found.flops_per_pixel / 1e3:,.0f}",
                    "yes" if found.pretrained else "no",
                ]
            )
            if found.sees_whole_window:
                whole[each[0]] = None
            progress("models", number, len(chosen))
    columns = ("architecture", "encoder", "preset", "parameters", "GFLOP/Mpx", "ImageNet")
    table("Models for six bands and two classes", columns, rows)
    if whole:
        console.print(f"These judge a pixel by its whole window, the others by what is around it: {', '.join(whole)}")
