import importlib
import subprocess
import sys

import pytest

import watermap.bundles.bundle
import watermap.prediction.predictor
import watermap.prediction.scene

PLACES = [
    ("watermap.bundle", "open_bundle", watermap.bundles.bundle.open_bundle),
    ("watermap.bundle", "Bundle", watermap.bundles.bundle.Bundle),
    ("watermap.predictor", "Predictor", watermap.prediction.predictor.Predictor),
    ("watermap.prediction", "predict_scene", watermap.prediction.scene.predict_scene),
]


@pytest.mark.parametrize(("module", "name", "found"), PLACES)
def test_what_moved_is_found_with_a_warning_that_names_its_place(module: str, name: str, found: object) -> None:
    with pytest.warns(DeprecationWarning, match=f"{module}.{name} is now {found.__module__}.{name}") as warned:
        assert getattr(importlib.import_module(module), name) is found
    assert warned[0].filename == __file__


@pytest.mark.parametrize("module", ["watermap.bundle", "watermap.predictor", "watermap.prediction"])
def test_what_was_never_there_is_an_error(module: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nothing'"):
        importlib.import_module(module).nothing  # noqa: B018 (asked for, not used)


def test_the_former_imports_work_and_warn_who_wrote_them() -> None:
    script = (
        "from watermap.bundle import open_bundle\n"
        "from watermap.config import PredictConfig\n"
        "from watermap.prediction import predict_scene\n"
        "from watermap.predictor import Predictor\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    told = done.stderr.splitlines()
    assert [line.partition(" is now ")[2].partition(";")[0] for line in told if "DeprecationWarning" in line] == [
        "watermap.bundles.bundle.open_bundle",
        "watermap.prediction.scene.predict_scene",
        "watermap.prediction.predictor.Predictor",
    ]
