"""`watermap labels`: the label lab."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watermap.cli.command import Group
from watermap.cli.options import READ, WRITTEN, bands_option, config_file, option, setting
from watermap.config import ConsensusConfig, RefineConfig
from watermap.geo.area_text import km2_column

if TYPE_CHECKING:
    from watermap.labels.refine import Refinement
    from watermap.labels.refine_scenes import RefinedScene


@click.group(
    "labels",
    cls=Group,
    examples=[
        ("Where two labels differ, and by how much", "watermap labels compare hansen.tif hand.tif"),
        (
            "One label of three",
            "watermap labels consensus hansen.tif jrc.tif worldcover.tif \\\n  --out label.tif --agree 2",
        ),
        ("Finer shorelines for every scene of a folder", "watermap labels refine data/scenes --out data/refined"),
    ],
)
def command() -> None:
    """Compare labels, make one of several, refine a coarse one."""


@command.command(
    "compare",
    examples=[
        ("A coarse label beside one by hand", "watermap labels compare hansen.tif hand.tif"),
        ("Into a folder of your choice", "watermap labels compare hansen.tif hand.tif --out data/compared"),
    ],
)
@click.argument("first", metavar="FIRST.tif", type=READ)
@click.argument("second", metavar="SECOND.tif", type=READ)
@option("--out", type=WRITTEN, default=Path("data/labels"), show_default=True, help="Output folder.")
def compare(first: Path, second: Path, out: Path) -> None:
    """Show where two labels (0 land, 1 water, 255 unknown) differ, and how much of that lies beside shorelines.

    SECOND is seen on FIRST's grid, whatever its own grid and CRS: a pixel takes what lies at its middle. Differences
    beside a shoreline are mixed pixels and stairs; those far from one are faults of a label.
    """
    from watermap.cli.console import console, files_to_open, note, progress_bar, score, table
    from watermap.labels.compare import DISAGREEMENT_NAMES, KNOWN, SHORE_PX, compare_labels
    from watermap.labels.compare_picture import plot_label_comparison

    with progress_bar() as progress:
        found = compare_labels(first, second, out, progress=progress)
    picture = plot_label_comparison(found, found.raster.with_suffix(".png"))
    for line in found.notes:
        note(line)
    pairs = [pair for pair, count in found.pixels.items() if count]
    rows = [
        [KNOWN[a], KNOWN[b], f"{found.pixels[a, b]:,}", area]
        for (a, b), area in zip(pairs, km2_column(found.areas_m2[pair] for pair in pairs), strict=True)
    ]
    table(f"{found.names[0]} and {found.names[1]}", [found.names[0], found.names[1], "pixels", "km2"], rows)
    scores = found.scores
    console.print(
        f"Of {scores.pixels:,} pixels that both know: agreement {score(scores.accuracy)}, "
        f"water IoU {score(scores.water_iou)}",
        markup=False,
        soft_wrap=True,
    )
    if found.differing:
        shares = ", ".join(f"{found.near_shore[px] / found.differing:.0%} within {px} px" for px in SHORE_PX)
        message = f"Of {found.differing:,} pixels that differ: {shares} of {found.names[0]}'s shoreline"
        console.print(message, markup=False, soft_wrap=True)
    codes = ", ".join(f"{code} {name}" for code, name in DISAGREEMENT_NAMES.items())
    console.print(f"Codes of the raster: {codes}", markup=False, soft_wrap=True)
    files_to_open([picture, found.raster, found.table])


@command.command(
    "consensus",
    examples=[
        ("Where all agree", "watermap labels consensus hansen.tif jrc.tif --out label.tif"),
        (
            "Where two of three agree, one of them made with pixels of 30 m",
            "watermap labels consensus hansen.tif jrc.tif worldcover.tif \\\n"
            "  --out label.tif --agree 2 --coarse-m hansen.tif=30",
        ),
    ],
)
@click.argument("sources", metavar="SOURCE.tif...", nargs=-1, required=True, type=READ)
@option("--out", type=WRITTEN, required=True, help="The label, a GeoTIFF on the grid of the first source.")
@option("--agree", metavar="N|all", default="all", show_default=True, help="How many sources must say the same.")
@setting(ConsensusConfig, "ignore_shore_px", "--ignore-shore", metavar="PX")
@option(
    "--coarse-m",
    metavar="[FILE=]METRES",
    multiple=True,
    help="Side of the pixels that a source was made with, where its file's own are finer: 30 for a Hansen label that "
    "was resampled to 10 m. FILE is a source as it is named here; without it, all sources.",
)
def consensus(
    sources: tuple[Path, ...], out: Path, agree: str, ignore_shore_px: int | None, coarse_m: tuple[str, ...]
) -> None:
    """Make the label that several labels agree on; it is unknown where they differ, and along coarse shorelines.

    It lies on the grid of the first SOURCE. A source that is coarser than that has no say within one of its own
    pixels of its shorelines.
    """
    from watermap.cli.console import files_to_open, note, progress_bar, table
    from watermap.labels.consensus import make_consensus

    config = ConsensusConfig.load(agree=_agree(agree), ignore_shore_px=ignore_shore_px)
    with progress_bar() as progress:
        made = make_consensus(_sources(sources, coarse_m), out, config, progress=progress)
    for line in made.notes:
        note(line)
    whole = max(sum(made.pixels.values()), 1)
    table("Consensus", ["class", "pixels", "km2", "share"], _class_rows(made.pixels, made.areas_m2))
    reasons = [("sources differ", made.differ), ("beside shorelines", made.by_shores), ("too few know", made.too_few)]
    table("Unknown because", ["", "pixels", "share"], [[name, f"{n:,}", f"{n / whole:.1%}"] for name, n in reasons])
    for source, px in zip(sources, made.bands_px, strict=True):
        if px:
            note(f"{source}: has no say within {px} px of its shorelines")
    files_to_open([made.path])


@command.command(
    "refine",
    examples=[
        ("One label, by its own scene", "watermap labels refine hansen.tif image.tif --out label.tif"),
        ("A folder of scenes, into a new one", "watermap labels refine data/scenes --out data/refined"),
    ],
)
@click.argument("coarse", metavar="COARSE.tif|SCENES_DIR", type=READ)
@click.argument("image", metavar="[IMAGE.tif]", required=False, type=READ)
@option("--out", type=WRITTEN, required=True, help="The label, a GeoTIFF; of SCENES_DIR, a new scenes folder.")
@option("--label", metavar="NAME", help="Name of the labels in SCENES_DIR/<scene>/. [default: label.tif]")
@setting(RefineConfig, "index")
@setting(RefineConfig, "shore_m")
@bands_option("Names of all the image's bands in file order, where it does not describe them.")
@setting(RefineConfig, "offset")
@setting(RefineConfig, "scale")
@config_file()
def refine_label(
    coarse: Path,
    image: Path | None,
    out: Path,
    label: str | None,
    bands: str | None,
    config_path: Path | None,
    **stated: Any,
) -> None:
    """Refine a coarse label by the water index (MNDWI, else NDWI) of its own scene.

    Near the coarse shoreline the index decides, from thresholds that the scene itself shows; what is neither clearly
    land nor clearly water there is unknown. Far from it nothing becomes water or land, but what label and image
    contradict each other in is unknown.

    Of a folder of scenes every label is refined into a new folder, with the same images, ready for watermap tile.
    """
    from watermap.bands import parse_bands
    from watermap.errors import UsageError

    config = RefineConfig.load(config_path, section="labels", **stated)
    names = parse_bands(bands) if bands else None
    if image is None:
        _refine_folder(coarse, out, config, label, names)
        return
    if label is not None:
        raise UsageError("--label is for a folder of scenes", hint="leave it out, or give SCENES_DIR alone")
    from watermap.cli.console import files_to_open, note, progress_bar, table
    from watermap.io.layouts import LABEL_LAYOUT
    from watermap.io.qgis_style import write_raster_style
    from watermap.labels.refine import OUTCOMES, refine

    with progress_bar() as progress:
        made = refine(coarse, image, out, config, names=names, progress=progress)
    write_raster_style(out, LABEL_LAYOUT)
    for line in made.notes:
        note(line)
    note(_summary(made))
    whole = max(sum(made.pixels.values()), 1)
    outcomes = [
        [name, f"{made.outcomes[fate]:,}", f"{made.outcomes[fate] / whole:.1%}"] for fate, name in OUTCOMES.items()
    ]
    table("What became of the coarse label", ["pixels that are", "pixels", "share"], outcomes)
    table("Refined label", ["class", "pixels", "km2", "share"], _class_rows(made.pixels, made.areas_m2))
    files_to_open([made.path])


_CLASSES = (("land", 0), ("water", 1), ("unknown", 255))


def _class_rows(pixels: Mapping[int, int], areas_m2: Mapping[int, float]) -> list[list[str]]:
    """Rows of a table: class, pixels, km2, share."""
    whole = max(sum(pixels.values()), 1)
    areas = km2_column(areas_m2[code] for _, code in _CLASSES)
    return [
        [name, f"{pixels[code]:,}", area, f"{pixels[code] / whole:.1%}"]
        for (name, code), area in zip(_CLASSES, areas, strict=True)
    ]


def _summary(made: Refinement) -> str:
    rule = made.rule
    return (
        f"by {rule.index.name}: wet from {rule.wet_from:.2f}, beside it from {rule.damp_from:.2f}, dry below "
        f"{rule.dry_below:.2f}; decides within {made.shore_px} px of the coarse shoreline"
    )


def _refine_folder(
    folder: Path, out: Path, config: RefineConfig, label: str | None, names: tuple[str, ...] | None
) -> None:
    from watermap.cli.console import console, note, progress_bar, table
    from watermap.errors import PartialFailureError, UsageError
    from watermap.labels.refine_scenes import refine_scenes
    from watermap.scenes.folder import LABEL_FILE

    if folder.is_file():
        raise UsageError(
            f"{folder}: is one label", hint="name its image too: watermap labels refine COARSE.tif IMAGE.tif"
        )
    with progress_bar() as progress:
        scenes = refine_scenes(folder, out, config, label_file=label or LABEL_FILE, names=names, progress=progress)
    failed = [scene.failure for scene in scenes if scene.failure is not None]
    if len(failed) == len(scenes):
        raise failed[0]
    for line in (line for scene in scenes if scene.refinement for line in scene.refinement.notes):
        note(line)
    table(
        "Refined labels", ["scene", "changed", "made unknown", "water", "land"], [_scene_row(each) for each in scenes]
    )
    console.print(f"scenes in {out}: cut them with watermap tile {out} --out PATCHES", markup=False, soft_wrap=True)
    if failed:
        for error in failed:
            note(str(error))
        raise PartialFailureError(
            f"{len(failed)} of {len(scenes)} scenes failed",
            hint=f"see the lines above; {len(scenes) - len(failed)} are done",
        )


def _scene_row(scene: RefinedScene) -> list[str]:
    from watermap.labels.refine import DRY_WATER, MOVED, UNCLEAR, WET_LAND

    made = scene.refinement
    if made is None:
        return [scene.name, "failed" if scene.failure else "kept", "-", "-", "-"]
    whole = max(sum(made.pixels.values()), 1)
    doubted = sum(made.outcomes[fate] for fate in (UNCLEAR, DRY_WATER, WET_LAND))
    counts = (made.outcomes[MOVED], doubted, made.pixels[1], made.pixels[0])
    return [scene.name, *(f"{count / whole:.1%}" for count in counts)]


def _agree(text: str) -> int | None:
    """How many sources must agree, None for all."""
    from watermap.errors import UsageError

    if text == "all":
        return None
    if not text.isdigit() or not int(text):
        raise UsageError(f"--agree {text}: is no number of sources", hint="write a number from 1 on, or all")
    return int(text)


def _sources(paths: tuple[Path, ...], stated: tuple[str, ...]) -> list[Any]:
    """The sources, with what is stated of the pixels that they were made with."""
    from watermap.errors import UsageError
    from watermap.io.paths import location
    from watermap.labels.consensus import LabelSource

    sizes: dict[Path, float] = {}
    for text in stated:
        name, _, metres = text.rpartition("=")
        try:
            size = float(metres)
        except ValueError:
            size = 0.0
        if not 0 < size < 1e6:
            raise UsageError(f"--coarse-m {text}: {metres!r} is no size in metres", hint="e.g. 30, or hansen.tif=30")
        meant = [path for path in paths if not name or path == location(name)]
        if not meant:
            raise UsageError(f"--coarse-m {text}: {name} is none of the sources", hint="name it as among the sources")
        sizes |= dict.fromkeys(meant, size)
    return [LabelSource(path, sizes.get(path)) for path in paths]
