"""`watermap evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from watermap.bands import parse_bands
from watermap.cli.command import Command
from watermap.cli.console import console, files_to_open, index_name, note, progress_bar, score, score_names, table
from watermap.cli.options import READ, WRITTEN, bands_option, config_file, option, section, setting
from watermap.cli.suggestions import bundles
from watermap.config import PredictConfig
from watermap.errors import PartialFailureError
from watermap.models.backend import check_keras

_SCORES: Final = ("water_iou", "mean_iou", "dice", "accuracy", "cross_entropy")
_WORST: Final = 20


@click.command(
    name="evaluate",
    cls=Command,
    examples=[
        ("On scenes that the bundle was not trained on", "watermap evaluate data/models/lakes data/held_out"),
        (
            "On the test patches, all scores into a file",
            "watermap evaluate data/models/lakes data/patches --json scores.json",
        ),
        (
            "The mean of two bundles",
            "watermap evaluate data/models/lakes data/held_out --with data/models/rivers",
        ),
    ],
)
@click.argument("bundle_dir", metavar="BUNDLE", type=READ, shell_complete=bundles)
@click.argument("data_dir", metavar="SCENES_OR_PATCHES_DIR", type=READ)
@section(
    "Usual options",
    option(
        "--with",
        "other_dirs",
        metavar="BUNDLE",
        type=READ,
        multiple=True,
        shell_complete=bundles,
        help="Score the mean of it and another bundle.",
    ),
    option(
        "--split",
        type=click.Choice(["test", "validation", "train"]),
        default="test",
        show_default=True,
        help="Which patches of a patches folder.",
    ),
    bands_option("Names of all bands of scenes that do not describe them, in file order."),
    setting(PredictConfig, "threshold"),
    setting(PredictConfig, "tta", former="symmetries"),
)
@section(
    "What is written",
    option("--json", "json_path", type=WRITTEN, help="Write all scores to this file."),
    option("--picture", type=WRITTEN, help="Side-by-side picture [default: beside a local bundle, else here]."),
)
@section(
    "What the scenes' bands and numbers mean",
    setting(PredictConfig, "sensor"),
    setting(PredictConfig, "offset"),
    setting(PredictConfig, "scale"),
)
@section(
    "Windows",
    setting(PredictConfig, "window"),
    setting(PredictConfig, "overlap"),
)
@config_file()
def command(
    bundle_dir: Path,
    data_dir: Path,
    other_dirs: tuple[Path, ...],
    json_path: Path | None,
    picture: Path | None,
    split: str,
    bands: str | None,
    config_path: Path | None,
    **stated: Any,
) -> None:
    """Score a bundle on labelled scenes or patches that it has not seen, beside NDWI and MNDWI on the same pixels.

    What it has seen, in ground or pixels, is refused. Intervals are of 95 %, from drawing pieces of ground again.
    """
    config = PredictConfig.load(config_path, section="predict", **stated)
    names = parse_bands(bands, config.sensor or "sentinel-2") if bands else None
    from watermap.bundles.bundle import open_bundle

    bundle, *others = [open_bundle(path) for path in (bundle_dir, *other_dirs)]
    if any(each.contract.imported_from is None for each in (bundle, *others)):
        check_keras()
    from watermap.evaluation.evaluate import evaluate
    from watermap.evaluation.panels import plot_panels
    from watermap.evaluation.reliability_plot import plot_reliability
    from watermap.io.files import write_text
    from watermap.io.paths import remote

    with progress_bar() as progress:
        result = evaluate(bundle, data_dir, config, others=others, split=split, names=names, progress=progress)
    scores = result.as_dict()
    for kind, found in scores["labels"].items():
        _show(kind, found)
    _show_scenes(scores["scenes"], several=len(scores["labels"]) > 1)
    beside = bundle_dir.parent if remote(bundle_dir) is None else Path()
    scored = "+".join(each.resolve().name for each in (bundle_dir, *other_dirs)), data_dir.resolve().name
    picture = picture or beside / f"{'_on_'.join(scored)}.png"
    written = [plot_panels(result.panels, picture, threshold=result.threshold)]
    curves = {
        f"{kind} labels": kind_scores.tally.reliability for kind, kind_scores in sorted(result.pooled_scores.items())
    }
    written.append(
        plot_reliability(curves, picture.with_stem(f"{picture.stem}_reliability"), title=" on ".join(scored))
    )
    if json_path is not None:
        write_text(json_path, json.dumps(scores, indent=2) + "\n")
        written.append(json_path)
    for line in result.notes:
        note(line)
    files_to_open(written)
    if result.failures:
        lines = "; ".join(f"{name} ({error})" for name, error in result.failures)
        raise PartialFailureError(
            f"{len(result.failures)} of {len(result.failures) + len(scores['scenes'])} scenes failed", hint=lines
        )


def _show(kind: str, found: dict[str, Any]) -> None:
    """The scores against labels of one kind."""
    own = found["scores"]
    rows = [[f"watermap ({own['pixels']:,} px)", *(score(own[name]) for name in _SCORES)]]
    if found["intervals"]["water_iou"]:
        rows.append(["  95 % interval", *(_interval(found["intervals"].get(name)) for name in _SCORES)])
    for name, values in found["baselines"].items():
        rows.append([index_name(name), *(score(values["scores"].get(key)) for key in _SCORES)])
        if values["intervals"] and values["intervals"]["water_iou"]:
            rows.append(["  95 % interval", *(_interval(values["intervals"].get(key)) for key in _SCORES)])
    table(f"All pixels, against {kind} labels", ["", *score_names(_SCORES)], rows)
    for name, gain in found["gains"].items():
        interval = f" ({_interval(gain['interval'])})" if gain["interval"] else ""
        console.print(f"Water IoU above {name.upper()}'s: {gain['water_iou']:+.3f}{interval}", markup=False)
    _tell_witnesses(found["resampled"], found["grounds"], has_intervals=bool(found["intervals"]["water_iou"]))
    tolerance = found["boundary_tolerance_px"]
    console.print(
        f"Shorelines within {tolerance} px: F1 {score(own['boundary_f1'])}, boundary IoU {score(own['boundary_iou'])}. "
        f"Expected calibration error {score(own['calibration_error'])}.",
        markup=False,
    )
    confusion = dict(zip(found["classes"], found["confusion"], strict=True))
    table(
        "By class, pixels",
        ["truth", "mapped as land", "mapped as water", "precision", "recall", "F1"],
        [
            [
                name,
                *(f"{count:,}" for count in confusion[name]),
                *(score(each[k]) for k in ("precision", "recall", "f1")),
            ]
            for name, each in found["classes"].items()
        ],
    )
    conditions = {name: each for name, each in found["conditions"].items() if each["pixels"]}
    table(
        "Where it is wrong",
        ["condition", "pixels", "wrong", "water missed", "land as water", "water IoU"],
        [[name, f"{each['pixels']:,}", *_wrong(each)] for name, each in conditions.items()],
    )


def _tell_witnesses(resampled: dict[str, Any], grounds: int, *, has_intervals: bool) -> None:
    """What the intervals rest on."""
    if not has_intervals:
        unit = {"ground": "piece", "block": "block"}[resampled["unit"]]
        many = f"{unit} of ground is" if resampled["units"] == 1 else f"{unit}s of ground are"
        message = f"No intervals: {resampled['units']} {many} too few to tell"
    elif resampled["unit"] == "ground":
        message = f"Intervals: {grounds} pieces of ground, drawn again"
    else:
        places = "one piece" if grounds == 1 else f"{grounds} pieces"
        message = (
            f"Intervals: {resampled['units']} blocks of {resampled['block_px']} px on {places} of ground, drawn again; "
            "of other ground they say nothing"
        )
    console.print(f"{message}.", markup=False)


def _wrong(found: dict[str, Any]) -> list[str]:
    (land, invented), (missed, water) = found["confusion"]
    shares = ((missed + invented, found["pixels"]), (missed, missed + water), (invented, land + invented))
    iou = found["water_iou"] if land + invented else None  # of water alone it is its share that was found
    return [*(f"{part / whole:.1%}" if whole else "-" for part, whole in shares), score(iou)]


def _interval(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _badness(scene: dict[str, Any]) -> tuple[float, float]:
    """Scenes that neither hold water nor have any mapped come last."""
    return (1.0 if scene["water_iou"] is None else scene["water_iou"], scene["accuracy"] or 0.0)


def _show_scenes(scenes: list[dict[str, Any]], *, several: bool) -> None:
    shown = sorted(scenes, key=_badness)[:_WORST]
    title = "By scene" if len(shown) == len(scenes) else f"The {len(shown)} worst of {len(scenes)} scenes"
    names = [f"{scene['name']} ({scene['label']})" if several else scene["name"] for scene in shown]
    rows = [[name, *(score(scene[key]) for key in _SCORES)] for name, scene in zip(names, shown, strict=True)]
    table(title, ["scene", *score_names(_SCORES)], rows)
