"""What a run is called: what it is about, and the day."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from prefect.runtime import flow_run

_ABOUT: Final = ("area", "scenes", "patches")
"""Parameters that say what a run is about; the first that is given counts."""
_LONGEST: Final = 60


def run_name() -> str:
    """For a flow's `flow_run_name`: `chiemsee, 2026-11-21`."""
    return f"{about(flow_run.parameters)}, {datetime.datetime.now(datetime.UTC).date().isoformat()}"


def about(parameters: Mapping[str, Any]) -> str:
    """What a run with these parameters is about, in a few words."""
    given = next((parameters[name] for name in _ABOUT if parameters.get(name)), _samples(parameters))
    texts = [_shown(each) for each in (given if isinstance(given, list | tuple) else [given])]
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    short = Path(texts[0]).stem if Path(texts[0]).suffix[1:].isalpha() else texts[0]
    return f"{short if len(short) <= _LONGEST else short[: _LONGEST - 3] + '...'}{more}"


def _samples(parameters: Mapping[str, Any]) -> str:
    return f"sample scenes for {Path(parameters['out']).name}" if "out" in parameters else "sample scenes"


def _shown(text: Any) -> str:
    """Without the query of an address, which may hold a signature."""
    return str(text).partition("?")[0] if "://" in str(text) else str(text)
