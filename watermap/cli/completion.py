"""`watermap completion`: what a shell needs to complete commands, options and files."""

from __future__ import annotations

from typing import Final

import click

from watermap.cli.command import Command

VARIABLE: Final = "_WATERMAP_COMPLETE"
"""Set by those scripts: what watermap is to answer instead of doing its work."""
_SHELLS: Final = ("bash", "zsh", "fish")


@click.command(
    "completion",
    cls=Command,
    examples=[
        ("bash, for good: then open a new terminal", "echo 'eval \"$(watermap completion bash)\"' >> ~/.bashrc"),
        ("zsh, for good: below compinit in ~/.zshrc", "echo 'eval \"$(watermap completion zsh)\"' >> ~/.zshrc"),
        ("fish, for good", "watermap completion fish > ~/.config/fish/completions/watermap.fish"),
        ("bash, in this terminal only", 'eval "$(watermap completion bash)"'),
    ],
)
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the script by which the Tab key completes watermap's commands, options, values and files.

    The shell has to read it, once a terminal or for good, as below.
    """
    from click.shell_completion import get_completion_class

    from watermap.cli.main import cli

    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"this click cannot complete in {shell}")
    click.echo(_whole_values(script(cli, {}, "watermap", VARIABLE).source()), nl=False)


def answer(instruction: str) -> int:
    """Tell a shell what may come next.

    Args:
        instruction: what the script has put into `VARIABLE`.

    Returns:
        The exit code.
    """
    from click.shell_completion import shell_complete

    from watermap.cli.main import cli

    return shell_complete(cli, {}, "watermap", VARIABLE, instruction)


def _whole_values(script: str) -> str:
    """The script for fish, which else would cut a value at its first comma, and lists of bands hold some."""
    return script.replace('string split "," $completion', 'string split -m 1 "," $completion')
