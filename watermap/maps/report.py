"""A run on one page of HTML that stands by itself: no scripts, no network, pictures inside."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from watermap import __version__
from watermap.bundles.bundle import Bundle
from watermap.geo.area_text import km2, km2_column
from watermap.io.files import write_text
from watermap.maps.report_facts import MapFacts, RunFacts
from watermap.prediction.provenance import (
    BUNDLE_TAG,
    INDEX_TAG,
    INDEX_THRESHOLD_TAG,
    MIN_AREA_TAG,
    SCENE_DIGEST_TAG,
    THRESHOLD_TAG,
)

_CURVES_FILE: Final = "curves.png"
_MADE_BY: Final = {
    "WATERMAP_VERSION": "watermap",
    "WATERMAP_BUNDLE": "bundle",
    BUNDLE_TAG: "bundle id",
    "WATERMAP_ENGINE": "engine",
    THRESHOLD_TAG: "threshold",
    INDEX_TAG: "index",
    INDEX_THRESHOLD_TAG: "index threshold",
    MIN_AREA_TAG: "smallest body, m²",
    "WATERMAP_CONFIG": "settings digest",
}
_IF_ANY: Final = (INDEX_TAG, INDEX_THRESHOLD_TAG, MIN_AREA_TAG)
"""Told where a map says it."""
_SCORES: Final = {
    "water_iou": "water IoU",
    "mean_iou": "mean IoU",
    "dice": "Dice",
    "accuracy": "accuracy",
    "pixels": "pixels",
}
_TEMPLATE: Final = "report.html.j2"


@dataclass(frozen=True)
class Page:
    """A page and what the user should know of it.

    Attributes:
        path: the HTML file.
        notes: one line each.
    """

    path: Path
    notes: tuple[str, ...]


def write_report(
    facts: RunFacts, path: Path, *, bundle: Bundle | None = None, title: str | None = None, now: datetime | None = None
) -> Page:
    """Write a page that tells a run: its scenes, maps, tables, scores, how it was made, and its limits.

    Args:
        facts: of the run.
        path: the HTML file.
        bundle: what made the maps, for its scores and training.
        title: of the page; not given: by the folder's name.
        now: when it is made.

    Raises:
        DataError: the page cannot be written.
    """
    notes = _notes(facts, bundle)
    page = _template().render(
        title=title or f"Water maps: {facts.folder.resolve().name}",
        now=now or datetime.now(UTC),
        version=__version__,
        notes=notes,
        scenes=facts.scenes,
        shown=[scene for scene in facts.scenes if scene.picture is not None],
        tables=facts.tables,
        bundle=None if bundle is None else _about(bundle),
        **_ranges(facts.scenes),
        **_rows(facts.scenes),
    )
    write_text(path, page)
    return Page(path, tuple(notes))


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("watermap", "maps"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"km2": km2, "base64": lambda content: b64encode(content).decode()}
    return environment.get_template(_TEMPLATE)


def _notes(facts: RunFacts, bundle: Bundle | None) -> list[str]:
    """What does not fit together."""
    found = []
    if bundle is not None:
        others = [scene for scene in facts.scenes if scene.tags.get(BUNDLE_TAG) != bundle.id]
        if others:
            found.append(
                f"{len(others)} of {len(facts.scenes)} maps do not say that bundle {bundle.id} made them, "
                "so its scores may not be theirs"
            )
    makers = {scene.tags.get(BUNDLE_TAG) for scene in facts.scenes}
    if len(makers) > 1:
        found.append("The maps were made by different bundles: areas of different dates compare less well")
    return found


def _ranges(scenes: Sequence[MapFacts]) -> dict[str, str]:
    """The dates, the areas of water and the sizes of pixels, each from the least to the greatest."""
    dates = sorted(scene.shown for scene in scenes if scene.shown is not None)
    waters = sorted(scene.water_km2 * 1e6 for scene in scenes)
    sizes = sorted(scene.pixel_m for scene in scenes)
    return {
        "period": _range(f"{dates[0]}", f"{dates[-1]}") if dates else "-",
        "water_km2": _range(km2(waters[0]), km2(waters[-1])),
        "pixel": f"{_range(f'{sizes[0]:.3g}', f'{sizes[-1]:.3g}')} m",
    }


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _rows(scenes: Sequence[MapFacts]) -> dict[str, Any]:
    """Tables of the scenes, and of what made the maps: once what is the same for all, and by scene what is not."""
    shown = {
        tag: name for tag, name in _MADE_BY.items() if tag not in _IF_ANY or any(tag in scene.tags for scene in scenes)
    }
    stated = {name: sorted({scene.tags.get(tag, "-") for scene in scenes}) for tag, name in shown.items()}
    differing = {tag: name for tag, name in shown.items() if len(stated[name]) > 1}
    areas = km2_column(scene.water_km2 * 1e6 for scene in scenes)
    return {
        "scene_rows": [
            (
                scene.raster.name,
                scene.shown.isoformat() if scene.shown else "-",
                area,
                f"{scene.valid_fraction:.1%}",
                scene.tags.get("WATERMAP_BUNDLE", scene.tags.get(INDEX_TAG, "-")),
                scene.tags.get("WATERMAP_ENGINE", "-"),
            )
            for scene, area in zip(scenes, areas, strict=True)
        ],
        "made_by": {name: "; ".join(values) for name, values in stated.items()},
        "digest_columns": ("scene", *differing.values(), "digest of the scene"),
        "digest_rows": [
            (scene.raster.name, *(scene.tags.get(tag, "-") for tag in differing), _scene_digest(scene))
            for scene in scenes
        ],
    }


def _about(bundle: Bundle) -> dict[str, Any]:
    """The scores of a bundle, its training and what it is."""
    contract = bundle.contract
    names = [name for name in _SCORES if any(name in scores for scores in contract.scores.values())]
    curves = bundle.folder / _CURVES_FILE
    training, trained_on = contract.training, contract.trained_on
    return {
        "score_names": ("", *(_SCORES[name] for name in names)),
        "scores": [
            (f"{split} patches", *(_score(scores.get(name)) for name in names))
            for split, scores in contract.scores.items()
        ],
        "curves": curves.read_bytes() if curves.is_file() else None,
        "facts": {
            "bundle": f"{bundle.folder.name} ({bundle.id})",
            "trained": contract.created,
            "model": contract.network,
            "bands": ", ".join(contract.bands),
            "water from probability": f"{contract.threshold:g}",
            "probability calibrated": "no" if contract.calibration is None else contract.calibration.method,
            "patches": ", ".join(f"{count} {split}" for split, count in trained_on.get("counts", {}).items()) or "-",
            "scenes trained on": str(len(trained_on.get("scenes", {}))),
            "epochs": str(training.get("epochs", "-")),
            "seconds": str(training.get("seconds", "-")),
            "patches digest": str(trained_on.get("patches", "-")),
            "network digest": contract.model_digest,
            "software": ", ".join(f"{name} {version}" for name, version in contract.versions.items()),
        },
    }


def _scene_digest(scene: MapFacts) -> str:
    found = [(tag, value) for tag, value in scene.tags.items() if tag.startswith(SCENE_DIGEST_TAG)]
    return ", ".join(f"{tag.removeprefix(SCENE_DIGEST_TAG).lower()} {value}" for tag, value in sorted(found)) or "-"


def _score(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
