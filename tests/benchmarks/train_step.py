"""Steps of training of each architecture, with whatever backend Keras has, as a share of what the chip can do.

`KERAS_BACKEND=jax python -m tests.benchmarks.train_step`. Every architecture is trained at 128 and 256 px, in float32
and in mixed bfloat16, compiled by XLA where the backend has it: on one batch that lies in memory already (the
accelerator's with JAX and PyTorch), and fed by the real input pipeline with the full recipe of changes. One network is
also trained at twice the batch again and again until memory ends. A step of training is counted as three times the
forward pass's convolutions; the chip's rate is that of a large matrix product of the same backend in the same
precision, measured in the same run. Steps from memory need Keras, its backend and pydantic alone.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.benchmarks.options import parser
from tests.benchmarks.result import processor, record, rounded
from tests.benchmarks.timing import timed
from watermap.bands import STANDARD_BANDS
from watermap.config import SampleConfig, TileConfig, TrainConfig
from watermap.errors import WatermapError
from watermap.models.backend import accelerators, require_keras

PRECISIONS: Final = ("float32", "mixed_bfloat16")
TRAINING_TO_FORWARD: Final = 3
"""A gradient by the pixels and one by the weights cost a forward pass each."""
_PRODUCTS: Final = 10
"""Matrix products of a repeat."""


@dataclass(frozen=True)
class Case:
    """What is trained.

    Attributes:
        network: architecture and encoder, as ARCH:ENCODER.
        side: of a patch in pixels.
        precision: Keras's policy.
        batch: patches a step.
    """

    network: str
    side: int
    precision: str
    batch: int


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=3)
    given.add_argument("--networks", nargs="+", help="ARCH:ENCODER ... [default: every architecture]")
    given.add_argument("--sides", nargs="+", type=int, default=[128, 256], help="[default: 128 256]")
    given.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    given.add_argument("--batch", type=int, default=32, help="patches a step [default: %(default)s]")
    given.add_argument("--doubled", default="unet:resnet50", help="whose batch is doubled [default: %(default)s]")
    given.add_argument("--most-batch", type=int, help="where doubling ends [default: 1024; without GPU not at all]")
    given.add_argument("--steps", type=int, default=20, help="of a repeat [default: %(default)s]")
    given.add_argument("--matrix", type=int, help="rows of the matrices [default: 8192; without GPU 1024]")
    given.add_argument("--scenes", type=int, default=4, help="that patches are cut from [default: %(default)s]")
    given.add_argument("--scene-size", type=int, default=1024, help="side of a scene in pixels [default: %(default)s]")
    given.add_argument("--no-pipeline", action="store_true", help="steps from memory alone")
    given.add_argument("--name", help="of the result [default: train_step_BACKEND]")
    options = given.parse_args(arguments)
    require_keras()
    import keras

    backend = keras.backend.backend()
    devices = accelerators(backend)
    matrix = options.matrix or (8192 if devices else 1024)
    most = options.most_batch or (1024 if devices else options.batch)
    rates = {name: matrix_rate(name, matrix, options.repeats) for name in options.precisions}
    print(f"products of {matrix} rows: {rates} TFLOP/s; {devices or [processor()]}", flush=True)
    rows: list[dict[str, Any]] = []

    def measure(case: Case, store: Any) -> bool:
        found = measured(case, store, rates[case.precision], options)
        print(*found, sep="\n", flush=True)  # a run that is cut short leaves what it measured
        rows.extend(found)
        return "failed" not in found[0]

    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        for side in options.sides:
            store = None if options.no_pipeline else patches(Path(folder) / str(side), side, options)
            for precision in options.precisions:
                for network in options.networks or every_network():
                    measure(Case(network, side, precision, options.batch), store)
                batch = 2 * options.batch
                while batch <= most and measure(Case(options.doubled, side, precision, batch), store):
                    batch *= 2
    settings = {
        "backend": backend,
        "device": devices or [processor()],
        "xla": has_xla(),
        "bands": len(STANDARD_BANDS),
        "steps": options.steps,
        "repeats": options.repeats,
        "matrix": matrix,
        "matrix_tflops": rates,
        "training_to_forward": TRAINING_TO_FORWARD,
    }
    what = "Steps of training from memory and by the input pipeline; arithmetic as a share of a matrix product's rate"
    record(options.name or f"train_step_{backend}", what, settings, rows, folder=options.out)


def every_network() -> list[str]:
    """All architectures, with ResNet50 where they take it."""
    from watermap.models.registry import ARCHITECTURES

    return [
        f"{arch}:{'resnet50' if 'resnet50' in made.encoders else next(iter(made.encoders))}"
        for arch, made in ARCHITECTURES.items()
    ]


def has_xla() -> bool:
    """Whether the backend compiles by XLA."""
    import keras

    return keras.backend.backend() in ("jax", "tensorflow")


def matrix_rate(precision: str, rows: int, repeats: int) -> float:
    """TFLOP/s of products of square matrices, the best of some repeats: what the chip can do.

    Args:
        precision: Keras's policy, whose computing type is taken.
        rows: of a matrix.
        repeats: of ten products each.
    """
    from keras import ops, random

    matrix = ops.cast(random.normal((rows, rows), stddev=rows**-0.5, seed=0), precision.removeprefix("mixed_"))

    def multiply() -> None:
        product = matrix
        for _ in range(_PRODUCTS):
            product = ops.matmul(product, matrix)
        ops.convert_to_numpy(ops.cast(product[0, 0], "float32"))  # waits for the last

    multiply()
    seconds = min(timed(multiply) for _ in range(repeats))
    return rounded(2 * rows**3 * _PRODUCTS / seconds / 1e12)


def measured(case: Case, store: Any, rate: float, options: Any) -> list[dict[str, Any]]:
    """A row from memory and, where there is a store of patches, one by the pipeline; or one that says what failed.

    Args:
        case: what is trained.
        store: patches of its side, or None.
        rate: of matrix products in its precision, in TFLOP/s.
        options: of the script.
    """
    import keras

    from watermap.models.arithmetic import flops_per_pixel

    named = {"network": case.network, "side": case.side, "precision": case.precision, "batch": case.batch}
    rows: list[dict[str, Any]] = []
    try:
        model = compiled(case)
        flops = TRAINING_TO_FORWARD * flops_per_pixel(model, case.side) * case.side**2
        kinds: dict[str, Any] = {"memory": in_memory(case, model.output_names, options.steps)}
        if store is not None:
            kinds["pipeline"] = by_pipeline(case, store, model.output_names, options.steps)
        for kind, batches in kinds.items():
            epoch(model, batches)  # compiles
            seconds = [epoch(model, batches) for _ in range(options.repeats)]
            speed = options.steps * case.batch / statistics.median(seconds)
            tflops = flops * speed / 1e12
            rows.append(
                named
                | {
                    "batches": kind,
                    "seconds": [rounded(each) for each in seconds],
                    "images_a_second": rounded(speed),
                    "tflops": rounded(tflops),
                    "of_matrix_rate": rounded(tflops / rate, 3),
                    "to_memory": rounded(speed / rows[0]["images_a_second"], 3) if rows else 1.0,
                }
            )
    except Exception as error:  # whatever a backend raises when memory ends
        rows.append(named | {"failed": f"{type(error).__name__}: {error}".partition("\n")[0][:200]})
    model = batches = kinds = None  # type: ignore[assignment]  # so that their memory is free
    keras.backend.clear_session()
    gc.collect()
    return rows


def epoch(model: Any, batches: Any) -> float:
    """Seconds of an epoch."""
    return timed(lambda: model.fit(batches, epochs=1, shuffle=False, verbose=0))


def compiled(case: Case) -> Any:
    """The network as the first stage of a training from scratch compiles it."""
    import keras

    from watermap.models.architecture import PROBABILITY
    from watermap.models.build import build
    from watermap.models.registry import ARCHITECTURES
    from watermap.training.losses import get_loss
    from watermap.training.metrics import Accuracy, MeanIoU, WaterIoU
    from watermap.training.optimiser import computing_in

    arch, _, encoder = case.network.partition(":")
    with computing_in(case.precision):
        model = build(arch, encoder, bands=STANDARD_BANDS, patch_size=case.side)
    stage = TrainConfig(encoder="compact").resolved_stages[0]
    model.compile(
        optimizer=keras.optimizers.Adam(stage.learning_rate),
        loss={name: get_loss(stage.loss) for name in model.output_names},
        loss_weights=dict(ARCHITECTURES[arch].loss_weights),
        metrics={PROBABILITY: [Accuracy(name="accuracy"), MeanIoU(name="mean_iou"), WaterIoU(name="water_iou")]},
        jit_compile=has_xla(),
    )
    return model


def in_memory(case: Case, outputs: Sequence[str], steps: int) -> Any:
    """One batch of noise, again and again, where the backend keeps what it computes with."""
    import keras

    rng = np.random.default_rng(0)
    shape = (case.batch, case.side, case.side)
    images = rng.uniform(0, 4000, (*shape, len(STANDARD_BANDS))).astype(np.float32)
    labels = rng.integers(0, 2, shape, dtype=np.uint8)
    batch = (images, labels if len(outputs) == 1 else dict.fromkeys(outputs, labels))
    if keras.backend.backend() == "tensorflow":  # which would copy what any other source gives
        import tensorflow as tf

        return tf.data.Dataset.from_tensors(batch).repeat(steps)
    return repeated([keras.tree.map_structure(keras.ops.convert_to_tensor, batch)], steps)


def by_pipeline(case: Case, store: Any, outputs: Sequence[str], steps: int) -> Any:
    """Batches of patches as training asks for them.

    Raises:
        WatermapError: there are too few patches for a batch.
    """
    from watermap.scenes.filling import Filling
    from watermap.training.augment import make_augmenter
    from watermap.training.batches import PatchBatches, training_statistics

    count = store.count("train")
    if count < case.batch:
        raise WatermapError(f"{count} patches are no batch of {case.batch}", hint="ask for more --scenes")
    of_pixels = training_statistics(store)
    batches = PatchBatches(
        store,
        "train",
        batch_size=case.batch,
        filling=Filling.of(of_pixels),
        augment=make_augmenter("recipe", of_pixels),
        shuffle=True,
        outputs=outputs,
    )
    return repeated(batches, steps, whole=count // case.batch)


def repeated(batches: Any, steps: int, whole: int = 1) -> Any:
    """So many batches of some, over and over, as a Keras data set.

    Args:
        batches: by number.
        steps: batches of an epoch.
        whole: how many of them are taken.
    """
    import keras

    class Repeated(keras.utils.PyDataset):
        def __len__(self) -> int:
            return steps

        def __getitem__(self, index: int) -> Any:
            return batches[index % whole]

    return Repeated(workers=1)


def patches(folder: Path, side: int, options: Any) -> Any:
    """A store of patches of sample scenes; None, and a line that says why, where a package for it is not there."""
    try:
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
        import albumentations  # noqa: F401 (imported for its absence, before scenes are made)

        from watermap.patches.store import PatchStore
        from watermap.patches.tile import tile
        from watermap.scenes.sample import write_samples

        write_samples(folder / "scenes", SampleConfig(scenes=options.scenes, size=options.scene_size))
        cut = TileConfig(patch_size=side, bands=STANDARD_BANDS, min_water=0, max_water=1, validation=0, test=0)
        tile(folder / "scenes", folder / "patches", cut)
    except ModuleNotFoundError as error:
        print(f"input pipeline left out: {error.name} is not installed", flush=True)
        return None
    return PatchStore.open(folder / "patches")


if __name__ == "__main__":
    main()
