"""What a benchmark leaves behind: its figures, and the machine and the versions that they are of."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"


def processor() -> str:
    """Its name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def save(
    name: str, what: str, settings: Mapping[str, Any], seconds: Mapping[str, Sequence[float]], unit: float
) -> None:
    """Write a benchmark's result to `results/NAME.json`, and print it as a table.

    Args:
        name: of the benchmark.
        what: is measured, in a line.
        settings: that matter.
        seconds: of each contestant's repeats, interleaved; the first contestant is what the others are compared with.
        unit: pixels or the like done in one repeat, for a rate in millions a second.
    """
    medians = {each: statistics.median(found) for each, found in seconds.items()}
    first = next(iter(medians.values()))
    rows = [
        {
            "name": each,
            "seconds": [round(one, 2) for one in seconds[each]],
            "millions_a_second": round(unit / 1e6 / median, 3),
            "ratio": round(first / median, 2),
        }
        for each, median in medians.items()
    ]
    packages = ("watermap", "keras", "tensorflow", "numpy", "rasterio", "prefect", "dask", "distributed")
    record = {
        "what": what,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": {"processor": processor(), "cores": os.cpu_count(), "system": platform.system()},
        "versions": {"python": platform.python_version()} | {each: metadata.version(each) for each in packages},
        "settings": dict(settings),
        "results": rows,
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{what}; {record['machine']}")
    for row in rows:
        print(f"| {row['name']} | {row['seconds']} s | {row['millions_a_second']} M/s | {row['ratio']} |")
