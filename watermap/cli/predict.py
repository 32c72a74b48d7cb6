"""`watermap predict`."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from watermap.bands import parse_bands
from watermap.cli.command import Command
from watermap.cli.console import console, files_to_open, note, progress_bar, table
from watermap.cli.options import READ, WRITTEN, bands_option, config_file, option, section, setting, switch
from watermap.cli.suggestions import OrFiles, bundles, files
from watermap.config import PredictConfig, ProductConfig
from watermap.config.extras import install_command
from watermap.errors import PartialFailureError, WatermapError

if TYPE_CHECKING:
    from watermap.io.products import SceneFiles
    from watermap.prediction.predictor import Predictor


@click.command(
    name="predict",
    cls=Command,
    examples=[
        ("One scene, by the bundle in use", "watermap predict scene.tif"),
        (
            "Every scene of a folder, three at once, with polygons",
            "watermap predict data/scenes --bundle data/models/lakes --polygons --jobs 3",
        ),
        (
            "A Sentinel-2 product as it was downloaded, without its clouds",
            "watermap predict S2B_MSIL2A_20230601T100559.SAFE --clouds scl",
        ),
        ("A Landsat product as it was unpacked", "watermap predict LC08_L2SP_193027_20230607_20230614_02_T1"),
    ],
)
@click.argument("scenes", metavar="SCENE...", nargs=-1, required=True, shell_complete=files)
@section(
    "Usual options",
    option(
        "--bundle",
        "bundle_dirs",
        type=READ,
        multiple=True,
        shell_complete=bundles,
        help="Bundle; give it again to map the mean of several [default: the one in use in data/models].",
    ),
    option("--out", type=WRITTEN, default=Path("data/predictions"), show_default=True, help="Output folder."),
    bands_option("Names of all the file's bands in file order, where it does not describe them."),
    option(
        "--clouds",
        metavar="scl|PATH|URL",
        shell_complete=OrFiles("scl"),
        help="scl: clouds, their shadows and cirrus by each L2A product's own classification; or, of one scene, such "
        "a classification (NAME_SCL_20m.jp2) or a mask that is not 0 under clouds. Nothing is seen there.",
    ),
    setting(PredictConfig, "threshold"),
    setting(PredictConfig, "min_area_m2"),
    option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Scenes at once."),
    option("--dry-run", is_flag=True, help="Show windows, arithmetic, memory and time; map nothing."),
)
@section(
    "What is written beside each map",
    switch(ProductConfig, "polygons"),
    switch(ProductConfig, "style"),
    switch(ProductConfig, "quicklook"),
    switch(ProductConfig, "stac"),
)
@section(
    "How sure each pixel is",
    option("--probability", is_flag=True, help="Also write the probability in whole percent."),
    option("--probability-type", type=click.Choice(["percent", "float"]), help="Also write it as uint8 or float32."),
    option("--uncertainty", is_flag=True, help=PredictConfig.model_fields["uncertainty"].description),
    setting(PredictConfig, "sure_from"),
    setting(PredictConfig, "tta", former="symmetries"),
)
@section(
    "What the scene's bands and numbers mean",
    setting(PredictConfig, "sensor"),
    setting(PredictConfig, "offset"),
    setting(PredictConfig, "scale"),
)
@section(
    "Speed and memory",
    setting(PredictConfig, "engine"),
    setting(PredictConfig, "precision"),
    setting(PredictConfig, "window"),
    setting(PredictConfig, "overlap"),
    setting(PredictConfig, "batch_size"),
)
@config_file()
def command(
    scenes: tuple[str, ...],
    bundle_dirs: tuple[Path, ...],
    out: Path,
    probability_type: str | None,
    bands: str | None,
    clouds: str | None,
    config_path: Path | None,
    jobs: int,
    *,
    probability: bool,
    uncertainty: bool,
    dry_run: bool,
    polygons: bool,
    style: bool,
    quicklook: bool,
    stac: bool,
    **stated: Any,
) -> None:
    """Map the water of scenes: files, scenes folders or patterns, here or at s3://, gs:// and https:// addresses.

    Each gives NAME_water.tif on its own grid, with a style for QGIS, a quicklook picture and a STAC item beside it.
    """
    kind = probability_type or ("percent" if probability else None)
    stated |= {"probability": kind, "uncertainty": uncertainty or None}
    config = PredictConfig.load(config_path, section="predict", **stated)
    names = parse_bands(bands, config.sensor or "sentinel-2") if bands else None
    from watermap.scenes.find import find_images

    images = find_images(scenes, sensor=config.sensor)
    from watermap.scenes.clouds import clouds_of

    masked = clouds_of(clouds, scenes=len(images))
    from watermap.bundles.bundle import DEFAULT_MODELS, open_bundle
    from watermap.bundles.registry import default_bundle
    from watermap.maps.products import add_products
    from watermap.prediction.many import predict_scenes
    from watermap.prediction.predictor import Predictor
    from watermap.prediction.scene import Prediction

    if polygons:
        import watermap.maps.polygons.vectorize  # noqa: F401  # tells what is not installed before hours of work, not after
    bundle, *others = [open_bundle(path) for path in bundle_dirs] or [default_bundle(DEFAULT_MODELS)]
    if not bundle_dirs:
        note(f"using bundle {bundle.folder} ({bundle.id})")
    predictor = Predictor(bundle, config, others)
    _tell_engine(predictor)
    if dry_run:
        _show_forecasts(images, predictor, names)
        return
    products = ProductConfig(polygons=polygons, style=style, quicklook=quicklook, stac=stac)
    with progress_bar() as progress:
        results = predict_scenes(
            images,
            predictor,
            out,
            names=names,
            clouds=masked,
            jobs=jobs,
            progress=progress,
            then=partial(add_products, config=products, names=names),
        )
    done = [result for _, result in results if isinstance(result, Prediction)]
    failed = [(scene, result) for scene, result in results if isinstance(result, WatermapError)]
    for line in (line for result in done for line in result.notes):
        note(line)
    if failed and len(results) == 1:
        raise failed[0][1]
    columns = ["scene", "valid", "water of valid", *(["unsure of valid"] if config.sure_from is not None else [])]
    table(f"Water maps by {predictor.name} ({predictor.id})", columns, _rows(results, len(columns)))
    files_to_open([path for result in done for path in (result.water, *result.others.values(), *result.products)])
    if failed:
        console.print()
        _fail([error for _, error in failed], len(results))


def _fail(errors: list[WatermapError], scenes: int) -> NoReturn:
    """End with what went wrong with some of many scenes, or with the only one."""
    if scenes == 1:
        raise errors[0]
    for error in errors:
        note(str(error))
    raise PartialFailureError(
        f"{len(errors)} of {scenes} scenes failed", hint=f"see the lines above; {scenes - len(errors)} are done"
    )


def _rows(results: list[tuple[SceneFiles, Any]], columns: int) -> list[list[str]]:
    from watermap.scenes.find import output_name

    rows = []
    for scene, result in results:
        if isinstance(result, WatermapError):
            rows.append([output_name(scene), "failed"])
        else:
            shares = [result.water_pixels, *([] if result.unsure_pixels is None else [result.unsure_pixels])]
            valid = result.valid_pixels
            message = [f"{share / valid:.1%}" if valid else "-" for share in shares]
            rows.append([output_name(scene), f"{valid / result.pixels:.1%}", *message])
    return [[*row, *["-"] * (columns - len(row))] for row in rows]


def _tell_engine(predictor: Predictor) -> None:
    """Say where a faster engine could be had, and which setting says nothing to the one that is taken."""
    from watermap.prediction.engines.choice import engine_name
    from watermap.prediction.engines.openvino import is_installed

    engines = {bundle.folder: engine_name(bundle, predictor.config) for bundle in predictor.bundles}
    if "openvino" in engines.values() and predictor.config.batch_size is not None:
        note("batch_size changes nothing: openvino computes one window at a time (--engine keras computes several)")
    slow = [folder for folder, engine in engines.items() if engine == "keras"]
    if predictor.config.engine == "auto" and slow:
        if not is_installed():
            note(f"with {install_command('fast')} and a converted bundle this would be several times faster")
        elif find_spec("keras") is not None:
            for folder in slow:
                note(
                    f"{folder} is not converted for OpenVINO, so Keras runs it, several times slower: "
                    f"watermap bundles convert {folder} --patches PATCHES"
                )


def _show_forecasts(images: list[SceneFiles], predictor: Predictor, names: tuple[str, ...] | None) -> None:
    from watermap.prediction.cost import forecast
    from watermap.scenes.find import output_name

    rows, failed = [], []
    for image in images:
        try:
            found = forecast(image, predictor, names=names)
        except WatermapError as error:
            failed.append(error)
            continue
        rows.append(
            [
                output_name(image),
                f"{found.rows} x {found.cols}",
                f"{found.windows} of {found.window[0]} x {found.window[1]}",
                f"{found.overlap} px",
                f"{found.computed_per_pixel:.3f}",
                f"{found.flops / 1e12:.3g}",
                f"{found.memory_bytes / 2**20:.0f}",
                f"{found.seconds:.0f}",
            ]
        )
    if rows:
        title = f"Nothing was mapped; {predictor.engine.name}"
        table(title, ["scene", "pixels", "windows", "overlap", "computed a pixel", "TFLOP", "MiB", "seconds"], rows)
    if failed:
        _fail(failed, len(images))
