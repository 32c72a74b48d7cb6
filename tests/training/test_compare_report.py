"""Tables and pictures of a comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watermap.patches.store import PatchStore
from watermap.training.compare import Comparison, Contender, Run
from watermap.training.compare_report import as_markdown, columns, plot_maps, plot_scores, table_rows

BEST, OTHER = Contender("unet", "compact", "fast"), Contender("attention_unet", "compact", "reference")


def run(seed: int, water_iou: float | None, **changed: Any) -> Run:
    scores = {"water_iou": water_iou, "land_iou": 0.9, "mean_iou": 0.8, "dice": 0.85, "accuracy": 0.95}
    fields: dict[str, Any] = {
        "bundle": "0" * 12,
        "seed": seed,
        "scores": {**scores, "cross_entropy": 0.2, "pixels": 12_345},
        "baselines": {"mndwi": {**scores, "water_iou": 0.5, "pixels": 12_345}},
        "parameters": 1_530_000,
        "flops_per_pixel": 82_000.0,
        "epochs": 2,
        "train_seconds": 20.0 + seed,
        "engine": "openvino, bfloat16",
        "mpx_a_second": 4.0 + seed,
        "peak_mib": 500,
    }
    return Run(**fields | changed)


@pytest.fixture
def comparison() -> Comparison:
    return Comparison(runs={OTHER: [run(0, 0.6, peak_mib=None)], BEST: [run(0, 0.7), run(1, 0.8), run(2, 0.9)]})


def test_the_table_ranks_and_spreads(comparison: Comparison) -> None:
    best, other, index = (dict(zip(columns(), row, strict=True)) for row in table_rows(comparison))
    assert (best["model"], best["runs"], best["water IoU"]) == ("unet-compact-fast", "3", "0.800 ± 0.100")
    assert (best["M parameters"], best["GFLOP/Mpx"], best["training s"]) == ("1.53", "82", "21")
    assert (best["Mpx/s"], best["peak MiB"]) == ("5.00", "500")
    assert (other["water IoU"], other["peak MiB"]) == ("0.600", "-")
    assert (index["model"], index["water IoU"], index["Mpx/s"], index["cross-entropy"]) == (
        "MNDWI > 0",
        "0.500",
        "-",
        "-",
    )


def test_markdown(comparison: Comparison) -> None:
    lines = as_markdown(comparison).splitlines()
    assert {line.count("|") for line in lines[:5]} == {len(columns()) + 1}
    assert "12,345" in lines[-1]
    assert any("openvino, bfloat16" in line for line in lines)


def test_scores_may_be_missing(tmp_path: Path) -> None:
    nothing = Comparison(runs={BEST: [run(0, None)]})
    assert table_rows(nothing)[0][2] == "-"
    assert plot_scores(nothing, tmp_path / "scores.png").is_file()


def test_names_of_scenes_are_shown_as_they_are(
    comparison: Comparison, small_patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PatchStore.open(small_patches)
    records = [replace(record, scene=r"50$\frac$ of $x^$") for record in store.records("test")]
    monkeypatch.setattr(store, "records", lambda _: records)
    dry = np.zeros((len(records), *store.read("test", [0]).label.shape[1:]), np.float32)
    monkeypatch.setattr("watermap.training.compare_report._probabilities", lambda *_: (dry[:5], 0.5))
    assert plot_maps(comparison, store, tmp_path / "maps.png").is_file()
