"""A candidate takes over only if it is no worse on the same held-out ground."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.candidates import fair, write_held_out, wrong
from watermap.bundles.bundle import Bundle
from watermap.bundles.registry import current_bundle, default_bundle, list_bundles, promote, roll_back
from watermap.config import PredictConfig
from watermap.errors import UsageError
from watermap.evaluation import promotion
from watermap.evaluation.promotion import consider

CONFIG = PredictConfig(window=64, overlap=16)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_held_out(tmp_path_factory.mktemp("held_out"))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_only_a_candidate_that_is_no_worse_takes_over(held_out: Path, models: Path) -> None:
    bad, good = wrong(models), fair(models)
    first = consider(bad, models, held_out, CONFIG)
    assert first.promoted
    assert first.current is None
    better = consider(good, models, held_out, CONFIG)
    assert better.promoted
    assert better.candidate_score is not None
    assert better.current_score is not None
    assert better.candidate_score > better.current_score + 0.1
    worse = consider(bad, models, held_out, CONFIG)
    assert not worse.promoted
    assert "is worse than" in worse.reason
    assert consider(bad, models, held_out, CONFIG, tolerance=1.0).promoted
    in_use = current_bundle(models)
    assert in_use is not None
    assert in_use.id == bad.id
    assert consider(bad, models, held_out, CONFIG).reason == "it is in use already"


def test_what_was_declined_is_not_scored_again(held_out: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = fair(models), wrong(models)
    promote(good, models)
    first = consider(bad, models, held_out, CONFIG)
    scored: list[str] = []
    score = promotion._score

    def count(bundle: Bundle, *rest: Any) -> float:
        scored.append(bundle.folder.name)
        return score(bundle, *rest)

    monkeypatch.setattr(promotion, "_score", count)
    again = consider(bad, models, held_out, CONFIG)
    assert (again.promoted, again.candidate_score, again.current_score) == (
        False,
        first.candidate_score,
        first.current_score,
    )
    assert again.reason.startswith(first.reason)
    assert not scored
    assert not consider(bad, models, held_out, PredictConfig(window=64, overlap=0)).promoted
    assert consider(bad, models, held_out, CONFIG, tolerance=1.0).promoted
    assert scored == ["wrong", "fair"] * 2


def test_what_was_taken_back_waits_for_a_person(held_out: Path, models: Path) -> None:
    bad, good = wrong(models), fair(models)
    promote(bad, models)
    assert consider(good, models, held_out, CONFIG).promoted
    roll_back(models)
    waiting = consider(good, models, held_out, CONFIG)
    assert not waiting.promoted
    assert "taken back by hand" in waiting.reason
    assert consider(good, models, held_out, CONFIG, again=True).promoted
    roll_back(models)
    promote(good, models)
    assert default_bundle(models).id == good.id


def test_without_held_out_ground_only_a_first_bundle_takes_over(models: Path) -> None:
    one, two = fair(models, "one"), fair(models, "two", threshold=0.6)
    assert consider(one, models, None, CONFIG).promoted
    decision = consider(two, models, None, CONFIG)
    assert not decision.promoted
    assert "no held-out scenes" in decision.reason
    assert default_bundle(models).id == one.id


def test_what_a_person_decided_meanwhile_stands(held_out: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad, other = fair(models), wrong(models), fair(models, "other", threshold=0.6)
    promote(good, models)
    score = promotion._score

    def meanwhile(bundle: Bundle, *rest: Any) -> float:
        promote(other, models)
        return score(bundle, *rest)

    monkeypatch.setattr(promotion, "_score", meanwhile)
    decision = consider(bad, models, held_out, CONFIG)
    assert not decision.promoted
    assert "meanwhile another bundle was put to use" in decision.reason
    assert default_bundle(models).id == other.id
    assert [role for _, role in list_bundles(models)] == ["earlier", "in use", ""]


def test_a_bundle_made_again_in_its_folder_takes_its_place(held_out: Path, models: Path) -> None:
    promote(fair(models), models)
    again = fair(models, threshold=0.6)
    assert consider(again, models, held_out, CONFIG).promoted
    assert default_bundle(models).id == again.id
    with pytest.raises(UsageError, match="no bundle was in use before"):
        roll_back(models)
