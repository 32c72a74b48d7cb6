"""`watermap report`."""

from __future__ import annotations

from pathlib import Path

import click

from watermap.cli.command import Command
from watermap.cli.console import files_to_open, note, progress_bar
from watermap.cli.options import READ, WRITTEN, option
from watermap.cli.suggestions import bundles


@click.command(
    name="report",
    cls=Command,
    examples=[
        ("A page in the folder of the maps", "watermap report data/predictions"),
        (
            "With the scores of the bundle that made them",
            'watermap report data/predictions --bundle data/models/lakes \\\n  --title "Lakes in June"',
        ),
    ],
)
@click.argument("run_dir", type=READ)
@option(
    "--bundle",
    "bundle_dir",
    type=READ,
    shell_complete=bundles,
    help="Bundle that made the maps, for its scores and training.",
)
@option("--out", type=WRITTEN, help="HTML file [default: report.html in RUN_DIR].")
@option("--title", help="Title of the page [default: by the folder's name].")
def command(run_dir: Path, bundle_dir: Path | None, out: Path | None, title: str | None) -> None:
    """One page of HTML on a folder of maps: scenes, pictures, scores, how they were made, and their limits.

    Pictures NAME_quicklook.png and the tables of timelines and changes in the folder are shown too. The page is one
    file that needs no network.
    """
    from watermap.bundles.bundle import open_bundle
    from watermap.io.paths import local
    from watermap.maps.report import write_report
    from watermap.maps.report_facts import gather

    out = local(run_dir) / "report.html" if out is None else out
    bundle = open_bundle(bundle_dir) if bundle_dir is not None else None
    with progress_bar() as progress:
        facts = gather(run_dir, progress=progress)
    page = write_report(facts, out, bundle=bundle, title=title)
    for line in page.notes:
        note(line)
    files_to_open([page.path])
