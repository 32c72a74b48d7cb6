"""Environments of their own, as a user would make them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

_PROJECT = Path(__file__).parents[2]
UNREACHABLE = re.compile(r"connection broken by|Could not fetch URL|Max retries exceeded")
"""What pip says where there is no package index."""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """A command, without what this process's own environment tells Python."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    environment |= {"PIP_RETRIES": "2", "PIP_DEFAULT_TIMEOUT": "30"}
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment)


def make_environment(folder: Path, extras: str = "") -> Path:
    """Install the package in a new environment.

    Args:
        folder: of the environment and of the source that it is installed from.
        extras: as pip takes them, e.g. `[fast]`.

    Returns:
        The command `watermap` of the environment.
    """
    source = folder / "source"  # a copy: a build leaves its files beside what it builds
    for name in ("watermap", "flows"):
        shutil.copytree(_PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_PROJECT / name, source)
    venv.create(folder / "env", with_pip=False)
    command = folder / "env" / "bin" / "watermap"
    pip_install(command, f"{source}{extras}")
    return command


def pip_install(command: Path, *requirements: str) -> None:
    """Install more beside a command; skips the test where there is no index to install from."""
    python = command.with_name("python")
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *requirements)
    if done.returncode and UNREACHABLE.search(done.stdout + done.stderr):
        pytest.skip("pip reaches no package index")
    assert done.returncode == 0, done.stderr
