"""`watermap train`, as it is typed."""

from __future__ import annotations

import click
import pytest

from watermap.cli import main


def test_what_is_no_address_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["train", "--mlflow", "patches", "--out", "b"]) == 2
    assert "'patches' is no address such as http://HOST:5000" in capsys.readouterr().err


def test_the_options_of_a_training_are_those_of_a_comparison() -> None:
    def titled(name: str) -> dict[str, list[str | None]]:
        found: dict[str, list[str | None]] = {}
        command = main.cli.get_command(click.Context(main.cli), name)
        assert command is not None
        for each in command.params:
            title = getattr(each, "section", None) or ""
            if title not in ("", "Usual options"):
                found.setdefault(title, []).append(each.name)
        return found

    assert titled("train") == titled("compare")
    assert "loss" in titled("train")["What it learns from, and minimises"]
