"""Extras: what the package's own metadata say of them, what a hint names, and what needs none."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from watermap.cli import main
from watermap.config.extras import DISTRIBUTION, install_command, missing, requirements

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = [name for name in PROJECT["optional-dependencies"] if name != "dev"]
MODULES = {"earthengine-api": "ee", "mlflow-skinny": "mlflow", "pyyaml": "yaml", "scikit-learn": "sklearn"}


def stated(extra: str) -> set[str]:
    """What an extra comes to by pyproject.toml, where extras name each other."""
    found: set[str] = set()
    for line in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(line)
        assert requirement.name != "watermap", "that is somebody else's"
        own = requirement.name == DISTRIBUTION
        found |= set().union(*map(stated, requirement.extras)) if own else {str(requirement)}
    return found


def named(command: str) -> set[str]:
    """The requirements that a command installs."""
    assert command.startswith("pip install ")
    words = re.findall(r"'([^']+)'", command)
    assert command == " ".join(["pip install", *(f"'{word}'" for word in words)])
    return {str(Requirement(word)) for word in words}


@pytest.fixture
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)


def test_the_distribution_has_a_name_of_its_own() -> None:
    assert PROJECT["name"] == DISTRIBUTION == metadata.metadata(DISTRIBUTION)["Name"]
    assert PROJECT["scripts"] == {"watermap": "watermap.cli.main:main"}


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.usefixtures("_nothing_installed")
def test_a_hint_is_what_the_metadata_say(extra: str) -> None:
    assert named(install_command(extra)) == stated(extra)


@pytest.mark.usefixtures("_nothing_installed")
def test_without_an_extra_it_is_what_the_package_needs() -> None:
    assert named(install_command()) == {str(Requirement(line)) for line in PROJECT["dependencies"]}


def test_a_hint_names_what_is_missing_or_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"openvino": "2024.6", "nncf": "3.0", "pyogrio": "0.10"}
    monkeypatch.setattr(metadata, "version", versions.__getitem__)
    assert install_command("int8") == "pip install 'openvino>=2025.0'"
    versions |= {"openvino": "2026.0"}
    assert install_command("int8") == "pip install 'openvino>=2025.0' 'nncf>=3.0'"  # there, and yet it failed
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert install_command("polygons") == 'pip install "pyogrio>=0.10"'


def test_a_hint_can_be_confined(monkeypatch: pytest.MonkeyPatch) -> None:
    assert install_command("cloud", only=["fsspec", "gcsfs"]) == "pip install 'fsspec[http]>=2026.9' 'gcsfs>=2026.9'"


def test_a_source_tree_that_was_never_installed_has_a_hint_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watermap.config.extras.DISTRIBUTION", "watermap-absent")
    assert install_command("fast") == "install watermap-absent from this source tree with the extra fast"
    assert missing(ModuleNotFoundError(name="openvino"), needed_by="predict") is None


def test_no_extra_repeats_what_the_package_needs() -> None:
    base = {each.name for each in requirements()}
    assert not any(base & {each.name for each in requirements(extra)} for extra in EXTRAS)


def test_no_text_tells_to_install_the_distribution_of_somebody_else() -> None:
    texts = [path for folder in ("watermap", "flows") for path in (ROOT / folder).rglob("*") if path.suffix != ".pyc"]
    for path in filter(Path.is_file, texts):
        assert not re.search(r"pip install\W+watermap|\bwatermap\[", path.read_text(encoding="utf-8")), path


def test_what_maps_scenes_imports_nothing_of_an_extra() -> None:
    script = """
import sys
import watermap.prediction.skip, watermap.bundles.registry, watermap.scenes.folder
print(sorted(set(sys.argv[1:]) & set(sys.modules)))
"""
    names = {each.name for extra in EXTRAS for each in requirements(extra)} - {"openvino"}
    modules = {MODULES.get(name, name.replace("-", "_")) for name in names}
    done = subprocess.run([sys.executable, "-c", script, *modules], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("module", "package", "needed_by", "extra"),
    [
        ("pyogrio", "pyogrio", "vectorize", "polygons"),
        ("pyogrio", "pyogrio", "tile", "train"),
        ("sklearn", "scikit-learn", "tile", "train"),
        ("nncf", "nncf", "bundles", "int8"),
        ("ee", "earthengine-api", "export", "earthengine"),
        ("distributed", "prefect-dask", "train", "dask"),
    ],
)
@pytest.mark.usefixtures("_nothing_installed")
def test_a_package_that_is_missing_is_one_line(
    module: str,
    package: str,
    needed_by: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(main.cli, "invoke", _importing(module))
    assert main.run([needed_by, "scenes", "--out", "sample"]) == 2
    message, command = capsys.readouterr().err.removesuffix("\n").split(", which is not installed: ")
    assert message == f"watermap: {needed_by} needs {package}"
    assert named(command) == stated(extra)


@pytest.mark.parametrize("module", ["watermap.absent", "sklearn.absent", "rasterio", "moto"])
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
