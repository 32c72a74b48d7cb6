"""`watermap demo`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from watermap.backend import require_keras
from watermap.bands import STANDARD_BANDS
from watermap.cli.console import console, files_to_open, progress_bar, score, table
from watermap.config import PredictConfig, SampleConfig, TileConfig, TrainConfig


@click.command(name="demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("data/demo"),
    show_default=True,
    help="Folder of the results.",
)
@click.option("--scenes", type=click.IntRange(4), default=12, show_default=True, help="Sample scenes to make.")
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True, help="Passes over the patches.")
def command(out: Path, scenes: int, epochs: int) -> None:
    """Make sample scenes, cut patches, train the compact U-Net, score it and map scenes that it has never seen."""
    require_keras()
    from watermap.evaluation import evaluate
    from watermap.files import write_text
    from watermap.patches import tile
    from watermap.prediction import Predictor, predict_scene
    from watermap.report import plot_panels
    from watermap.sample import write_samples
    from watermap.scenes import find_scenes
    from watermap.training import train

    folders = {name: out / name for name in ("scenes", "unseen", "patches", "model", "predictions")}
    predict_config = PredictConfig(probability="percent")
    with progress_bar() as progress:
        console.print("1 of 5: sample scenes, and two of a place apart to map later")
        write_samples(folders["scenes"], SampleConfig(scenes=scenes, seed=1), progress=progress)
        write_samples(folders["unseen"], SampleConfig(scenes=4, seed=2), progress=progress)
        console.print("2 of 5: patches, split by ground")
        patches = tile(folders["scenes"], folders["patches"], TileConfig(bands=STANDARD_BANDS), progress=progress)
        console.print(f"        {patches.counts}", markup=False)
        console.print("3 of 5: training (an interrupted demo goes on here when it is run again)")
        config = TrainConfig(encoder="compact", epochs=epochs)
        bundle = train(folders["patches"], folders["model"], config, progress=progress).bundle
        console.print("4 of 5: scores on ground that the model has never seen")
        result = evaluate(bundle, folders["unseen"], predict_config, progress=progress)
        write_text(out / "scores.json", json.dumps(result.as_dict(), indent=2) + "\n")
        picture = plot_panels(result.panels, out / "side_by_side.png", threshold=result.pooled.threshold)
        console.print("5 of 5: water maps")
        predictor = Predictor(bundle, predict_config)
        maps = [
            predict_scene(scene.image, predictor, folders["predictions"], progress=progress)
            for scene in find_scenes(folders["unseen"])
        ]
    scores = {"watermap": result.pooled.as_dict()} | result.pooled.baselines_as_dict()
    names = ("water_iou", "mean_iou", "accuracy")
    rows = [[name, *(score(values[key]) for key in names)] for name, values in scores.items()]
    table("Unseen sample scenes, all pixels", ["", *names], rows)
    files_to_open(
        [
            picture,
            folders["model"] / "curves.png",
            maps[0].water,
            folders["unseen"] / maps[0].water.stem.removesuffix("_water") / "image.tif",
            folders["patches"] / "patches.gpkg",
            out / "scores.json",
        ]
    )
