"""`watermap cross-validate`."""

from __future__ import annotations

from pathlib import Path

import click

from watermap.cli.command import Command
from watermap.cli.console import files_to_open, progress_bar, table
from watermap.cli.options import READ, WRITTEN, option, section
from watermap.config import read_recipe
from watermap.models.backend import check_keras, require_keras


@click.command(
    name="cross-validate",
    cls=Command,
    examples=[
        ("Every fold, which takes hours", "watermap cross-validate data/labelled --out data/folds"),
        (
            "One fold; the others may follow, or run elsewhere",
            "watermap cross-validate data/labelled --out data/folds --fold 0",
        ),
    ],
)
@click.argument("scenes_dir", type=READ)
@section(
    "Usual options",
    option("--out", required=True, type=WRITTEN, help="Folder of the folds' bundles and scores."),
    option("--fold", "folds", multiple=True, type=click.IntRange(0), help="Fold to run; again for more [all]."),
)
def command(scenes_dir: Path, out: Path, folds: tuple[int, ...]) -> None:
    """Score the default model on scenes of places that it was not trained on: once for each fold of its recipe.

    SCENES_DIR holds the recipe's scenes, <scene>/image.tif and <scene>/label.tif. Run again, it goes on where it was.
    """
    check_keras()
    require_keras()
    from watermap.training.cross_validation import SCORES_FILE, cross_validate, table_of

    recipe = read_recipe()
    with progress_bar() as progress:
        scores = cross_validate(scenes_dir, out, recipe, folds=folds or None, progress=progress)
    rules = list(dict.fromkeys(rule for each in scores for rule in each.rules))
    columns = ["scene", "shows", "water", "model", *rules]
    table("Water IoU on places that were not trained on", columns, table_of(scores, {**recipe.scenes, **recipe.tests}))
    files_to_open([out / SCORES_FILE])
