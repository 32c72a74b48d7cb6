"""A run on one page of HTML that stands by itself: no scripts, no network, pictures inside."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from watermap import __version__
from watermap.bundles.bundle import Bundle
from watermap.geo.area_text import km2
from watermap.io.files import write_text
from watermap.maps.report_facts import FoundTable, MapFacts, RunFacts
from watermap.prediction.provenance import BUNDLE_TAG, SCENE_DIGEST_TAG

_CURVES_FILE: Final = "curves.png"
_MADE_BY: Final = {
    "WATERMAP_VERSION": "watermap",
    "WATERMAP_BUNDLE": "bundle",
    BUNDLE_TAG: "bundle id",
    "WATERMAP_ENGINE": "engine",
    "WATERMAP_THRESHOLD": "threshold",
    "WATERMAP_CONFIG": "settings digest",
}
_SCORES: Final = {
    "water_iou": "water IoU",
    "mean_iou": "mean IoU",
    "dice": "Dice",
    "accuracy": "accuracy",
    "pixels": "pixels",
}
_KEY: Final = " &ensp; ".join(
    f'<span class="key" style="background:{color}"></span>{name}'
    for color, name in (("#1f77c8", "water"), ("#ece2c6", "land"), ("#bfbfbf", "no data"))
)

_PAGE: Final = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; background: #fff; color: #1b1f24;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 1px solid #d5dae0; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; overflow-wrap: anywhere; }
p, ul { margin: .4rem 0; max-width: 44rem; }
.quiet { color: #57606a; font-size: .9rem; }
.warning { border-left: 4px solid #b35900; padding: .2rem .8rem; background: #fff6ec; }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2.4rem; margin: 1rem 0; }
.facts div { min-width: 6rem; }
.facts b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid #e6e9ed; }
th { font-weight: 600; white-space: nowrap; border-bottom-color: #8c959f; }
td { white-space: nowrap; }
.name { text-align: left; }
td.name { white-space: normal; overflow-wrap: anywhere; min-width: 6.5rem; }
td.name:first-child { min-width: 9rem; }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 1.2rem; }
@media (max-width: 40rem) { .maps { grid-template-columns: 1fr 1fr; gap: .8rem; } }
@media (max-width: 30rem) {
  .maps { grid-template-columns: 1fr; }
  th, td { padding-right: .6rem; }
  td.name:first-child { min-width: 7rem; }
}
figure { margin: 0; break-inside: avoid; }
img { display: block; max-width: 100%; height: auto; }
.chart img { min-width: 48rem; }
.maps img { width: 100%; max-height: 24rem; object-fit: contain; object-position: left top;
  image-rendering: auto; }
figcaption { font-size: .85rem; margin-top: .3rem; overflow-wrap: anywhere; }
.key { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 0; vertical-align: -.08em;
  border: 1px solid #8c959f; }
code { font: .85em ui-monospace, "Liberation Mono", Menlo, monospace; overflow-wrap: anywhere; }
@media print {
  @page { margin: 15mm; }
  html { font-size: 9pt; }
  body { padding: 0; max-width: none; }
  .wide { overflow: visible; }
  .chart img { min-width: 0; }
  td { white-space: normal; }
  h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; }
  .maps { grid-template-columns: repeat(3, 1fr); }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
""")


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
    title = title or f"Water maps: {facts.folder.resolve().name}"
    notes = _notes(facts, bundle)
    parts = [
        _opening(facts, now or datetime.now(UTC)),
        *(f'<p class="warning">{escape(note)}.</p>' for note in notes),
        _scenes(facts.scenes),
        _maps(facts.scenes),
        *(_found_table(table) for table in facts.tables),
        "" if bundle is None else _bundle(bundle),
        _how(facts.scenes),
        _limits(facts.scenes, bundle),
    ]
    write_text(path, _PAGE.substitute(title=escape(title), body="\n".join(part for part in parts if part)))
    return Page(path, tuple(notes))


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


def _opening(facts: RunFacts, now: datetime) -> str:
    dates = sorted(scene.shown for scene in facts.scenes if scene.shown is not None)
    period = "-" if not dates else f"{dates[0]}" if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    waters = [scene.water_km2 * 1e6 for scene in facts.scenes]
    low, high = km2(min(waters)), km2(max(waters))
    figures = {
        "maps": str(len(facts.scenes)),
        "dates": period,
        "km² of water seen, by map": low if low == high else f"{low} to {high}",
    }
    cells = "".join(f"<div><b>{escape(value)}</b>{escape(name)}</div>" for name, value in figures.items())
    when = f"{now:%Y-%m-%d %H:%M} UTC"
    return f'<p class="quiet">{when}, watermap {escape(__version__)}</p>\n<div class="facts">{cells}</div>'


def _scenes(scenes: Sequence[MapFacts]) -> str:
    rows = [
        (
            scene.raster.name,
            scene.shown.isoformat() if scene.shown else "-",
            km2(scene.water_km2 * 1e6),
            f"{scene.valid_fraction:.1%}",
            scene.tags.get("WATERMAP_BUNDLE", "-"),
            scene.tags.get("WATERMAP_ENGINE", "-"),
        )
        for scene in scenes
    ]
    return "<h2>Scenes</h2>\n" + _table(
        ("scene", "date", "water km²", "valid", "bundle", "engine"), rows, left=(0, 1, 4, 5)
    )


