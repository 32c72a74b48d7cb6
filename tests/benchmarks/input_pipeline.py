"""Training that is fed by the real input pipeline beside the same training on batches that are in memory already.

`python -m tests.benchmarks.input_pipeline`. The pipeline reads patches from their shards, fills what holds no data and
changes each patch by the full recipe; the batches in memory are some that it made. The pipeline alone, without a
model, is measured in patches a second of a core's time.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.options import parser
from tests.benchmarks.result import record, rounded
from tests.benchmarks.timing import interleaved, timed
from watermap.bands import STANDARD_BANDS
from watermap.config import SampleConfig, TileConfig, TrainConfig
from watermap.models.backend import require_keras
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.scenes.filling import Filling
from watermap.scenes.radiometry import Statistics
from watermap.scenes.sample import write_samples
from watermap.training.augment import make_augmenter


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=7)
    given.add_argument("--scenes", type=int, default=4, help="[default: %(default)s]")
    given.add_argument("--size", type=int, default=1024, help="side of a scene [default: %(default)s]")
    given.add_argument("--patch-size", type=int, default=128, help="[default: %(default)s]")
    given.add_argument("--batch-size", type=int, default=16, help="[default: %(default)s]")
    given.add_argument("--steps", type=int, default=8, help="of a repeat [default: %(default)s]")
    given.add_argument("--encoder", default="compact", help="[default: %(default)s]")
    given.add_argument("--augment", choices=("recipe", "flips", "none"), default="recipe")
    options = given.parse_args(arguments)
    require_keras()
    config = TrainConfig(encoder=options.encoder, batch_size=options.batch_size, weights="none")
    cut = TileConfig(
        patch_size=options.patch_size, bands=STANDARD_BANDS, min_water=0, max_water=1, validation=0, test=0
    )
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        scenes, patches = Path(folder) / "scenes", Path(folder) / "patches"
        write_samples(scenes, SampleConfig(scenes=options.scenes, size=options.size))
        tile(scenes, patches, cut)
        rows = _measured(PatchStore.open(patches), config, options)
    what = (
        "Training steps fed by the input pipeline and from memory; patches a second of each, and of the pipeline alone"
    )
    settings = {
        "encoder": options.encoder,
        "augment": options.augment,
        "patch_size": options.patch_size,
        "bands": len(STANDARD_BANDS),
        "batch_size": options.batch_size,
        "steps": options.steps,
        "repeats": options.repeats,
    }
    record("input_pipeline", what, settings, rows, folder=options.out)


def _measured(store: PatchStore, config: TrainConfig, options: Any) -> list[dict[str, Any]]:
    from watermap.training.batches import training_statistics

    of_pixels = training_statistics(store)
    model = _compiled(store, config)
    batches = _batches(store, of_pixels, options)
    fed = _steps(batches, options.steps, workers=batches.workers)
    in_memory = _steps([fed[index] for index in range(options.steps)], options.steps, workers=batches.workers)
    ticks: list[float] = []

    def alone() -> float:
        started = time.process_time()
        seconds = timed(lambda: [fed[index] for index in range(options.steps)])
        ticks.append(time.process_time() - started)
        return seconds

    def training(source: Any) -> float:
        return timed(lambda: model.fit(source, epochs=1, shuffle=False, verbose=0))

    for source in (in_memory, fed):
        training(source)  # compiles
    turns = {
        "from memory": lambda: training(in_memory),
        "input pipeline": lambda: training(fed),
        "pipeline alone": alone,
    }
    seconds = interleaved(turns, options.repeats)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    count = options.steps * options.batch_size
    a_core = {"pipeline alone": rounded(count / statistics.median(ticks))}
    return [
        {
            "name": name,
            "seconds": [rounded(each) for each in found],
            "median_s": rounded(medians[name]),
            "patches_a_second": rounded(count / medians[name]),
            "patches_a_core_second": a_core.get(name),
            "to_memory": rounded(medians[name] / medians["from memory"]),
        }
        for name, found in seconds.items()
    ]


def _compiled(store: PatchStore, config: TrainConfig) -> Any:
    """A network as a first stage of training compiles it."""
    from watermap.models.build import build
    from watermap.training.losses import get_loss
    from watermap.training.metrics import Accuracy, MeanIoU, WaterIoU
    from watermap.training.optimiser import make_optimizer

    model = build(config.arch, config.encoder, bands=store.bands, patch_size=store.patch_size)
    stage = config.resolved_stages[0]
    model.compile(
        optimizer=make_optimizer(stage, config, batches=1000),
        loss=get_loss(stage.loss),
        metrics=[Accuracy(), MeanIoU(), WaterIoU()],
    )
    return model


def _batches(store: PatchStore, of_pixels: Statistics, options: Any) -> Any:
    """The batches of an epoch, as training asks for them."""
    from watermap.training.batches import PatchBatches

    return PatchBatches(
        store,
        "train",
        batch_size=options.batch_size,
        filling=Filling.of(of_pixels),
        augment=make_augmenter(options.augment, of_pixels),
        shuffle=True,
    )


def _steps(batches: Any, count: int, *, workers: int) -> Any:
    """So many of some batches, over and over, as a Keras data set with as many threads as training has."""
    import keras

    class Steps(keras.utils.PyDataset):
        def __len__(self) -> int:
            return count

        def __getitem__(self, index: int) -> Any:
            return batches[index % len(batches)]

    return Steps(workers=workers)


if __name__ == "__main__":
    main()
