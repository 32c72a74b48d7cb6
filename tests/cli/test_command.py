"""The help of every command, and what is said of a misspelt one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from watermap.cli.command import Command, Group
from watermap.cli.main import cli, run


def _commands(command: click.Command, path: str = "watermap") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _commands(child, f"{path} {name}")


COMMANDS = dict(_commands(cli))
EXPLAINED = {path: command for path, command in COMMANDS.items() if isinstance(command, Command | Group)}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_help_fits_80_columns(
    path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*path.split()[1:], "--help"]) == 0
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("path", EXPLAINED)
def test_every_help_ends_with_examples_that_are_understood(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    examples = EXPLAINED[path].examples
    assert 2 <= len(examples) <= 4
    run([*path.split()[1:], "--help"])
    shown = capsys.readouterr().out
    for purpose, line in examples:
        assert f"  # {purpose}\n" in shown
        words = shlex.split(line.replace("\\\n", " "))
        if path == "watermap completion":  # lines for shells: they are typed into some elsewhere
            assert f"{path} " in line
            continue
        command: click.Command = cli
        _, *words = words
        while isinstance(command, click.Group):
            child = command.get_command(click.Context(command), words.pop(0))
            assert child is not None, line
            command = child
        if "--help" not in words:
            command.make_context("it", words)


@pytest.mark.parametrize("path", EXPLAINED)
def test_an_option_without_a_section_is_alone_or_a_general_one(path: str) -> None:
    options = [each for each in EXPLAINED[path].params if isinstance(each, click.Option)]
    sections = [getattr(each, "section", None) for each in options]
    rest = {each.name for each, title in zip(options, sections, strict=True) if title is None}
    if any(sections):
        assert rest <= {"config_path", "mlflow", "version"}
        assert sections[0] == "Usual options"
    else:
        assert len(rest) <= 9


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["predit", "x.tif"], "watermap: there is no command 'predit': did you mean predict? (see watermap --help)\n"),
        (["xyzzy"], "watermap: there is no command 'xyzzy' (see watermap --help)\n"),
        (["bundles", "lst"], "there is no command 'lst': did you mean list? (see watermap bundles --help)\n"),
        (["predict", "x.tif", "--treshold", "0.4"], "--threshold"),
        (["tile", "s", "--out", "p", "--bands", "B4,gren"], "'gren' is not a Sentinel-2 band: did you mean green?"),
        (["predict", "x.tif", "--bands", "B99"], "'B99' is not a Sentinel-2 band: did you mean B9?"),
    ],
)
def test_what_is_misspelt_is_named_rightly(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert shown.count("\n") == 1


def test_a_misspelt_band_or_setting_of_a_file_is_named_rightly(capsys: pytest.CaptureFixture[str]) -> None:
    Path("w.toml").write_text('[export]\nlast_days = 3\nbands = ["B2", "swri1"]\n', encoding="utf-8")
    assert run(["export", "1,2,3,4", "--out", "s", "--config", "w.toml"]) == 2
    assert "'swri1' is not a Sentinel-2 band: did you mean swir1?" in capsys.readouterr().err
    Path("w.toml").write_text("[tile]\npatch_sise = 64\n", encoding="utf-8")
    assert run(["tile", "s", "--out", "p", "--config", "w.toml"]) == 2
    assert "patch_sise: no such setting: did you mean patch_size?" in capsys.readouterr().err
