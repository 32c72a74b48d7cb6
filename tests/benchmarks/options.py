"""What benchmarks can be told on the command line; what only some of them need is imported for those."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.result import FOLDER
from watermap.bands import REFLECTANCE_SCALE, STANDARD_BANDS
from watermap.config import PredictConfig
from watermap.models.backend import require_keras

if TYPE_CHECKING:
    from watermap.bundles.bundle import Bundle


def parser(what: str | None, repeats: int) -> argparse.ArgumentParser:
    """Repeats, and where results and random bundles are kept."""
    made = argparse.ArgumentParser(description=(what or "").partition("\n")[0])
    made.add_argument("--repeats", type=int, default=repeats, help="turns of all contestants [default: %(default)s]")
    made.add_argument("--out", type=Path, default=FOLDER, help="folder of the result [default: results beside this]")
    made.add_argument("--keep", type=Path, help="folder of random bundles, taken from there by the next run")
    return made


def add_scene(made: argparse.ArgumentParser, rows: int, cols: int) -> None:
    """The scene's size."""
    made.add_argument("--rows", type=int, default=rows, help="of the scene [default: %(default)s]")
    made.add_argument("--cols", type=int, default=cols, help="of the scene [default: %(default)s]")


def add_bundle(made: argparse.ArgumentParser) -> None:
    """The model."""
    made.add_argument("--bundle", type=Path, help="a converted bundle [default: a fast UNet with random weights]")


def add_engine(made: argparse.ArgumentParser) -> None:
    """What runs the model."""
    made.add_argument("--engine", choices=("keras", "openvino"), default="openvino", help="[default: %(default)s]")
    precisions = ("auto", "float32", "bfloat16", "int8")
    made.add_argument("--precision", choices=precisions, default="auto", help="[default: %(default)s]")


def chosen_bundle(given: argparse.Namespace, work: Path, bands: tuple[str, ...] = STANDARD_BANDS) -> Bundle:
    """The bundle that the options name, or a random one.

    Args:
        given: of `parser`, `add_bundle` and, perhaps, `add_engine`.
        work: folder for a bundle that is not kept.
        bands: of a random one.
    """
    from tests.benchmarks.bundles import FAST_REACH, random_bundle
    from watermap.bundles.bundle import open_bundle

    if given.bundle is not None:
        return open_bundle(given.bundle)
    models = given.keep or work / "models"
    return random_bundle(models, bands=bands, reach=FAST_REACH, int8=getattr(given, "precision", None) == "int8")


def chosen_settings(given: argparse.Namespace) -> PredictConfig:
    """What the options of `add_engine` ask for; a sample scene's numbers are stated, as its commands state them."""
    if given.engine == "keras":
        require_keras()
    return PredictConfig(engine=given.engine, precision=given.precision, offset=0, scale=REFLECTANCE_SCALE)
