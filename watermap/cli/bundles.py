"""`watermap bundles`: which models there are, what they are, and which is in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from watermap.cli.command import Group
from watermap.cli.import_bundle import command as import_command
from watermap.cli.options import READ, WRITTEN, option
from watermap.cli.suggestions import bundles
from watermap.config.terms import CALIBRATE, THRESHOLD_FOR, CalibrationMethod, ThresholdGoal
from watermap.errors import UsageError

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _models(kind: click.ParamType[Any]) -> Callable[[_Command], _Command]:
    return option("--models", type=kind, default=Path("data/models"), show_default=True, help="Bundles' folder.")


@click.group(
    "bundles",
    cls=Group,
    examples=[
        ("Which bundles there are, and which is in use", "watermap bundles list"),
        ("What a bundle is, and how good", "watermap bundles card data/models/lakes"),
        ("Take it from now on where no bundle is named", "watermap bundles promote data/models/lakes"),
    ],
)
def command() -> None:
    """List bundles, show one, put one to use, take that back, calibrate, convert, import somebody else's network."""


command.add_command(import_command)


@command.command(
    "list",
    examples=[
        ("Those in data/models", "watermap bundles list"),
        ("Others", "watermap bundles list --models /srv/models"),
    ],
)
@_models(READ)
def show(models: Path) -> None:
    """Every bundle with its scores on the test patches, and which one is in use."""
    from watermap.bundles.registry import list_bundles
    from watermap.cli.console import score, table
    from watermap.errors import ModelError

    found = list_bundles(models)
    if not found:
        raise ModelError(f"{models}: holds no bundle", hint="train one with watermap train")
    rows = [
        (
            bundle.folder.name,
            bundle.id,
            bundle.contract.created,
            score(bundle.contract.scores.get("test", {}).get("water_iou")),
            role,
        )
        for bundle, role in found
    ]
    table(f"Bundles in {models}", ("bundle", "id", "trained", "water IoU", ""), rows)


@command.command(
    "card",
    examples=[
        ("On the screen", "watermap bundles card data/models/lakes"),
        ("Into a file", "watermap bundles card data/models/lakes --out lakes.md"),
    ],
)
@click.argument("bundle_dir", metavar="BUNDLE", type=READ, shell_complete=bundles)
@option("--out", type=WRITTEN, help="Write it to this file instead of showing it.")
def show_card(bundle_dir: Path, out: Path | None) -> None:
    """The model card of BUNDLE in Markdown: data, ground, labels, scores, limits, as far as the bundle knows them."""
    from watermap.bundles.bundle import open_bundle
    from watermap.bundles.card import card
    from watermap.cli.console import files_to_open
    from watermap.io.files import write_text

    bundle = open_bundle(bundle_dir)
    text = card(bundle.contract, bundle.id)
    if out is None:
        click.echo(text, nl=False)
        return
    write_text(out, text)
    files_to_open([out])


