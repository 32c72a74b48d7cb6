"""What the Tab key completes, in shells that are really there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.terminals import completed
from watermap.cli.completion import VARIABLE
from watermap.cli.main import run

_SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "PS1='> '; unset zle_bracketed_paste; autoload -U compinit; compinit -u -D; bindkey -e",
    ),
}
_HEAVY = "{'numpy', 'rasterio', 'keras', 'tensorflow', 'openvino', 'prefect', 'ee', 'matplotlib', 'pyproj', 'shapely'}"


def _needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One in which `watermap` is a command, beside a scene and a bundle."""
    program = tmp_path / "bin" / "watermap"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m watermap "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "lagoon.tif").touch()
    bundle = tmp_path / "data" / "models" / "lakes"
    bundle.mkdir(parents=True)
    (bundle / "bundle.json").touch()
    return os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "TERM": "dumb", "HOME": str(tmp_path)}


@pytest.mark.parametrize("shell", _SHELLS)
@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("watermap pred", "watermap predict"),
        ("watermap bundles cal", "watermap bundles calibrate"),
        ("watermap predict --bun", "watermap predict --bundle"),
        ("watermap predict lag", "watermap predict lagoon.tif"),
        ("watermap predict lagoon.tif --bundle da", "watermap predict lagoon.tif --bundle data"),
        (
            "watermap predict lagoon.tif --bundle data/models/la",
            "watermap predict lagoon.tif --bundle data/models/lakes",
        ),
        ("watermap train patches --encoder mob", "watermap train patches --encoder mobilenetv2"),
        ("watermap tile scenes --bands B2,B12,B1", "watermap tile scenes --bands B2,B12,B1"),
        ("watermap tile scenes --bands B2,B8A,B9,", "watermap tile scenes --bands B2,B8A,B9,B"),
    ],
)
def test_tab_completes_what_is_typed(
    shell: str, typed: str, line: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    _needs(shell)
    words, setup = _SHELLS[shell]
    setup = f'{setup}; eval "$(watermap completion {shell})"'
    made = completed(words, setup, typed, folder=tmp_path, environment=environment)
    assert made.removesuffix("/") == line  # zsh takes the slash of a folder back


def test_bash_is_offered_every_command_option_and_choice(tmp_path: Path, environment: dict[str, str]) -> None:
    def offered(*words: str) -> list[str]:
        quoted = " ".join(f"'{word}'" for word in words)
        script = f"""
eval "$(watermap completion bash)"
COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}
_watermap_completion watermap
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
        run = ["bash", "--norc", "-c", script]
        done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
        assert done.stderr == ""
        return done.stdout.split()

    assert {"predict", "train", "completion"} <= set(offered("watermap", ""))
    assert offered("watermap", "labels", "") == ["compare", "consensus", "refine"]
    assert {"--bundle", "--no-style", "--config", "--help"} <= set(offered("watermap", "predict", "--"))
    assert offered("watermap", "predict", "x.tif", "--tt") == ["--tta"]
    assert offered("watermap", "predict", "x.tif", "--symm") == []
    assert offered("watermap", "predict", "x.tif", "--engine", "") == ["auto", "keras", "openvino"]
    assert offered("watermap", "train", "p", "--arch", "un") == ["unet", "unet3plus"]
    assert offered("watermap", "train", "p", "--loss", "focal+d") == ["focal+dice"]
    assert offered("watermap", "evaluate", "") == ["data/models/lakes"]


def test_fish_completes_commands_options_values_and_files(tmp_path: Path, environment: dict[str, str]) -> None:
    _needs("fish")

    def offered(line: str) -> list[str]:
        script = f'watermap completion fish | source; complete -C "{line}"'
        run = ["fish", "--no-config", "-c", script]
        done = subprocess.run(
            run,
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env=environment,
        )
        return [each.partition("\t")[0] for each in done.stdout.splitlines()]

    assert offered("watermap pred") == ["predict"]
    assert offered("watermap predict --bun") == ["--bundle"]
    assert offered("watermap predict lag") == ["lagoon.tif"]
    assert offered("watermap tile s --bands B2,B8") == ["B2,B8", "B2,B8A"]


@pytest.mark.parametrize(
    "line",
    ["watermap ", "watermap predict --", "watermap train p --arch ", "watermap demo --", "watermap labels refine --"],
)
def test_completing_imports_nothing_heavy(line: str) -> None:
    script = f"""
import sys
sys.argv = ["watermap"]
from watermap.cli.main import main
try:
    main()
finally:
    print(sorted({_HEAVY} & set(sys.modules)))
"""
    count = len(line.split(" ")) - 1
    words = {VARIABLE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(count)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ | words
    )
    *offered, heavy = done.stdout.splitlines()
    assert heavy == "[]"
    assert len(offered) >= 4


def test_a_shell_that_is_not_known_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "tcsh"]) == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in capsys.readouterr().err
