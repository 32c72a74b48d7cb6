"""README and help topics as tests read them: prose, code and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from watermap.cli.main import cli

PROJECT: Final = Path(__file__).parents[2]
README: Final = PROJECT / "README.md"
TOPICS: Final = tuple(sorted((PROJECT / "watermap" / "cli" / "help").glob("*.md")))
DOCUMENTS: Final = (README, *TOPICS, *sorted((PROJECT / ".github").glob("*.md")))

_FENCE: Final = re.compile(r"^```(\w+)\n(.+?)^```$", flags=re.DOTALL | re.MULTILINE)
_INLINE: Final = re.compile(r"`([^`]+)`")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return [code for found, code in _FENCE.findall(text) if found == language]


def inline_code(text: str) -> list[str]:
    """What stands in single backticks, each on one line."""
    return [" ".join(code.split()) for code in _INLINE.findall(_FENCE.sub("", text))]


def links(text: str) -> list[str]:
    """Targets of all links and pictures outside of code."""
    return _LINK.findall(_INLINE.sub("", _FENCE.sub("", text)))


def table(text: str, first: str) -> list[list[str]]:
    """The cells of the table whose header begins with a word, row by row, without its header."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            break
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" |")])
    return rows[1:]


def shell_commands(text: str) -> Iterator[list[str]]:
    """The words of every command in the shell blocks: no comments, long lines joined, chains taken apart."""
    for block in blocks(text, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            yield from split_commands(line)


def split_commands(line: str) -> Iterator[list[str]]:
    """The words of every command of a line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("&|;"):
            yield words
            words = []
        else:
            words.append(word)
    if words:
        yield words


def find_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The click command that the words after `watermap` name, and the words that are left.

    Raises:
        LookupError: there is none.
    """
    command: click.Command = cli
    left = list(words)
    while isinstance(command, click.Group) and left and not left[0].startswith("-"):
        found = command.get_command(click.Context(command), left[0])
        if found is None:
            raise LookupError(f"no command {' '.join(words)}")
        command = found
        left.pop(0)
    return command, left


def options(command: click.Command) -> set[str]:
    """All spellings of a command's options."""
    context = click.Context(command)
    return {flag for each in command.get_params(context) for flag in (*each.opts, *each.secondary_opts)}


def all_options(command: click.Command = cli) -> set[str]:
    """All spellings of the options of a command and of those below it."""
    found = options(command)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below
            found |= all_options(below)
    return found
