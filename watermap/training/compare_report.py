"""A comparison as people read it: a table, a picture of scores, and maps side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from watermap.arrays import FloatArray
from watermap.bands import TRUE_COLOR
from watermap.evaluation.blocks import ScoredBlock
from watermap.evaluation.panels import ScenePicture, add_agreement_legend, paint_agreement, paint_classes
from watermap.evaluation.tally import Tally
from watermap.io.figure import save_figure, true_color
from watermap.io.files import write_text
from watermap.io.tables import markdown_table, write_records
from watermap.legend import WATER
from watermap.patches.store import PatchStore
from watermap.scenes.filling import fill_in
from watermap.scenes.radiometry import to_reflectance
from watermap.training.compare import Comparison, Contender, bundle_of, rows

SCORES: Final = {
    "water_iou": "water IoU",
    "land_iou": "land IoU",
    "mean_iou": "mean IoU",
    "dice": "Dice",
    "accuracy": "accuracy",
    "cross_entropy": "cross-entropy",
}
"""Scores of the table, with their names."""

_COSTS: Final = ("M parameters", "GFLOP/Mpx", "training s", "maps with", "Mpx/s", "peak MiB")
_BASELINES: Final = {"ndwi": "NDWI > 0", "ndwi_otsu": "NDWI, Otsu", "mndwi": "MNDWI > 0", "mndwi_otsu": "MNDWI, Otsu"}
_BLUE: Final = "#1f77c8"
_INK: Final = "0.25"
_EXAMPLES: Final = 5
_WIDE: Final = 5.0
"""Costs that differ by more than this are drawn on a logarithmic scale."""


def write_reports(comparison: Comparison, store: PatchStore, out: Path) -> list[Path]:
    """Write `comparison.md`, `comparison.csv`, `comparison.png` and `maps.png`.

    Args:
        comparison: with at least one run.
        store: the patches that were compared on.
        out: folder.

    Returns:
        The files, those first that people open first.

    Raises:
        DataError: a file cannot be written.
    """
    tables = out / "comparison.md", out / "comparison.csv"
    write_text(tables[0], as_markdown(comparison))
    write_records(tables[1], rows(comparison))
    picture = plot_scores(comparison, out / "comparison.png")
    return [picture, plot_maps(comparison, store, out / "maps.png"), *tables]


def columns() -> list[str]:
    """Headings of the table."""
    return ["model", "runs", *SCORES.values(), *_COSTS]


def table_rows(comparison: Comparison) -> list[list[str]]:
    """The table: models, the best first, then indices; mean and standard deviation over the seeds."""
    return [_model_row(comparison, each) for each in comparison.ranked()] + [
        [_BASELINES.get(name, name), "-", *(_digits(scores.get(score)) for score in SCORES), *("-" for _ in _COSTS)]
        for name, scores in comparison.baselines.items()
    ]


def _model_row(comparison: Comparison, model: Contender) -> list[str]:
    runs = comparison.runs[model]
    peaks = [run.peak_mib for run in runs if run.peak_mib is not None]
    return [
        model.name,
        str(len(runs)),
        *(_with_spread(*comparison.spread(model, score)) for score in SCORES),
        f"{runs[0].parameters / 1e6:.2f}",
        f"{runs[0].flops_per_pixel / 1e3:.0f}",
        f"{np.mean([run.train_seconds for run in runs]):.0f}",
        " or ".join(sorted({run.engine for run in runs})),
        f"{np.median([run.mpx_a_second for run in runs]):.2f}",
        f"{np.median(peaks):.0f}" if peaks else "-",
    ]


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _with_spread(mean: float | None, deviation: float | None) -> str:
    return _digits(mean) if deviation is None else f"{_digits(mean)} ± {_digits(deviation)}"


def as_markdown(comparison: Comparison) -> str:
    """The table in Markdown, with what its numbers mean."""
    pixels = next(run.scores["pixels"] for runs in comparison.runs.values() for run in runs)
    return "\n".join(
        [
            *markdown_table(columns(), table_rows(comparison), numbers=True),
            "",
            f"All pixels of the test patches ({pixels:,}); ± is the standard deviation over the seeds. Speed and "
            "memory: windows of a scene of 1024 x 1024 pixels with what predict would take, in a process of its own.",
            "",
        ]
    )


def plot_scores(comparison: Comparison, path: Path) -> Path:
    """Draw the water IoU of every run by model, beside the indices, and against arithmetic."""
    models = comparison.ranked()
    figure = Figure(figsize=(12, 1.9 + 0.42 * max(len(models), 5)), layout="constrained")
    dots, costs = figure.subplots(1, 2, sharex=True)
    points: list[tuple[str, float, float]] = []
    for row, model in enumerate(models):
        values = [run.scores["water_iou"] or 0 for run in comparison.runs[model]]
        mean = float(np.mean(values))
        dots.plot(values, [row] * len(values), "o", color=_BLUE, alpha=0.45, markersize=7, markeredgewidth=0)
        dots.plot([mean, mean], [row - 0.3, row + 0.3], color=_INK, linewidth=2)
        flops = comparison.runs[model][0].flops_per_pixel / 1e3
        costs.plot(mean, flops, "o", color=_BLUE, markersize=8)
        points.append((model.name, mean, flops))
    dots.set_yticks(range(len(models)), [model.name for model in models], parse_math=False)
    dots.set_ylim(len(models) - 0.4, -0.9)
    dots.set_title("Each run, and the mean of the seeds", fontsize=10, loc="left")
    costs.set_title("Against what it costs to map", fontsize=10, loc="left")
    _mark_baselines(dots, comparison)
    _scale_costs(costs, [flops for _, _, flops in points])
    _name_points(costs, points)
    for axes in (dots, costs):
        axes.set_xlabel("water IoU on the test patches")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return save_figure(figure, path)


def _scale_costs(axes: Axes, flops: Sequence[float]) -> None:
    axes.set_ylabel("GFLOP a megapixel")
    axes.margins(x=0.25, y=0.2)
    if max(flops) < _WIDE * min(flops):
        axes.set_ylim(0, 1.2 * max(flops))
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")


def _name_points(axes: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """Write names beside points, on the side that has more room."""
    middle = sum(axes.get_xlim()) / 2
    for name, x, y in points:
        _write_beside(axes, name, (x, y), left=x > middle, level="center", color=_INK)


def _mark_baselines(axes: Axes, comparison: Comparison) -> None:
    """Mark what the indices score, the weaker one's name left of its line, where it runs into none."""
    found = {name: scores["water_iou"] for name, scores in comparison.baselines.items() if not name.endswith("_otsu")}
    values = sorted((value, name) for name, value in found.items() if value is not None)
    for number, (value, name) in enumerate(values):
        axes.axvline(value, color="#b07d2b", linestyle="--", linewidth=1)
        _write_beside(axes, _BASELINES[name], (value, -0.85), left=number == 0, level="top", color="#7a5518")


