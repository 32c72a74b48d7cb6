"""Which bundle is in use: promotion on held-out ground, and the way back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.bundles import make_bundle
from tests.support.candidates import fair, write_held_out, wrong
from tests.support.failures import one_line
from tests.support.rasters import make_grid, write_scene
from tests.support.s3 import Bucket
from tests.support.web import Web
from watermap.bundles.bundle import Bundle, rewrite_contract
from watermap.bundles.registry import (
    CURRENT_FILE,
    current_bundle,
    default_bundle,
    follow,
    list_bundles,
    promote,
    roll_back,
)
from watermap.cli.main import run
from watermap.config import TileConfig
from watermap.errors import DataError, ModelError, UsageError
from watermap.evaluation.leaks import check_held_out
from watermap.io.paths import location
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_held_out(tmp_path_factory.mktemp("held_out"))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_the_way_back(models: Path) -> None:
    one, two = fair(models, "one"), fair(models, "two", threshold=0.6)
    assert current_bundle(models) is None
    for bundle in (one, two, two):
        promote(bundle, models)
    assert [role for _, role in list_bundles(models)] == ["earlier", "in use"]
    assert default_bundle(models).id == two.id
    assert roll_back(models).id == one.id
    assert default_bundle(models).id == one.id
    with pytest.raises(UsageError) as error:
        roll_back(models)
    assert "no bundle was in use before" in one_line(error)


def test_without_a_promotion_the_newest_is_taken(models: Path) -> None:
    fair(models, "one")
    newest = fair(models, "two", threshold=0.6)
    assert default_bundle(models).id == newest.id


def test_a_bundle_in_use_that_was_changed_is_not_taken_for_it(models: Path) -> None:
    promote(fair(models), models)
    fair(models, threshold=0.9)
    with pytest.raises(ModelError) as error:
        current_bundle(models)
    assert "was put to use" in one_line(error)
    (models / CURRENT_FILE).write_text("{")
    with pytest.raises(ModelError) as error:
        current_bundle(models)
    assert "damaged" in one_line(error)


def test_the_register_follows_a_bundle_that_is_restated(models: Path) -> None:
    first, second = fair(models, "first"), fair(models, "second")
    for bundle in (first, second):
        promote(bundle, models)
    for bundle in (first, second):
        changed = rewrite_contract(bundle, bundle.contract.model_copy(update={"threshold": 0.4}))
        assert changed.id != bundle.id
        assert follow(models, bundle, changed)
    assert default_bundle(models).contract.threshold == 0.4
    assert roll_back(models).folder == first.folder
    other = fair(models, "other")
    assert not follow(models, other, rewrite_contract(other, other.contract.model_copy(update={"threshold": 0.4})))


def test_a_bundle_from_elsewhere(models: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        promote(make_bundle(tmp_path / "elsewhere" / "x"), models)
    assert "copy the bundle there" in one_line(error)


def test_ground_that_was_trained_on_is_not_held_out(tmp_path: Path, held_out: Path) -> None:
    scenes = tmp_path / "scenes"
    write_scene(scenes, "trained", make_grid(128, 128), seed=1)
    write_scene(scenes, "more", make_grid(128, 128, left=600_000), seed=2)
    config = TileConfig(patch_size=32, block_patches=2, min_water=0.2, max_water=0.8)
    tile(scenes, tmp_path / "patches", config)
    store = PatchStore.open(tmp_path / "patches")
    with pytest.raises(DataError) as error:
        check_held_out(store, held_out)
    assert str(held_out / "a") in one_line(error)
    write_scene(tmp_path / "apart", "b", make_grid(64, 64, left=700_000), seed=2)
    check_held_out(store, tmp_path / "apart")


def test_the_commands(models: Path, held_out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, good = wrong(models), fair(models)
    where = ["--models", str(models)]
    assert run(["bundles", "promote", str(good.folder), *where]) == 0
    assert run(["bundles", "promote", str(bad.folder), *where, "--held-out", str(held_out)]) == 0
    assert "not promoted" in capsys.readouterr().out
    assert run(["bundles", "promote", str(bad.folder), *where]) == 0
    assert run(["bundles", "list", *where]) == 0
    assert "in use" in capsys.readouterr().out
    assert run(["bundles", "rollback", *where]) == 0
    assert f"fair ({good.id}) is in use again" in capsys.readouterr().out
    assert run(["bundles", "rollback", *where]) == 2
    assert run(["bundles", "list", "--models", "nowhere"]) == 5


def test_bundles_of_a_bucket_are_listed_and_used(bucket: Bucket, tmp_path: Path) -> None:
    first, second = (make_bundle(tmp_path / "models" / name, radius=radius) for radius, name in enumerate("ba"))
    place = location(bucket.put_folder(second.folder, "models/a").removesuffix("/a"))
    bucket.put_folder(first.folder, "models/b")
    assert default_bundle(place).id == first.id  # put there last
    assert [(bundle.folder.name, role) for bundle, role in list_bundles(place)] == [("a", ""), ("b", "")]
    promote(second, tmp_path / "models")
    bucket.put(f"models/{CURRENT_FILE}", (tmp_path / "models" / CURRENT_FILE).read_bytes())
    assert default_bundle(place).id == second.id
    assert [role for _, role in list_bundles(place)] == ["in use", ""]
    with pytest.raises(UsageError, match="outputs go to local folders"):
        promote(first_of(place), place)
    with pytest.raises(ModelError, match="holds none"):
        default_bundle(place / "absent")


def first_of(models: Path) -> Bundle:
    return list_bundles(models)[1][0]


def test_a_web_server_gives_the_bundle_in_use_and_no_list(web: Web) -> None:
    bundle = make_bundle(web.folder / "models" / "a")
    place = location(f"{web.url}/models")
    with pytest.raises(UsageError, match="does not list"):
        default_bundle(place)
    promote(bundle, web.folder / "models")
    assert default_bundle(place).id == bundle.id


def test_the_way_back_over_a_bundle_that_is_gone(models: Path) -> None:
    promote(fair(models, "one"), models)
    promote(fair(models, "two", threshold=0.6), models)
    shutil.rmtree(models / "one")
    with pytest.raises(ModelError) as error:
        roll_back(models)
    assert "put another one to use with watermap bundles promote" in one_line(error)
