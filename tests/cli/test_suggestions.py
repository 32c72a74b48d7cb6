"""What a shell offers for a value that is being typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from watermap.cli.suggestions import OrFiles, Words, bands, bundles, files, losses

CONTEXT = click.Context(click.Command("any"))
PARAMETER = click.Argument(["any"])


def offered(suggest: Callable[..., Any], incomplete: str) -> list[tuple[str, str]]:
    return [(each.value, each.type) for each in suggest(CONTEXT, PARAMETER, incomplete)]


@pytest.mark.parametrize(
    ("incomplete", "expected"),
    [("B8", ["B8", "B8A"]), ("B8,B1", ["B8,B1", "B8,B10", "B8,B11", "B8,B12"]), ("B8,B8", ["B8,B8A"]), ("X", [])],
)
def test_bands_go_on_with_one_that_is_not_named_yet(incomplete: str, expected: list[str]) -> None:
    assert [value for value, _ in offered(bands, incomplete)] == expected


def test_losses_go_on_after_a_plus() -> None:
    assert offered(losses, "di") == [("dice", "plain")]
    assert offered(losses, "focal+tv") == [("focal+tversky", "plain")]


def test_words_alone_are_offered_where_others_may_be_typed() -> None:
    suggest = Words("0", "otsu", "edge-otsu")
    assert [value for value, _ in offered(suggest, "")] == ["0", "otsu", "edge-otsu"]
    assert offered(suggest, "e") == [("edge-otsu", "plain")]
    assert offered(suggest, "0.2") == []


def test_words_come_before_files() -> None:
    suggest = OrFiles("imagenet", "none")
    assert offered(suggest, "im") == [("imagenet", "plain")]
    assert offered(suggest, "weights/") == [("weights/", "file")]
    assert offered(files, "a") == [("a", "file")]


def test_bundles_are_folders_with_a_contract(tmp_path: Path) -> None:
    for name in ("data/models/lakes", "mine/rivers", "mine/lakes"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "bundle.json").touch()
    (tmp_path / "mine" / "notes").mkdir()
    assert offered(bundles, "") == [("data/models/lakes", "plain")]
    assert offered(bundles, "mine/") == [("mine/lakes", "plain"), ("mine/rivers", "plain")]
    assert offered(bundles, "mine/ri") == [("mine/rivers", "plain")]
    assert offered(bundles, "other/") == [("other/", "dir")]
