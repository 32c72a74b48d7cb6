"""What the help of a command looks like, and what is said of a command that does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from watermap.errors import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_PLAIN: Final = "Options"
_REST: Final = "Other options"
_WIDEST_FLAG: Final = 30
"""Flags that are longer have their text on the next line."""


class _Explained(click.Command):
    """Shows its options by section, and examples at the end.

    Args:
        examples: what somebody may want, each with the line that does it.
    """

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.examples = tuple(examples)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write options by section, in the order in which sections first come; those without one come last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        rest: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            if not isinstance(parameter, click.Option):
                continue
            record = parameter.get_help_record(ctx)
            if record is not None:
                title = getattr(parameter, "section", None)
                (rest if title is None else sections.setdefault(title, [])).append(record)
        shown = sections | {_REST if sections else _PLAIN: rest}
        width = max((len(flag) for records in shown.values() for flag, _ in records if len(flag) <= _WIDEST_FLAG))
        for title, records in shown.items():
            with formatter.section(title):
                formatter.write_dl([(flag.ljust(width), text) for flag, text in records], col_max=width)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Offer what a word may be, but no former spellings of options."""
        former = {flag for each in self.params for flag in getattr(each, "former_flags", ())}
        return [item for item in super().shell_complete(ctx, incomplete) if item.value not in former]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, and what else is said at the end."""
        if self.examples:
            with formatter.section("Examples"):
                margin = " " * formatter.current_indent
                for number, (purpose, line) in enumerate(self.examples):
                    if number:
                        formatter.write_paragraph()
                    for text in (f"# {purpose}", *line.splitlines()):
                        formatter.write(f"{margin}{text}\n")
        super().format_epilog(ctx, formatter)


class Command(_Explained):
    """A command that shows its options by section, and examples."""


class Group(_Explained, click.Group):
    """A command of commands, which names the one that was meant where there is none of a name."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, and options below them."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every command with the whole first sentence of its help."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(limit=500)) for name, each in commands.items() if each])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of the first word."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            hint = did_you_mean(name, known)
            ctx.fail(f"there is no command {name!r}{f': {hint}' if hint else ''}")
        return super().resolve_command(ctx, args)
