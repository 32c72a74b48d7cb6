"""The flows' own commands, as a user types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.command import require_server
from tests.support.failures import one_line
from tests.support.ports import free_port
from watermap.errors import StorageError

PREFECT_YAML = Path(__file__).parents[2] / "prefect.yaml"


def test_a_server_that_does_not_answer_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: address}), pytest.raises(StorageError) as error:
        require_server()
    assert one_line(error).startswith(f"{address}: no Prefect server answers")
    assert "prefect server start" in one_line(error)


@pytest.mark.extended
@pytest.mark.parametrize(
    "command",
    [("flows.pipeline",), ("flows.serve", "--file", str(PREFECT_YAML))],
)
def test_a_server_that_does_not_answer_is_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}/api"
    environment = {**os.environ, "PREFECT_API_URL": address, "PREFECT_HOME": str(tmp_path)}
    words = [sys.executable, "-m", *command]
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 3
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith(f"{command[0]}: {address}: no Prefect server answers")
    assert "prefect server start" in line
