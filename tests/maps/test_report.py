"""The page on a run."""

from __future__ import annotations

import re
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread, imsave

from tests.maps.test_timeline import GRID, write_water
from tests.support.bundles import make_bundle
from tests.support.folders import listing
from watermap.bundles.bundle import Bundle
from watermap.maps.report import write_report
from watermap.maps.report_facts import gather
from watermap.prediction.provenance import BUNDLE_TAG

EVIL = "<script>alert('a')</script>\"&"
VOID = {"meta", "img", "br"}
NOW = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
CHROMIUM = shutil.which("chromium")


class _Page(HTMLParser):
    """What a page holds: its elements with their attributes, its text, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.opened: list[str] = []
        self.feed(text)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.opened or self.opened[-1] != "style":
            self.words.append(data.strip())


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    scores = {"test": {"water_iou": 0.91234, "dice": None, "pixels": 123456}}
    training = {"run": "known", "epochs": 12, "seconds": 34.5}
    trained_on = {"patches": "7" * 64, "counts": {"train": 40, "test": 10}, "scenes": {"a": "", "b": ""}}
    made = make_bundle(
        tmp_path_factory.mktemp("models") / "a<b>", scores=scores, training=training, trained_on=trained_on
    )
    imsave(made.folder / "curves.png", np.zeros((4, 4, 3), np.uint8))
    return made


@pytest.fixture
def maps(tmp_path: Path, bundle: Bundle) -> Path:
    """Two maps by the bundle, one of them half no data."""
    codes = np.ones(GRID.shape, np.uint8)
    tags = {"WATERMAP_BUNDLE": bundle.folder.name, BUNDLE_TAG: bundle.id, "WATERMAP_ENGINE": "keras & co"}
    write_water(
        tmp_path / "maps", "lake_20230101", codes, GRID, **tags, WATERMAP_THRESHOLD="0.5", WATERMAP_SCENE_ETAG="<e>"
    )
    codes[:10] = 255
    write_water(tmp_path / "maps", "lake_20230201", codes, GRID, **tags, WATERMAP_THRESHOLD="0.7")
    return tmp_path / "maps"


def _read(path: Path) -> _Page:
    page = _Page(path.read_text(encoding="utf-8"))
    assert page.opened == []
    return page


def _addresses(page: _Page) -> Iterator[str]:
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster", "background"):
            if name in attributes:
                yield attributes[name] or ""


def test_the_page_stands_by_itself(maps: Path, bundle: Bundle) -> None:
    (maps / "timeline.csv").write_text("date,source\n2023-01-01,https://example.org/\n")
    path = write_report(gather(maps), maps / "report.html", bundle=bundle).path
    page = _read(path)
    assert all(address.startswith("data:image/png;base64,") for address in _addresses(page))
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.elements}
    assert not re.search(r"url\(|@import", path.read_text())
    pictures = [address.partition(",")[2] for address in _addresses(page)]
    assert len(pictures) == 3
    assert all(b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    assert {"http-equiv": "Content-Security-Policy"}.items() <= page.elements[4][1].items()


def test_it_tells_scenes_scores_how_they_were_made_and_limits(maps: Path, bundle: Bundle) -> None:
    (maps / "a_to_b_change.csv").write_text("class,km2\ngained,2.5\n")
    found = write_report(gather(maps), maps / "report.html", bundle=bundle, now=NOW)
    assert found.notes == ()
    said = _read(found.path).text
    for text in (
        "Water maps: maps",
        "2024-05-06 07:08 UTC, watermap ",
        "2023-01-01 to 2023-02-01",
        "lake_20230201  2023-02-01  0.03002  50.0%  a<b>  keras & co",
        "0.9123",
        "123,456",
        "trained on",
        "40 train, 10 test",
        bundle.contract.model_digest,
        "lake_20230101  0.5  etag <e>",
        "lake_20230201  0.7  -",
        "gained  2.5",
        "A pixel measures 10 m",
        "Scores hold for the patches that they were measured on.",
    ):
        assert re.sub(r"\s+", " ", text) in re.sub(r"\s+", " ", said)
    alone = _read(write_report(gather(maps), maps / "alone.html").path).text
    assert "This page knows no scores" in alone
    assert "How good the model is" not in alone


def test_maps_by_an_index_are_told_with_index_and_threshold(maps: Path, tmp_path: Path) -> None:
    assert "index threshold" not in _read(write_report(gather(maps), tmp_path / "plain.html").path).text
    tags = {"WATERMAP_INDEX": "ndwi", "WATERMAP_INDEX_THRESHOLD": "-0.25", "WATERMAP_MIN_AREA_M2": "500"}
    write_water(maps, "lake_20230301", np.ones(GRID.shape, np.uint8), GRID, **tags)
    said = " ".join(_read(write_report(gather(maps), tmp_path / "index.html").path).text.split())
    assert re.search(r"lake_20230301 2023-03-01 [\d.]+ 100.0% ndwi -", said)
    assert "index threshold -; -0.25" in said
    assert "smallest body, m² -; 500" in said


def test_charts_are_not_shrunk_to_the_width_of_a_phone(maps: Path, bundle: Bundle) -> None:
    (maps / "timeline.csv").write_text("date,water_km2\n2023-01-01,1\n")
    imsave(maps / "timeline.png", np.zeros((4, 4, 3), np.uint8))
    path = write_report(gather(maps), maps / "report.html", bundle=bundle).path
    page = _read(path)
    assert sum(attributes.get("class") == "wide chart" for _, attributes in page.elements) == 2  # curves, timeline
    assert re.search(r"\.chart img \{ min-width: \d+rem; \}", path.read_text())
    assert re.search(r"@media \(max-width: 30rem\) \{\s*\.maps \{ grid-template-columns: 1fr; \}", path.read_text())


def test_every_name_is_escaped(tmp_path: Path) -> None:
    tags = ("WATERMAP_VERSION", "WATERMAP_BUNDLE", BUNDLE_TAG, "WATERMAP_ENGINE", "WATERMAP_THRESHOLD")
    said = dict.fromkeys((*tags, "WATERMAP_CONFIG", "WATERMAP_SCENE_SHA256"), EVIL)
    folder = tmp_path / "<b onload=x>"
    write_water(folder, "<i>'\"&_20230101", np.ones(GRID.shape, np.uint8), GRID, **said)
    write_water(folder, "other", np.ones(GRID.shape, np.uint8), WATERMAP_ENGINE="<u>")
    (folder / "<s>change.csv").write_text('<table>,b\n<td>,"<th>"\n')
    evil = make_bundle(
        tmp_path / "<h6>",
        trained_on={"patches": EVIL, "counts": {EVIL: 1}, "scenes": {}},
        training={"run": EVIL, "epochs": EVIL, "seconds": EVIL},
        scores={EVIL: {"water_iou": 0.5}},
    )
    page = _read(write_report(gather(folder), tmp_path / "a.html", bundle=evil, title=f"{EVIL} $body").path)
    assert not {"script", "b onload=x", "i", "u", "s", "h6"} & {tag for tag, _ in page.elements}
    assert sum(tag == "b" for tag, _ in page.elements) == 3
    assert sum(tag == "title" for tag, _ in page.elements) == 1
    assert f"{EVIL} $body" in page.text
    assert page.text.count(EVIL) >= 12
    assert any(attributes.get("alt") == "Map of <i>'\"&_20230101" for _, attributes in page.elements)


def test_maps_of_another_bundle_are_told(maps: Path, bundle: Bundle, tmp_path: Path) -> None:
    write_water(maps, "lake_20230301", np.ones(GRID.shape, np.uint8), GRID, **{BUNDLE_TAG: "other"})
    notes = write_report(gather(maps), maps / "report.html", bundle=bundle).notes
    assert "1 of 3 maps do not say" in notes[0]
    assert "different bundles" in notes[1]
    assert "1 of 3 maps do not say" in _read(maps / "report.html").text


def test_maps_that_are_not_shown_are_told(maps: Path) -> None:
    said = _read(write_report(gather(maps, most_pictures=1), maps / "report.html").path).text
    assert "1 of 2 maps, spread over all dates." in said
    assert "no data" in said
    for name in ("lake_20230101", "lake_20230201"):
        (maps / f"{name}_quicklook.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    page = _read(write_report(gather(maps), maps / "report.html").path)
    assert not any(attributes.get("class") == "key" for _, attributes in page.elements)


def test_nothing_is_half_written(maps: Path) -> None:
    before = listing(maps)
    write_report(gather(maps), maps / "report.html")
    assert listing(maps) == sorted([*before, "report.html"])


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_shows_all_of_it(width: int, maps: Path, bundle: Bundle, tmp_path: Path) -> None:
    path = write_report(gather(maps), maps / "report.html", bundle=bundle).path
    shot = tmp_path / "shot.png"
    subprocess.run(
        [
            CHROMIUM or "",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},3000",
            f"--screenshot={shot}",
            path.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    picture = imread(shot)[..., :3]
    water = np.abs(picture - np.array([31, 119, 200]) / 255).max(axis=-1) < 0.03
    assert water.sum() > 5000
    assert (picture.max(axis=-1) < 0.3).sum() > 1000
    assert np.median(picture) == 1
