"""What a run shows on its page: tables, pictures and links, as Prefect artifacts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.rows import Row


def show_rows(key: str, title: str, rows: Sequence[Row]) -> None:
    """A table of scenes and what became of them."""
    areas = any(row.water_km2 is not None for row in rows)
    table = [
        {"scene": row.scene, "state": row.state}
        | ({"water km²": "" if row.water_km2 is None else f"{row.water_km2:.3f}"} if areas else {})
        | {"note": row.note}
        for row in rows
    ]
    create_table_artifact(table, key=key, description=title)


def show_table(key: str, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Any other table."""
    create_table_artifact([dict(row) for row in rows], key=key, description=title)


def show_picture(key: str, title: str, path: Path) -> None:
    """A PNG picture, carried in the page itself: it needs no server of its own."""
    content = base64.b64encode(path.read_bytes()).decode()
    create_markdown_artifact(
        f"### {title}\n\n![{title}](data:image/png;base64,{content})\n", key=key, description=title
    )


def show_files(key: str, title: str, paths: Sequence[Path]) -> None:
    """Where the results are."""
    lines = "\n".join(f"- [{path.name}]({path.resolve().as_uri()}) `{path.resolve()}`" for path in paths)
    create_markdown_artifact(f"### {title}\n\n{lines}\n", key=key, description=title)
