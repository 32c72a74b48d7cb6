"""`watermap bundles card`, as it is typed."""

from pathlib import Path

import pytest

from tests.support.bundles import make_bundle
from tests.support.web import Web
from watermap.bundles.card import CARD_FILE, card
from watermap.cli.main import run


def test_the_card_of_any_bundle_is_shown_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(tmp_path / "b")
    (bundle.folder / CARD_FILE).unlink()  # as of a bundle from before there were cards
    expected = card(bundle.contract, bundle.id)
    assert run(["bundles", "card", str(bundle.folder)]) == 0
    assert capsys.readouterr().out == expected
    assert run(["bundles", "card", str(bundle.folder), "--out", "told/card.md"]) == 0
    assert Path("told/card.md").read_text() == expected
    assert capsys.readouterr().out == "Open:\n  told/card.md\n"


def test_a_bundle_elsewhere_has_one_too(web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(web.folder / "b")
    assert run(["bundles", "card", f"{web.url}/b"]) == 0
    assert capsys.readouterr().out == card(bundle.contract, bundle.id)


@pytest.mark.parametrize(("arguments", "code"), [(["absent"], 5), (["b", "--out", "https://host/card.md"], 2)])
def test_what_cannot_be_is_one_line(
    arguments: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_bundle(tmp_path / "b")
    assert run(["bundles", "card", *arguments]) == code
    assert capsys.readouterr().err.startswith(("watermap: ", "Usage: "))