def _maps(scenes: Sequence[MapFacts]) -> str:
    shown = [scene for scene in scenes if scene.picture is not None]
    figures = "\n".join(
        f"<figure>{_image(scene.picture or b'', f'Map of {scene.raster.name}')}"
        f"<figcaption>{escape(scene.raster.name)}: {km2(scene.water_km2 * 1e6)} km²</figcaption></figure>"
        for scene in shown
    )
    remarks = [_KEY] if any(not scene.is_quicklook for scene in shown) else []
    if len(shown) < len(scenes):
        remarks.append(f"{len(shown)} of {len(scenes)} maps, spread over all dates.")
    return f'<h2>Maps</h2>\n<p class="quiet">{" ".join(remarks)}</p>\n<div class="maps">{figures}</div>'


def _found_table(table: FoundTable) -> str:
    parts = [f"<h2>{escape(table.path.stem.replace('_', ' ').capitalize())}</h2>"]
    if table.picture is not None:
        parts.append(_chart(table.picture, f"Picture of {table.path.stem}"))
    parts.append(_table(table.columns, table.rows))
    if table.left_out:
        parts.append(f'<p class="quiet">{table.left_out} rows more in {escape(table.path.name)}.</p>')
    return "\n".join(parts)


def _bundle(bundle: Bundle) -> str:
    contract = bundle.contract
    names = [name for name in _SCORES if any(name in scores for scores in contract.scores.values())]
    rows = [
        (f"{split} patches", *(_score(scores.get(name)) for name in names)) for split, scores in contract.scores.items()
    ]
    parts = ["<h2>How good the model is</h2>"]
    if rows:
        parts.append(_table(("", *(_SCORES[name] for name in names)), rows))
        parts.append(
            '<p class="quiet">IoU: the share of pixels that model and label both call water among those that either '
            "does. Test patches lie on ground that the training did not see.</p>"
        )
    else:
        parts.append("<p>The bundle holds no scores.</p>")
    curves = bundle.folder / _CURVES_FILE
    if curves.is_file():
        parts.append(f"<h3>Training</h3>\n{_chart(curves.read_bytes(), 'Training curves')}")
    training, trained_on = contract.training, contract.trained_on
    facts = {
        "bundle": f"{bundle.folder.name} ({bundle.id})",
        "trained": contract.created,
        "model": f"{contract.arch}, encoder {contract.encoder}",
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
    }
    return "\n".join([*parts, _facts(facts)])


def _how(scenes: Sequence[MapFacts]) -> str:
    """What made the maps: once what is the same for all, and by scene what is not."""
    stated = {name: sorted({scene.tags.get(tag, "-") for scene in scenes}) for tag, name in _MADE_BY.items()}
    parts = ["<h2>How the maps were made</h2>", _facts({name: "; ".join(values) for name, values in stated.items()})]
    differing = [(tag, name) for tag, name in _MADE_BY.items() if len(stated[name]) > 1]
    rows = [
        (scene.raster.name, *(scene.tags.get(tag, "-") for tag, _ in differing), _scene_digest(scene))
        for scene in scenes
    ]
    columns = ("scene", *(name for _, name in differing), "digest of the scene")
    return "\n".join([*parts, _table(columns, rows, left=range(len(columns)))])


def _scene_digest(scene: MapFacts) -> str:
    found = [(tag, value) for tag, value in scene.tags.items() if tag.startswith(SCENE_DIGEST_TAG)]
    return ", ".join(f"{tag.removeprefix(SCENE_DIGEST_TAG).lower()} {value}" for tag, value in sorted(found)) or "-"


def _limits(scenes: Sequence[MapFacts], bundle: Bundle | None) -> str:
    sizes = sorted({f"{scene.pixel_m:.3g}" for scene in scenes}, key=float)
    pixel = f"{sizes[0]} m" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} m"
    items = [
        "A map shows what the model takes for water in one image of one moment. Shadows, dark ground and wet ground "
        "may be taken for water; turbid, shallow, ice-covered or overgrown water may be missed.",
        "No data is neither land nor water: it counts in no area. Where much is not valid, there may be more water "
        "than the map shows. Clouds that the image does not mark as no data are mapped as if they were ground.",
        f"A pixel measures {pixel} and is water or land as a whole: streams and ponds narrower than two pixels may be "
        "missing, and every shore is uncertain by about half a pixel.",
        "Areas are sums of pixels, measured on the ellipsoid. They are not corrected for the model's errors.",
    ]
    if bundle is None:
        items.append("This page knows no scores of the model: give the bundle to tell how far the maps can be trusted.")
    else:
        items.append(
            "Scores hold for the patches that they were measured on. Elsewhere, in another season or with images of "
            "another kind the maps may be better or worse: compare some of them with what is known of the place."
        )
    return "<h2>Limits</h2>\n<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, left: Iterable[int] = (0,)) -> str:
    """A table that may be wider than the page; texts are escaped here."""
    names = frozenset(left)

    def line(kind: str, cells: Sequence[str]) -> str:
        marked = (f"<{kind}{' class=name' if i in names else ''}>{escape(c)}</{kind}>" for i, c in enumerate(cells))
        return f"<tr>{''.join(marked)}</tr>"

    body = "\n".join(line("td", row) for row in rows)
    head = f"<thead>{line('th', columns)}</thead>\n" if columns else ""
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'


def _facts(facts: dict[str, str]) -> str:
    """Names and values below each other."""
    return _table((), list(facts.items()), left=(0, 1))


def _chart(png: bytes, text: str) -> str:
    """A picture with letters, which a narrow screen shows piece by piece rather than too small to be read."""
    return f'<figure class="wide chart">{_image(png, text)}</figure>'


def _image(png: bytes, text: str) -> str:
    return f'<img src="data:image/png;base64,{b64encode(png).decode()}" alt="{escape(text)}">'


def _score(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