def _write_beside(
    axes: Axes,
    text: str,
    point: tuple[float, float],
    *,
    left: bool,
    level: Literal["center", "top"],
    color: str,
) -> None:
    axes.annotate(
        text,
        point,
        (-8 if left else 8, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va=level,
        fontsize=8,
        color=color,
        parse_math=False,
    )


def plot_maps(comparison: Comparison, store: PatchStore, path: Path) -> Path:
    """Draw image, label and every model's map of some test patches side by side, the first seed of each model."""
    models = comparison.ranked()
    positions = _examples(store)
    patches = store.read("test", positions)
    names = [store.records("test")[position].scene for position in positions]
    figure = Figure(figsize=(1.75 * (len(models) + 2), 2.0 * len(positions) + 0.8), layout="constrained")
    grid = figure.subplots(len(positions), len(models) + 2, squeeze=False)
    for axes in grid.ravel():
        axes.set(xticks=[], yticks=[])
    shown = [store.bands.index(band) if band in store.bands else 0 for band in TRUE_COLOR]
    rgb = to_reflectance(patches.image[..., shown], store.radiometry)
    for row, name, image, label in zip(grid, names, rgb, patches.label, strict=True):
        row[0].imshow(true_color(image), interpolation="nearest")
        row[0].set_ylabel(name, fontsize=8, parse_math=False)
        row[1].imshow(paint_classes(label), interpolation="nearest")
    for column, model in enumerate(models, start=2):
        found, threshold = _probabilities(comparison, model, store, positions)
        for row, image, label, probability in zip(grid, rgb, patches.label, found, strict=True):
            picture_of_scene = ScenePicture("", image, label, probability)
            row[column].imshow(paint_agreement(picture_of_scene, threshold), interpolation="nearest")
            row[column].set_xlabel(_patch_score(picture_of_scene, threshold), fontsize=8)
    titles = ["Image", "Label", *(model.name.replace("-", "\n") for model in models)]
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=8, parse_math=False)
    add_agreement_legend(figure, "outside lower center")
    return save_figure(figure, path)


def _examples(store: PatchStore) -> list[int]:
    """Test patches that hold land and water, evenly from little water to much."""
    records = store.records("test")
    mixed = [i for i, record in enumerate(records) if 0.02 < record.water_fraction < 0.98] or list(range(len(records)))
    mixed.sort(key=lambda i: records[i].water_fraction)
    steps = np.linspace(0, len(mixed) - 1, min(_EXAMPLES, len(mixed))).round().astype(int)
    return [mixed[step] for step in steps]


def _probabilities(
    comparison: Comparison, model: Contender, store: PatchStore, positions: Sequence[int]
) -> tuple[FloatArray, float]:
    """What the first seed of a model says of some test patches, and from where on it is water."""
    bundle = bundle_of(comparison, model)
    patches = store.read("test", positions)
    images = fill_in(patches.image, patches.valid, patches.present, bundle.contract.filling)
    found: FloatArray = np.asarray(bundle.load_model().predict_on_batch(images))[..., WATER]
    return bundle.contract.calibrated(found), bundle.contract.threshold


def _patch_score(picture_of_scene: ScenePicture, threshold: float) -> str:
    tally = Tally(threshold)
    tally.add(ScoredBlock(picture_of_scene.label, picture_of_scene.probability, {}))
    value = tally.as_dict()["water_iou"]
    return "" if value is None else f"IoU {value:.2f}"
