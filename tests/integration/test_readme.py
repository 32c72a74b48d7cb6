"""What the README says is there."""

import re
from pathlib import Path

from watermap.cli.main import _COMMANDS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_are_marked_for_continuous_integration() -> None:
    for mark, words in (("demo", "watermap demo"), ("test", "pytest -n 2 --cov")):
        block = re.search(rf"<!-- {mark} -->\n```sh\n(.+)\n```", README)
        assert block
        assert block[1].endswith(words)


def test_every_command_it_shows_exists() -> None:
    blocks = re.findall(r"```sh\n(.+?)```", README, flags=re.DOTALL)
    shown = {name for block in blocks for name in re.findall(r"\bwatermap (\w+)", block)}
    assert shown <= set(_COMMANDS)
    assert {"predict", "scenes", "tile", "train", "evaluate"} <= shown
