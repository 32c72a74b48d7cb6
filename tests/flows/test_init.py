"""Flows without Prefect."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "prefect" else find(name, package)
sys.argv = ["-m"]  # as it is while `python -m flows.pipeline` imports the package
import flows
"""


def test_without_prefect_a_flow_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("watermap: flows need prefect, which is not installed: pip install ")
    assert "'prefect>=" in done.stderr
    assert done.stderr.count("\n") == 1