@command.command(
    "promote",
    examples=[
        ("At once", "watermap bundles promote data/models/lakes"),
        (
            "If it is no worse than the one in use on scenes that neither knows",
            "watermap bundles promote data/models/lakes --held-out data/held_out",
        ),
    ],
)
@click.argument("bundle_dir", metavar="BUNDLE", type=READ, shell_complete=bundles)
@_models(WRITTEN)
@option("--held-out", type=READ, help="Labelled scenes neither was trained on: promote if no worse.")
@option("--tolerance", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Water IoU it may be lower.")
def promote_bundle(bundle_dir: Path, models: Path, held_out: Path | None, tolerance: float) -> None:
    """Put BUNDLE to use, whatever was decided before: predict takes it where none is named."""
    from watermap.bundles.bundle import open_bundle
    from watermap.bundles.registry import promote
    from watermap.cli.console import console, progress_bar
    from watermap.config import PredictConfig
    from watermap.evaluation.promotion import consider

    bundle = open_bundle(bundle_dir)
    if held_out is None:
        promote(bundle, models)
        console.print(f"{bundle.folder.name} ({bundle.id}) is in use", markup=False)
        return
    if bundle.contract.imported_from is None:
        from watermap.models.backend import require_keras

        require_keras()
    with progress_bar() as progress:
        decision = consider(
            bundle, models, held_out, PredictConfig(), tolerance=tolerance, again=True, progress=progress
        )
    verdict = "promoted" if decision.promoted else "not promoted"
    console.print(f"{bundle.folder.name} ({bundle.id}) {verdict}: {decision.reason}", markup=False, soft_wrap=True)


@command.command(
    "rollback",
    examples=[
        ("The one before, of data/models", "watermap bundles rollback"),
        ("Of another folder", "watermap bundles rollback --models /srv/models"),
    ],
)
@_models(WRITTEN)
def rollback(models: Path) -> None:
    """Put the bundle to use that was in use before."""
    from watermap.bundles.registry import roll_back
    from watermap.cli.console import console

    bundle = roll_back(models)
    console.print(f"{bundle.folder.name} ({bundle.id}) is in use again", markup=False)


@command.command(
    "convert",
    examples=[
        ("For OpenVINO", "watermap bundles convert data/models/lakes --patches data/patches"),
        (
            "Also in eight-bit numbers: the fastest",
            "watermap bundles convert data/models/lakes --patches data/patches --int8",
        ),
    ],
)
@click.argument("bundle_dir", metavar="BUNDLE", type=WRITTEN, shell_complete=bundles)
@option("--patches", type=READ, required=True, help="Patches that watermap tile wrote: those it was trained on.")
@option("--int8", is_flag=True, help="Also in eight-bit numbers, calibrated on training patches.")
def convert_bundle(bundle_dir: Path, patches: Path, *, int8: bool) -> None:
    """Convert BUNDLE for OpenVINO, and show how far each precision agrees with Keras on the patches."""
    from watermap.bundles.bundle import open_bundle
    from watermap.cli.console import console, note, progress_bar, score, table
    from watermap.models.backend import check_keras, require_keras
    from watermap.patches.store import PatchStore
    from watermap.prediction.engines.conversion import convert

    bundle = open_bundle(bundle_dir)
    if bundle.contract.imported_from is not None:
        raise UsageError(f"{bundle_dir}: was imported for OpenVINO already", hint="predict with it as it is")
    check_keras()
    store = PatchStore.open(patches)
    require_keras()
    with progress_bar() as progress:
        converted = convert(bundle, store, int8=int8, progress=progress)
    checks = converted.record.checks
    rows = [
        (
            precision,
            f"{check.agreement:.4%}",
            f"{check.max_difference:.1e}",
            score(check.water_iou),
            "yes" if check.accepts(precision) else "no",
        )
        for precision, check in checks.items()
    ]
    pixels = next(iter(checks.values()))
    title = f"{bundle.folder.name} beside Keras, {pixels.patches} windows, {pixels.pixels:,} pixels"
    table(title, ("precision", "same class", "largest difference", "water IoU", "can be used"), rows)
    console.print(f"Keras in float32: water IoU {score(pixels.keras_water_iou)}", markup=False)
    if "bfloat16" not in checks:
        note("this processor has no bfloat16: convert again on one that does, to use it there")
    console.print(f"converted model in {converted.folder}", markup=False)


@command.command(
    "calibrate",
    examples=[
        ("Probabilities; maps stay as they are", "watermap bundles calibrate data/models/lakes --patches data/patches"),
        (
            "And a threshold by which the water area is right",
            "watermap bundles calibrate data/models/lakes --patches data/patches \\\n  --threshold-for area",
        ),
    ],
)
@click.argument("bundle_dir", metavar="BUNDLE", type=WRITTEN, shell_complete=bundles)
@option("--patches", type=READ, required=True, help="Patches that watermap tile wrote; their validation split.")
@option(
    "--method",
    type=click.Choice(get_args(CalibrationMethod)),
    default="auto",
    show_default=True,
    help=CALIBRATE,
)
@option(
    "--threshold-for", type=click.Choice(get_args(ThresholdGoal)), default="keep", show_default=True, help=THRESHOLD_FOR
)
def calibrate_bundle(bundle_dir: Path, patches: Path, method: CalibrationMethod, threshold_for: ThresholdGoal) -> None:
    """Make BUNDLE's probabilities mean what they say, and choose its threshold; predict applies both."""
    from watermap.bundles.bundle import open_bundle
    from watermap.cli.console import console, files_to_open, note, progress_bar, score, score_names, table
    from watermap.models.backend import check_keras, require_keras

    before = open_bundle(bundle_dir)
    is_trained_here = before.contract.imported_from is None
    if is_trained_here:
        check_keras()
    from watermap.bundles.registry import follow
    from watermap.evaluation.calibrate import calibrate
    from watermap.evaluation.reliability_plot import plot_reliability

    if is_trained_here:
        require_keras()
    with progress_bar() as progress:
        found = calibrate(before, patches, method=method, goal=threshold_for, progress=progress)
    contract = found.bundle.contract
    names = ("calibration_error", "cross_entropy", "water_iou")
    rows = [
        [f"{split}, {when}", *(score(scores[name]) for name in names), _bias(tally.confusion.counts)]
        for split in found.before
        for when, tally in (("before", found.before[split]), ("after", found.after[split]))
        for scores in [tally.as_dict()]
    ]
    table(f"{bundle_dir.resolve().name} ({found.bundle.id})", ("patches", *score_names(names), "water area"), rows)
    curve = contract.calibration
    message = "none" if curve is None else curve.description
    console.print(f"Calibration: {message}. Water from {contract.threshold:g} on.", markup=False)
    if found.bundle.id == before.id:
        note("the bundle is as it was: no curve fits noticeably better where it was not fitted")
    elif follow(bundle_dir.resolve().parent, before, found.bundle):
        note("the bundle was put to use before, and is so as it is now")
    split = "test" if "test" in found.after else "validation"
    curves = {"before": found.before[split].reliability, "after": found.after[split].reliability}
    title = f"{bundle_dir.resolve().name}, {split} patches"
    files_to_open([plot_reliability(curves, bundle_dir / "reliability.png", title=title)])


def _bias(counts: Any) -> str:
    """How much more or less water is mapped than there is."""
    true, mapped = counts[1].sum(), counts[:, 1].sum()
    return f"{mapped / true - 1:+.1%}" if true else "-"
