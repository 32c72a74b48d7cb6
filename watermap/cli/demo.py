"""`watermap demo`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from watermap.cli.command import Command
from watermap.cli.console import console, files_to_open, index_name, progress_bar, score, score_names, table
from watermap.cli.options import WRITTEN, option
from watermap.config import PredictConfig
from watermap.models.backend import require_keras


@click.command(
    name="demo",
    cls=Command,
    examples=[
        ("All of it", "watermap demo"),
        ("A quick look: fewer scenes, a short training", "watermap demo --out data/look --scenes 6 --epochs 3"),
    ],
)
@option(
    "--out",
    type=WRITTEN,
    default=Path("data/demo"),
    show_default=True,
    help="Folder of the results.",
)
@option("--scenes", type=click.IntRange(6), default=12, show_default=True, help="Sample scenes to train on.")
@option("--size", type=click.IntRange(256), default=512, show_default=True, help="Pixels of a scene's side.")
@option("--epochs", type=click.IntRange(1), default=20, show_default=True, help="Passes over the patches.")
def command(out: Path, scenes: int, size: int, epochs: int) -> None:
    """Make sample scenes, cut patches, train the compact U-Net, score it and map places that it has never seen."""
    require_keras()
    from watermap.evaluation.evaluate import evaluate
    from watermap.evaluation.panels import plot_panels
    from watermap.io.files import write_text
    from watermap.patches.tile import tile
    from watermap.prediction.many import predict_scenes
    from watermap.prediction.predictor import Predictor
    from watermap.scenes.find import find_images, output_name
    from watermap.scenes.sample import trial, write_samples
    from watermap.training.train import train

    training_places = trial.SCENES.model_copy(update={"scenes": scenes, "size": size})
    test_places = trial.kept_apart(training_places, scenes)
    config = PredictConfig(probability="percent")
    with progress_bar() as progress:
        console.print("1 of 5: sample scenes, some of them of places kept apart for later")
        write_samples(out / "scenes", training_places, progress=progress)
        write_samples(out / "unseen", test_places, progress=progress)
        images = find_images([out / "unseen"])
        console.print("2 of 5: patches, split by ground")
        tile(out / "scenes", out / "patches", trial.TILE, progress=progress)
        console.print("3 of 5: training; if you interrupt it, run the demo again and it goes on")
        settings = trial.TRAIN.model_copy(update={"epochs": epochs})
        bundle = train(out / "patches", out / "model", settings, overwrite=True, progress=progress).bundle
        console.print("4 of 5: scores on the places kept apart")
        result = evaluate(bundle, out / "unseen", config, pictures=len(images), progress=progress)
        write_text(out / "scores.json", json.dumps(result.as_dict(), indent=2) + "\n")
        picture = plot_panels(result.panels, out / "side_by_side.png", threshold=result.threshold)
        console.print("5 of 5: water maps of the places kept apart")
        predictions = predict_scenes(images, Predictor(bundle, config), out / "predictions", progress=progress)
    baselines = result.pooled.baselines_as_dict()
    scores = {"watermap": result.pooled.as_dict()} | {index_name(name): each for name, each in baselines.items()}
    names = ("water_iou", "mean_iou", "accuracy")
    rows = [[name, *(score(each[key]) for key in names)] for name, each in scores.items()]
    table("Places never seen, all pixels", ["", *score_names(names)], rows)
    first, water = predictions[0][0], out / "predictions" / f"{output_name(predictions[0][0])}_water.tif"
    files_to_open([picture, water, first.path, out / "model" / "curves.png", out / "patches" / "patches.gpkg"])
