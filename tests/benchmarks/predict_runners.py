"""Eight scenes mapped one by one, by two processes and by a Dask cluster of two workers, side by side.

`python -m tests.benchmarks.predict_runners`, with PREFECT_API_URL set to a server. Each repeat is a whole flow run:
starting workers, loading the model, reading, predicting, writing, reporting.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from flows.predict import _made_predictor, predict_flow
from flows.runners import RunnerConfig
from tests.benchmarks.result import save
from tests.support.bundles import STATISTICS
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle, save_bundle
from watermap.config import PredictConfig, SampleConfig
from watermap.models.build import build
from watermap.scenes.sample import write_samples

SCENES, SIZE, REPEATS = 8, 1024, 3
PREDICT = PredictConfig()
RUNNERS = {
    "one by one": RunnerConfig(workers=1),
    "2 processes": RunnerConfig(kind="processes"),
    "Dask, 2 workers": RunnerConfig(kind="dask"),
}


def make_model(folder: Path) -> Bundle:
    """The compact UNet with random weights: how long it takes does not depend on them."""
    return save_bundle(
        folder,
        build("unet", "compact", patch_size=128, bands=6),
        arch="unet",
        encoder="compact",
        bands=STANDARD_BANDS,
        scale=1e-4,
        offset=0.0,
        statistics=STATISTICS,
        threshold=0.5,
        patch_size=128,
        trained_on={"patches": "0" * 64, "counts": {}, "scenes": {}},
        training={"run": "none"},
        scores={},
    )


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="watermap-"))
    try:
        write_samples(folder / "scenes", SampleConfig(scenes=SCENES, size=SIZE))
        bundle = make_model(folder / "models" / "compact")
        seconds: dict[str, list[float]] = {name: [] for name in RUNNERS}
        outputs: dict[str, dict[str, bytes]] = {}
        for _ in range(REPEATS):
            for name, runner in RUNNERS.items():
                out = folder / "maps"
                shutil.rmtree(out, ignore_errors=True)
                _made_predictor.cache_clear()
                start = time.perf_counter()
                predict_flow([str(folder / "scenes")], folder / "models", out, str(bundle.folder), PREDICT, runner)
                seconds[name].append(time.perf_counter() - start)
                outputs[name] = {path.name: path.read_bytes() for path in sorted(out.glob("*_water.tif"))}
        same = all(each == outputs["one by one"] for each in outputs.values())
        settings = {"scenes": SCENES, "size": SIZE, "bytes_identical": same, **PREDICT.model_dump(mode="json")}
        what = f"{SCENES} scenes of {SIZE} x {SIZE} px mapped by the compact UNet, whole flow runs"
        save("predict_runners", what, settings, seconds, SCENES * SIZE * SIZE)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
