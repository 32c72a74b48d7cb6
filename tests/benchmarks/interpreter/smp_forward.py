"""Runs in another interpreter: segmentation-models-pytorch's UNet on ResNet50, one timed pass for every line it reads.

`python smp_forward.py WINDOWS SIDE BANDS BATCH`. To "ready" it says what it is, as JSON; to the name of a memory
layout, perhaps with a number of threads, the seconds of a pass over all windows.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from importlib import metadata
from typing import Any

PACKAGES = ("torch", "segmentation-models-pytorch")


def main(windows: int, side: int, bands: int, batch: int) -> None:
    torch: Any = importlib.import_module("torch")
    smp: Any = importlib.import_module("segmentation_models_pytorch")
    layouts = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
    torch.manual_seed(0)
    pixels = torch.rand(windows, bands, side, side)
    models = {
        name: smp.Unet("resnet50", encoder_weights=None, in_channels=bands, classes=2).eval().to(memory_format=layout)
        for name, layout in layouts.items()
    }
    inputs = {
        name: [part.contiguous(memory_format=layout) for part in pixels.split(batch)]
        for name, layout in layouts.items()
    }

    threads = torch.get_num_threads()
    ways = {name: (name, threads) for name in layouts} | {f"{name}, 1 thread": (name, 1) for name in layouts}

    def seconds(way: str) -> float:
        layout, count = ways[way]
        torch.set_num_threads(count)
        start = time.perf_counter()
        for part in inputs[layout]:
            models[layout](part)
        return time.perf_counter() - start

    ready = {
        "ways": list(ways),
        "versions": {package: metadata.version(package) for package in PACKAGES},
        "threads": threads,
    }
    with torch.inference_mode():
        for line in sys.stdin:
            way = line.strip()
            print(json.dumps(ready) if way == "ready" else seconds(way), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
