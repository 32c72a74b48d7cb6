"""`watermap evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from watermap.backend import require_keras
from watermap.bands import parse_bands
from watermap.cli.console import files_to_open, note, progress_bar, score, table
from watermap.cli.options import READ, WRITTEN, config_file, setting
from watermap.config import PredictConfig
from watermap.errors import PartialFailureError

_SCORES = ("water_iou", "mean_iou", "dice", "accuracy", "cross_entropy")


@click.command(name="evaluate")
@click.argument("bundle_dir", type=READ)
@click.argument("data_dir", metavar="SCENES_OR_PATCHES_DIR", type=READ)
@click.option("--json", "json_path", type=WRITTEN, help="Write all scores to this file.")
@click.option("--picture", type=WRITTEN, help="Side-by-side picture [default: beside a local bundle, else here].")
@click.option("--split", type=click.Choice(["test", "validation", "train"]), default="test", show_default=True)
@click.option("--bands", help="Names of all bands of scenes that do not describe them, in file order.")
@setting(PredictConfig, "threshold")
@setting(PredictConfig, "window")
@setting(PredictConfig, "overlap")
@setting(PredictConfig, "symmetries")
@setting(PredictConfig, "offset")
@setting(PredictConfig, "scale")
@config_file()
def command(
    bundle_dir: Path,
    data_dir: Path,
    json_path: Path | None,
    picture: Path | None,
    split: str,
    bands: str | None,
    config_path: Path | None,
    **stated: Any,
) -> None:
    """Score a bundle on labelled scenes or on patches, beside NDWI and MNDWI on the same pixels."""
    config = PredictConfig.load(config_path, section="predict", **stated)
    names = parse_bands(bands) if bands else None
    require_keras()
    from watermap.bundle import open_bundle
    from watermap.files import write_text
    from watermap.report import plot_panels
    from watermap.scoring.evaluation import evaluate
    from watermap.storage import remote

    bundle = open_bundle(bundle_dir)
    with progress_bar() as progress:
        result = evaluate(bundle, data_dir, config, split=split, names=names, progress=progress)
    scores = result.as_dict()
    rows = [[f"watermap ({scores['pooled']['pixels']:,} px)", *(score(scores["pooled"][name]) for name in _SCORES)]]
    for name, values in scores["baselines"].items():
        rows.append([name.replace("_otsu", ", Otsu"), *(score(values.get(key)) for key in _SCORES)])
    table("All pixels", ["", *_SCORES], rows)
    shown = sorted(scores["scenes"], key=lambda scene: scene["water_iou"] or 0)[:20]
    title = (
        "By scene"
        if len(shown) == len(scores["scenes"])
        else f"The {len(shown)} worst of {len(scores['scenes'])} scenes"
    )
    table(title, ["scene", *_SCORES], [[scene["name"], *(score(scene[name]) for name in _SCORES)] for scene in shown])
    beside = bundle_dir.parent if remote(bundle_dir) is None else Path()
    picture = picture or beside / f"{bundle_dir.resolve().name}_on_{data_dir.resolve().name}.png"
    written = [plot_panels(result.panels, picture, threshold=scores["threshold"])]
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
