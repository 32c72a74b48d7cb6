"""`watermap doctor`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import click

from watermap.cli.command import Command
from watermap.cli.console import console
from watermap.cli.options import config_file, option, section, setting
from watermap.config import EarthEngineConfig

_STYLES: Final = {"ok": "green", "missing": "yellow", "broken": "red"}


@click.command(
    name="doctor",
    cls=Command,
    examples=[
        ("This machine, without asking the network", "watermap doctor --offline"),
        ("Whether a service-account key lets exports in", "watermap doctor --key key.json --project my-project"),
    ],
)
@section(
    "Usual options",
    option("--offline", is_flag=True, help="Ask nothing of the network: neither Earth Engine nor Prefect."),
    setting(EarthEngineConfig, "project"),
    setting(EarthEngineConfig, "key"),
)
@config_file()
def command(config_path: Path | None, offline: bool, **stated: Any) -> None:
    """Say what this machine can do, and what to do about what is missing.

    Looks at packages, Keras and its GPUs, Earth Engine, Prefect, disk and memory. What is missing is optional; exit
    code 6 means that something is there but broken.
    """
    from watermap.cli.machine import examine
    from watermap.errors import PartialFailureError

    config = EarthEngineConfig.load(config_path, section="earthengine", **stated)
    counts: Counter[str] = Counter()
    for finding in examine(config, folder=Path(), online=not offline):
        counts[finding.state] += 1
        _line(f"{finding.state:<8} {finding.name:<20}  {finding.text}", style=_STYLES[finding.state])
        if finding.remedy:
            _line(f"{'':<31}-> {finding.remedy}")
    _line(f"{counts['ok']} ok, {counts['missing']} missing, {counts['broken']} broken")
    if counts["broken"]:
        raise PartialFailureError(
            f"{counts['broken']} of {counts.total()} parts are broken", hint="do what is said below them"
        )


def _line(text: str, *, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, soft_wrap=True)
