"""`watermap help`: the topics that lie beside this file, one Markdown file each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.resources import files
from typing import Final

import click
from rich.markdown import Markdown
from rich.table import Table

from watermap.cli.command import Command
from watermap.cli.console import console
from watermap.errors import UsageError

_LINK: Final = re.compile(r"\[([^\]]+)\]\([\w-]+\.md\)")
_READABLE_COLUMNS: Final = 120


def read_topics() -> Mapping[str, str]:
    """The Markdown text of every topic by its name, in the order of names."""
    found = {each.name.removesuffix(".md"): each for each in files(__name__).iterdir() if each.name.endswith(".md")}
    return {name: found[name].read_text(encoding="utf-8") for name in sorted(found)}


def goal(text: str) -> str:
    """What a topic is for: the paragraph below its title."""
    return " ".join(text.split("\n\n")[1].split())


def _starting(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Topics that a shell offers for what is typed."""
    return [name for name in read_topics() if name.startswith(typed)]


@click.command(
    name="help",
    cls=Command,
    examples=[("The topics", "watermap help"), ("One of them", "watermap help export")],
)
@click.argument("topic", required=False, shell_complete=_starting)
@click.pass_context
def command(context: click.Context, topic: str | None) -> None:
    """Show a topic of the documentation, or list the topics."""
    topics = read_topics()
    if topic is None:
        _list(topics)
    elif topic not in topics:
        raise UsageError(f"no topic {topic}", hint=_hint(topic, topics, context.find_root()))
    elif console.is_terminal:
        console.print(Markdown(_LINK.sub(r"`\1`", topics[topic])), width=min(console.width, _READABLE_COLUMNS))
    else:
        click.echo(topics[topic], nl=False)


def _list(topics: Mapping[str, str]) -> None:
    grid = Table.grid(padding=(0, 2))
    for name, text in topics.items():
        grid.add_row(name, goal(text))
    console.print(grid, soft_wrap=False)
    console.print("\nwatermap help TOPIC shows one of them, watermap COMMAND --help a command's options.", markup=False)


def _hint(topic: str, topics: Mapping[str, str], root: click.Context) -> str:
    if isinstance(root.command, click.Group) and topic in root.command.list_commands(root):
        about = next((name for name, text in topics.items() if f"watermap {topic} " in _first_commands(text)), None)
        also = f"watermap help {about}, or " if about else ""
        return f"it is a command: {also}watermap {topic} --help"
    near = get_close_matches(topic.lower(), topics, n=1)
    return f"did you mean {near[0]}?" if near else "watermap help lists the topics"


def _first_commands(text: str) -> str:
    return text.split("```", 2)[1]
