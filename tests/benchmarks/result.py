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
from typing import Any, Final

FOLDER = Path(__file__).parent / "results"

_PACKAGES: Final = (
    "watermap-eo", "keras", "tensorflow", "jax", "jaxlib", "torch", "openvino", "nncf", "numpy", "rasterio",
    "albumentations", "prefect", "dask", "distributed",
)  # fmt: skip


def processor() -> str:
    """Its name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def rounded(value: float, digits: int = 4) -> float:
    """To so many digits that count: what is measured has no more."""
    return float(f"{value:.{digits}g}")


def rated(seconds: Sequence[float], pixels: float) -> dict[str, Any]:
    """A row's figures of speed.

    Args:
        seconds: of each repeat.
        pixels: done in one.
    """
    median = statistics.median(seconds)
    return {
        "seconds": [rounded(each) for each in seconds],
        "median_s": rounded(median),
        "mpx_a_second": rounded(pixels / 1e6 / median),
    }


def record(
    name: str,
    what: str,
    settings: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
    *,
    folder: Path = FOLDER,
    versions: Mapping[str, str] | None = None,
) -> None:
    """Write a benchmark's result to `NAME.json`, and print it as a table.

    Args:
        name: of the benchmark.
        what: is measured, in a line.
        settings: that matter.
        results: rows of figures.
        folder: of the file; made if absent.
        versions: of packages that another interpreter ran.
    """
    written = {
        "what": what,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": {"processor": processor(), "cores": os.cpu_count(), "system": platform.system()},
        "versions": {"python": platform.python_version()} | _installed() | dict(versions or {}),
        "settings": dict(settings),
        "results": [dict(row) for row in results],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    print(f"{what}; {written['machine']}")
    columns = list(dict.fromkeys(column for row in results for column in row))
    print(f"| {' | '.join(columns)} |")
    for row in results:
        print(f"| {' | '.join(str(row.get(column, '')) for column in columns)} |")


def save(
    name: str, what: str, settings: Mapping[str, Any], seconds: Mapping[str, Sequence[float]], unit: float
) -> None:
    """Record contestants that do the same.

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
    record(name, what, settings, rows)


def _installed() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
