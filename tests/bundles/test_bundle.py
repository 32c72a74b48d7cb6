import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.bundles import known_network, make_bundle
from tests.support.folders import listing
from tests.support.web import Web
from watermap.bundles.bundle import CONTRACT_FILE, newest_bundle, open_bundle
from watermap.errors import DataError, ModelError, StorageError, UsageError
from watermap.io.paths import location


def test_a_bundle_comes_back_as_it_was(tmp_path: Path) -> None:
    saved = make_bundle(tmp_path / "b", threshold=0.4)
    found = open_bundle(tmp_path / "b")
    assert found == saved
    assert found.contract.threshold == 0.4
    assert found.contract.classes == {"land": 0, "water": 1, "no_data": 255}
    assert listing(tmp_path / "b") == ["bundle.json", "card.md", "item.json", found.contract.model_file]


def test_a_fresh_process_predicts_the_same(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", radius=2)
    image = np.random.default_rng(0).uniform(0, 3000, (1, 96, 96, 6)).astype(np.float32)
    np.save(tmp_path / "image.npy", image)
    script = """
import sys, numpy as np
from pathlib import Path
from watermap.bundles.bundle import open_bundle
folder = Path(sys.argv[1])
model = open_bundle(folder / "b").load_model((96, 96))
np.save(folder / "found.npy", model.predict_on_batch(np.load(folder / "image.npy")))
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True)
    here = np.asarray(bundle.load_model((96, 96)).predict_on_batch(image))
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), here, atol=1e-6)


def test_saving_again_replaces_the_network_and_changes_the_id(tmp_path: Path) -> None:
    first = make_bundle(tmp_path / "b")
    second = make_bundle(tmp_path / "b", radius=1)
    assert first.id != second.id
    assert listing(tmp_path / "b") == ["bundle.json", "card.md", "item.json", second.contract.model_file]


def test_a_bundle_of_another_version_is_refused(tmp_path: Path) -> None:
    make_bundle(tmp_path / "b")
    path = tmp_path / "b" / CONTRACT_FILE
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 99'))
    with pytest.raises(ModelError, match=r"a bundle of version 99, but watermap .* reads version 1: train it again"):
        open_bundle(tmp_path / "b")


def test_a_damaged_bundle_is_refused(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    contract, model = tmp_path / "b" / CONTRACT_FILE, tmp_path / "b" / bundle.contract.model_file
    text, weights = contract.read_text(), model.read_bytes()
    broken = json.dumps({k: v for k, v in json.loads(text).items() if k != "bands"})
    for bad in ("{", "[]", "{}", text[:100], broken):
        contract.write_text(bad)
        with pytest.raises(ModelError, match="damaged"):
            open_bundle(tmp_path / "b")
    contract.write_text(text)
    for bad_weights in (weights[:-100], weights[:1000] + b"x" + weights[1001:], b""):
        model.write_bytes(bad_weights)
        with pytest.raises(ModelError, match="not the file that was saved"):
            open_bundle(tmp_path / "b")
    model.unlink()
    with pytest.raises(ModelError, match="it is missing"):
        open_bundle(tmp_path / "b")


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a bundle"):
        open_bundle(tmp_path)
    with pytest.raises(ModelError, match="absent: no such folder"):
        open_bundle(tmp_path / "absent")


def test_the_newest_bundle_is_found(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no bundle was given"):
        newest_bundle(tmp_path / "models")
    make_bundle(tmp_path / "models" / "a")
    make_bundle(tmp_path / "models" / "b")
    os.utime(tmp_path / "models" / "b" / CONTRACT_FILE, (1, 1))
    assert newest_bundle(tmp_path / "models").folder.name == "a"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        make_bundle(tmp_path / "file" / "b")
    assert known_network().count_params() == 14


def test_a_bundle_elsewhere_is_fetched_when_it_is_needed_and_once(web: Web, tmp_path: Path) -> None:
    here = make_bundle(web.folder / "b", radius=1)
    place = location(f"{web.url}/b")
    bundle = open_bundle(place)
    assert (bundle.id, bundle.contract, bundle.folder) == (here.id, here.contract, place)
    copy = tmp_path / "cache" / "watermap" / f"{here.contract.model_digest}.keras"
    assert not copy.exists()
    image = np.random.default_rng(0).uniform(0, 3000, (1, 64, 64, 6)).astype(np.float32)
    expected = np.asarray(here.load_model().predict_on_batch(image))
    np.testing.assert_array_equal(np.asarray(bundle.load_model().predict_on_batch(image)), expected)
    saved = (web.folder / "b" / here.contract.model_file).read_bytes()
    assert copy.read_bytes() == saved
    web.asked()
    open_bundle(place).load_model()
    assert ("GET", f"/{web.folder.name}/b/{here.contract.model_file}") not in web.asked()
    for bad in (saved[:-100], b""):
        copy.write_bytes(bad)
        bundle.load_model()
        assert copy.read_bytes() == saved
    assert listing(copy.parent) == [copy.name]


def test_a_damaged_bundle_elsewhere_is_told_from_an_outage(web: Web, tmp_path: Path) -> None:
    bundle = make_bundle(web.folder / "b")
    place, model = location(f"{web.url}/b"), web.folder / "b" / bundle.contract.model_file
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(ModelError, match="not the file that was saved"):
        open_bundle(place).load_model()
    web.fail(model.name, status=503, method="GET")
    with pytest.raises(StorageError, match="503"):
        open_bundle(place).load_model()
    assert listing(tmp_path / "cache" / "watermap") == []
    web.fail(CONTRACT_FILE, status=503)
    with pytest.raises(StorageError, match="503"):
        open_bundle(place)
    web.mend()
    model.unlink()
    with pytest.raises(ModelError, match="it is missing"):
        open_bundle(place)
    with pytest.raises(ModelError, match="not a bundle"):
        open_bundle(location(f"{web.url}/absent"))
    path = web.folder / "b" / CONTRACT_FILE
    path.write_text(path.read_text().replace(bundle.contract.model_digest, "../../x"))
    model.touch()
    with pytest.raises(ModelError, match="its checksum is none"):
        open_bundle(place).load_model()


def test_a_bundle_is_not_saved_elsewhere(web: Web) -> None:
    with pytest.raises(UsageError, match="outputs go to local folders"):
        make_bundle(location(f"{web.url}/b"))
