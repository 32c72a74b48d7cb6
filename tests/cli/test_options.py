"""Options made from settings: sections, names, numbers."""

from __future__ import annotations

from typing import Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from watermap.cli import main
from watermap.cli.command import Command
from watermap.cli.options import option, section, setting
from watermap.config import Config


def test_numbers_on_flags_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["predict", "x.tif", "--offset", "many"]) == 2
    assert "'many' is not a valid float" in capsys.readouterr().err
    assert main.run(["predict", "x.tif", "--offset", "nan"]) == 2
    assert main.run(["predict", "x.tif", "--scale", "inf"]) == 2
    assert main.run(["tile", "s", "--out", "p", "--offset", "nan"]) == 2


def test_options_stand_in_their_sections_in_the_order_given(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command("boats", cls=Command, examples=[("Two boats", "boats --sails 2"), ("None", "boats")])
    @section("Usual options", option("--sails", help="How many."), option("--oars", help="How many."))
    @section("Rarely", option("--anchor", is_flag=True, help="Drop it."))
    @option("--config", help="File.")
    def boats(**_: object) -> None:
        """Row."""

    with pytest.raises(SystemExit):
        boats.main(["--help"], "boats")
    assert capsys.readouterr().out == (
        "Usage: boats [OPTIONS]\n\n  Row.\n\n"
        "Usual options:\n  --sails TEXT   How many.\n  --oars TEXT    How many.\n\n"
        "Rarely:\n  --anchor       Drop it.\n\n"
        "Other options:\n  --config TEXT  File.\n  --help         Show this message and exit.\n\n"
        "Examples:\n  # Two boats\n  boats --sails 2\n\n  # None\n  boats\n"
    )


class Boat(Config):
    """Settings of a boat."""

    sails: int = Field(2, ge=1, description="How many.")
    wind: Literal["none", "fair"] = Field("fair", description="How it blows.")
    crew: tuple[str, ...] = Field(("Ann", "Ben"), description="Who sails.")
    anchor: bool = Field(False, description="Drop it.")
    harbour: str = Field(description="Where it lies.")


@click.command("boat")
@setting(Boat, "sails", former="sheets")
@setting(Boat, "wind")
@setting(Boat, "crew")
@setting(Boat, "anchor")
@setting(Boat, "harbour")
def boat(**stated: object) -> None:
    """Say what was stated."""
    click.echo(repr(dict(sorted(stated.items()))))


def test_what_is_not_given_is_none_so_that_a_file_counts() -> None:
    shown = CliRunner().invoke(boat, []).output
    assert shown == "{'anchor': None, 'crew': None, 'harbour': None, 'sails': None, 'wind': None}\n"


def test_a_flag_has_the_type_of_its_setting() -> None:
    shown = CliRunner().invoke(boat, ["--sails", "3", "--wind", "none", "--no-anchor"]).output
    assert shown == "{'anchor': False, 'crew': None, 'harbour': None, 'sails': 3, 'wind': 'none'}\n"
    assert "'gale' is not one of 'none', 'fair'" in CliRunner().invoke(boat, ["--wind", "gale"]).output


def test_the_help_tells_the_default_of_the_setting() -> None:
    shown = " ".join(CliRunner().invoke(boat, ["--help"]).output.split())
    for text in (
        "--sails N How many. [default: 2]",
        "--wind [none|fair] How it blows. [default: fair]",
        "--crew TEXT Who sails. [default: Ann,Ben]",
        "--anchor / --no-anchor Drop it. [default: off]",
    ):
        assert text in shown
    assert "--harbour TEXT Where it lies. --help" in shown


def test_a_former_name_works_and_is_not_shown() -> None:
    assert "'sails': 4" in CliRunner().invoke(boat, ["--sheets", "4"]).output
    assert "sheets" not in CliRunner().invoke(boat, ["--help"]).output


def test_what_is_written_lies_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["sample", "--out", "s3://bucket/scenes"]) == 2
    assert "outputs go to local folders" in capsys.readouterr().err
    assert main.run(["sample", "--out", "s", "--config", "https://host/w.toml"]) == 2
    assert "copy it to this machine" in capsys.readouterr().err
