"""`python -m flows.serve`: the deployments of prefect.yaml, offered and run by this process, without a work pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import click
import yaml
from prefect import serve
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from pydantic import ValidationError

from flows.command import require_server, run_command
from flows.pipeline import pipeline
from watermap.errors import UsageError

ENTRYPOINT: Final = "flows/pipeline.py:pipeline"


def deployments(path: Path) -> list[RunnerDeployment]:
    """The deployments that a prefect.yaml describes.

    Args:
        path: the file; its deployments are of the pipeline, with cron schedules.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
        return [_deployment(each) for each in described]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path}: not a list of deployments ({reason})", hint="see watermap's prefect.yaml") from error


def _deployment(described: dict[str, Any]) -> RunnerDeployment:
    if described["entrypoint"] != ENTRYPOINT:
        raise ValueError(f"entrypoint {described['entrypoint']} is not {ENTRYPOINT}")
    schedules = [
        DeploymentScheduleCreate(
            schedule=_schedule(each),
            active=each.get("active", True),
        )
        for each in described.get("schedules", [])
    ]
    made = pipeline.to_deployment(
        name=f"{described['name']}-served",  # one of that name in a pool would keep its pool
        description=described.get("description"),
        tags=described.get("tags"),
        parameters=described.get("parameters"),
        concurrency_limit=described.get("concurrency_limit"),
        schedules=schedules,
    )
    return cast(RunnerDeployment, made)


def _schedule(described: dict[str, Any]) -> CronSchedule:
    try:
        return CronSchedule(cron=described["cron"], timezone=described.get("timezone", "UTC"))
    except ValidationError as error:
        raise ValueError(f"schedule {described}: {error.errors()[0]['msg']}") from error


@click.command()
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    default=Path("prefect.yaml"),
    show_default=True,
    help="Deployments and schedules.",
)
@click.option("--limit", type=click.IntRange(1), default=1, show_default=True, help="Runs at once.")
def main(path: Path, limit: int) -> None:
    """Offer the deployments of prefect.yaml from this host, and run them when they are due."""
    offered = deployments(path)
    require_server()
    serve(*offered, limit=limit)


if __name__ == "__main__":
    run_command("flows.serve", main)
