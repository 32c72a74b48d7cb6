"""Commands in processes of their own, and what they load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_SCRIPT = """
import json, sys
from watermap.cli.main import run
for words in json.loads(sys.argv[1]):
    code = run(words)
    print(code, sorted({"keras", "tensorflow", "openvino", "jax", "torch"} & set(sys.modules)))
"""


def loaded_by(*commands: Sequence[str | Path]) -> tuple[list[str], str]:
    """What commands load, one after the other in one process.

    Returns:
        Exit code and list of the heavy libraries that are loaded after each, as in `3 []`, and its standard error.
    """
    words = json.dumps([[str(word) for word in command] for command in commands])
    environment = os.environ | {"COLUMNS": "80"}
    script = [sys.executable, "-c", _SCRIPT, words]
    done = subprocess.run(script, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()[-len(commands) :], done.stderr
