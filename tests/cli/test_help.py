import re
import subprocess
import sys
import tomllib

import pytest
from click.shell_completion import ShellComplete
from rich.console import Console

from tests.support.documents import PROJECT, TOPICS
from watermap.cli import help as help_module
from watermap.cli.help import goal, read_topics
from watermap.cli.main import cli, run

NAMES = [path.stem for path in TOPICS]


def test_it_lists_every_topic_with_its_goal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help"]) == 0
    shown = capsys.readouterr().out
    assert re.findall(r"^([\w-]+)  +[A-Z]", shown, flags=re.MULTILINE) == NAMES
    assert re.search(r"^export +Turn an area and a period into a scenes folder", shown, flags=re.MULTILINE)
    assert "watermap help TOPIC" in shown


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_comes_as_it_is_written_where_there_is_no_terminal(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["help", name]) == 0
    assert capsys.readouterr().out == (TOPICS[NAMES.index(name)]).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [80, 200])
def test_a_topic_is_set_on_a_terminal(
    name: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(help_module, "console", Console(force_terminal=True, no_color=True, width=width))
    assert run(["help", name]) == 0
    lines = re.sub(r"\x1b(\[[\d;]*m|]8;.*?\x1b\\)", "", capsys.readouterr().out).splitlines()
    text = "\n".join(lines)
    assert max(map(len, lines)) <= min(width, 120)
    assert "```" not in text
    assert "|---" not in text
    assert ".md)" not in text
    assert "See also" in text


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("exprt", "did you mean export?"),
        ("EXPORT", "did you mean export?"),
        ("mosaic", "it is a command: watermap help products, or watermap mosaic --help"),
        ("xyzzy", "watermap help lists the topics"),
    ],
)
def test_an_unknown_topic_is_one_line_that_helps(word: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", word]) == 2
    assert capsys.readouterr() == ("", f"watermap: no topic {word}: {hint}\n")


def test_a_shell_is_offered_the_topics() -> None:
    offered = ShellComplete(cli, {}, "watermap", "_").get_completions(["help"], "e")
    assert [each.value for each in offered] == ["evaluate", "exit-codes", "export"]


def test_a_goal_is_one_line_whatever_its_breaks() -> None:
    assert goal("# Title\n\nOne line\nand another.\n\nMore.\n") == "One line and another."


def test_it_needs_nothing_heavy() -> None:
    script = """
import sys
from watermap.cli.main import cli, run
code = run(["help", "export"])
print(sorted({"tensorflow", "keras", "prefect", "ee", "rasterio", "matplotlib", "numpy"} & set(sys.modules)), code)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[] 0\n")


def test_topics_are_packed_with_the_package() -> None:
    packed = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert packed["package-data"]["watermap.cli.help"] == ["*.md"]
    assert list(read_topics()) == NAMES
