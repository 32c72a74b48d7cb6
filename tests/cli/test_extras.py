"""Extras: what the package's own table says of them, and what needs none."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from watermap.cli import main
from watermap.cli.extras import EXTRAS

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", line)[0] for line in requirements}


def test_every_package_of_the_table_is_in_its_extra_and_no_base_dependency() -> None:
    for extra, packages in EXTRAS.items():
        assert set(packages.values()) <= names(PROJECT["optional-dependencies"][extra])
        assert not set(packages.values()) & names(PROJECT["dependencies"])
    assert set(EXTRAS["train"].values()) == names(PROJECT["optional-dependencies"]["train"])


def test_what_maps_scenes_imports_nothing_of_an_extra() -> None:
    script = """
import sys
import watermap.prediction.skip, watermap.bundles.registry, watermap.scenes.folder
print(sorted(set(sys.argv[1:]) & set(sys.modules)))
"""
    extras = [module for packages in EXTRAS.values() for module in packages if module != "openvino"]
    done = subprocess.run([sys.executable, "-c", script, *extras], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("pyogrio", "tile needs pyogrio, which is not installed: pip install 'watermap[train]'"),
        ("sklearn", "tile needs scikit-learn, which is not installed: pip install 'watermap[train]'"),
    ],
)
def test_a_package_that_is_missing_is_one_line(
    module: str, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main.cli, "invoke", _importing(module))
    assert main.run(["tile", "scenes", "--out", "sample"]) == 2
    assert capsys.readouterr() == ("", f"watermap: {line}\n")


@pytest.mark.parametrize("module", ["watermap.absent", "sklearn.absent", "rasterio"])
def test_another_module_that_is_missing_is_a_defect(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main.cli, "invoke", _importing(module))
    assert main.run(["tile", "scenes", "--out", "p"]) == 1
    assert "a defect of watermap" in capsys.readouterr().err


def _importing(module: str) -> object:
    def fail(*_: object) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    return fail
