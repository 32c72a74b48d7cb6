"""Lock files, which end with the process that holds them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from watermap.io.files import locked

HOLD = """
import sys, time
from pathlib import Path
from watermap.io.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        with pytest.raises(BlockingIOError) as error, locked(tmp_path / "lock"):
            pass
        assert error.value.filename == str(tmp_path / "lock")
    with locked(tmp_path / "lock"):
        pass


def test_it_holds_against_other_processes_and_ends_when_they_are_killed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), locked(tmp_path / "lock"):
            pass
        other.kill()
    with locked(tmp_path / "lock"):
        pass


def test_an_error_ends_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong"), locked(tmp_path / "lock"):
        raise ValueError("wrong")
    with locked(tmp_path / "lock"):
        pass


def test_where_it_cannot_be_made_nobody_is_blamed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path / "absent" / "lock"):
        pass
    assert list(tmp_path.iterdir()) == []
