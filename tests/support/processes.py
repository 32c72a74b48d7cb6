"""Commands in processes of their own, and what they load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import sys
from watermap.cli.main import run
code = run(sys.argv[1:])
print(code, sorted({"keras", "tensorflow", "openvino", "jax", "torch"} & set(sys.modules)))
"""


def loaded_by(*words: str | Path) -> tuple[str, str]:
    """Exit code and list of the heavy libraries that a command loads, as in `3 []`, and its standard error."""
    command = [sys.executable, "-c", _SCRIPT, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "80"})
    return done.stdout.splitlines()[-1], done.stderr
