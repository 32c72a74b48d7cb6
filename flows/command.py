"""What `python -m flows...` does around a flow: a server that answers, and one line where the user can mend it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from watermap.errors import StorageError, WatermapError


def run_command(name: str, command: Callable[[], Any]) -> NoReturn:
    """Run a command and end the process with the exit code of what became of it.

    Args:
        name: module of the command, for messages.
        command: a click command.
    """
    try:
        command()
    except WatermapError as error:
        click.echo(f"{name}: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(0)


def require_server() -> None:
    """Make sure that the Prefect server that the settings name, if they name one, answers.

    Raises:
        StorageError: it does not.
    """
    address = PREFECT_API_URL.value()
    if address is None:
        return  # Prefect starts one for as long as the run lasts
    problem = get_client(sync_client=True).api_healthcheck()
    if problem is not None:
        raise StorageError(
            f"{address}: no Prefect server answers ({' '.join(str(problem).split()) or type(problem).__name__})",
            hint="start it with prefect server start, or go without: prefect config unset PREFECT_API_URL",
        )
