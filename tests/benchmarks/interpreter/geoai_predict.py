"""Runs in another interpreter: geoai's `predict_geotiff` with segmentation-models-pytorch's UNet on ResNet50.

`python geoai_predict.py SCENE TARGET BANDS THREADS`, with 0 threads for PyTorch's own choice. Says as JSON how many
pixels were computed, with which settings, and by which versions. What geoai does by default is left as it is: windows,
overlap, batch, blending, compression.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from importlib import metadata
from typing import Any

PACKAGES = ("torch", "segmentation-models-pytorch", "geoai-py")
SETTINGS = ("tile_size", "overlap", "batch_size", "blend_mode", "compress")
NO_DATA = 255


def main(scene: str, target: str, bands: int, threads: int) -> None:
    torch: Any = importlib.import_module("torch")
    smp: Any = importlib.import_module("segmentation_models_pytorch")
    geoai: Any = importlib.import_module("geoai.inference")
    torch.manual_seed(0)
    if threads:
        torch.set_num_threads(threads)
    model = smp.Unet("resnet50", encoder_weights=None, in_channels=bands, classes=2)
    forward, computed = model.forward, 0

    def counted(images: Any) -> Any:
        nonlocal computed
        computed += images.shape[0] * images.shape[2] * images.shape[3]
        return forward(images)

    model.forward = counted
    geoai.predict_geotiff(
        model,
        scene,
        target,
        num_classes=2,
        output_dtype="uint8",
        output_nodata=NO_DATA,
        preprocess_fn=lambda values: values / 10_000,
        postprocess_fn=lambda scores: scores.argmax(axis=0),
        device="cpu",
        verbose=False,
    )
    defaults = inspect.signature(geoai.predict_geotiff).parameters
    said = {
        "computed": computed,
        "settings": {name: defaults[name].default for name in SETTINGS} | {"threads": torch.get_num_threads()},
        "versions": {package: metadata.version(package) for package in PACKAGES},
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
