"""From scenes to patches."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task

from flows.logs import log, logged
from flows.names import run_name
from flows.pages import show_files, show_rows, show_table
from flows.policy import RETRIED, judge
from flows.rows import FAILED, KEPT, MADE, Row
from flows.runners import RunnerConfig, executor
from watermap.config import TileConfig
from watermap.io.paths import location
from watermap.patches.index import INDEX_FILE
from watermap.patches.tile import TileSummary, tile


@task(name="cut patches", **RETRIED)
def cut_patches(scenes: str, out: Path, config: TileConfig, runner: RunnerConfig) -> TileSummary:
    """Cut scenes into patches, several scenes at once, unless nothing has changed."""
    with executor(runner) as workers:
        return tile(location(scenes), out, config, progress=logged(), workers=workers)


@flow(name="watermap-tile", flow_run_name=run_name)
def tile_flow(
    scenes: str,
    out: Path,
    tile: TileConfig | None = None,
    runner: RunnerConfig | None = None,
    allowed_failures: float = 0.2,
) -> bool:
    """Cut a folder of scenes into training patches, split by ground.

    Args:
        scenes: scenes folder.
        out: folder of the patches; made anew where anything changed.
        tile: size, bands, water fractions, splits.
        runner: where scenes are read.
        allowed_failures: share of scenes that may fail without failing the run.

    Returns:
        Whether the patches were made now.
    """
    summary = cut_patches(scenes, out, tile or TileConfig(), runner or RunnerConfig())
    for line in summary.notes:
        log().warning("%s", line)
    state = KEPT if summary.unchanged else MADE
    rows = [Row(name, state) for name in summary.scenes] + [Row(name, FAILED, why) for name, why in summary.failures]
    show_rows("tiled-scenes", f"{len(rows)} scenes cut", rows)
    splits = [
        {"split": split, "patches": count, "mean water": "" if summary.water[split] is None else summary.water[split]}
        for split, count in summary.counts.items()
    ]
    show_table("patches", "Patches by split; no two splits share ground", splits)
    show_files("patches-files", "Patches", [out / INDEX_FILE])
    judge(rows, allowed_failures)
    return not summary.unchanged
