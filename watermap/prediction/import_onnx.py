"""A bundle of somebody else's network: fed, streamed, styled and scored like one that was trained here."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from watermap import __version__
from watermap.arrays import FloatArray
from watermap.bands import Radiometry
from watermap.bundles.bundle import Bundle, open_bundle, write_contract
from watermap.bundles.contract import Contract
from watermap.bundles.imported import ImportedNetwork, assumed_statistics
from watermap.config import OnnxConfig
from watermap.config.extras import install_command
from watermap.errors import ModelError, UsageError
from watermap.io.files import file_digest, writing_folder
from watermap.io.paths import local
from watermap.legend import NO_DATA
from watermap.prediction.engines.converted import FOLDER, RECORD_FILE, Check, ConversionRecord, compare
from watermap.prediction.engines.onnx import OnnxNetwork, Sides, channel_axis, find_sides, read_onnx, run
from watermap.prediction.engines.onnx_graph import (
    OutputMeaning,
    is_probable,
    meaning_of,
    normalised,
    surrounded,
    water_of,
)
from watermap.prediction.engines.openvino import (
    OpenVinoEngine,
    flops_per_pixel,
    is_installed,
    openvino_library,
    openvino_version,
)
from watermap.progress import Progress, silent

THRESHOLD: Final = 0.5
_WINDOWS: Final = 4
"""Of invented ground, on which the finished network is compared with the one that was imported."""
_PIECES_PX: Final = (64, 16, 4, 1)
"""Sides of the patches of even reflectance that make it up, one size over the other."""
_BRIGHTEST: Final = 0.6
_GREATEST_DIFFERENCE: Final = 0.01
"""Of the probability: what rounding may make of it in a network without errors."""


@dataclass(frozen=True)
class Import:
    """An imported network.

    Attributes:
        bundle: it, with its contract.
        notes: what the user should know.
    """

    bundle: Bundle
    notes: tuple[str, ...]


def import_onnx(network: Path, out: Path, config: OnnxConfig, *, progress: Progress = silent) -> Import:
    """Make a bundle of an ONNX segmentation network; OpenVINO reads and runs it, Keras is not needed.

    Args:
        network: the file, on this machine.
        out: the bundle's folder, which is made; nothing is left of it if something is wrong.
        config: how the network is fed, and how its numbers are read.
        progress: told after every step.

    Raises:
        ModelError: it is no ONNX file, or OpenVINO cannot run it.
        UsageError: what is stated does not fit it, OpenVINO is not installed, or the folder holds something already.
        DataError: the folder cannot be written.
    """
    network = local(network, what="networks are imported from files on this machine", hint="copy it there first")
    out = local(out)
    if not is_installed():
        raise UsageError("networks are imported with OpenVINO, which is not installed", hint=install_command("fast"))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is there already", hint="give a new folder, or remove it first")
    if not network.is_file():
        raise ModelError(f"{network}: no such file", hint="give an ONNX file")
    with _naming(network), writing_folder(out) as part:
        progress("import: reading", 0, 3)
        digest = file_digest(network)
        copy = Path(shutil.copyfile(network, part / f"model-{digest[:12]}.onnx"))
        read = read_onnx(copy, len(config.bands), config.layout, config.output)
        sides = find_sides(read)
        radiometry = Radiometry(config.scale, config.offset)
        images = _invented_ground(len(config.bands), sides.trial, radiometry)
        progress("import: running it", 1, 3)
        found = np.concatenate([run(read, normalised(each[None], read, radiometry, config.moments)) for each in images])
        meaning = meaning_of(found, channel_axis(found.shape, read.layout, sides.trial), config)
        notes = _notes(found, meaning, sides)
        parameters = _parameters(read)
        model = surrounded(read, meaning, radiometry, config.moments, side=sides.only)
        _save(model, part / FOLDER, sides)
        progress("import: comparing", 2, 3)
        flops = _record(part / FOLDER, digest, images, water_of(found, meaning))
        record = Contract(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            imported_from=_origin(network.name, digest, read, meaning, config),
            bands=config.bands,
            scale=config.scale,
            offset=config.offset,
            statistics=assumed_statistics(len(config.bands), radiometry, *(config.moments or (None, None))),
            parameters=parameters,
            flops_per_pixel=flops,
            threshold=THRESHOLD,
            fixed_window_px=sides.only,
            window_multiple_px=sides.multiple,
            scores={},
            versions={"watermap": __version__, "openvino": openvino_version(), "python": platform.python_version()},
            model_file=copy.name,
            model_digest=digest,
        )
        write_contract(part, record)
    progress("import: done", 3, 3)
    return Import(open_bundle(out), tuple(notes))


@contextmanager
def _naming(network: Path) -> Iterator[None]:
    """Put the network's name before what is wrong with it."""
    try:
        yield
    except (ModelError, UsageError) as error:
        raise type(error)(f"{network}: {error.message}", hint=error.hint) from error


