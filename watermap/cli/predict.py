"""`watermap predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from watermap.backend import require_keras
from watermap.bands import parse_bands
from watermap.cli.console import console, files_to_open, note, progress_bar, table
from watermap.cli.options import READ, WRITTEN, config_file, setting
from watermap.config import PredictConfig
from watermap.errors import PartialFailureError, WatermapError


@click.command(name="predict")
@click.argument("scenes", metavar="SCENE...", nargs=-1, required=True)
@click.option(
    "--bundle",
    "bundle_dir",
    type=READ,
    help="Bundle [default: the one in use in data/models].",
)
@click.option("--out", type=WRITTEN, default=Path("data/predictions"), show_default=True, help="Output folder.")
@click.option("--probability", is_flag=True, help="Also write the probability in whole percent.")
@click.option("--probability-type", type=click.Choice(["percent", "float"]), help="Also write it as uint8 or float32.")
@setting(PredictConfig, "threshold")
@click.option("--bands", help="Names of all the file's bands in file order, where it does not describe them.")
@setting(PredictConfig, "offset")
@setting(PredictConfig, "scale")
@setting(PredictConfig, "engine")
@setting(PredictConfig, "precision")
@setting(PredictConfig, "window")
@setting(PredictConfig, "overlap")
@setting(PredictConfig, "batch_size")
@config_file()
def command(
    scenes: tuple[str, ...],
    bundle_dir: Path | None,
    out: Path,
    probability_type: str | None,
    bands: str | None,
    config_path: Path | None,
    *,
    probability: bool,
    **stated: Any,
) -> None:
    """Map the water of scenes: files, scenes folders or patterns, here or at s3://, gs:// and https:// addresses.

    Each gives NAME_water.tif on its own grid.
    """
    kind = probability_type or ("percent" if probability else None)
    config = PredictConfig.load(config_path, section="predict", probability=kind, **stated)
    names = parse_bands(bands) if bands else None
    from watermap.inputs import find_images

    images = find_images(scenes)
    require_keras()
    from watermap.bundle import DEFAULT_MODELS, open_bundle
    from watermap.prediction import Prediction, Predictor, predict_scenes
    from watermap.promotion import default_bundle

    bundle = open_bundle(bundle_dir) if bundle_dir is not None else default_bundle(DEFAULT_MODELS)
    if bundle_dir is None:
        note(f"using bundle {bundle.folder} ({bundle.id})")
    with progress_bar() as progress:
        results = predict_scenes(images, Predictor(bundle, config), out, names=names, progress=progress)
    done = [result for _, result in results if isinstance(result, Prediction)]
    failed = [(scene, result) for scene, result in results if isinstance(result, WatermapError)]
    for line in (line for result in done for line in result.notes):
        note(line)
    if failed and len(results) == 1:
        raise failed[0][1]
    table(f"Water maps by {bundle.folder.name} ({bundle.id})", ["scene", "valid", "water of valid"], _rows(results))
    files_to_open([path for result in done for path in (result.water, result.probability) if path])
    if failed:
        console.print()
        for _, error in failed:
            note(str(error))
        raise PartialFailureError(
            f"{len(failed)} of {len(results)} scenes failed", hint=f"see the lines above; {len(done)} are done"
        )


def _rows(results: list[tuple[Path, Any]]) -> list[list[str]]:
    from watermap.inputs import output_name

    rows = []
    for scene, result in results:
        if isinstance(result, WatermapError):
            rows.append([output_name(scene), "failed", "-"])
        else:
            water = f"{result.water_pixels / result.valid_pixels:.1%}" if result.valid_pixels else "-"
            rows.append([output_name(scene), f"{result.valid_pixels / result.pixels:.1%}", water])
    return rows
