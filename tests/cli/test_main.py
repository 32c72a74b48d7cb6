import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from tests.support.folders import listing
from watermap import __version__
from watermap.cli import main
from watermap.errors import DataError, ModelError, PartialFailureError, UsageError

COMMANDS = (
    "demo",
    "sample",
    "export",
    "scenes",
    "labels",
    "tile",
    "train",
    "models",
    "evaluate",
    "bundles",
    "predict",
    "sample-design",
    "area",
    "timeline",
    "report",
    "doctor",
)


def test_help_is_fast_and_imports_nothing_heavy() -> None:
    script = """
import sys
from watermap.cli.main import run
code = run(["--help"])
heavy = {"tensorflow", "keras", "prefect", "ee", "rasterio", "matplotlib", "sklearn", "albumentations", "numpy"}
print(sorted(heavy & set(sys.modules)), code)
"""
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        seconds.append(time.monotonic() - start)
        assert done.stdout.endswith("[] 0\n")
    assert min(seconds) < 1
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_without_tensorflow(name: str) -> None:
    script = f"""
import sys
from watermap.cli.main import run
code = run([{name!r}, "--help"])
print(sorted({{"tensorflow", "keras", "prefect", "ee"}} & set(sys.modules)), code)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: watermap " + name)
    assert done.stdout.endswith("[] 0\n")


def test_importing_watermap_imports_nothing() -> None:
    script = "import sys; before = set(sys.modules); import watermap; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['watermap']\n"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("a", hint="b"), 2),
        (DataError("a", hint="b"), 3),
        (ModelError("a", hint="b"), 5),
        (PartialFailureError("a", hint="b"), 6),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (MemoryError(), 1),
    ],
)
def test_every_ending_is_one_line_and_a_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(main.cli, "invoke", fail)
    assert main.run(["predict", "x.tif"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("watermap: ")
    assert shown.err.count("\n") == 1


def test_a_defect_shows_where_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main.cli, "invoke", fail)
    assert main.run(["predict", "x.tif"]) == 1
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.endswith("a defect of watermap: please report it with the lines above\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["predict"],
        ["predict", "x.tif", "--threshold", "2"],
        ["predict", "x.tif", "--bands", "B4,B99"],
        ["predict", "x.tif", "--window", "64", "--overlap", "40"],
        ["tile", "scenes"],
        ["tile", "scenes", "--out", "p", "--patch-size", "many"],
        ["tile", "scenes", "--out", "p", "--min-water", "0.8"],
        ["tile", "scenes", "--out", "p", "--config", "absent.toml"],
        ["train", "patches", "--out", "b", "--arch", "vit"],
        ["sample", "--out", "s", "--scenes", "0"],
    ],
)
def test_usage_mistakes_are_one_line_and_leave_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert listing(tmp_path) == []


def test_an_interruption_that_native_code_disguises_is_still_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        with pytest.raises(KeyboardInterrupt):
            main._interrupt()
        raise SystemError("bad argument to internal function")

    monkeypatch.setattr(main.cli, "invoke", fail)
    assert main.run(["predict", "x.tif"]) == 130
    assert capsys.readouterr().err == "watermap: interrupted; run the same command again to go on\n"


def test_a_second_interruption_does_not_break_into_what_the_first_cleans_up(tmp_path: Path) -> None:
    script = """
import os, signal, sys, threading, time
from pathlib import Path
from watermap.cli import main

def tidy():
    time.sleep(0.5)
    Path("thread").touch()

def work(*_):
    threading.Thread(target=tidy).start()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        Path("itself").touch()

main.cli.invoke = work
sys.argv = ["watermap", "predict", "x.tif"]
main.main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == "watermap: interrupted; run the same command again to go on\n"
    assert listing(tmp_path) == ["itself", "thread"]


def test_a_path_that_the_system_refuses_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["tile", "x" * 300, "--out", "p"]) == 3
    shown = capsys.readouterr().err
    assert "File name too long" in shown
    assert shown.count("\n") == 1
