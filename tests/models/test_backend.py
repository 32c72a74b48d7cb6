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
