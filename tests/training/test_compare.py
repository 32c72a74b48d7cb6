"""Models trained alike and scored on the same pixels."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import matplotlib.image
import pytest

from watermap.config import TrainConfig
from watermap.errors import DataError, UsageError
from watermap.patches.store import PatchStore
from watermap.prediction.cost import Speed
from watermap.training.compare import Comparison, Contender, compare, contenders, rows
from watermap.training.compare_report import write_reports

CONFIG = TrainConfig(encoder="compact", epochs=1, batch_size=8, augment="none", seed=3)
MODELS = contenders(["unet"], ["compact"], ["fast"])


@pytest.fixture(autouse=True, scope="module")
def _quick() -> Iterator[None]:
    """Conversion and speed have tests of their own."""
    with pytest.MonkeyPatch.context() as context:
        context.setattr("watermap.training.train.convert_once", lambda *_: None)
        context.setattr("watermap.training.compare.measure_speed", lambda _: Speed("keras, float32", 1.5, 700))
        yield


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("comparison")


@pytest.fixture(scope="module")
def found(small_patches: Path, out: Path) -> Comparison:
    with patch.object(PatchStore, "open", wraps=PatchStore.open) as opened:
        comparison = compare(small_patches, out, MODELS, CONFIG, seeds=2)
    opened.assert_called_once_with(small_patches)
    return comparison


@pytest.mark.extended
def test_every_model_is_trained_with_every_seed(found: Comparison, out: Path) -> None:
    ((model, runs),) = found.runs.items()
    assert [model] == MODELS
    assert [run.seed for run in runs] == [3, 4]
    assert found.folders[model] == [out / "unet-compact-fast" / f"seed-{seed}" for seed in (3, 4)]
    assert len({run.scores["water_iou"] for run in runs}) == 2  # seeds are heeded
    assert {run.scores["pixels"] for run in runs} == {found.baselines["mndwi"]["pixels"]}
    assert {run.parameters for run in runs} == {834_914}
    assert all(run.epochs == 1 and run.train_seconds > 0 for run in runs)


@pytest.mark.extended
def test_what_is_done_is_not_done_again(
    found: Comparison, small_patches: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(_: Path) -> Speed:
        raise AssertionError("this was measured")

    monkeypatch.setattr("watermap.training.compare.measure_speed", again)
    told: list[int] = []
    same = compare(
        small_patches, out, MODELS, CONFIG, seeds=2, then=lambda sofar: told.append(sum(map(len, sofar.runs.values())))
    )
    assert same.runs == found.runs
    assert told == [1, 2]


@pytest.mark.extended
def test_models_that_were_compared_before_stay_in_the_table(found: Comparison, small_patches: Path, out: Path) -> None:
    other = Contender("fcn", "compact", "fast")
    both = compare(small_patches, out, [other], CONFIG, seeds=1)
    assert set(both.runs) == {other, MODELS[0]}
    assert both.runs[MODELS[0]] == found.runs[MODELS[0]]
    changed = CONFIG.model_copy(update={"augment": "flips"})
    alone = compare(small_patches, out, [other], changed, seeds=1, overwrite=True)
    assert set(alone.runs) == {other}
    assert any("was trained with other settings" in note for note in alone.notes)


@pytest.mark.extended
def test_one_that_fails_does_not_stop_the_others(found: Comparison, small_patches: Path, out: Path) -> None:
    model = MODELS[0]
    (out / "unet-compact-reference" / "seed-3").mkdir(parents=True)
    (out / "unet-compact-reference" / "seed-3" / "notes.txt").write_text("mine")
    mixed = compare(small_patches, out, [Contender("unet", "compact", "reference"), model], CONFIG, seeds=1)
    assert list(mixed.runs) == [model]
    ((name, error),) = mixed.failures
    assert name == "unet-compact-reference, seed 3"
    assert isinstance(error, UsageError)
    with pytest.raises(UsageError, match="no bundle"):
        compare(small_patches, out, [Contender("unet", "compact", "reference")], CONFIG, seeds=1)


def test_patches_without_a_test_split_are_refused(small_patches: Path, out: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a patch store"):
        compare(tmp_path, out, MODELS, CONFIG, seeds=1)


def test_what_does_not_go_together_is_told_before_anything_is_trained(small_patches: Path, tmp_path: Path) -> None:
    models = contenders(["unet", "segnet"], ["resnet50"], ["fast"])
    with pytest.raises(UsageError, match="segnet does not take the resnet50 encoder"):
        compare(small_patches, tmp_path / "out", models, CONFIG.model_copy(update={"epochs": 3}), seeds=1)
    config = CONFIG.model_copy(update={"recipe": "reference"})
    with pytest.raises(UsageError, match=r"recipe reference .* needs weights"):
        compare(small_patches, tmp_path / "out", MODELS, config, seeds=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.extended
def test_spread_and_rank(found: Comparison) -> None:
    (best,) = found.ranked()
    values = [run.scores["water_iou"] for run in found.runs[best]]
    mean, deviation = found.spread(best, "water_iou")
    assert mean == pytest.approx((values[0] + values[1]) / 2)  # type: ignore[operator]  # of two models that have scores
    assert deviation == pytest.approx(abs(values[0] - values[1]) / 2**0.5)  # type: ignore[operator]  # the same


def test_combinations() -> None:
    assert [each.name for each in contenders(["unet", "unet"], ["compact"], ["fast", "reference"])] == [
        "unet-compact-fast",
        "unet-compact-reference",
    ]


@pytest.mark.extended
def test_a_row_for_each_run(found: Comparison) -> None:
    table = rows(found)
    assert len(table) == 2
    assert {"arch", "seed", "water_iou", "land_iou", "parameters", "flops_per_pixel", "peak_mib"} <= set(table[0])


@pytest.mark.extended
def test_table_and_pictures_are_written(found: Comparison, small_patches: Path, tmp_path: Path) -> None:
    written = write_reports(found, PatchStore.open(small_patches), tmp_path)
    assert [path.name for path in written] == ["comparison.png", "maps.png", "comparison.md", "comparison.csv"]
    with (tmp_path / "comparison.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [(row["arch"], row["seed"]) for row in table] == [("unet", "3"), ("unet", "4")]
    assert float(table[0]["water_iou"]) == found.runs[MODELS[0]][0].scores["water_iou"]
    assert min(matplotlib.image.imread(tmp_path / "maps.png").shape[:2]) > 300
