"""Keras and its backend: found, named and missed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from watermap.config.extras import install_command
from watermap.models import backend


def test_a_missing_backend_is_one_line(tmp_path: Path) -> None:
    script = """
import sys
sys.modules["tensorflow"] = None
from watermap.cli.main import run
sys.exit(run(["train", "patches", "--out", "b"]))
"""
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 5
    assert done.stderr.startswith("watermap: Keras finds no backend")
    assert done.stderr.count("\n") == 1


def test_without_keras_it_is_named() -> None:
    script = "import sys; sys.modules['keras'] = None; from watermap.cli.main import run; sys.exit(run(sys.argv[1:]))"
    words = [sys.executable, "-c", script, "train", "patches", "--out", "b"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"watermap: Keras is not installed: {install_command('tensorflow')}; ")
    assert done.stderr.count("\n") == 1


def test_an_unknown_backend_is_one_line() -> None:
    command = [sys.executable, "-m", "watermap", "train", "patches", "--out", "b"]
    environment = os.environ | {"KERAS_BACKEND": "abacus"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 5
    assert done.stderr.startswith("watermap: Keras finds no backend")
    assert done.stderr.count("\n") == 1


def test_apples_gpu_and_a_backend_without_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    for there in (True, False):
        cuda = SimpleNamespace(device_count=lambda: 0)
        mps = SimpleNamespace(is_available=lambda there=there: there)
        torch: Any = SimpleNamespace(cuda=cuda, backends=SimpleNamespace(mps=mps))
        monkeypatch.setitem(sys.modules, "torch", torch)
        assert backend.accelerators("torch") == ["Apple GPU"] * there
    assert backend.accelerators("json") == []


@pytest.fixture
def _no_backend_stated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


@pytest.mark.usefixtures("_no_backend_stated")
@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ('{"backend": "torch"}', "torch"),
        ("{}", "tensorflow"),
        ("{", "tensorflow"),
        ("[]", "tensorflow"),
        (None, "tensorflow"),
    ],
)
def test_the_backend_is_looked_for_where_keras_looks(
    settings: str | None, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if settings is not None:
        (tmp_path / "keras.json").write_text(settings, encoding="utf-8")
    looked: list[str] = []

    def find(name: str) -> object:
        looked.append(name)
        return object()

    monkeypatch.setattr("importlib.util.find_spec", find)
    backend.check_keras()
    assert looked == ["keras", asked]
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    backend.check_keras()
    assert looked[2:] == ["keras", "jax"]
