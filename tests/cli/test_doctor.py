"""`watermap doctor`: findings as lines, and the exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import listing
from watermap.cli import main
from watermap.cli.machine import Finding
from watermap.config import EarthEngineConfig

OK = Finding("watermap", "ok", "0.1.0, Python 3.11")
MISSING = Finding("Prefect", "missing", "not installed", "pip install 'prefect>=3.8'")
BROKEN = Finding("Earth Engine login", "broken", "key.json: no such file", "check the path")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The doctor finds what a test puts in here; and what the command asked of it comes out."""
    told: dict[str, object] = {"findings": [OK, MISSING]}

    def examine(config: EarthEngineConfig, *, folder: Path, online: bool) -> Iterator[Finding]:
        told.update(config=config, folder=folder, online=online)
        findings = told["findings"]
        assert isinstance(findings, list)
        yield from findings

    monkeypatch.setattr("watermap.cli.machine.examine", examine)
    monkeypatch.setitem(main._COMMANDS, "doctor", "Say what this machine can do.")
    return told


def test_what_is_optional_and_missing_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["doctor"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.splitlines() == [
        "ok       watermap              0.1.0, Python 3.11",
        "missing  Prefect               not installed",
        "                               -> pip install 'prefect>=3.8'",
        "1 ok, 1 missing, 0 broken",
    ]
    assert listing(tmp_path) == []


def test_what_is_broken_ends_with_6(asked: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    asked["findings"] = [BROKEN, OK, MISSING]
    assert main.run(["doctor"]) == 6
    shown = capsys.readouterr()
    assert shown.out.startswith("broken   Earth Engine login    key.json: no such file\n")
    assert shown.out.endswith("1 ok, 1 missing, 1 broken\n")
    assert shown.err == "watermap: 1 of 3 parts are broken: do what is said below them\n"


def test_a_long_finding_stays_on_its_line(asked: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    asked["findings"] = [Finding("packages", "ok", "[bold]numpy[/] 2.0, " * 30)]
    assert main.run(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines()[0].count("[bold]numpy[/] 2.0") == 30


def test_earth_engine_is_asked_as_stated(asked: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text('[earthengine]\nproject = "of-the-file"\nrequests = 3\n[export]\nlimit = 1\n')
    assert main.run(["doctor", "--config", "w.toml", "--key", "key.json", "--offline"]) == 0
    assert asked["config"] == EarthEngineConfig(project="of-the-file", key=Path("key.json"), requests=3)
    assert asked["online"] is False
    assert main.run(["doctor", "--config", "w.toml", "--project", "p"]) == 0
    assert asked["config"] == EarthEngineConfig(project="p", requests=3)
    assert asked["online"] is True


def test_settings_that_make_no_sense_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "w.toml").write_text("[earthengine]\nprojekt = 1\n")
    for words in (["--config", "w.toml"], ["--config", "absent.toml"], ["--project", ""], ["--nonsense"]):
        assert main.run(["doctor", *words]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.extended
def test_a_real_look_at_this_machine(tmp_path: Path) -> None:
    """Whatever the machine has: no traceback, and neither the network nor a home is needed."""
    script = """
import sys
from watermap.cli import main
main._COMMANDS["doctor"] = ""
sys.exit(main.run(["doctor", "--offline"]))
"""
    environment = os.environ | {"HOME": str(tmp_path), "KERAS_BACKEND": "tensorflow", "NO_GCE_CHECK": "true"}
    environment.pop("GOOGLE_APPLICATION_CREDENTIALS", None)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()[:3]] == ["ok", "ok", "ok"]
    assert "TensorFlow" in done.stdout
