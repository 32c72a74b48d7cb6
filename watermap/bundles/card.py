"""The model card of a bundle: what its contract says, in Markdown, for whoever is to trust its maps.

It is made from the contract alone, so that it can be made again for any bundle; what the contract lacks is `unknown`.
"""

from __future__ import annotations

from typing import Final

from watermap.bundles.card_imported import imported_sections
from watermap.bundles.card_limits import limits, pieces
from watermap.bundles.contract import Contract, Evidence, Intervals, Numbers, TrainingData
from watermap.geo.area_text import km2_column
from watermap.io.tables import markdown_table
from watermap.scenes.label_kinds import limits_of

CARD_FILE: Final = "card.md"
UNKNOWN: Final = "unknown"

_SCORES: Final = {"water_iou": "water IoU", "mean_iou": "mean IoU", "dice": "Dice", "accuracy": "accuracy"}
_OTHER_SCORES: Final = {
    "cross_entropy": "cross-entropy",
    "boundary_f1": "boundary F1",
    "boundary_iou": "boundary IoU",
    "calibration_error": "expected calibration error",
}
_BASELINES: Final = {
    "ndwi": "NDWI > 0",
    "mndwi": "MNDWI > 0",
    "ndwi_otsu": "NDWI, Otsu by scene",
    "mndwi_otsu": "MNDWI, Otsu by scene",
}
_GOALS: Final = {
    "keep": "as stated before training or calibrating",
    "iou": "chosen for the largest water IoU on validation patches",
    "f1": "chosen for the largest F1 of both classes on validation patches",
    "area": "chosen for as much water as there is on validation patches",
    None: f"what it was chosen for is {UNKNOWN}",
}
_UNITS: Final = {"ground": "piece", "block": "block"}


def card(contract: Contract, bundle_id: str) -> str:
    """The model card.

    Args:
        contract: the bundle's.
        bundle_id: of the contract.
    """
    network = contract.imported_from
    sections = (
        *(_trained_sections(contract) if network is None else imported_sections(contract, network)),
        ("Scores", _scores(contract)),
        ("Probabilities", _probabilities(contract)),
        ("Limits", [f"- {_one_line(limit)}" for limit in limits(contract)]),
        ("Versions", markdown_table(("software", "version"), contract.versions.items())),
    )
    lines = [
        f"# Model card of bundle {bundle_id}",
        "",
        "Finds surface water in Sentinel-2 images: of every pixel the probability that it is water. All of this is "
        "from `bundle.json` of the same folder.",
    ]
    for title, predicted in sections:
        lines += ["", f"## {title}", "", *predicted]
    return "\n".join(lines) + "\n"


def _trained_sections(contract: Contract) -> list[tuple[str, list[str]]]:
    return [
        ("Model", _model(contract)),
        ("How to feed it", _feeding(contract)),
        ("Data and ground", _data(contract)),
        ("Labels", _labels(contract)),
        ("Training", _training(contract)),
    ]


def _model(contract: Contract) -> list[str]:
    config = contract.training.get("config", {})
    gflop = None if contract.flops_per_pixel is None else contract.flops_per_pixel / 1e3
    return _facts(
        {
            "architecture": f"{contract.arch}, encoder {contract.encoder}, preset {config.get('preset', UNKNOWN)}",
            "parameters": _number(contract.parameters, ",d"),
            "arithmetic": f"{_number(gflop, ',.0f')} GFLOP for a megapixel",
            "started from": contract.started_from or UNKNOWN,
            "made": contract.created,
            "network": f"`{contract.model_file}`, SHA-256 `{contract.model_digest}`",
        }
    )


def _feeding(contract: Contract) -> list[str]:
    side = contract.patch_size
    description = _facts(
        {
            "bands, in order": ", ".join(contract.bands),
            "numbers": f"DN, whose reflectance is (DN + {contract.offset:g}) x {contract.scale:g}",
            "pixel size": _pixel_sizes(contract),
            "window": f"{side} x {side} pixels in training; float32 of (batch, rows, cols, bands)",
            "gaps": "filled with the training mean of each band",
            "output": "probability of land and of water, float32 of (batch, rows, cols, 2)",
        }
    )
    return [
        "`watermap predict SCENE --bundle FOLDER` does all of this. The normalisation is inside the network.",
        "",
        *description,
    ]


def _pixel_sizes(contract: Contract) -> str:
    if contract.data is None:
        return UNKNOWN
    low, high = (f"{size:.3g}" for size in contract.data.pixel_sizes_m)
    return f"{low} m in training" if low == high else f"{low} to {high} m in training"


def _data(contract: Contract) -> list[str]:
    data = contract.data
    if data is None:
        counts = contract.trained_on.get("counts", {})
        rows = [("patches", *(str(count) for count in counts.values()))] if counts else []
        description = [*markdown_table(("", *counts), rows), ""] if rows else []
        scenes = len(contract.trained_on.get("scenes", {}))
        return [
            *description,
            f"Learned from or chosen by {scenes} scenes. Their ground, labels and dates are {UNKNOWN}.",
        ]
    splits = data.splits.values()
    rows = [
        ("patches", *(str(sum(split.labels.values())) for split in splits)),
        ("scenes", *(str(split.scenes) for split in splits)),
        ("pieces of ground", *(str(split.grounds) for split in splits)),
        ("ground in km²", *km2_column(split.area_km2 * 1e6 for split in splits)),
        ("water in a patch, mean", *("-" if split.water is None else f"{split.water:.1%}" for split in splits)),
        *((f"patches labelled {kind}", *(str(split.labels.get(kind, 0)) for split in splits)) for kind in _kinds(data)),
    ]
    west, south, east, north = data.bounds
    days = UNKNOWN if data.days is None else " to ".join(sorted({day.isoformat() for day in data.days}))
    of = f" (by their names; {data.undated_scenes} have none there)" if data.undated_scenes else " (by their names)"
    about = {
        "bounds of training and validation": f"west {west:.4f}, south {south:.4f}, east {east:.4f}, north {north:.4f}",
        "dates of their scenes": days if data.days is None else days + of,
        "digest of the patches": f"`{contract.trained_on.get('patches', UNKNOWN)}`",
    }
    kept = "No ground is in two splits. `seen.gpkg` holds the outlines of the training and validation patches."
    return [*markdown_table(("", *data.splits), rows), "", *_facts(about), "", kept]


