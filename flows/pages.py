"""What a run shows on its page: tables, pictures and links, as Prefect artifacts."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.artifacts import MarkdownArtifact, TableArtifact
from prefect.runtime import flow_run

from flows.rows import Row
from watermap.geo.area_text import km2_column


def show_rows(key: str, title: str, rows: Sequence[Row]) -> None:
    """A table of scenes and what became of them."""
    areas = iter(km2_column(row.water_km2 * 1e6 for row in rows if row.water_km2 is not None))
    has_areas = any(row.water_km2 is not None for row in rows)
    table = [
        {"scene": row.scene, "state": row.state}
        | ({"water km²": "" if row.water_km2 is None else next(areas)} if has_areas else {})
        | {"note": row.note}
        for row in rows
    ]
    _publish(TableArtifact(key=key, description=title, table=table))


def show_table(key: str, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Any other table."""
    _publish(TableArtifact(key=key, description=title, table=[dict(row) for row in rows]))


def show_picture(key: str, title: str, path: Path) -> None:
    """A PNG picture, carried in the page itself: it needs no server of its own."""
    content = base64.b64encode(path.read_bytes()).decode()
    text = f"### {title}\n\n![{title}](data:image/png;base64,{content})\n"
    _publish(MarkdownArtifact(key=key, description=title, markdown=text))


def show_files(key: str, title: str, paths: Sequence[Path]) -> None:
    """Where the results are."""
    lines = "\n".join(f"- [{path.name}]({path.resolve().as_uri()}) `{path.resolve()}`" for path in paths)
    _publish(MarkdownArtifact(key=key, description=title, markdown=f"### {title}\n\n{lines}\n"))


def _publish(artifact: Any) -> None:
    """Put something on the page of this run, and on that of the run that it is part of."""
    for run in dict.fromkeys((str(flow_run.id), _whole(str(flow_run.id)))):
        artifact.model_copy(update={"flow_run_id": UUID(run)}).create()


@functools.lru_cache(maxsize=16)
def _whole(_run: str) -> str:
    """The run that a user started; finding it asks the server."""
    return str(flow_run.root_flow_run_id)