def _origin(name: str, digest: str, read: OnnxNetwork, meaning: OutputMeaning, config: OnnxConfig) -> ImportedNetwork:
    mean, std = config.moments or (None, None)
    return ImportedNetwork(
        file=name,
        digest=digest,
        layout=read.layout,
        output=read.output,
        classes=meaning.classes,
        water_class=meaning.water,
        activation=meaning.activation,
        against=meaning.against,
        mean=mean,
        std=std,
        pixel_size_m=config.pixel_size_m,
    )


def _invented_ground(bands: int, shape: tuple[int, int], radiometry: Radiometry) -> FloatArray:
    """Windows (n, bands, rows, cols) of patches of random reflectance of several sizes, in digital numbers."""
    rng = np.random.default_rng(0)
    rows, cols = shape
    reflectance = np.zeros((_WINDOWS, bands, rows, cols))
    for side in _PIECES_PX:
        coarse = rng.uniform(0, _BRIGHTEST / len(_PIECES_PX), (_WINDOWS, bands, -(-rows // side), -(-cols // side)))
        reflectance += coarse.repeat(side, axis=2).repeat(side, axis=3)[:, :, :rows, :cols]
    return (reflectance / radiometry.scale - radiometry.offset).astype(np.float32)


def _notes(found: Any, meaning: OutputMeaning, sides: Sides) -> Iterator[str]:
    """What was taken for granted."""
    if meaning.activation != "none" and is_probable(found, meaning.channel_axis):
        yield (
            f"what the network gives are probabilities already, and {meaning.activation} is applied to them again: "
            "leave --activation out unless its makers do the same"
        )
    if sides.only is not None:
        yield f"it takes windows of {sides.only} x {sides.only} pixels only"
    yield "how far it sees was not measured: windows overlap as much as is usual, and predict's --overlap states more"


def _parameters(network: OnnxNetwork) -> int:
    constants = (node for node in network.model.get_ops() if node.get_type_name() == "Constant")
    return sum(
        int(np.prod(node.get_output_shape(0)))
        for node in constants
        if node.get_output_element_type(0).is_real() and len(node.get_output_shape(0))
    )


def _save(model: Any, folder: Path, sides: Sides) -> None:
    """Save the finished network, for as many windows at once as it can compute."""
    openvino = openvino_library()
    if not _takes_two(model, sides):
        rows = cols = -1 if sides.only is None else sides.only
        bands = model.input(0).partial_shape[1].get_length()
        model.reshape({model.input(0): openvino.PartialShape([1, bands, rows, cols])})
    folder.mkdir()
    openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)


def _takes_two(model: Any, sides: Sides) -> bool:
    """Whether two windows at once give two maps."""
    tried = model.clone()
    bands = model.input(0).partial_shape[1].get_length()
    try:
        tried.reshape([2, bands, *sides.trial])
        return tuple(tried.output(0).partial_shape.to_shape()) == (2, *sides.trial)
    except RuntimeError:
        return False


def _record(folder: Path, digest: str, images: FloatArray, expected: FloatArray) -> float:
    """Compare the saved network with what is expected of it, and write its record.

    Returns:
        Its arithmetic a pixel.

    Raises:
        ModelError: it gives something else.
    """
    engine = OpenVinoEngine((folder / "model.xml", folder / "model.bin"), "float32")
    found = engine.compute(images)
    everywhere = np.ones(expected.shape, dtype=bool)
    check: Check = compare(expected, found, everywhere, np.full(expected.shape, NO_DATA), THRESHOLD)
    if check.max_difference > _GREATEST_DIFFERENCE and not check.accepts("float32"):
        raise ModelError(
            f"with its normalisation and activation around it, it gives {1 - check.agreement:.2%} of the pixels "
            "another class than by itself",
            hint="please report it, with the network if you may",
        )
    record = ConversionRecord(
        converted_from=digest,
        openvino=openvino_version(),
        files={path.name: file_digest(path) for path in sorted(folder.iterdir())},
        checks={"float32": check},
    )
    (folder / RECORD_FILE).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return flops_per_pixel(openvino_library().Core().read_model(folder / "model.xml"))