def _kinds(data: TrainingData) -> list[str]:
    return sorted({kind for split in data.splits.values() for kind in split.labels})


def _labels(contract: Contract) -> list[str]:
    if contract.data is None:
        return [f"What the labels are is {UNKNOWN}."]
    return [f"- **{_one_line(kind)}**: {limits_of(kind)}" for kind in _kinds(contract.data)]


def _training(contract: Contract) -> list[str]:
    training = contract.training
    config = training.get("config", {})
    done, asked = training.get("epochs", UNKNOWN), config.get("epochs", UNKNOWN)
    stages = ", ".join(str(stage["name"]) for stage in config.get("stages", ()))
    return _facts(
        {
            "recipe": " ".join([str(config.get("recipe", UNKNOWN)), *([f"(stages {stages})"] if stages else [])]),
            "loss": "each stage's own" if config and not config.get("loss") else str(config.get("loss", UNKNOWN)),
            "epochs": f"{done} of {asked} at most",
            "batch size": str(config.get("batch_size", UNKNOWN)),
            "augmentation": str(config.get("augment", UNKNOWN)),
            "sampling": str(config.get("sampling", UNKNOWN)),
            "seconds": str(training.get("seconds", UNKNOWN)),
            "seed": str(config.get("seed", UNKNOWN)),
        }
    )


def _scores(contract: Contract) -> list[str]:
    if not contract.scores:
        if contract.imported_from is not None:
            return ["None: `watermap bundles calibrate` scores it on patches."]
        return ["None: there were neither validation nor test patches, or they were not scored."]
    description = [f"With the threshold {contract.threshold:g}, in brackets the 95 % interval."]
    for split in sorted(contract.scores):
        description += ["", f"### {split} patches", "", *_split(contract.scores[split], contract.evidence.get(split))]
    return description


def _split(scores: Numbers, evidence: Evidence | None) -> list[str]:
    methods = [("this model", scores, {} if evidence is None else evidence.intervals)]
    for name in _BASELINES if evidence is not None else ():
        if evidence is not None and (found := evidence.baselines.get(name)) is not None:
            methods.append((_BASELINES[name], found.scores, found.intervals))
    rows = [(name, *(_score(own, sure, key) for key in _SCORES)) for name, own, sure in methods]
    others = ", ".join(f"{title} {_number(scores.get(name), '.3f')}" for name, title in _OTHER_SCORES.items())
    description = [
        *markdown_table(("", *_SCORES.values()), rows),
        "",
        f"{_number(scores.get('pixels'), ',d')} pixels. Other scores: {others}.",
    ]
    if evidence is None:
        return [*description, f"Intervals and baselines are {UNKNOWN}."]
    description.append(_resampling(evidence))
    for name, title in _BASELINES.items():
        baseline = evidence.baselines.get(name)
        if baseline is not None and baseline.gain is not None:
            between = _between(baseline.gain_interval, "+.3f")
            description.append(f"Water IoU against {title}: {baseline.gain:+.3f}{between}.")
    return description


def _resampling(evidence: Evidence) -> str:
    """What the intervals rest on, or why there are none."""
    units = f"{pieces(evidence.units, _UNITS[evidence.unit])} of ground"
    if not any(evidence.intervals.values()):
        return f"No intervals: {units} {'is' if evidence.units == 1 else 'are'} too few to tell."
    whole = f" They are parts of {pieces(evidence.grounds)}, too few to be drawn." if evidence.unit == "block" else ""
    return f"Intervals are from {units}, drawn again {evidence.resamples:,} times.{whole}"


def _score(scores: Numbers, intervals: Intervals, name: str) -> str:
    return _number(scores.get(name), ".3f", "-") + _between(intervals.get(name), ".3f")


def _between(interval: tuple[float, float] | None, form: str) -> str:
    return "" if interval is None else f" ({interval[0]:{form}} to {interval[1]:{form}})"


def _probabilities(contract: Contract) -> list[str]:
    curve = contract.calibration
    errors = {split: scores.get("calibration_error") for split, scores in sorted(contract.scores.items())}
    description = ", ".join(f"{_number(error, '.4f')} on {split} patches" for split, error in errors.items())
    if curve is None:
        method = "none: as the network says them"
    else:
        fitted = curve.fitted_on
        place = f"{pieces(fitted.get('grounds'))} of validation ground" if fitted else UNKNOWN
        method = f"{curve.description}, fitted on {place}"
    is_untouched = contract.imported_from is not None and contract.threshold_for is None
    goal = "where it is as likely as not" if is_untouched else _GOALS[contract.threshold_for]
    return _facts(
        {
            "calibration": method,
            "expected calibration error": description or UNKNOWN,
            "water from": f"{contract.threshold:g} on, {goal}",
        }
    )


def _number(value: float | int | None, form: str, absent: str = UNKNOWN) -> str:
    return absent if value is None else format(value, form)


def _facts(facts: dict[str, str]) -> list[str]:
    return markdown_table(("", ""), facts.items())


def _one_line(text: str) -> str:
    return " ".join(text.split())
